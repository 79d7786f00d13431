"""What comes out of a secret: texts into memory, files into memory or into a folder, piece by piece."""

import contextlib
import errno
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from taina.client.names import clean_name, with_number
from taina.errors import FileError, FormatError
from taina.format.payload import CHUNK_SIZE, Header, Item

if TYPE_CHECKING:
    from taina.client.spool import Spool  # loaded by whoever has a pipe: each command starts anew

_NOT_FOR_FOLDERS = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EISDIR, errno.EACCES, errno.EPERM}
"""What systems answer that cannot sync a folder, or not one that may only be written to: no disk has failed."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to send, or one that was received.

    Args:
        name: as its sender called it; never used as a path without `taina.client.names.clean_name`.
        content: the bytes, or where they lie on disk; or what a pipe brought, or is to take.
        mime: media type; a hint of the sender's and no more.
    """

    name: str
    content: "bytes | Path | Spool"
    mime: str = "application/octet-stream"

    @property
    def size(self) -> int:
        """Bytes. Raises: FileError."""
        if isinstance(self.content, bytes):
            return len(self.content)
        if not isinstance(self.content, Path):
            return self.content.size
        try:
            return self.content.stat().st_size
        except OSError as error:
            raise FileError(f"{self.content} cannot be read: {error.strerror}.") from None

    def pieces(self) -> Iterator[bytes]:
        """The bytes, without holding all of them. Raises: FileError: it cannot be read."""
        if isinstance(self.content, bytes):
            yield self.content
        elif not isinstance(self.content, Path):
            yield from self.content.pieces()
        else:
            try:
                with self.content.open("rb") as file:
                    while piece := file.read(CHUNK_SIZE):
                        yield piece
            except OSError as error:
                raise FileError(f"{self.content} cannot be read: {error.strerror}.") from None


class Receiver:
    """Takes the items' pieces in order. Files appear under their names only when `finish` is called.

    Args:
        folder: where files go; None keeps them in memory, or in spools.
        spool: without a folder, files may be larger than the memory.
        overwrite: replace files of the same name, rather than number the new ones; never one of the same secret.
        hidden: names such as `.env` keep their dot.
    """

    def __init__(
        self, folder: Path | None, *, spool: bool = False, overwrite: bool = False, hidden: bool = False
    ) -> None:
        self._spools: dict[int, Spool] | None = {} if spool else None
        self._hidden = hidden
        self._folder = folder
        self._overwrite = overwrite
        self._held: dict[int, bytearray] = {}
        self._parts: dict[int, Path] = {}
        self._open: tuple[int, BinaryIO] | None = None
        self._last_number: dict[Path, int] = {}
        """By the name that was wanted: thousands of files of one name each find theirs at once."""
        self._placed: set[tuple[int, int]] = set()
        """Device and number of each file that has its name: a file system may take two names for one."""

    def write(self, item: Item, n: int, piece: bytes) -> None:
        """The next piece of item `n`. Raises: FileError."""
        if self._folder is None and self._spools is not None and item.type == "file":
            if n not in self._spools:
                self._spools[n] = _spool()
            self._spools[n].write(piece)
            return
        if self._folder is None or item.type == "text":
            self._held.setdefault(n, bytearray()).extend(piece)
            return
        try:
            self._part(n).write(piece)
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    def finish(self, header: Header) -> tuple[str | File, ...]:
        """All is there and proved genuine: give the files their names.

        Raises:
            FormatError: a text that is not UTF-8.
            FileError: the disk is full, or the folder went away.
        """
        try:
            for n, item in enumerate(header.items):
                if self._folder is not None and item.type == "file" and n not in self._parts:
                    self._part(n)  # an empty one
            self._close()
            items = tuple(self._item(n, item) for n, item in enumerate(header.items))
            if self._folder is not None and self._placed:
                sync(self._folder)
            return items
        except OSError as error:
            # It was revealed to us and to nobody else: what is here stays here, and is named.
            kept, self._parts = list(self._parts.values()), {}
            where = f" What came is in {', '.join(map(str, kept))}." if kept else ""
            raise FileError(f"{self._folder} cannot be written to: {error.strerror}.{where}") from None

    def abandon(self) -> None:
        """Leave nothing half received behind, as far as that can be: why it is abandoned is what has to be told."""
        with contextlib.suppress(OSError):
            self._close()
        for part in self._parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _part(self, n: int) -> BinaryIO:
        if self._open is None or self._open[0] != n:
            self._close()
            # Noted before it is there: whoever is interrupted in between knows what to take away.
            self._parts[n] = part = (self._folder or Path()) / f".taina-{secrets.token_hex(8)}.part"
            self._open = n, open(part, "xb", opener=for_owner)  # noqa: SIM115 - closed by _close
        return self._open[1]

    def _close(self) -> None:
        if self._open is not None:
            _, file = self._open
            self._open = None
            with file:
                file.flush()
                # On disk before the server is told that it may forget.
                os.fsync(file.fileno())

    def _item(self, n: int, item: Item) -> str | File:
        if item.type == "text":
            try:
                return bytes(self._held.get(n, b"")).decode("utf-8")
            except UnicodeDecodeError:
                raise FormatError("A text in this secret is not UTF-8.") from None
        name, mime = item.name or "", item.mime or ""
        if self._folder is None:
            if self._spools is None:
                return File(name, bytes(self._held.get(n, b"")), mime)
            return File(name, self._spools.get(n) or _spool(), mime)
        path = self._name(self._parts[n], self._folder / clean_name(name, hidden=self._hidden))
        del self._parts[n]
        return File(name, path, mime)

    def _name(self, part: Path, wanted: Path) -> Path:
        path, n = wanted, self._last_number.get(wanted, 1)
        # A folder that has the name is never replaced, nor another file of the same secret: what was revealed must
        # find a place.
        while not self._overwrite or path.is_dir() or _identity(path) in self._placed:
            try:
                # Taking the name is what makes it ours, whoever else is writing into this folder.
                path.open("xb").close()
                break
            except FileExistsError:
                n += 1
                path = wanted.with_name(with_number(wanted.name, n))
        self._last_number[wanted] = n
        part.replace(path)
        self._placed.add(_identity(path))
        return path


def _spool() -> "Spool":
    from taina.client.spool import Spool

    return Spool()


def sync(folder: Path) -> None:
    """A file's name is on the disk only once its folder is: before the server is told that it may forget.

    Where the system cannot sync a folder, its names are as safe as that system makes them.
    """
    if sys.platform == "win32":
        return
    try:
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise


def _identity(path: Path) -> tuple[int, int]:
    """Device and number; zeros where nothing is."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return 0, 0
    return facts.st_dev, facts.st_ino


def for_owner(path: str, flags: int) -> int:
    """The opener of files that only their user may read."""
    return os.open(path, flags, 0o600)


def _unwritable(folder: Path | None, error: OSError) -> FileError:
    return FileError(f"{folder} cannot be written to: {error.strerror}.")
