"""The rules of requests for secrets, on a real store, with a clock that the test turns."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from support.clocks import START, Clock
from support.secrets import Made, MadeRequest, envelope, made_of_chunks
from taina.errors import (
    AnsweredError,
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    StorageFullError,
    TainaError,
)
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Answered, Limits
from taina.rules.vault import ANSWER_IDLE, Vault
from taina.store import ROW, Store, Usage

LIMITS = Limits()


@pytest.fixture
def requests(store: Store, clock: Clock) -> SecretRequests:
    return SecretRequests(store, LIMITS, clock)


def ask(requests: SecretRequests, made: MadeRequest) -> MadeRequest:
    requests.create(made.id, made.asking())
    return made


def answer(requests: SecretRequests, made: MadeRequest, sealed: bytes) -> int:
    return requests.answer(made.id, made.answer_token, sealed).answers_left


def received(requests: SecretRequests, made: MadeRequest) -> list[bytes]:
    return [each.sealed for each in requests.inbox(made.id, made.inbox_token).envelopes]


def test_what_was_left_is_there_for_the_asker_in_its_order(requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest(answers=3))
    status = requests.status(made.id, made.answer_token)
    assert (status.state, status.answers_left, status.expires) == ("open", 3, START + 3600)
    sealed = [envelope() for _ in range(3)]
    for n, each in enumerate(sealed):
        clock.now = START + n
        assert answer(requests, made, each) == 2 - n
    for _ in range(2):  # reading changes nothing
        found = requests.inbox(made.id, made.inbox_token)
        assert [(each.sealed, each.received) for each in found.envelopes] == [
            (each, START + n) for n, each in enumerate(sealed)
        ]
        assert (found.answers, found.expires) == (3, START + 3600)
    status = requests.status(made.id, made.answer_token)
    assert (status.state, status.answers_left) == ("full", 0)


def test_a_request_takes_no_more_answers_than_it_asked_for(requests: SecretRequests) -> None:
    made = ask(requests, MadeRequest())
    first = envelope()
    answer(requests, made, first)
    with pytest.raises(AnsweredError):
        answer(requests, made, envelope())
    assert received(requests, made) == [first]


def test_the_same_envelope_again_is_the_same_answer(requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest(answers=2))
    first, second = envelope(), envelope()
    assert [answer(requests, made, each) for each in (first, first, second, first)] == [1, 1, 0, 0]
    assert received(requests, made) == [first, second]
    clock.now += 3600  # a lost answer may be asked for again after the end
    assert not requests.answer(made.id, made.answer_token, first).new


def test_thirty_two_answers_at_once_to_a_request_for_three(requests: SecretRequests) -> None:
    for _ in range(10):
        made = ask(requests, MadeRequest(answers=3))
        kept: list[bytes] = []
        refused: list[str] = []

        def leave(made: MadeRequest = made, kept: list[bytes] = kept, refused: list[str] = refused) -> None:
            sealed = envelope()
            try:
                answer(requests, made, sealed)
            except TainaError as error:
                refused.append(error.code)
            else:
                kept.append(sealed)

        in_parallel(32, leave)
        assert len(kept) == 3
        assert refused == ["answered"] * 29
        assert sorted(received(requests, made)) == sorted(kept)


def test_the_same_request_again_is_the_same(requests: SecretRequests, clock: Clock) -> None:
    made = MadeRequest()
    first = requests.create(made.id, made.asking())
    sealed = envelope()
    answer(requests, made, sealed)
    clock.now += 60
    second = requests.create(made.id, made.asking())
    assert (first.new, second.new, first.expires) == (True, False, second.expires)
    assert received(requests, made) == [sealed]


@pytest.mark.parametrize(
    "change", [{"inbox_token": bytes(32)}, {"answer_token": bytes(32)}, {"ttl": 7200}, {"answers": 2}]
)
def test_another_request_under_the_same_id_is_refused(requests: SecretRequests, change: dict[str, bytes | int]) -> None:
    made = ask(requests, MadeRequest())
    with pytest.raises(ConflictError):
        ask(requests, replace(made, **change))  # type: ignore[arg-type]
    assert requests.status(made.id, made.answer_token).answers_left == 1


def test_a_request_that_is_over_cannot_begin_anew(requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest())
    clock.now += 3600
    with pytest.raises(ConflictError):
        ask(requests, made)


def test_whoever_asks_again_is_told_what_was_made_and_makes_nothing(requests: SecretRequests, clock: Clock) -> None:
    made = MadeRequest(answers=2)
    assert requests.created(made.id, made.asking()) is None
    ask(requests, made)
    kept = requests.created(made.id, made.asking())
    assert kept is not None
    assert (kept.expires, kept.new) == (START + 3600, False)
    for other in (replace(made, answers=3), replace(made, ttl=3601), replace(made, inbox_token=bytes(32))):
        with pytest.raises(ConflictError):
            requests.created(made.id, other.asking())
    clock.now += 3600
    with pytest.raises(ConflictError):
        requests.created(made.id, made.asking())


@pytest.mark.parametrize(
    ("field", "values"), [("ttl", [0, 299, LIMITS.ttl_max + 1]), ("answers", [0, LIMITS.answers + 1])]
)
def test_lifetime_and_answers_have_their_limits(requests: SecretRequests, field: str, values: list[int]) -> None:
    for value in values:
        with pytest.raises(InvalidError) as caught:
            ask(requests, MadeRequest(**{field: value}))  # type: ignore[arg-type]
        assert caught.value.members["field"] == field


def test_as_many_answers_as_one_may_ask_for(requests: SecretRequests) -> None:
    made = ask(requests, MadeRequest(answers=LIMITS.answers, ttl=LIMITS.ttl_max))
    assert requests.status(made.id, made.answer_token).answers_left == LIMITS.answers


def test_whoever_may_answer_learns_whose_key_pays(requests: SecretRequests, clock: Clock) -> None:
    made, other = MadeRequest(), ask(requests, MadeRequest())
    requests.create(made.id, made.asking(), "ann")
    assert requests.key_of(made.id, made.answer_token) == "ann"
    assert requests.key_of(other.id, other.answer_token) is None
    with pytest.raises(NotFoundError):
        requests.key_of(made.id, other.answer_token)
    clock.now += made.ttl
    with pytest.raises(GoneError):
        requests.key_of(made.id, made.answer_token)


def test_an_envelope_is_new_once(requests: SecretRequests) -> None:
    made, sealed = ask(requests, MadeRequest(answers=2)), envelope()
    assert requests.answer(made.id, made.answer_token, sealed) == Answered(answers_left=1, new=True)
    assert requests.answer(made.id, made.answer_token, sealed) == Answered(answers_left=1, new=False)


def test_what_was_started_may_be_forgotten_before_its_envelope_comes(store: Store, clock: Clock) -> None:
    limits = Limits(ttl_max=90 * 86400)
    requests, vault, made = (
        SecretRequests(store, limits, clock),
        Vault(store, limits, clock),
        MadeRequest(ttl=90 * 86400),
    )
    ask(requests, made)
    secret = start(vault, requests, made, Made(ttl=300))
    for _ in range(2):
        clock.now += 31 * 86400
        vault.sweep()
    with pytest.raises(NotFoundError):
        vault.receipt(secret.receipt_id, secret.receipt_token)
    assert answer(requests, made, envelope()) == 0


@pytest.mark.parametrize("size", [0, 80, 82])
def test_an_envelope_has_its_size(requests: SecretRequests, size: int) -> None:
    made = ask(requests, MadeRequest())
    with pytest.raises(InvalidError):
        answer(requests, made, bytes(size))
    assert received(requests, made) == []


def test_each_token_does_what_it_is_for_and_nothing_else(requests: SecretRequests) -> None:
    made, unknown = ask(requests, MadeRequest()), MadeRequest()
    for request_id, inbox_token, answer_token in [
        (made.id, made.answer_token, made.inbox_token),
        (made.id, bytes(32), bytes(32)),
        (unknown.id, made.inbox_token, made.answer_token),
    ]:
        calls: list[Callable[[], object]] = [
            lambda: requests.inbox(request_id, inbox_token),  # noqa: B023
            lambda: requests.delete(request_id, inbox_token),  # noqa: B023
            lambda: requests.status(request_id, answer_token),  # noqa: B023
            lambda: requests.answer(request_id, answer_token, envelope()),  # noqa: B023
        ]
        for call in calls:
            with pytest.raises(NotFoundError):
                call()
    assert received(requests, made) == []


def test_a_request_that_was_deleted_is_unknown(requests: SecretRequests) -> None:
    made = ask(requests, MadeRequest(answers=2))
    answer(requests, made, envelope())
    requests.delete(made.id, made.inbox_token)
    for call in (requests.inbox, requests.delete):
        with pytest.raises(NotFoundError):
            call(made.id, made.inbox_token)
    for look in (requests.status, requests.key_of):
        with pytest.raises(NotFoundError):
            look(made.id, made.answer_token)
    with pytest.raises(NotFoundError):
        answer(requests, made, envelope())


@pytest.mark.parametrize("end", ["deleted", "taken down"])
def test_the_id_of_a_request_that_ended_is_never_given_again(requests: SecretRequests, clock: Clock, end: str) -> None:
    """It follows from the public link, so anybody could make it again, and honest answers would vanish there."""
    made = ask(requests, MadeRequest())
    if end == "deleted":
        requests.delete(made.id, made.inbox_token)
    else:
        requests.take_down(made.id)
    squatter = replace(made, inbox_token=bytes(32))
    for again in (made, squatter):
        with pytest.raises(ConflictError):
            ask(requests, again)
    clock.now += made.ttl + LIMITS.ttl_max - 1
    requests.sweep()
    with pytest.raises(ConflictError):
        ask(requests, squatter)
    clock.now += 1
    assert requests.sweep() == 1


def test_expiry_is_exact_and_the_inbox_outlives_it(requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest(answers=2))
    clock.now += 3599
    sealed = envelope()
    answer(requests, made, sealed)
    clock.now += 1
    for call in (
        lambda: requests.status(made.id, made.answer_token),
        lambda: requests.answer(made.id, made.answer_token, envelope()),
    ):
        with pytest.raises(GoneError) as caught:
            call()
        assert caught.value.members == {"state": "expired", "ended": START + 3600}
    clock.now = START + 3600 + LIMITS.ttl_max - 1
    assert requests.sweep() == 0
    assert received(requests, made) == [sealed]
    clock.now += 1
    with pytest.raises(NotFoundError):  # needs no sweeper
        received(requests, made)
    with pytest.raises(NotFoundError):
        requests.status(made.id, made.answer_token)


def test_the_sweeper_forgets_in_portions_and_only_what_is_over(
    requests: SecretRequests, store: Store, clock: Clock
) -> None:
    made = [ask(requests, MadeRequest()) for _ in range(5)]
    answer(requests, made[0], envelope())
    clock.now += 60
    later = ask(requests, MadeRequest())
    clock.now = START + 3600 + LIMITS.ttl_max
    assert [requests.sweep(3), requests.sweep(3), requests.sweep(3)] == [3, 2, 0]
    assert store.atomically(lambda tx: tx.requests.envelopes(made[0].id)) == []
    assert received(requests, later) == []


def test_requests_and_secrets_do_not_get_into_each_other_s_way(
    requests: SecretRequests, store: Store, clock: Clock
) -> None:
    vault, secret = Vault(store, LIMITS, clock), Made()
    vault.create(secret.id, secret.order())
    made = ask(requests, MadeRequest(id=secret.id))
    requests.delete(made.id, made.inbox_token)
    assert vault.reveal(secret.id, secret.link_proof, secret.reveal_proof).content == secret.chunks[0]


def in_parallel(count: int, work: Callable[[], None]) -> None:
    gate = threading.Barrier(count)

    def run() -> None:
        gate.wait(60)
        work()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def start(vault: Vault, requests: SecretRequests, made: MadeRequest, secret: Made) -> Made:
    vault.create(secret.id, secret.order(), requests.start_answer(made.id, made.answer_token))
    return secret


def test_a_request_is_worth_its_answers(vault: Vault, requests: SecretRequests, clock: Clock) -> None:
    """Whoever has its public link could once keep as many secrets as he liked, of any size, for thirty days."""
    made = ask(requests, MadeRequest(answers=2))
    started = [start(vault, requests, made, Made()) for _ in range(2 + 5)]
    for _ in range(3):
        with pytest.raises(AnsweredError):
            start(vault, requests, made, Made())
    assert vault.used() == ROW + sum(ROW + len(secret.chunks[0]) for secret in started)
    with pytest.raises(AnsweredError):  # it is counted durably, not by what is there
        vault.burn(started[0].receipt_id, started[0].receipt_token)
        start(vault, requests, made, Made())
    assert start(vault, requests, made, started[1]) is started[1]  # the same again is not a new one


def test_requests_and_envelopes_take_room_until_they_are_gone(store: Store, clock: Clock) -> None:
    requests = SecretRequests(store, replace(LIMITS, storage=3 * ROW), clock)
    made, other = ask(requests, MadeRequest(answers=3)), ask(requests, MadeRequest())
    requests.answer(made.id, made.answer_token, first := envelope())
    with pytest.raises(StorageFullError):
        requests.answer(made.id, made.answer_token, envelope())
    with pytest.raises(StorageFullError):
        ask(requests, MadeRequest())
    assert not requests.answer(made.id, made.answer_token, first).new
    requests.delete(made.id, made.inbox_token)
    assert store.atomically(lambda tx: tx.usage()) == Usage(2 * ROW), "its envelope is gone, its id stays used"
    clock.now = START + other.ttl + LIMITS.ttl_max
    assert requests.sweep() == 2
    assert store.atomically(lambda tx: tx.usage()) == Usage()


def test_what_was_started_is_swept_without_an_envelope(vault: Vault, requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest(ttl=86400))
    secret = start(vault, requests, made, Made(ttl=86400))
    other = Made(ttl=86400)
    vault.create(other.id, other.order())
    clock.now += ANSWER_IDLE - 1
    vault.sweep()
    assert vault.status(secret.id, secret.link_proof).state == "waiting"
    clock.now += 1
    vault.sweep()
    receipt = vault.receipt(secret.receipt_id, secret.receipt_token)
    assert (receipt.state, receipt.ended) == ("expired", START + ANSWER_IDLE)
    assert vault.status(other.id, other.link_proof).state == "waiting"
    assert vault.used() == 3 * ROW + len(other.chunks[0]), "what is left of the others are rows"


def test_an_envelope_lets_what_was_started_stay(vault: Vault, requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest(ttl=86400))
    secret = start(vault, requests, made, Made(ttl=86400))
    burned = start(vault, requests, made, Made(ttl=86400))
    vault.burn(burned.receipt_id, burned.receipt_token)
    answer(requests, made, envelope())
    clock.now += 86399
    vault.sweep()
    assert vault.status(secret.id, secret.link_proof).state == "waiting"
    assert vault.receipt(burned.receipt_id, burned.receipt_token).state == "burned"
    with pytest.raises(AnsweredError):
        start(vault, requests, made, Made())
    clock.now += 1
    vault.sweep()
    assert vault.receipt(secret.receipt_id, secret.receipt_token).state == "expired"


@pytest.mark.parametrize("answered", ["before the last chunk", "after it", "never"])
def test_uploads_wait_for_their_envelope_too(
    vault: Vault, requests: SecretRequests, clock: Clock, answered: str
) -> None:
    made = ask(requests, MadeRequest(ttl=86400))
    secret = replace(made_of_chunks(2), ttl=86400)
    start(vault, requests, made, secret)
    vault.put_chunk(secret.id, secret.receipt_token, 0, secret.chunks[0])
    if answered == "before the last chunk":
        answer(requests, made, envelope())
    vault.put_chunk(secret.id, secret.receipt_token, 1, secret.chunks[1])
    if answered == "after it":
        answer(requests, made, envelope())
    clock.now += ANSWER_IDLE
    vault.sweep()
    state = vault.receipt(secret.receipt_id, secret.receipt_token).state
    assert state == ("expired" if answered == "never" else "waiting")


def test_a_wrong_token_starts_nothing(vault: Vault, requests: SecretRequests, clock: Clock) -> None:
    made = ask(requests, MadeRequest())
    for wrong in (replace(made, answer_token=bytes(32)), MadeRequest()):
        secret = Made()
        with pytest.raises(NotFoundError):
            start(vault, requests, wrong, secret)
        with pytest.raises(NotFoundError):
            vault.status(secret.id, secret.link_proof)
    clock.now += made.ttl
    with pytest.raises(GoneError):
        start(vault, requests, made, Made())
