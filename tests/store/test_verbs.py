"""The small verbs of both engines, without the rules: each does what the protocol says, and nothing beside it."""

import os
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag

from support.clocks import START
from support.secrets import new_secret
from taina.errors import ConflictError
from taina.store import ERASED, ROW, Envelope, Request, Secret, Store, Transaction, Usage

CLAIM = os.urandom(32)


def new_request(due: int = START) -> Request:
    return Request(os.urandom(16), os.urandom(32), os.urandom(32), 3, START, START + 3600, due, key="ann")


def put(store: Store, *secrets: Secret) -> None:
    def work(tx: Transaction) -> None:
        for secret in secrets:
            tx.put(secret)
            for n in range(secret.chunks):
                tx.put_chunk(secret.id, n, bytes([n]) * 40)

    store.atomically(work)


def find(store: Store, secret: Secret) -> Secret | None:
    return store.atomically(lambda tx: tx.find(secret.id))


def usage(store: Store) -> Usage:
    return store.atomically(lambda tx: tx.usage())


def test_every_field_of_a_secret_comes_back(store: Store) -> None:
    bare, full = new_secret(), new_secret()._replace(ended=1, failed_attempts=2, passphrase=False)
    full = full._replace(claim_id=os.urandom(16), claim_check=os.urandom(32), opened=os.urandom(32))
    put(store, bare, full)
    assert (find(store, bare), find(store, full), find(store, new_secret())) == (bare, full, None)
    assert [repr(found.passphrase) for one in (bare, full) if (found := find(store, one))] == ["True", "False"]
    assert store.atomically(lambda tx: tx.find_by_receipt(full.receipt_id)) == full
    assert store.atomically(lambda tx: tx.find_by_receipt(full.id)) is None
    assert full.claim_id
    assert store.atomically(lambda tx: tx.find_by_claim(full.claim_id or b"")) == full
    assert store.atomically(lambda tx: tx.find_by_claim(bare.id)) is None


def test_what_is_unique_is_so(store: Store) -> None:
    kept, other = new_secret()._replace(claim_id=os.urandom(16)), new_secret()
    put(store, kept, other)
    conflicts: list[Callable[[Transaction], object]] = [
        lambda tx: tx.put(new_secret()._replace(id=kept.id)),
        lambda tx: tx.put(new_secret()._replace(receipt_id=kept.receipt_id)),
        lambda tx: tx.update(other, claim_id=kept.claim_id or b""),
    ]
    for conflict in conflicts:
        with pytest.raises(ConflictError):
            store.atomically(conflict)
    assert (find(store, kept), find(store, other)) == (kept, other)
    assert usage(store) == Usage(2 * (ROW + 40))


def test_an_update_sets_what_it_names(store: Store) -> None:
    secret, other = new_secret(state="uploading"), new_secret()
    put(store, secret, other)
    assert usage(store) == Usage(2 * (ROW + 40), 40)
    store.atomically(lambda tx: tx.update(secret, state="waiting", held=30, due=5))
    assert find(store, secret) == secret._replace(state="waiting", held=30, due=5)
    assert find(store, other) == other
    assert usage(store) == Usage(2 * ROW + 70, 0)


def test_chunks_are_kept_once(store: Store) -> None:
    secret = new_secret(chunks=3)
    store.atomically(lambda tx: tx.put(secret))
    added = [store.atomically(lambda tx, n=n: tx.put_chunk(secret.id, n, bytes(40))) for n in (2, 0, 2)]  # type: ignore[misc]
    assert added == [True, True, False]
    with pytest.raises(ConflictError):
        store.atomically(lambda tx: tx.put_chunk(secret.id, 0, bytes(39) + b"x"))
    assert store.atomically(lambda tx: tx.chunks_present(secret.id)) == [0, 2]


@pytest.mark.parametrize("chunks", [1, 12])
def test_what_is_taken_is_given_in_order_and_gone(store: Store, chunks: int) -> None:
    secret, other = new_secret(chunks=chunks), new_secret(chunks=2)
    put(store, secret, other)
    taken = store.atomically(lambda tx: tx.take(secret, state="revealed", ended=START))
    assert taken == [bytes([n]) * 40 for n in range(chunks)]
    assert find(store, secret) == secret._replace(**ERASED | {"state": "revealed", "ended": START})
    assert usage(store) == Usage(2 * ROW + 80)
    assert store.atomically(lambda tx: tx.take(other, state="revealed")) == [bytes(40), b"\1" * 40]


def test_what_is_locked_opens_by_its_claim_alone(store: Store) -> None:
    secret = new_secret(chunks=2)
    put(store, secret)
    store.atomically(lambda tx: tx.lock_to_claim(secret.id, CLAIM))
    assert store.atomically(lambda tx: tx.read_claimed(secret.id, 1, CLAIM)) == b"\1" * 40
    with pytest.raises(InvalidTag):
        store.atomically(lambda tx: tx.read_claimed(secret.id, 1, bytes(32)))
    assert store.atomically(lambda tx: tx.read_claimed(secret.id, 0, CLAIM)) == bytes(40)


def test_erasing_again_changes_what_is_said_and_forgetting_leaves_nothing(store: Store) -> None:
    secret = new_secret(chunks=2)
    put(store, secret)
    erased = secret._replace(**ERASED | {"state": "burned"})
    store.atomically(lambda tx: tx.erase(secret, state="burned"))
    store.atomically(lambda tx: tx.erase(erased, due=7))
    assert (find(store, secret), usage(store)) == (erased._replace(due=7), Usage(ROW))
    store.atomically(lambda tx: tx.forget(erased._replace(due=7)))
    assert (find(store, secret), usage(store)) == (None, Usage())
    put(store, secret)
    store.atomically(lambda tx: tx.forget(secret))
    assert (find(store, secret), usage(store)) == (None, Usage())


def test_what_is_due_comes_longest_due_first(store: Store) -> None:
    secrets = [new_secret(due=START + n) for n in range(4)]
    put(store, *reversed(secrets))
    assert store.atomically(lambda tx: tx.due(START + 2, 10)) == secrets[:3]
    assert store.atomically(lambda tx: tx.due(START + 2, 2)) == secrets[:2]
    assert store.atomically(lambda tx: tx.due(START - 1, 2)) == []


def test_every_field_of_a_request_comes_back_with_its_envelopes(store: Store) -> None:
    request, other = new_request(), replace(new_request(), key=None)
    envelopes = [Envelope(os.urandom(81), START + n) for n in range(3)]

    def keep(tx: Transaction) -> None:
        tx.requests.put(request)
        tx.requests.put(other)
        for n in (1, 0, 2):
            tx.requests.put_envelope(request.id, n, envelopes[n])

    store.atomically(keep)
    assert store.atomically(lambda tx: tx.requests.find(request.id)) == request
    assert store.atomically(lambda tx: tx.requests.find(other.id)) == other
    assert store.atomically(lambda tx: tx.requests.find(bytes(16))) is None
    assert store.atomically(lambda tx: tx.requests.envelopes(request.id)) == envelopes
    assert store.atomically(lambda tx: tx.requests.envelopes(other.id)) == []
    assert usage(store) == Usage(5 * ROW)
    conflicts: list[Callable[[Transaction], object]] = [
        lambda tx: tx.requests.put(request),
        lambda tx: tx.requests.put_envelope(request.id, 1, envelopes[0]),
    ]
    for conflict in conflicts:
        with pytest.raises(ConflictError):
            store.atomically(conflict)
    assert usage(store) == Usage(5 * ROW)


def test_what_was_started_waits_until_it_is_settled(store: Store) -> None:
    request, other = new_request(), new_request()
    first, second, third = (os.urandom(16) for _ in range(3))

    def begin(tx: Transaction) -> None:
        for one in (request, other):
            tx.requests.put(one)
        tx.requests.start(request.id, first)
        tx.requests.start(request.id, second)
        tx.requests.start(other.id, third)

    def started(tx: Transaction) -> list[bool]:
        return [tx.requests.is_started(secret_id) for secret_id in (first, second, third)]

    store.atomically(begin)
    assert store.atomically(started) == [True, True, True]
    assert store.atomically(lambda tx: tx.requests.find(request.id)) == replace(request, started=2)
    assert sorted(store.atomically(lambda tx: tx.requests.settle(request.id))) == sorted([first, second])
    assert store.atomically(started) == [False, False, True]
    assert store.atomically(lambda tx: tx.requests.settle(request.id)) == []
    store.atomically(lambda tx: tx.requests.forget(other.id))
    assert store.atomically(started) == [False, False, False]


def test_an_ended_request_keeps_its_id_and_a_forgotten_one_nothing(store: Store) -> None:
    requests = [new_request(due=START + n) for n in range(3)]

    def keep(tx: Transaction) -> None:
        for request in reversed(requests):
            tx.requests.put(request)
            tx.requests.put_envelope(request.id, 0, Envelope(bytes(81), START))

    store.atomically(keep)
    ids = [request.id for request in requests]
    store.atomically(lambda tx: tx.requests.end(ids[0], START + 9))
    assert store.atomically(lambda tx: tx.requests.find(ids[0])) == replace(requests[0], ended=START + 9)
    assert store.atomically(lambda tx: tx.requests.envelopes(ids[0])) == []
    assert usage(store) == Usage(5 * ROW)
    assert store.atomically(lambda tx: tx.requests.due(START + 1, 10)) == ids[:2]
    assert store.atomically(lambda tx: tx.requests.due(START + 2, 1)) == ids[:1]
    store.atomically(lambda tx: tx.requests.forget(ids[1]))
    assert store.atomically(lambda tx: tx.requests.find(ids[1])) is None
    assert store.atomically(lambda tx: tx.requests.envelopes(ids[1])) == []
    assert store.atomically(lambda tx: tx.requests.find(ids[2])) == requests[2]
    assert usage(store) == Usage(3 * ROW)


def test_the_clock_s_mark_is_the_last_that_was_set(store: Store) -> None:
    assert store.atomically(lambda tx: tx.clock_mark()) is None
    for mark in (START, START - 5):
        store.atomically(lambda tx, mark=mark: tx.set_clock_mark(mark))  # type: ignore[misc]
        assert store.atomically(lambda tx: tx.clock_mark()) == mark


def test_what_fails_changes_nothing(store: Store) -> None:
    secret, request = new_secret(), new_request()
    put(store, secret)

    def fail(tx: Transaction) -> None:
        tx.take(secret, state="revealed")
        tx.requests.put(request)
        tx.set_clock_mark(START)
        raise ConflictError

    with pytest.raises(ConflictError):
        store.atomically(fail)
    assert (find(store, secret), usage(store)) == (secret, Usage(ROW + 40))
    assert store.atomically(lambda tx: (tx.requests.find(request.id), tx.clock_mark())) == (None, None)
    assert store.atomically(lambda tx: tx.take(secret, state="revealed")) == [bytes(40)]


def test_a_lock_that_fails_leaves_the_key_as_it_was(store: Store) -> None:
    secret = new_secret()
    put(store, secret)

    def fail(tx: Transaction) -> None:
        tx.lock_to_claim(secret.id, CLAIM)
        raise ConflictError

    with pytest.raises(ConflictError):
        store.atomically(fail)
    assert store.atomically(lambda tx: tx.take(secret, state="revealed")) == [bytes(40)]


def test_the_time_is_that_of_this_machine(store: Store) -> None:
    assert abs(store.time() - time.time()) < 60
