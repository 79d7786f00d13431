"""Every state of a secret, every verb: what is answered, and what stands in the store afterwards.

A secret of one chunk (or an upload of two, one of which has come) is made at 0, lives for 3600 seconds with leases of
60 (180 once a chunk was read), and is brought to a state. Then one verb is called. What is not in CHANGES changes
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from support.clocks import START
from support.secrets import SEALED_CHUNK, Made
from taina.errors import GoneError, TainaError
from taina.rules.types import Limits
from taina.rules.vault import RECEIPT_KEPT, Vault
from taina.store import ROW, Store

SIZE = 1040
UPLOAD = SEALED_CHUNK + 40
KEPT = 3600 + RECEIPT_KEPT
"""When the receipt of a secret ends."""


@dataclass(frozen=True)
class Facts:
    """Times are seconds after `START`."""

    state: str
    ended: int | None
    chunks: int
    held: int
    due: int
    failed: int
    receipt: str
    """State and end."""


class Case:
    """A vault with one secret."""

    def __init__(self, store: Store) -> None:
        self.now = START
        self.store = store
        self.vault = Vault(store, Limits(), lambda: self.now)
        self.made = Made(chunks=(bytes(SIZE),))

    def create(self) -> None:
        self.vault.create(self.made.id, self.made.order())

    def upload(self) -> None:
        self.made = Made(chunks=(bytes(SEALED_CHUNK), bytes(40)))
        self.create()
        self.vault.put_chunk(self.made.id, self.made.receipt_token, 0, self.made.chunks[0])

    def at(self, seconds: int) -> None:
        self.now = START + seconds

    def reveal(self, made: Made) -> str:
        content = self.vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim).content
        return "content" if content == self.made.chunks[0] else "chunks"

    def outcome(self, call: Callable[[], object]) -> str:
        """What is returned or the code of what is raised; `gone` only where it tells what the receipt tells."""
        try:
            return str(call())
        except GoneError as gone:
            receipt = self.vault.receipt(self.made.receipt_id, self.made.receipt_token)
            assert gone.members == {"state": receipt.state, "ended": receipt.ended}
            return gone.code
        except TainaError as error:
            return error.code

    def clear(self) -> None:
        self.at(10**9)
        while self.vault.sweep():
            pass

    def facts(self) -> Facts | None:
        """What stands in the store of the secret, and what its sender is told; None once it is forgotten."""
        secret = self.store.atomically(lambda tx: tx.find(self.made.id))
        used = self.vault.used()
        if secret is None:
            assert used == 0
            return None
        receipt = self.vault.receipt(self.made.receipt_id, self.made.receipt_token)
        assert (receipt.opened is not None) is (receipt.state == "opened")
        assert receipt.failed_attempts == secret.failed_attempts
        return Facts(
            secret.state,
            None if secret.ended is None else secret.ended - START,
            secret.chunks,
            used - ROW,
            secret.due - START,
            secret.failed_attempts,
            f"{receipt.state} {'-' if receipt.ended is None else receipt.ended - START}",
        )


State = Callable[[Case], None]
"""Brings a secret to it."""


def uploading(case: Case) -> None:
    case.upload()
    case.at(20)


def waiting(case: Case) -> None:
    case.create()
    case.at(20)


def guessed(case: Case) -> None:
    """Waiting, and nine wrong proofs were shown."""
    case.create()
    for _ in range(9):
        assert case.outcome(lambda: case.reveal(replace(case.made, reveal_proof=bytes(32)))) == "wrong_passphrase"
    case.at(20)


def leased(case: Case) -> None:
    case.create()
    case.at(10)
    case.reveal(case.made)
    case.at(20)


def lease_over(case: Case) -> None:
    leased(case)
    case.at(70)


def lease_swept(case: Case) -> None:
    lease_over(case)
    case.vault.sweep()


def leased_late(case: Case) -> None:
    """Revealed in time, and its lifetime is over, but not the lease."""
    case.create()
    case.at(3590)
    case.reveal(case.made)
    case.at(3620)


def lease_over_late(case: Case) -> None:
    leased_late(case)
    case.at(3650)


def given(case: Case) -> None:
    """Revealed without a claim."""
    case.create()
    case.at(10)
    case.vault.reveal(case.made.id, case.made.link_proof, case.made.reveal_proof)
    case.at(20)


def opened(case: Case) -> None:
    leased(case)
    case.vault.acknowledge(case.made.claim_id, case.made.claim_token, case.made.opened_proof)


def burned(case: Case) -> None:
    case.create()
    case.at(10)
    case.vault.burn(case.made.receipt_id, case.made.receipt_token)
    case.at(20)


def locked(case: Case) -> None:
    guessed(case)
    case.at(10)
    assert case.outcome(lambda: case.reveal(replace(case.made, reveal_proof=bytes(32)))) == "wrong_passphrase"
    case.at(20)


def late(case: Case) -> None:
    """Its lifetime is over, and the sweeper has not come."""
    case.create()
    case.at(3650)


def upload_late(case: Case) -> None:
    case.upload()
    case.at(3650)


def expired(case: Case) -> None:
    case.create()
    case.at(3700)
    case.vault.sweep()


def opened_late(case: Case) -> None:
    opened(case)
    case.at(3600)


def over(case: Case) -> None:
    """The receipt's time is over, too."""
    expired(case)
    case.at(3600 + RECEIPT_KEPT)


def forgotten(case: Case) -> None:
    over(case)
    case.vault.sweep()


VERBS: dict[str, Callable[[Case], object]] = {
    "create_again": lambda case: "new" if case.vault.create(case.made.id, case.made.order()).new else "the same",
    "create_another": lambda case: case.vault.create(case.made.id, replace(case.made, ttl=7200).order()).state,
    "put_chunk": lambda case: case.vault.put_chunk(
        case.made.id, case.made.receipt_token, len(case.made.chunks) - 1, case.made.chunks[-1]
    ),
    "list_chunks": lambda case: case.vault.chunks_present(case.made.id, case.made.receipt_token),
    "status": lambda case: case.vault.status(case.made.id, case.made.link_proof).state,
    "reveal": lambda case: case.reveal(case.made),
    "reveal_by_another": lambda case: case.reveal(replace(case.made, claim_id=bytes(16), claim_token=bytes(32))),
    "reveal_by_its_token": lambda case: case.reveal(replace(case.made, claim_id=bytes(16))),
    "reveal_by_its_id": lambda case: case.reveal(replace(case.made, claim_token=bytes(32))),
    "reveal_without_claim": lambda case: (
        case.vault.reveal(case.made.id, case.made.link_proof, case.made.reveal_proof).chunks
    ),
    "guess_by_its_claim": lambda case: case.reveal(replace(case.made, reveal_proof=bytes(32))),
    "guess": lambda case: case.reveal(replace(case.made, reveal_proof=bytes(32), claim_id=bytes(16))),
    "lease": lambda case: case.vault.claimed(case.made.claim_id, case.made.claim_token).expires - START,
    "read": lambda case: len(case.vault.claimed_chunk(case.made.claim_id, case.made.claim_token, 0)),
    "acknowledge": lambda case: case.vault.acknowledge(
        case.made.claim_id, case.made.claim_token, case.made.opened_proof
    ),
    "acknowledge_else": lambda case: case.vault.acknowledge(case.made.claim_id, case.made.claim_token, bytes(32)),
    "burn": lambda case: case.vault.burn(case.made.receipt_id, case.made.receipt_token),
    "take_down": lambda case: case.vault.take_down(case.made.id),
    "sweep": lambda case: case.vault.sweep(),
}

OUTCOMES = """
                     uploading    waiting      guessed      leased       lease_over   lease_swept
create_again         the_same     the_same     the_same     conflict     conflict     conflict
create_another       conflict     conflict     conflict     conflict     conflict     conflict
put_chunk            waiting      waiting      waiting      gone         gone         gone
list_chunks          [0]          [0]          [0]          gone         gone         gone
status               uploading    waiting      waiting      gone         gone         gone
reveal               not_ready    content      content      content      gone         gone
reveal_by_another    not_ready    content      content      gone         gone         gone
reveal_by_its_token  not_ready    content      content      gone         gone         gone
reveal_by_its_id     not_ready    content      content      gone         gone         gone
reveal_without_claim not_ready    1            1            gone         gone         gone
guess_by_its_claim   not_ready    wrong        wrong        content      gone         gone
guess                not_ready    wrong        wrong        gone         gone         gone
lease                not_found    not_found    not_found    70           gone         gone
read                 not_found    not_found    not_found    1040         gone         gone
acknowledge          not_found    not_found    not_found    opened       opened       opened
acknowledge_else     not_found    not_found    not_found    opened       opened       opened
burn                 burned       burned       burned       gone         gone         gone
take_down            None         None         None         None         None         None
sweep                0            0            0            0            1            0

                     given        opened       opened_late  burned       locked
create_again         conflict     conflict     conflict     conflict     conflict
create_another       conflict     conflict     conflict     conflict     conflict
put_chunk            gone         gone         gone         gone         gone
list_chunks          gone         gone         gone         gone         gone
status               gone         gone         not_found    gone         gone
reveal               gone         gone         not_found    gone         gone
reveal_by_another    gone         gone         not_found    gone         gone
reveal_by_its_token  gone         gone         not_found    gone         gone
reveal_by_its_id     gone         gone         not_found    gone         gone
reveal_without_claim gone         gone         not_found    gone         gone
guess_by_its_claim   gone         gone         not_found    gone         gone
guess                gone         gone         not_found    gone         gone
lease                not_found    gone         gone         not_found    not_found
read                 not_found    gone         gone         not_found    not_found
acknowledge          not_found    opened       opened       not_found    not_found
acknowledge_else     not_found    conflict     conflict     not_found    not_found
burn                 gone         gone         gone         burned       gone
take_down            None         None         None         None         None
sweep                0            0            0            0            0

                     late         upload_late  expired      over         forgotten
create_again         conflict     conflict     conflict     conflict     new
create_another       conflict     conflict     conflict     conflict     waiting
put_chunk            gone         gone         gone         gone         not_found
list_chunks          gone         gone         gone         gone         not_found
status               not_found    not_found    not_found    not_found    not_found
reveal               not_found    not_found    not_found    not_found    not_found
reveal_by_another    not_found    not_found    not_found    not_found    not_found
reveal_by_its_token  not_found    not_found    not_found    not_found    not_found
reveal_by_its_id     not_found    not_found    not_found    not_found    not_found
reveal_without_claim not_found    not_found    not_found    not_found    not_found
guess_by_its_claim   not_found    not_found    not_found    not_found    not_found
guess                not_found    not_found    not_found    not_found    not_found
lease                not_found    not_found    not_found    not_found    not_found
read                 not_found    not_found    not_found    not_found    not_found
acknowledge          not_found    not_found    not_found    not_found    not_found
acknowledge_else     not_found    not_found    not_found    not_found    not_found
burn                 gone         gone         gone         gone         not_found
take_down            None         None         None         None         None
sweep                1            1            0            1            0

                     leased_late  lease_over_late
create_again         conflict     conflict
create_another       conflict     conflict
put_chunk            gone         gone
list_chunks          gone         gone
status               not_found    not_found
reveal               content      not_found
reveal_by_another    not_found    not_found
reveal_by_its_token  not_found    not_found
reveal_by_its_id     not_found    not_found
reveal_without_claim not_found    not_found
guess_by_its_claim   content      not_found
guess                not_found    not_found
lease                3650         gone
read                 1040         gone
acknowledge          opened       opened
acknowledge_else     opened       opened
burn                 gone         gone
take_down            None         None
sweep                0            1

"""
BEFORE: dict[State, Facts | None] = {
    uploading: Facts("uploading", None, 2, UPLOAD, 3600, 0, "uploading -"),
    waiting: Facts("waiting", None, 1, SIZE, 3600, 0, "waiting -"),
    guessed: Facts("waiting", None, 1, SIZE, 3600, 9, "waiting -"),
    leased: Facts("revealed", 10, 1, SIZE, 70, 0, "revealed 10"),
    lease_over: Facts("revealed", 10, 1, SIZE, 70, 0, "revealed 10"),
    lease_swept: Facts("revealed", 10, 0, 0, KEPT, 0, "revealed 10"),
    leased_late: Facts("revealed", 3590, 1, SIZE, 3650, 0, "revealed 3590"),
    lease_over_late: Facts("revealed", 3590, 1, SIZE, 3650, 0, "revealed 3590"),
    given: Facts("revealed", 10, 0, 0, KEPT, 0, "revealed 10"),
    opened: Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    opened_late: Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    burned: Facts("burned", 10, 0, 0, KEPT, 0, "burned 10"),
    locked: Facts("locked", 10, 0, 0, KEPT, 10, "locked 10"),
    late: Facts("waiting", None, 1, SIZE, 3600, 0, "expired 3600"),
    upload_late: Facts("uploading", None, 2, UPLOAD, 3600, 0, "expired 3600"),
    expired: Facts("expired", 3600, 0, 0, KEPT, 0, "expired 3600"),
    over: Facts("expired", 3600, 0, 0, KEPT, 0, "expired 3600"),
    forgotten: None,
}
CHANGES: dict[tuple[State, str], Facts | None] = {
    (uploading, "put_chunk"): Facts("waiting", None, 2, UPLOAD, 3600, 0, "waiting -"),
    (uploading, "burn"): Facts("burned", 20, 0, 0, KEPT, 0, "burned 20"),
    (uploading, "take_down"): Facts("burned", 20, 0, 0, KEPT, 0, "burned 20"),
    (waiting, "reveal"): Facts("revealed", 20, 1, SIZE, 80, 0, "revealed 20"),
    (waiting, "reveal_by_another"): Facts("revealed", 20, 1, SIZE, 80, 0, "revealed 20"),
    (waiting, "reveal_by_its_token"): Facts("revealed", 20, 1, SIZE, 80, 0, "revealed 20"),
    (waiting, "reveal_by_its_id"): Facts("revealed", 20, 1, SIZE, 80, 0, "revealed 20"),
    (waiting, "reveal_without_claim"): Facts("revealed", 20, 0, 0, KEPT, 0, "revealed 20"),
    (waiting, "guess_by_its_claim"): Facts("waiting", None, 1, SIZE, 3600, 1, "waiting -"),
    (waiting, "guess"): Facts("waiting", None, 1, SIZE, 3600, 1, "waiting -"),
    (waiting, "burn"): Facts("burned", 20, 0, 0, KEPT, 0, "burned 20"),
    (waiting, "take_down"): Facts("burned", 20, 0, 0, KEPT, 0, "burned 20"),
    (guessed, "reveal"): Facts("revealed", 20, 1, SIZE, 80, 9, "revealed 20"),
    (guessed, "reveal_by_another"): Facts("revealed", 20, 1, SIZE, 80, 9, "revealed 20"),
    (guessed, "reveal_by_its_token"): Facts("revealed", 20, 1, SIZE, 80, 9, "revealed 20"),
    (guessed, "reveal_by_its_id"): Facts("revealed", 20, 1, SIZE, 80, 9, "revealed 20"),
    (guessed, "reveal_without_claim"): Facts("revealed", 20, 0, 0, KEPT, 9, "revealed 20"),
    (guessed, "guess_by_its_claim"): Facts("locked", 20, 0, 0, KEPT, 10, "locked 20"),
    (guessed, "guess"): Facts("locked", 20, 0, 0, KEPT, 10, "locked 20"),
    (guessed, "burn"): Facts("burned", 20, 0, 0, KEPT, 9, "burned 20"),
    (guessed, "take_down"): Facts("burned", 20, 0, 0, KEPT, 9, "burned 20"),
    (leased, "read"): Facts("revealed", 10, 1, SIZE, 200, 0, "revealed 10"),
    (leased, "acknowledge"): Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    (leased, "acknowledge_else"): Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    (leased, "take_down"): Facts("revealed", 10, 0, 0, KEPT, 0, "revealed 10"),
    (lease_over, "acknowledge"): Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    (lease_over, "acknowledge_else"): Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    (lease_over, "take_down"): Facts("revealed", 10, 0, 0, KEPT, 0, "revealed 10"),
    (lease_over, "sweep"): Facts("revealed", 10, 0, 0, KEPT, 0, "revealed 10"),
    (lease_swept, "acknowledge"): Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    (lease_swept, "acknowledge_else"): Facts("opened", 10, 0, 0, KEPT, 0, "opened 10"),
    (leased_late, "read"): Facts("revealed", 3590, 1, SIZE, 3800, 0, "revealed 3590"),
    (leased_late, "acknowledge"): Facts("opened", 3590, 0, 0, KEPT, 0, "opened 3590"),
    (leased_late, "acknowledge_else"): Facts("opened", 3590, 0, 0, KEPT, 0, "opened 3590"),
    (leased_late, "take_down"): Facts("revealed", 3590, 0, 0, KEPT, 0, "revealed 3590"),
    (lease_over_late, "acknowledge"): Facts("opened", 3590, 0, 0, KEPT, 0, "opened 3590"),
    (lease_over_late, "acknowledge_else"): Facts("opened", 3590, 0, 0, KEPT, 0, "opened 3590"),
    (lease_over_late, "take_down"): Facts("revealed", 3590, 0, 0, KEPT, 0, "revealed 3590"),
    (lease_over_late, "sweep"): Facts("revealed", 3590, 0, 0, KEPT, 0, "revealed 3590"),
    (late, "take_down"): Facts("expired", 3600, 0, 0, KEPT, 0, "expired 3600"),
    (late, "sweep"): Facts("expired", 3600, 0, 0, KEPT, 0, "expired 3600"),
    (upload_late, "take_down"): Facts("expired", 3600, 0, 0, KEPT, 0, "expired 3600"),
    (upload_late, "sweep"): Facts("expired", 3600, 0, 0, KEPT, 0, "expired 3600"),
    (over, "sweep"): None,
    (forgotten, "create_again"): Facts("waiting", None, 1, SIZE, 2599200, 0, "waiting -"),
    (forgotten, "create_another"): Facts("waiting", None, 1, SIZE, 2602800, 0, "waiting -"),
}


def outcomes() -> dict[tuple[str, str], str]:
    """By the names of the state and of the verb."""
    found = {}
    for block in OUTCOMES.strip("\n").split("\n\n"):
        first, *rows = block.splitlines()
        for row in rows:
            verb, *cells = row.split()
            found.update({(state, verb): cell for state, cell in zip(first.split(), cells, strict=True)})
    return found


def test_the_table_is_whole() -> None:
    assert set(outcomes()) == {(state.__name__, verb) for state in BEFORE for verb in VERBS}


@pytest.mark.parametrize("state", BEFORE, ids=lambda state: str(state.__name__))
def test_every_verb_in_this_state(store: Store, state: State) -> None:
    expected = outcomes()
    for verb, call in VERBS.items():
        case = Case(store)
        state(case)
        assert case.facts() == BEFORE[state], verb
        outcome = case.outcome(lambda call=call, case=case: call(case))  # type: ignore[misc]
        told = outcome.replace(" ", "_").removesuffix("_passphrase")
        assert told == expected[state.__name__, verb], verb
        assert case.facts() == CHANGES.get((state, verb), BEFORE[state]), verb
        case.clear()
