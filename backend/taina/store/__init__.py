"""What the vault asks of a database. Two engines keep this protocol; neither decides anything.

A store has no way to look at sealed bytes and leave them there. They come out by `take`, which deletes them,
or by `read_claimed`, which needs the claim that the reveal locked them to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypedDict, TypeVar, Unpack

from taina.errors import UnavailableError

State = Literal["uploading", "waiting", "revealed", "opened", "burned", "expired", "locked"]
Result = TypeVar("Result")

ROW = 512
"""Bytes that are counted for each secret, request and envelope beside what is sealed: its row, rounded up."""


class UnusableError(Exception):
    """A database that cannot be opened; the message says why and what to do."""


class InDoubtError(UnavailableError):
    """The commit may have happened, or not. The same work again finds out."""


class Secret(NamedTuple):
    """All that the server knows of one secret; hashes are SHA-256, times unix seconds, sizes bytes of ciphertext.

    A tuple, as the engines have it: each request makes one, and a dataclass of so many fields takes four times as long.
    """

    id: bytes
    link_hash: bytes
    reveal_hash: bytes
    receipt_id: bytes
    receipt_hash: bytes
    fingerprint: bytes
    """SHA-256 of the create request, by which a repeated one is known."""
    passphrase: bool
    size: int
    chunks: int
    missing: int
    """Chunks that have not arrived yet."""
    held: int
    """Bytes that are counted for its sealed chunks: those that are here, and of an upload a few that are to come."""
    state: State
    created: int
    expires: int
    due: int
    """When the sweeper has to look at it next."""
    ended: int | None = None
    failed_attempts: int = 0
    claim_id: bytes | None = None
    claim_check: bytes | None = None
    """SHA-256 of the claim's hash: the hash itself opens the shred key and is not kept."""
    opened: bytes | None = None
    """The opened proof, from the reader's acknowledgement."""


COLUMNS = Secret._fields
"""What the engines call them, in the order of the fields."""


class Changes(TypedDict, total=False):
    """The fields of a secret that may change."""

    reveal_hash: bytes
    fingerprint: bytes
    size: int
    chunks: int
    missing: int
    held: int
    state: State
    due: int
    ended: int | None
    failed_attempts: int
    claim_id: bytes
    claim_check: bytes
    opened: bytes


ERASED: Changes = {"reveal_hash": b"", "fingerprint": b"", "size": 0, "chunks": 0, "missing": 0, "held": 0}
"""What a secret is without its sealed chunks."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes that are counted: in all, and of them those of uploads that have not finished."""

    held: int = 0
    unfinished: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.held + other.held, self.unfinished + other.unfinished)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.held - other.held, self.unfinished - other.unfinished)


def usage_of_rows(count: int) -> Usage:
    """What so many rows take."""
    return Usage(count * ROW)


def usage_of(secret: Secret, changes: Changes | None = None) -> Usage:
    """What is counted for the sealed chunks of one secret, as it is or once it is changed."""
    changes = changes or {}
    held, state = changes.get("held", secret.held), changes.get("state", secret.state)
    return Usage(held, held if state == "uploading" else 0)


def growth(secret: Secret, changes: Changes) -> Usage:
    """How what is counted for its sealed chunks grows by changes of a secret."""
    return usage_of(secret, changes) - usage_of(secret)


@dataclass(frozen=True, slots=True)
class Request:
    """All that the server knows of a request for secrets; hashes are SHA-256, times unix seconds."""

    id: bytes
    inbox_hash: bytes
    answer_hash: bytes
    answers: int
    """How many envelopes it takes."""
    created: int
    expires: int
    """Until when it takes them."""
    due: int
    """When the sweeper has to forget it."""
    started: int = 0
    """Secrets that were made to answer it, whatever became of them."""
    key: str | None = None
    """Name of the access key that made it, on a private instance."""
    ended: int | None = None
    """When it was deleted; what is left is that its id was used."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer: sealed bytes that only the asker opens, and when they came (unix seconds)."""

    sealed: bytes
    received: int


class RequestVerbs(Protocol):
    """What a transaction can do with requests for secrets."""

    def put(self, request: Request) -> None:
        """Add a request.

        Raises:
            ConflictError: its id is taken.
        """

    def find(self, request_id: bytes) -> Request | None:
        """The request of this id (16 bytes), also one that has ended; None where there is none."""

    def put_envelope(self, request_id: bytes, n: int, envelope: Envelope) -> None:
        """Keep envelope `n`, counted from 0.

        Raises:
            ConflictError: there is one at that place.
        """

    def envelopes(self, request_id: bytes) -> list[Envelope]:
        """In the order in which they came."""

    def start(self, request_id: bytes, secret_id: bytes) -> None:
        """Count a secret that is made to answer the request, and note that its envelope has not come."""

    def is_started(self, secret_id: bytes) -> bool:
        """Whether the secret was made to answer a request, and no envelope has come since."""

    def settle(self, request_id: bytes) -> list[bytes]:
        """An envelope has come: the ids of the secrets that waited for one, which they do no longer."""

    def end(self, request_id: bytes, now: int) -> None:
        """Delete the envelopes; of the request itself its id stays until it is due."""

    def forget(self, request_id: bytes) -> None:
        """Delete the request with its envelopes."""

    def due(self, now: int, limit: int) -> list[bytes]:
        """The ids of at most `limit` requests whose `due` has come, longest due first."""


class Transaction(Protocol):
    """Small verbs inside one transaction. It is all done durably, or nothing is."""

    @property
    def requests(self) -> RequestVerbs:
        """The verbs of requests for secrets; the others are those of secrets."""

    def put(self, secret: Secret) -> None:
        """Add a secret.

        Raises:
            ConflictError: its id or its receipt's id is taken.
        """

    def find(self, secret_id: bytes) -> Secret | None:
        """The secret of this id (16 bytes), also one that has ended; None where there is none."""

    def find_by_receipt(self, receipt_id: bytes) -> Secret | None:
        """As `find`, by the id of its receipt (16 bytes)."""

    def find_by_claim(self, claim_id: bytes) -> Secret | None:
        """As `find`, by the id of the claim (16 bytes) to which it was revealed."""

    def update(self, secret: Secret, **changes: Unpack[Changes]) -> None:
        """Set fields of a secret that was found in this transaction and not changed since.

        Raises:
            ConflictError: the claim id is another secret's.
        """

    def put_chunk(self, secret_id: bytes, n: int, sealed: bytes) -> bool:
        """Keep chunk `n`, wrapped; True if it is new, False if the same bytes were there already.

        Raises:
            ConflictError: other bytes stand at that place.
        """

    def chunks_present(self, secret_id: bytes) -> list[int]:
        """The numbers of the chunks that are here, ascending, of a secret that has not ended."""

    def take(self, secret: Secret, **changes: Unpack[Changes]) -> list[bytes]:
        """As `erase`; return what the sealed chunks were."""

    def lock_to_claim(self, secret_id: bytes, claim_hash: bytes) -> None:
        """Mask the key, so that from the commit on only `claim_hash` (32 bytes, kept nowhere) opens the chunks."""

    def read_claimed(self, secret_id: bytes, n: int, claim_hash: bytes) -> bytes:
        """Sealed chunk `n` of a secret that is locked to this claim. The caller has checked the hash, and that `n` is
        one of the secret's chunks.
        """

    def erase(self, secret: Secret, **changes: Unpack[Changes]) -> None:
        """Delete the sealed chunks with their key, if they are still there, and set fields as `update` does."""

    def forget(self, secret: Secret) -> None:
        """Delete the row itself, the last trace."""

    def due(self, now: int, limit: int) -> list[Secret]:
        """At most `limit` secrets whose `due` has come, longest due first."""

    def clock_mark(self) -> int | None:
        """The highest time (unix seconds) that was trusted; None if none was noted."""

    def set_clock_mark(self, mark: int) -> None:
        """Keep it in the place of the one before."""

    def usage(self) -> Usage:
        """What all secrets, requests and envelopes take."""


class Store(Protocol):
    """Where secrets and requests are kept: a database, reached by one transaction at a time or by several."""

    def atomically(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one transaction; return its result once that is durable.

        `work` may be run again after a failure, so it must do nothing but call the transaction. What it
        raises undoes it.

        Raises:
            StorageFullError: the disk has no room; nothing was changed.
            UnavailableError: no database takes it now; nothing was changed.
            InDoubtError: whether it is durable could not be learned. The same work again finds out.
        """

    def time(self) -> float:
        """Unix seconds by the clock of the database's machine, the same for all that use the database."""

    def close(self) -> None:
        """Let go of the database. Nothing may be asked of the store any more."""
