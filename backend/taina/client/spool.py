"""Bytes between a pipe and the network that may be too many for the memory.

What does not fit goes to a file without a name, sealed under a key that only this process has: nobody can read it on
the disk, now or later.
"""

import os
import secrets
import weakref
from collections.abc import Iterator
from typing import IO

from taina.errors import FileError
from taina.format.stream import TAG_SIZE, StreamKey, open_chunk, seal_chunk

HELD = 16 << 20
"""Bytes that stay in memory; few pipes carry more."""


class Spool:
    """Takes bytes piece by piece, and gives them back in this order as often as they are asked for.

    Only one thread may use it at a time.
    """

    def __init__(self) -> None:
        self.size = 0
        """Bytes in it."""
        self._held: list[bytes] = []
        self._sealed: list[int] = []
        """Sizes of the pieces in the file, without their tags."""
        self._file: IO[bytes] | None = None
        self._key = StreamKey(secrets.token_bytes(32), 0, b"")

    def write(self, piece: bytes) -> None:
        """At most CHUNK_SIZE bytes. Raises: FileError: there is no room for it."""
        if not piece:
            return
        if self.size + len(piece) <= HELD and self._file is None:
            self._held.append(piece)
        else:
            try:
                self._write_sealed(piece)
            except OSError as error:
                raise _unusable(error) from None
        self.size += len(piece)

    def pieces(self) -> Iterator[bytes]:
        """Raises: FileError: the disk has failed; TamperedError: somebody changed what is on it."""
        yield from self._held
        at = 0
        for n, size in enumerate(self._sealed):
            assert self._file is not None  # noqa: S101 - it has them
            try:
                self._file.seek(at)
                sealed = self._file.read(size + TAG_SIZE)
            except OSError as error:
                raise _unusable(error) from None
            yield open_chunk(self._key, n, True, sealed)
            at += len(sealed)

    def _write_sealed(self, piece: bytes) -> None:
        if self._file is None:
            import tempfile  # only for what is large: most commands start without

            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when nobody has the spool any more
            weakref.finalize(self, self._file.close)
        sealed = seal_chunk(self._key, len(self._sealed), True, piece)
        self._sealed.append(len(piece))  # first: no nonce is used twice, even if this fails
        self._file.seek(0, os.SEEK_END)
        self._file.write(sealed)
        self._file.flush()


def _unusable(error: OSError) -> FileError:
    import tempfile

    return FileError(
        f"{tempfile.gettempdir()} cannot be written to: {error.strerror}. Name another folder in TMPDIR, with room."
    )
