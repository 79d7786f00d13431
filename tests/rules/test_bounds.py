"""Bounds and times of the rules that no other test would miss."""

from dataclasses import replace

import pytest

from support.clocks import START, Clock
from support.secrets import Made, MadeRequest, envelope, made_of_chunks
from taina.errors import GoneError, InvalidError, StorageFullError, TooLargeError, WrongPassphraseError
from taina.rules.clock import WatchedClock
from taina.rules.secret_requests import CONTACT_SIZE, SecretRequests
from taina.rules.types import LONGEST_ANSWER, Limits
from taina.rules.vault import ANSWER_IDLE, LEASE_PAST_EXPIRY, MAX_LEASE, RECEIPT_KEPT, Vault
from taina.server.listener.channel import REQUEST_SECONDS
from taina.store import ROW, Secret, Store


def kept(store: Store, made: Made) -> Secret:
    found = store.atomically(lambda tx: tx.find(made.id))
    assert found is not None
    return found


def guess(vault: Vault, made: Made) -> int:
    with pytest.raises(WrongPassphraseError) as caught:
        vault.reveal(made.id, made.link_proof, bytes(32), made.claim)
    left = caught.value.members["attempts_left"]
    assert isinstance(left, int)
    return left


@pytest.mark.parametrize(
    ("size", "contact", "others"),
    [
        (100 << 20, CONTACT_SIZE, 100 << 20),
        (CONTACT_SIZE + 1, CONTACT_SIZE, CONTACT_SIZE + 1),
        (CONTACT_SIZE, CONTACT_SIZE, CONTACT_SIZE),
        (CONTACT_SIZE - 1, CONTACT_SIZE - 1, CONTACT_SIZE - 1),
    ],
)
def test_only_an_answer_to_the_contact_page_is_a_chunk_at_most(
    store: Store, clock: Clock, size: int, contact: int, others: int
) -> None:
    page, other = MadeRequest(), MadeRequest()
    requests = SecretRequests(store, Limits(size=size), clock, contact=page.id)
    for made, most in ((page, contact), (other, others)):
        requests.create(made.id, made.asking())
        assert requests.most(made.id) == requests.status(made.id, made.answer_token).most == most
    without = SecretRequests(store, Limits(size=size), clock)
    assert without.most(page.id) == without.status(page.id, page.answer_token).most == others
    assert CONTACT_SIZE == (1 << 20) + 16


def test_a_secret_that_comes_whole_misses_nothing(vault: Vault, store: Store) -> None:
    whole, coming = Made(), made_of_chunks(3)
    vault.create(whole.id, whole.order())
    vault.create(coming.id, coming.order())
    assert (kept(store, whole).missing, kept(store, whole).state) == (0, "waiting")
    assert (kept(store, coming).missing, kept(store, coming).state) == (3, "uploading")
    for n in (2, 2, 0):
        vault.put_chunk(coming.id, coming.receipt_token, n, coming.chunks[n])
    assert (kept(store, coming).missing, kept(store, coming).state) == (1, "uploading")
    vault.put_chunk(coming.id, coming.receipt_token, 1, coming.chunks[1])
    assert (kept(store, coming).missing, kept(store, coming).state) == (0, "waiting")
    assert vault.put_chunk(whole.id, whole.receipt_token, 0, whole.chunks[0]) == "waiting"
    assert kept(store, whole).missing == 0


def test_uploads_that_fill_their_share_keep_out_no_secret_that_comes_whole(store: Store, clock: Clock) -> None:
    """What they may hold is a fifth of the storage; the rest is for what is there at once."""
    vault = Vault(store, Limits(size=2 << 20, storage=10 << 20), clock)
    coming, other, whole = made_of_chunks(2), made_of_chunks(2), Made()
    vault.create(coming.id, coming.order())
    with pytest.raises(StorageFullError):
        vault.create(other.id, other.order())
    for made in (whole, Made(chunks=(bytes(1 << 20),))):
        assert vault.create(made.id, made.order()).state == "waiting"


def test_the_numbers_of_the_protocol() -> None:
    assert (RECEIPT_KEPT, MAX_LEASE, LEASE_PAST_EXPIRY, ANSWER_IDLE) == (30 * 86400, 86400, 3600, 900)
    assert REQUEST_SECONDS == LONGEST_ANSWER == 120
    assert ROW == 512


@pytest.mark.parametrize(("ttl", "due"), [(3600, ANSWER_IDLE), (ANSWER_IDLE, ANSWER_IDLE), (300, 300)])
@pytest.mark.parametrize("inline", [True, False])
def test_an_answer_waits_for_its_envelope_and_no_longer_than_it_lives(
    vault: Vault, store: Store, clock: Clock, ttl: int, due: int, inline: bool
) -> None:
    """From its last chunk on, or its making."""
    requests, asked = SecretRequests(store, Limits(), clock), MadeRequest(ttl=86400)
    requests.create(asked.id, asked.asking())
    made = Made(ttl=ttl)
    vault.create(made.id, made.order(inline=inline), requests.start_answer(asked.id, asked.answer_token))
    later = 0 if inline else 10
    if not inline:
        clock.now += later
        assert vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0]) == "waiting"
    assert kept(store, made).due == min(START + later + due, START + ttl)
    requests.answer(asked.id, asked.answer_token, envelope())
    assert kept(store, made).due == START + ttl


def test_an_envelope_lets_no_upload_rest_longer_than_any(vault: Vault, store: Store, clock: Clock) -> None:
    """What was started for the request and is not whole yet is swept an hour after its last chunk."""
    requests, asked = SecretRequests(store, Limits(), clock), MadeRequest(ttl=86400)
    requests.create(asked.id, asked.asking())
    made = replace(made_of_chunks(2), ttl=86400)
    vault.create(made.id, made.order(), requests.start_answer(asked.id, asked.answer_token))
    requests.answer(asked.id, asked.answer_token, envelope())
    assert kept(store, made).due == START + 3600


def test_an_upload_that_answers_nothing_is_due_at_its_expiry(vault: Vault, store: Store) -> None:
    made = Made()
    vault.create(made.id, made.order(inline=False))
    vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0])
    assert kept(store, made).due == kept(store, made).expires == START + 3600


def test_attempts_that_were_lowered_leave_none_and_never_less(vault: Vault, store: Store, clock: Clock) -> None:
    made = Made(passphrase=True)
    vault.create(made.id, made.order())
    assert [guess(vault, made) for _ in range(5)] == [9, 8, 7, 6, 5]
    lowered = Vault(store, Limits(attempts=3), clock)
    assert lowered.status(made.id, made.link_proof).attempts_left == 0
    assert Vault(store, Limits(attempts=6), clock).status(made.id, made.link_proof).attempts_left == 1
    assert guess(lowered, made) == 0
    with pytest.raises(GoneError) as caught:
        lowered.status(made.id, made.link_proof)
    assert caught.value.members["state"] == "locked"
    assert lowered.receipt(made.receipt_id, made.receipt_token).failed_attempts == 6


def test_a_right_passphrase_opens_where_attempts_were_lowered(vault: Vault, store: Store, clock: Clock) -> None:
    made = Made(passphrase=True)
    vault.create(made.id, made.order())
    for _ in range(5):
        guess(vault, made)
    lowered = Vault(store, Limits(attempts=3), clock)
    assert lowered.reveal(made.id, made.link_proof, made.reveal_proof, made.claim).content == made.chunks[0]


def test_where_leases_are_off_a_claim_holds_nothing(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(lease=0), clock)
    made, many = Made(), made_of_chunks(2)
    vault.create(made.id, made.order())
    shown = vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
    assert (shown.chunks, shown.content) == (1, made.chunks[0])
    assert kept(store, made).claim_id is None
    with pytest.raises(GoneError) as caught:
        vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
    assert caught.value.members == {"state": "revealed", "ended": START}
    with pytest.raises(TooLargeError):
        vault.create(many.id, many.order())


def test_leases_that_were_turned_off_cost_no_upload(store: Store, clock: Clock) -> None:
    """Where they were on when it was made, it can be revealed once they are on again."""
    on, off = Vault(store, Limits(), clock), Vault(store, Limits(lease=0), clock)
    made = made_of_chunks(2)
    on.create(made.id, made.order())
    for n, chunk in enumerate(made.chunks):
        on.put_chunk(made.id, made.receipt_token, n, chunk)
    with pytest.raises(InvalidError):
        off.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
    assert on.reveal(made.id, made.link_proof, made.reveal_proof, made.claim).chunks == 2


def test_a_receipt_has_the_times_of_its_secret(vault: Vault, clock: Clock) -> None:
    def times(made: Made) -> tuple[int, int, int | None]:
        receipt = vault.receipt(made.receipt_id, made.receipt_token)
        return receipt.created, receipt.expires, receipt.ended

    waits, burned, shown = Made(), Made(ttl=7200), Made()
    for made in (waits, burned, shown):
        vault.create(made.id, made.order())
    assert times(waits) == (START, START + 3600, None)
    clock.now += 100
    vault.burn(burned.receipt_id, burned.receipt_token)
    vault.reveal(shown.id, shown.link_proof, shown.reveal_proof, shown.claim)
    clock.now += 7
    vault.acknowledge(shown.claim_id, shown.claim_token, shown.opened_proof)
    clock.now = START + 3599
    assert times(waits) == (START, START + 3600, None)
    for clock.now in (START + 3600, START + 5000):  # before the sweeper comes, and when it does
        assert times(waits) == (START, START + 3600, START + 3600)
        assert vault.receipt(waits.receipt_id, waits.receipt_token).state == "expired"
    vault.sweep()
    assert times(waits) == (START, START + 3600, START + 3600)
    assert times(burned) == (START, START + 7200, START + 100)
    assert times(shown) == (START, START + 3600, START + 100)


def test_a_sweep_goes_by_the_time_that_it_is_given(vault: Vault, store: Store, clock: Clock) -> None:
    """A clock that goes back has all ended first that was due by the time before."""
    requests, asked, made = SecretRequests(store, Limits(), clock), MadeRequest(), Made()
    requests.create(asked.id, asked.asking())
    vault.create(made.id, made.order())
    clock.now += 3600 + Limits().ttl_max
    due = START + 3600, START + 3600 + Limits().ttl_max
    for sweep, at in zip((vault.sweep, requests.sweep), due, strict=True):
        assert [sweep(at=at - 1), sweep(at=at)] == [0, 1]


def test_a_clock_that_went_back_once_goes_back_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first try failed: what had expired is ended each time, by the highest time of before."""
    told = START + 1000.0
    settled: list[int] = []

    def settle(limit: int, at: int) -> int:
        settled.append(at)
        if len(settled) == 1:
            raise ValueError
        return 0

    monkeypatch.setattr(store, "time", lambda: told)
    clock = WatchedClock(store, lambda: 0.0)
    clock.settle_with(settle)
    assert clock() == START + 1000
    told = START + 500.0
    with pytest.raises(ValueError):
        clock()
    assert clock() == START + 500
    told = START + 200.0
    assert clock() == START + 200
    assert clock() == START + 200
    assert settled == [START + 1000, START + 1000, START + 500]


def test_where_passphrases_are_required_none_is_made_without(store: Store, clock: Clock) -> None:
    """What was made before the rule stays: it is found, and it opens."""
    before = Made()
    Vault(store, Limits(), clock).create(before.id, before.order())
    vault = Vault(store, Limits(passphrase=True), clock)
    made, without = Made(passphrase=True), Made()
    assert vault.create(made.id, made.order()).new
    with pytest.raises(InvalidError) as caught:
        vault.create(without.id, without.order())
    assert caught.value.members == {"field": "passphrase"}
    assert store.atomically(lambda tx: tx.find(without.id)) is None
    assert vault.reveal(before.id, before.link_proof, before.reveal_proof, before.claim).content == before.chunks[0]
