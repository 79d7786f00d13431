"""What goes into the rules and what comes out. Sizes are bytes of ciphertext, times unix seconds."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from taina.store import Envelope, State

Openness = Literal["open", "full"]

LONGEST_ANSWER = 120
"""Seconds in which an answer has to be taken: the listener cuts it off afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this instance accepts."""

    size: int = 100 << 20
    """The most that one secret may hold."""
    storage: int = 10 << 30
    """The most that all may take, rows included."""
    ttl_min: int = 300
    ttl_max: int = 30 * 86400
    ttl_default: int = 7 * 86400
    attempts: int = 10
    """Wrong reveal proofs that end a secret."""
    lease: int = 60
    """Seconds for which a claim is good without a chunk being on its way; 0 gives no leases."""
    answers: int = 100
    """To one request for secrets."""
    passphrase: bool = False
    """Whether every secret has to need one. Which one it is, and whether it is any good, a server cannot see."""

    @property
    def unfinished(self) -> int:
        """What uploads may hold before another begins: a fifth of the storage, and room for one in any case."""
        return max(self.storage // 5, self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A secret to be kept; hashes are SHA-256."""

    link_hash: bytes
    reveal_hash: bytes
    receipt_id: bytes
    """16 bytes."""
    receipt_hash: bytes
    ttl: int
    """Seconds that it is to live."""
    chunks: int
    size: int
    passphrase: bool
    content: bytes | None = None
    """The sealed bytes, where they come with it; else its chunks are uploaded."""

    def fingerprint(self) -> bytes:
        """SHA-256 over every field, each of a fixed length, so that the same is known again."""
        numbers = b"".join(n.to_bytes(8, "big") for n in (self.ttl, self.chunks, self.size, self.passphrase))
        content = b"" if self.content is None else hashlib.sha256(self.content).digest()
        hashes = self.link_hash + self.reveal_hash + self.receipt_id + self.receipt_hash
        return hashlib.sha256(hashes + numbers + content).digest()


@dataclass(frozen=True, slots=True)
class Claim:
    """By which one reader alone may come back: an id (16 bytes) and the SHA-256 of a token (32)."""

    id: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A secret that is kept."""

    state: State
    expires: int
    new: bool
    """False where the same had been kept already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a holder of the link may know before the reveal."""

    state: State
    passphrase: bool
    """Whether the reveal needs one."""
    size: int
    chunks: int
    expires: int
    attempts_left: int
    """Wrong reveal proofs that it still bears, and one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """What the one reader gets."""

    chunks: int
    content: bytes | None
    """The sealed bytes where there is one chunk; more are fetched by the claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a claim is good for."""

    chunks: int
    size: int
    expires: int
    """When the lease ends, unless a chunk is read before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a secret, for its sender."""

    state: State
    created: int
    expires: int
    ended: int | None
    """When it was revealed, burned or locked, or expired; None while it waits."""
    failed_attempts: int
    opened: bytes | None
    """The proof that the reader opened it (32 bytes), from the acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request to be kept: SHA-256 of the tokens of its inbox and of those who may answer."""

    inbox_hash: bytes
    answer_hash: bytes
    ttl: int
    """Seconds for which it takes answers."""
    answers: int
    """How many it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedRequest:
    """A request that is kept."""

    expires: int
    new: bool
    """False where the same had been kept already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStatus:
    """What those who may answer a request may know."""

    state: Openness
    answers_left: int
    expires: int
    most: int
    """Bytes of ciphertext that one answer may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An envelope that was left."""

    answers_left: int
    new: bool
    """False where the same had been left already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What came to a request, for its asker."""

    answers: int
    """How many the request takes; the envelopes are those that came."""
    expires: int
    envelopes: list[Envelope]
