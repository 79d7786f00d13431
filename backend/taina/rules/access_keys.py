"""Access keys: who may make secrets on a private instance. A key is 32 random bytes; only its hash is kept."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from taina.errors import InvalidError, KeyNeededError, KeyRefusedError, NotFoundError, QuotaError
from taina.store import UnusableError
from taina.store.access_keys import AccessKey, KeyFile

WARNING = 7 * 86400
"""Seconds before its end at which a key's holder is told."""
_DAY = 86400
_NAME = re.compile(r"[\w][\w .@-]{0,63}")

Spending = Literal["create", "mail"]


def open_keys(folder: Path) -> "AccessKeys":
    """The keys of the instance whose data are in this folder. Raises: UnusableError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableError(
            f"{folder} cannot be used ({error.strerror}). Check its permissions, or name another folder with --data."
        ) from None
    return AccessKeys(KeyFile(folder / "keys.db"))


class AccessKeys:
    """Issues keys, knows them again, counts what they do."""

    def __init__(self, file: KeyFile, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock

    def issue(
        self,
        name: str,
        *,
        ttl: int | None = None,
        quota: int | None = None,
        contact: str | None = None,
        language: str = "en",
    ) -> tuple[AccessKey, bytes]:
        """A new key, and the 32 bytes that its holder shows; they cannot be had again.

        Args:
            name: by which the operator knows it.
            ttl: seconds for which it is good; None is for ever.
            quota: secrets and requests in a day; None is any number.
            contact: address for notices about this key.

        Raises:
            InvalidError, ConflictError: nothing was kept.
        """
        if not _NAME.fullmatch(name):
            raise InvalidError("A key's name has 1 to 64 letters, digits, spaces or .@_-", field="name")
        token = secrets.token_bytes(32)
        now = self._now()
        key = AccessKey(name, _sha256(token), now, now + ttl if ttl else None, quota, contact, language)
        self._file.add(key)
        return key, token

    def all(self) -> list[AccessKey]:
        """Every key that was issued, with those that are not in force any more."""
        return self._file.all()

    def revoke(self, name: str) -> AccessKey:
        """From now on nothing is made with it. Raises: NotFoundError."""
        if not _NAME.fullmatch(name) or not self._file.revoke(name, self._now()):
            raise NotFoundError(f"No key named {name!r} is in force; see taina keys list.")
        return next(key for key in self._file.all() if key.name == name)

    def authenticate(self, token: bytes | None) -> AccessKey:
        """The key that was shown.

        Raises:
            KeyNeededError: none was.
            KeyRefusedError: it is unknown, has expired or was revoked.
        """
        if token is None:
            raise KeyNeededError
        key = self._file.find(_sha256(token))
        if key is None or not self.in_force(key):
            raise KeyRefusedError
        return key

    def named(self, name: str) -> AccessKey:
        """The key that the operator knows by this name. Raises: KeyRefusedError: it has expired or was revoked."""
        key = self._file.find_named(name)
        if key is None or not self.in_force(key):
            raise KeyRefusedError
        return key

    def in_force(self, key: AccessKey) -> bool:
        """Whether it is neither revoked nor expired by now."""
        return key.revoked is None and (key.expires is None or self._now() < key.expires)

    def spend(self, name: str, what: Spending, most: int | None) -> Callable[[], None]:
        """Count one more on this day (UTC), and return what takes that back.

        Raises:
            QuotaError: it would be more than `most`.
            StorageFullError: there is no room to count it.
        """
        day = self._now() // _DAY
        if most is None:
            return lambda: None
        if not self._file.spend(name, what, day, most):
            raise QuotaError
        return lambda: self._file.refund(name, what, day)

    def about_to_expire(self) -> Iterator[AccessKey]:
        """Each key that ends within a week, has a contact, and whose holder was not told yet."""
        now = self._now()
        for key in self._file.all():
            due = key.expires is not None and key.expires - WARNING <= now < key.expires
            if due and key.contact and key.revoked is None and key.warned is None:
                yield key

    def note_warned(self, key: AccessKey) -> None:
        """The holder of this key was told that it is about to expire."""
        self._file.warned(key.name, self._now())

    def _now(self) -> int:
        return int(self._clock())


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
