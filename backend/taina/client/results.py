"""What the calls of a client give back."""

from dataclasses import dataclass, field
from typing import Literal

from taina.client.receiving import File

State = Literal["uploading", "waiting", "revealed", "opened", "burned", "expired", "locked"]
"""What a server says of a secret."""
Outcome = State | Literal["unproved"]
"""What may be said of it: `unproved` where a server says that it was opened and does not show the reader's proof."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A secret that was stored, and its two addresses."""

    link: str = field(repr=False)
    """The address to send to the reader."""
    receipt: str = field(repr=False)
    """The address to keep: it tells what became of the secret, and burns it."""
    expires: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a secret contained. It is nowhere else any more."""

    items: tuple[str | File, ...] = field(repr=False)
    """Texts and files, as they were sent."""
    expires: int
    """Unix seconds by the sender's clock."""
    late: bool
    """It is more than ten minutes past that time by our clock: a clock is wrong, or the server kept it too long."""

    @property
    def text(self) -> str:
        """The texts, one after another; empty where there is none."""
        return "\n".join(item for item in self.items if isinstance(item, str))

    @property
    def files(self) -> tuple[File, ...]:
        """The files, in the order in which they were sent."""
        return tuple(item for item in self.items if isinstance(item, File))


@dataclass(frozen=True, slots=True)
class Status:
    """A secret before its reveal; size in bytes of ciphertext, expires in unix seconds."""

    state: State
    passphrase: bool
    size: int
    chunks: int
    expires: int
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a secret; times in unix seconds."""

    state: Outcome
    created: int
    expires: int
    ended: int | None
    failed_attempts: int
    proved: bool
    """The reader showed what only the content key gives: it was opened, whatever the server says."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a secret."""

    link: str = field(repr=False)
    """The address to send to whoever has the secret."""
    inbox: str = field(repr=False)
    """The address to keep: whoever has it reads the answers."""
    expires: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """What a request accepts before it is answered."""

    answers_left: int
    passphrase: bool
    """Whether answers are to have a passphrase."""
    expires: int
    most: int | None = None
    """Bytes that one answer may have, sealed; None where the server does not say."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """What was left at a request; `wanted` is the number of answers that it was made for."""

    answers: tuple[str | None, ...] = field(repr=False)
    """The links of the secrets that were left; None for something left that is not an answer."""
    wanted: int
    expires: int
    """Unix seconds, until which it can be answered."""

    def is_over(self, now: float) -> bool:
        """Whether no answer can come any more: as many were left as are wanted, or its time is over."""
        return len(self.answers) >= self.wanted or self.expires <= now
