"""The one-time rules, on a real store, with a clock that the test turns."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from support.clocks import START, Clock
from support.secrets import SEALED_CHUNK, Made, made_of_chunks, reveal
from taina.errors import (
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    StorageFullError,
    TainaError,
    TooLargeError,
    WrongPassphraseError,
)
from taina.rules.types import LONGEST_ANSWER, Lease, Limits, NewSecret
from taina.rules.uploads import UPLOAD_AHEAD, UPLOAD_IDLE
from taina.rules.vault import LEASE_PAST_EXPIRY, MAX_LEASE, RECEIPT_KEPT, Vault
from taina.store import ROW, Store, Usage


def create(vault: Vault, made: Made) -> Made:
    vault.create(made.id, made.order())
    return made


def gone(call: Callable[[], object]) -> str:
    with pytest.raises(GoneError) as caught:
        call()
    return str(caught.value.members["state"])


def status(vault: Vault, made: Made) -> object:
    return vault.status(made.id, made.link_proof)


def acknowledge(vault: Vault, made: Made) -> str:
    return vault.acknowledge(made.claim_id, made.claim_token, made.opened_proof)


def state(vault: Vault, made: Made) -> str:
    return vault.receipt(made.receipt_id, made.receipt_token).state


def sweep_all(vault: Vault) -> int:
    done = 0
    while swept := vault.sweep():
        done += swept
    return done


# Create


def test_a_secret_waits_until_it_is_revealed(vault: Vault) -> None:
    made = create(vault, Made(passphrase=True))
    found = vault.status(made.id, made.link_proof)
    assert (found.state, found.passphrase, found.size, found.chunks) == ("waiting", True, 1040, 1)
    assert (found.expires, found.attempts_left) == (START + 3600, 10)


def test_the_same_request_again_is_the_same_secret(vault: Vault, clock: Clock) -> None:
    made = Made()
    first = vault.create(made.id, made.order())
    clock.now += 60
    second = vault.create(made.id, made.order())
    assert (first.new, second.new, second.expires) == (True, False, first.expires)


@pytest.mark.parametrize(
    "change", ["link_proof", "reveal_proof", "receipt_token", "receipt_id", "chunks", "ttl", "passphrase"]
)
def test_another_request_under_the_same_id_is_refused(vault: Vault, change: str) -> None:
    made = create(vault, Made())
    other = Made(ttl=7200, passphrase=True)
    mixed = replace(made, **{change: getattr(other, change)})
    with pytest.raises(ConflictError):
        vault.create(made.id, mixed.order())
    assert reveal(vault, made) == made.chunks[0]


def test_a_receipt_id_belongs_to_one_secret(vault: Vault) -> None:
    made = create(vault, Made())
    with pytest.raises(ConflictError):
        create(vault, Made(receipt_id=made.receipt_id))


@pytest.mark.parametrize("end", ["reveal", "burn", "expire"])
def test_an_id_that_was_used_up_is_refused(vault: Vault, clock: Clock, end: str) -> None:
    made = create(vault, Made())
    if end == "reveal":
        reveal(vault, made)
    elif end == "burn":
        vault.burn(made.receipt_id, made.receipt_token)
    else:
        clock.now += 3600
    with pytest.raises(ConflictError):
        create(vault, made)


@pytest.mark.parametrize("ttl", [0, 299, 30 * 86400 + 1])
def test_a_lifetime_has_its_limits(vault: Vault, ttl: int) -> None:
    with pytest.raises(InvalidError) as caught:
        create(vault, Made(ttl=ttl))
    assert caught.value.members["field"] == "ttl"


def test_sizes_have_to_add_up(vault: Vault) -> None:
    order = Made().order()
    for size, chunks, field in [(16, 1, "size"), (1040, 2, "size"), (SEALED_CHUNK + 1, 1, "size"), (1040, 0, "chunks")]:
        wrong = replace(order, size=size, chunks=chunks, content=None)
        with pytest.raises(InvalidError) as caught:
            vault.create(Made().id, wrong)
        assert caught.value.members["field"] == field
    many = made_of_chunks(2).order()
    for wrong in (replace(order, size=1041), replace(many, content=bytes(many.size))):
        with pytest.raises(InvalidError) as caught:
            vault.create(Made().id, wrong)
        assert caught.value.members["field"] == "content"


def test_whoever_asks_again_is_told_what_was_made_and_makes_nothing(vault: Vault, clock: Clock) -> None:
    made, other = Made(), Made()
    assert vault.created(made.id, made.order()) is None
    create(vault, made)
    kept = vault.created(made.id, made.order())
    assert kept is not None
    assert (kept.state, kept.expires, kept.new) == ("waiting", START + 3600, False)
    with pytest.raises(ConflictError):
        vault.created(made.id, other.order())
    assert vault.created(other.id, other.order()) is None
    assert vault.used() == ROW + 1040
    clock.now += 3600
    with pytest.raises(ConflictError):
        vault.created(made.id, made.order())


def test_one_secret_has_a_limit_and_so_have_all(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(size=2000, storage=3000 + 3 * ROW), clock)
    with pytest.raises(TooLargeError):
        create(vault, Made(chunks=(bytes(2001),)))
    first = create(vault, Made())
    create(vault, Made())
    with pytest.raises(StorageFullError):
        create(vault, Made())
    reveal(vault, first)
    acknowledge(vault, first)
    create(vault, Made())


def test_the_last_byte_of_the_storage_is_for_use(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(size=2000, storage=2 * (1040 + ROW)), clock)
    create(vault, Made())
    with pytest.raises(StorageFullError):
        create(vault, Made(chunks=(bytes(1041),)))
    create(vault, Made())
    assert vault.used() == vault.limits.storage


@pytest.mark.parametrize("end", ["open", "burn", "lock", "expire"])
def test_nothing_that_proves_or_identifies_stays_after_the_end(
    store: Store, vault: Vault, clock: Clock, end: str
) -> None:
    made = create(vault, Made())
    match end:
        case "open":
            reveal(vault, made)
            acknowledge(vault, made)
        case "burn":
            vault.burn(made.receipt_id, made.receipt_token)
        case "lock":
            for _ in range(10):
                with pytest.raises(WrongPassphraseError):
                    reveal(vault, replace(made, reveal_proof=bytes(32)))
        case "expire":
            clock.now += 3600
            sweep_all(vault)
    kept = store.atomically(lambda tx: tx.find(made.id))
    assert kept
    assert (kept.reveal_hash, kept.fingerprint, kept.size, kept.held) == (b"", b"", 0, 0)


# Uploads


def test_an_upload_goes_live_with_its_last_chunk_in_any_order(vault: Vault) -> None:
    made = made_of_chunks(3)
    assert create(vault, made) and vault.status(made.id, made.link_proof).state == "uploading"
    with pytest.raises(NotReadyError):
        reveal(vault, made)
    assert vault.put_chunk(made.id, made.receipt_token, 2, made.chunks[2]) == "uploading"
    assert vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0]) == "uploading"
    assert vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0]) == "uploading"
    assert vault.chunks_present(made.id, made.receipt_token) == [0, 2]
    assert vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1]) == "waiting"
    assert vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1]) == "waiting"
    assert reveal(vault, made) is None
    read = [vault.claimed_chunk(made.claim_id, made.claim_token, n) for n in (0, 1, 2, 1)]
    assert read == [made.chunks[n] for n in (0, 1, 2, 1)]


def test_a_chunk_that_was_kept_is_never_replaced(vault: Vault) -> None:
    made = create(vault, made_of_chunks(2))
    vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1])
    with pytest.raises(ConflictError):
        vault.put_chunk(made.id, made.receipt_token, 1, bytes(40))


def test_a_chunk_has_the_announced_length_and_number(vault: Vault) -> None:
    made = create(vault, made_of_chunks(2))
    for n, chunk, field in [(0, bytes(40), "body"), (1, bytes(41), "body"), (2, bytes(40), "n")]:
        with pytest.raises(InvalidError) as caught:
            vault.put_chunk(made.id, made.receipt_token, n, chunk)
        assert caught.value.members["field"] == field
    with pytest.raises(NotFoundError):
        vault.put_chunk(made.id, made.link_proof, 1, made.chunks[1])


def test_an_upload_without_progress_is_swept_after_an_hour(vault: Vault, clock: Clock) -> None:
    made = create(vault, Made(chunks=made_of_chunks(2).chunks, ttl=86400))
    clock.now += UPLOAD_IDLE - 1
    vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1])
    clock.now += UPLOAD_IDLE - 1
    assert sweep_all(vault) == 0
    assert vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1]) == "uploading"  # the same is no progress
    clock.now += 1
    assert sweep_all(vault) == 1
    assert state(vault, made) == "expired"


def announced(size: int, ttl: int = 86400) -> tuple[Made, NewSecret]:
    """An upload of so many bytes, none of which are here yet."""
    made = Made(ttl=ttl)
    return made, replace(made.order(inline=False), size=size, chunks=-(-size // SEALED_CHUNK))


def test_an_upload_is_counted_by_what_has_arrived(vault: Vault) -> None:
    made = create(vault, made_of_chunks(8))
    held = []
    for n in range(7, -1, -1):
        held.append(vault.used() - ROW)
        vault.put_chunk(made.id, made.receipt_token, n, made.chunks[n])
        vault.put_chunk(made.id, made.receipt_token, n, made.chunks[n])
    size = 7 * SEALED_CHUNK + 40
    assert held == [(n + UPLOAD_AHEAD) * SEALED_CHUNK for n in range(4)] + [size] * 4
    assert vault.used() == ROW + size
    vault.burn(made.receipt_id, made.receipt_token)
    assert vault.used() == ROW


def test_what_is_only_announced_keeps_nobody_out(vault: Vault) -> None:
    """Some hundred small requests once reserved the whole of the storage for an hour."""
    begun = 0
    with pytest.raises(StorageFullError):
        while True:
            made, order = announced(100 << 20)
            vault.create(made.id, order)
            begun += 1
    assert begun * UPLOAD_AHEAD * SEALED_CHUNK <= vault.limits.storage // 5
    assert vault.used() < vault.limits.storage // 4
    assert reveal(vault, create(vault, Made())), "a secret that is there at once has its place"


def test_uploads_that_have_begun_go_on_and_make_place_for_others(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(size=10 << 20, storage=50 << 20), clock)
    made = [create(vault, made_of_chunks(6)) for _ in range(2)]
    other, order = announced(6 << 20)
    with pytest.raises(StorageFullError):
        vault.create(other.id, order)
    for n in range(6):
        for one in made:
            vault.put_chunk(one.id, one.receipt_token, n, one.chunks[n])
    assert [state(vault, one) for one in made] == ["waiting", "waiting"]
    vault.create(other.id, order)


def test_an_upload_needs_room_for_all_of_it_to_begin_and_for_each_chunk_to_go_on(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(size=10 << 20, storage=8 * SEALED_CHUNK + 5 * ROW), clock)
    made = create(vault, made_of_chunks(6))
    with pytest.raises(StorageFullError):
        vault.create(Made().id, announced(4 * SEALED_CHUNK + 5 * ROW)[1])
    others = [create(vault, Made(chunks=(bytes(SEALED_CHUNK),))) for _ in range(4)]
    with pytest.raises(StorageFullError):
        vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0])
    assert vault.chunks_present(made.id, made.receipt_token) == []
    vault.burn(others[0].receipt_id, others[0].receipt_token)
    assert vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0]) == "uploading"


def test_the_less_room_the_sooner_an_idle_upload_is_swept(store: Store, clock: Clock) -> None:
    def due(made: Made) -> int:
        secret = store.atomically(lambda tx: tx.find(made.id))
        assert secret
        return secret.due - int(clock.now)

    vault = Vault(store, Limits(size=40 * SEALED_CHUNK, storage=200 * SEALED_CHUNK), clock)
    first = create(vault, replace(made_of_chunks(5), ttl=86400))
    dues = []
    for _ in range(9):
        made, order = announced(30 * SEALED_CHUNK)
        vault.create(made.id, order)
        dues.append(due(made))
    assert dues == [3600, 3600, 3600, 3600, 3600, 2880, 2160, 1440, 720]
    vault.put_chunk(first.id, first.receipt_token, 0, first.chunks[0])
    assert due(first) == 300


# Reveal


def test_status_changes_nothing_however_often(vault: Vault) -> None:
    made = create(vault, Made())
    assert len({str(status(vault, made)) for _ in range(5)}) == 1
    assert reveal(vault, made) == made.chunks[0]


def test_without_the_link_proof_there_is_nothing(vault: Vault) -> None:
    made = create(vault, Made())
    stranger = Made(id=made.id)
    for call in (status, reveal):
        with pytest.raises(NotFoundError):
            call(vault, stranger)
        with pytest.raises(NotFoundError):
            call(vault, Made())
    assert vault.receipt(made.receipt_id, made.receipt_token).failed_attempts == 0


def test_a_reveal_without_a_claim_is_the_end(vault: Vault) -> None:
    made = create(vault, Made())
    revealed = vault.reveal(made.id, made.link_proof, made.reveal_proof)
    assert revealed.content == made.chunks[0]
    assert gone(lambda: vault.reveal(made.id, made.link_proof, made.reveal_proof)) == "revealed"
    assert gone(lambda: status(vault, made)) == "revealed"


def test_many_chunks_need_a_claim_and_lose_nothing_by_its_lack(vault: Vault) -> None:
    made = create(vault, made_of_chunks(2))
    for n in 0, 1:
        vault.put_chunk(made.id, made.receipt_token, n, made.chunks[n])
    with pytest.raises(InvalidError) as caught:
        vault.reveal(made.id, made.link_proof, made.reveal_proof)
    assert caught.value.members["field"] == "claim"
    assert state(vault, made) == "waiting"


def test_the_same_claim_gets_the_same_answer_and_no_other_does(vault: Vault, clock: Clock) -> None:
    made = create(vault, Made())
    assert reveal(vault, made) == reveal(vault, made) == made.chunks[0]
    assert gone(lambda: reveal(vault, made.another_reader())) == "revealed"
    stolen = replace(made, claim_token=bytes(32))
    assert gone(lambda: reveal(vault, stolen)) == "revealed"
    clock.now += 59
    assert reveal(vault, made) == made.chunks[0]
    clock.now += 1
    assert gone(lambda: reveal(vault, made)) == "revealed"


def test_reading_chunks_renews_the_lease_for_a_day_at_most(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(lease=3600), clock)
    made = create(vault, Made(ttl=30 * 86400))
    reveal(vault, made)
    for _ in range(MAX_LEASE // 3000):
        clock.now += 3000
        vault.claimed_chunk(made.claim_id, made.claim_token, 0)
    assert vault.claimed(made.claim_id, made.claim_token).expires == START + MAX_LEASE
    clock.now = START + MAX_LEASE
    assert gone(lambda: vault.claimed_chunk(made.claim_id, made.claim_token, 0)) == "revealed"


@pytest.mark.parametrize("lease", [1, 60])
def test_a_chunk_that_takes_as_long_as_an_answer_may_costs_no_lease(store: Store, clock: Clock, lease: int) -> None:
    """On a slow line nothing is asked for while what was asked for before is on its way."""
    vault = Vault(store, Limits(lease=lease), clock)
    made = create(vault, made_of_chunks(4))
    for n, chunk in enumerate(made.chunks):
        vault.put_chunk(made.id, made.receipt_token, n, chunk)
    vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
    for n in range(3):
        vault.claimed_chunk(made.claim_id, made.claim_token, n)
    clock.now += LONGEST_ANSWER + lease - 1
    assert sweep_all(vault) == 0
    assert vault.claimed_chunk(made.claim_id, made.claim_token, 3) == made.chunks[3]
    clock.now += LONGEST_ANSWER + lease
    assert gone(lambda: vault.claimed_chunk(made.claim_id, made.claim_token, 3)) == "revealed"


def test_a_claim_is_its_holder_s(vault: Vault) -> None:
    made = create(vault, Made())
    reveal(vault, made)
    stranger = made.another_reader()
    for claim_id, token in [(made.claim_id, stranger.claim_token), (stranger.claim_id, made.claim_token)]:
        with pytest.raises(NotFoundError):
            vault.claimed(claim_id, token)
        with pytest.raises(NotFoundError):
            vault.acknowledge(claim_id, token, made.opened_proof)
    with pytest.raises(InvalidError):
        vault.claimed_chunk(made.claim_id, made.claim_token, 1)


def test_a_claim_tells_what_it_is_good_for(vault: Vault) -> None:
    made = create(vault, Made())
    reveal(vault, made)
    assert vault.claimed(made.claim_id, made.claim_token) == Lease(chunks=1, size=1040, expires=START + 60)


def test_a_claim_id_belongs_to_one_secret(vault: Vault) -> None:
    made, other = create(vault, Made()), create(vault, Made())
    reveal(vault, made)
    with pytest.raises(ConflictError):
        reveal(vault, replace(other, claim_id=made.claim_id))
    assert state(vault, other) == "waiting"
    assert reveal(vault, other) == other.chunks[0]


def test_an_acknowledgement_ends_the_claim_and_is_idempotent(vault: Vault) -> None:
    made = create(vault, Made())
    reveal(vault, made)
    assert acknowledge(vault, made) == acknowledge(vault, made) == "opened"
    assert gone(lambda: vault.claimed_chunk(made.claim_id, made.claim_token, 0)) == "opened"
    assert gone(lambda: reveal(vault, made)) == "opened"
    with pytest.raises(ConflictError):
        vault.acknowledge(made.claim_id, made.claim_token, bytes(32))
    receipt = vault.receipt(made.receipt_id, made.receipt_token)
    assert (receipt.state, receipt.opened, receipt.ended) == ("opened", made.opened_proof, START)


def test_a_lease_ends_within_an_hour_of_the_expiry(vault: Vault, clock: Clock) -> None:
    """What was revealed at the last moment can be read to its end, and then it is gone."""
    made = create(vault, Made())
    expires = START + made.ttl
    clock.now = expires - 1
    reveal(vault, made)
    for _ in range(LEASE_PAST_EXPIRY // 50):
        clock.now += 50
        vault.claimed_chunk(made.claim_id, made.claim_token, 0)
    assert vault.claimed(made.claim_id, made.claim_token).expires == expires + LEASE_PAST_EXPIRY
    clock.now = expires + LEASE_PAST_EXPIRY
    assert gone(lambda: vault.claimed_chunk(made.claim_id, made.claim_token, 0)) == "revealed"
    assert sweep_all(vault) == 1


@pytest.mark.parametrize("chunks", [1, 2])
def test_who_revealed_it_in_time_goes_on_after_the_expiry(vault: Vault, clock: Clock, chunks: int) -> None:
    """Both clients go on by the same reveal again, be it after a lost answer or with another passphrase."""
    made = create(vault, Made() if chunks == 1 else made_of_chunks(chunks))
    for n in range(chunks if chunks > 1 else 0):
        vault.put_chunk(made.id, made.receipt_token, n, made.chunks[n])
    expires = START + made.ttl
    clock.now = expires - 1
    first = reveal(vault, made)
    for now in expires, expires + 40, expires + 80:
        clock.now = now
        sweep_all(vault)
        assert reveal(vault, made) == reveal(vault, replace(made, reveal_proof=bytes(32))) == first
        stranger = made.another_reader()
        for other in stranger, replace(made, claim_token=bytes(32)), replace(stranger, claim_token=made.claim_token):
            with pytest.raises(NotFoundError):
                reveal(vault, other)
        with pytest.raises(NotFoundError):
            reveal(vault, replace(made, link_proof=bytes(32)))
        with pytest.raises(NotFoundError):
            vault.reveal(made.id, made.link_proof, made.reveal_proof)
        with pytest.raises(NotFoundError):
            status(vault, made)
        vault.claimed_chunk(made.claim_id, made.claim_token, 0)
    clock.now = vault.claimed(made.claim_id, made.claim_token).expires
    with pytest.raises(NotFoundError):
        reveal(vault, made)
    assert acknowledge(vault, made) == "opened"


def test_an_acknowledgement_counts_after_the_lease_too(vault: Vault, clock: Clock) -> None:
    made = create(vault, Made())
    reveal(vault, made)
    clock.now += 61
    assert sweep_all(vault) == 1
    assert state(vault, made) == "revealed"
    assert acknowledge(vault, made) == "opened"


def test_an_instance_without_leases_gives_everything_at_once(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(lease=0), clock)
    made = create(vault, Made())
    assert reveal(vault, made) == made.chunks[0]
    assert gone(lambda: reveal(vault, made)) == "revealed"
    with pytest.raises(TooLargeError):
        create(vault, made_of_chunks(2))


def test_ten_wrong_proofs_lock_it(vault: Vault) -> None:
    made = create(vault, Made(passphrase=True))
    wrong = replace(made, reveal_proof=bytes(32))
    left = []
    for _ in range(10):
        with pytest.raises(WrongPassphraseError) as caught:
            reveal(vault, wrong)
        left.append(caught.value.members["attempts_left"])
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert gone(lambda: reveal(vault, made)) == gone(lambda: status(vault, made)) == "locked"
    receipt = vault.receipt(made.receipt_id, made.receipt_token)
    assert (receipt.state, receipt.failed_attempts) == ("locked", 10)


def test_sixty_four_guesses_at_once_are_ten_attempts(vault: Vault) -> None:
    made = create(vault, Made(passphrase=True))
    answers: list[str] = []

    def guess(n: int) -> None:
        try:
            reveal(vault, replace(made, reveal_proof=bytes([n]) * 32))
        except TainaError as error:
            answers.append(error.code)

    in_parallel(64, guess)
    assert answers.count("wrong_passphrase") == 10
    assert answers.count("gone") == 54


def test_sixty_four_readers_race_and_one_wins(vault: Vault) -> None:
    for _ in range(20):
        made = create(vault, Made())
        answers: list[str | bytes | None] = []

        def read(_: int, made: Made = made, answers: list[str | bytes | None] = answers) -> None:
            try:
                answers.append(reveal(vault, made.another_reader()))
            except TainaError as error:
                answers.append(error.code)

        in_parallel(64, read)
        assert answers.count(made.chunks[0]) == 1
        assert answers.count("gone") == 63


# The end


def test_expiry_is_exact_and_needs_no_sweeper(vault: Vault, clock: Clock) -> None:
    made, other = create(vault, Made()), create(vault, Made())
    clock.now += 3599
    assert reveal(vault, other)
    clock.now += 1
    for call in (status, reveal):
        with pytest.raises(NotFoundError):
            call(vault, made)
    assert state(vault, made) == "expired"
    with pytest.raises(GoneError):
        vault.burn(made.receipt_id, made.receipt_token)


def test_an_upload_ends_at_its_expiry_and_needs_no_sweeper(vault: Vault, clock: Clock) -> None:
    made = create(vault, made_of_chunks(3))
    clock.now += 3599
    assert vault.put_chunk(made.id, made.receipt_token, 0, made.chunks[0]) == "uploading"
    clock.now += 1
    assert gone(lambda: vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1])) == "expired"


def test_how_it_ended_is_told_until_its_original_expiry(vault: Vault, clock: Clock) -> None:
    made = create(vault, Made())
    reveal(vault, made)
    acknowledge(vault, made)
    clock.now += 3599
    assert gone(lambda: status(vault, made)) == "opened"
    clock.now += 1
    with pytest.raises(NotFoundError):
        status(vault, made)
    assert state(vault, made) == "opened"


def test_burning_is_for_the_sender_and_may_be_repeated(vault: Vault) -> None:
    made = create(vault, Made())
    with pytest.raises(NotFoundError):
        vault.burn(made.receipt_id, made.link_proof)
    assert vault.burn(made.receipt_id, made.receipt_token) == "burned"
    assert vault.burn(made.receipt_id, made.receipt_token) == "burned"
    assert gone(lambda: reveal(vault, made)) == "burned"


def test_what_was_opened_cannot_be_burned(vault: Vault) -> None:
    made = create(vault, Made())
    reveal(vault, made)
    assert gone(lambda: vault.burn(made.receipt_id, made.receipt_token)) == "revealed"
    assert acknowledge(vault, made) == "opened"


def test_an_operator_ends_a_secret_whatever_state_it_is_in(vault: Vault) -> None:
    waiting, read, burned = (create(vault, Made()) for _ in range(3))
    reveal(vault, read)
    vault.burn(burned.receipt_id, burned.receipt_token)
    used = vault.used()
    for one in (waiting, read, burned, Made()):
        vault.take_down(one.id)
        vault.take_down(one.id)
    assert (used > 3 * ROW, vault.used()) == (True, 3 * ROW)
    assert gone(lambda: reveal(vault, waiting)) == "burned"
    assert gone(lambda: reveal(vault, read)) == "revealed"
    assert [state(vault, one) for one in (waiting, read, burned)] == ["burned", "revealed", "burned"]


def test_what_is_taken_down_at_its_end_has_expired(vault: Vault, clock: Clock) -> None:
    made = [create(vault, Made()) for _ in range(2)]
    clock.now += 3599
    vault.take_down(made[0].id)
    clock.now += 1
    vault.take_down(made[1].id)
    assert [state(vault, one) for one in made] == ["burned", "expired"]


def test_the_sweeper_ends_what_is_due_and_forgets_it_thirty_days_later(vault: Vault, clock: Clock) -> None:
    made = [create(vault, Made()) for _ in range(5)]
    reveal(vault, made[0])
    acknowledge(vault, made[0])
    clock.now += 3600
    assert [vault.sweep(3), vault.sweep(3), vault.sweep(3)] == [3, 1, 0]
    assert [state(vault, one) for one in made] == ["opened"] + ["expired"] * 4
    clock.now += RECEIPT_KEPT - 1
    assert vault.sweep() == 0
    clock.now += 1
    assert vault.sweep() == 5
    for one in made:
        with pytest.raises(NotFoundError):
            state(vault, one)


def test_room_comes_back_however_a_secret_ends(store: Store, clock: Clock) -> None:
    vault = Vault(store, Limits(), clock)
    ends = [create(vault, Made()) for _ in range(5)]
    vault.burn(ends[0].receipt_id, ends[0].receipt_token)
    reveal(vault, ends[1])
    vault.reveal(ends[2].id, ends[2].link_proof, ends[2].reveal_proof)
    reveal(vault, ends[3])
    acknowledge(vault, ends[3])
    clock.now += 3600
    sweep_all(vault)
    assert vault.used() == 5 * ROW
    clock.now += RECEIPT_KEPT
    sweep_all(vault)
    assert store.atomically(lambda tx: tx.usage()) == Usage()


def in_parallel(count: int, work: Callable[[int], None]) -> None:
    gate = threading.Barrier(count)

    def run(n: int) -> None:
        gate.wait(60)
        work(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
