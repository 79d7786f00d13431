"""What both versions of Onetime Secret's API can do, done on an instance of Taina."""

import secrets
import string
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from taina.client import Client
from taina.client.answers import whole
from taina.client.bridge.fields import Fields
from taina.client.loopback import Told
from taina.client.results import Opened, Outcome, Sent, Status
from taina.errors import GoneError, InvalidError, NotFoundError, WrongPassphraseError
from taina.format.links import Kind, decode_link, page_address

_SETTLING = 5.0
"""Seconds for which a call waits for others: one caller that reads slowly, or an instance, must not stop them all."""
_GOES_ON = 90
"""Seconds after which a reader who had begun is surely too late: a lease is about a minute."""
_REMEMBERED = 1000
_LISTED = 100
"""Secrets in a list, each of which costs a question to the instance."""
RECEIPT_SECONDS = 30 * 86400
"""How long a receipt outlives its secret (specification: Receipts)."""
_KINDS = {
    "uppercase": string.ascii_uppercase,
    "lowercase": string.ascii_lowercase,
    "numbers": string.digits,
    "symbols": "!@#$%^&*()_+-=[]{};:,.?",
}
_AMBIGUOUS = "0O1Il"
_GENERATED = 16
_MAX_GENERATED = 128
# `received` is what the reader's proof shows, and not the server's word.
_STATES: dict[Outcome, str] = {
    "uploading": "new",
    "waiting": "new",
    "revealed": "viewed",
    "unproved": "viewed",
    "opened": "received",
    "burned": "burned",
    "locked": "burned",
    "expired": "expired",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A secret that was sent; times in unix seconds, the lifetime in seconds."""

    key: str = field(repr=False)
    """The fragment of its receipt."""
    custid: str
    ttl: int
    created: int
    expires: int
    kind: str | None
    passphrase: bool | None
    """Kind and passphrase are None where another run of the bridge made it."""
    state: str = "new"
    """As version 1 calls it."""
    ended: int | None = None


class Calls:
    """The calls, over a client of one instance. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.time) -> None:
        if client.url is None:
            raise InvalidError("Which instance? Give its address.", field="url")
        self._client = client
        self.url = client.url
        self._clock = clock
        self._lock = threading.Lock()
        self._made: OrderedDict[str, Record] = OrderedDict()
        self._telling = 0
        self._told = threading.Condition(self._lock)

    def settle(self) -> None:
        """Wait until the instance knows of what was opened before: whoever has an answer may ask what became of it."""
        with self._told:
            self._told.wait_for(lambda: not self._telling, _SETTLING)

    def check(self) -> None:
        """Whether the instance answers. Raises: TainaError."""
        self._client.instance()

    def send(self, custid: str, kind: str, fields: Fields, secret: str) -> tuple[Record, Sent]:
        """Leave a text with the instance. Raises: InvalidError: a field is wrong; TainaError: as `Client.send`."""
        if any(fields.list("recipient")):
            detail = "No mail is sent from here. Send the share_url to the recipient yourself."
            raise InvalidError(detail, field="recipient")
        passphrase = fields.text("passphrase") or None
        ttl = self._ttl(fields)
        sent = self._client.send(secret, ttl=ttl, passphrase=passphrase)
        key = sent.receipt.partition("#")[2]
        record = Record(key, custid, ttl, sent.expires - ttl, sent.expires, kind, passphrase is not None)
        with self._lock:
            self._made[key] = record
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        return record, sent

    def record(self, custid: str, key: str) -> Record:
        """What became of a secret. Raises: FormatError, NotFoundError."""
        receipt = self._client.receipt(key)
        with self._lock:
            made = self._made.get(key)
        if made is None:
            ttl = receipt.expires - receipt.created
            made = Record(key, custid, ttl, receipt.created, receipt.expires, None, None)
        return replace(
            made,
            created=receipt.created,
            expires=receipt.expires,
            state=_STATES[receipt.state],
            ended=receipt.ended,
        )

    def recent(self, custid: str) -> list[Record]:
        """What this user name has sent since the bridge was started, newest first."""
        with self._lock:
            keys = [key for key, made in reversed(self._made.items()) if made.custid == custid]
        found = []
        for key in keys[:_LISTED]:
            try:
                found.append(self.record(custid, key))
            except NotFoundError:
                continue
        return found

    def burn(self, key: str) -> None:
        """Raises: FormatError, NotFoundError, GoneError."""
        self._client.burn(key)

    def look(self, key: str) -> Status:
        """What may be known of a secret unopened, or opened for a caller who did not get it.

        Raises: FormatError, NotFoundError, GoneError.
        """
        try:
            return self._client.status(key)
        except GoneError as error:
            ended = error.members.get("ended")
            late = not isinstance(ended, int) or self._clock() - ended > _GOES_ON
            if late or error.members.get("state") != "revealed" or not self._client.has_begun(key):
                raise
            return Status("revealed", decode_link(key, "secret").passphrase, 0, 0, int(self._clock()), 0)

    def open(self, key: str, passphrase: str) -> tuple[Opened, Told]:
        """What was opened, and what to call when the caller was told: until it has it, it can be opened again.

        Raises: as `Client.open`. A missing passphrase costs no try.
        """
        needed = decode_link(key, "secret").passphrase
        if needed and not passphrase:
            left = self.look(key).attempts_left
            raise WrongPassphraseError(attempts_left=left) if left else WrongPassphraseError
        opened, acknowledge = self._client.open_unacknowledged(key, passphrase if needed else None)
        with self._lock:
            self._telling += 1

        def told(taken: bool) -> None:
            try:
                if taken:
                    acknowledge()
            finally:
                with self._told:
                    self._telling -= 1
                    self._told.notify_all()

        return opened, told

    def left(self, expires: int) -> int:
        """Seconds until then; 0 where it is past."""
        return max(0, expires - int(self._clock()))

    def address(self, key: str, kind: Kind) -> str:
        """The page of a key at the instance. Raises: FormatError."""
        return page_address(self.url, decode_link(key, kind))

    def _ttl(self, fields: Fields) -> int:
        """Brought into the instance's bounds, as that service does; the answer says what it became."""
        asked = fields.text("ttl")
        if asked and not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            raise InvalidError("ttl is a whole number of seconds, such as 3600", field="ttl")
        bounds = self._client.instance().get("ttl")
        if not asked:
            return whole(bounds, "default")
        return max(whole(bounds, "min"), min(int(asked), whole(bounds, "max")))


def generate(fields: Fields) -> str:
    """A random text of the length and the characters that the call names. Raises: InvalidError."""
    length = fields.number("length", 1, _MAX_GENERATED) or _GENERATED
    sets = fields.inner("character_sets")
    letters = "".join(letters for name, letters in _KINDS.items() if sets.flag(name, name != "symbols"))
    if sets.flag("exclude_ambiguous", default=True):
        letters = "".join(letter for letter in letters if letter not in _AMBIGUOUS)
    if not letters:
        raise InvalidError("character_sets leaves no character to choose from", field="character_sets")
    return "".join(secrets.choice(letters) for _ in range(length))
