"""What can be sent, and how it is read and sealed."""

import mimetypes
from collections.abc import Iterable, Iterator
from pathlib import Path

from taina.client.receiving import File
from taina.client.types import need
from taina.errors import FileError, FormatError, InvalidError
from taina.format.payload import CHUNK_SIZE, Header, Item, pack
from taina.format.stream import StreamKey, seal

_SMALL = 4096
"""Bytes that a file says to have whose size is not known beforehand: 0, or those of a page of memory."""
_MAX_HELD = 64 << 20
Content = str | Path | File
"""What can be sent: a text, the path of a file, or a file from memory."""


def item_of(content: Content) -> Item:
    """What the header says of it: bytes, and of a file its name and media type.

    Raises:
        FileError: it cannot be read.
        InvalidError: the text has an unpaired surrogate.
    """
    if isinstance(content, str):
        try:
            return Item("text", len(content.encode("utf-8")))
        except UnicodeEncodeError:
            raise InvalidError("The text holds half a character.", field="content") from None
    file = _file(content)
    return Item("file", file.size, file.name, file.mime)


def settled(content: Content) -> Content:
    """A small file with its bytes: systems have files (/proc) whose size is known only once they have been read.

    Raises:
        FileError: it cannot be read.
        TypeError: it is nothing that can be sent.
    """
    need(content, "content", (str, Path, File), "a text, a Path or a File")
    if isinstance(content, File):
        need(content.name, "name of a file", str, "a text")
        if not isinstance(content.content, bytes | Path):
            from taina.client.spool import Spool  # only for a pipe

            need(content.content, "content of a file", Spool, "bytes or a Path")
        need(content.mime, "mime of a file", str, "a text")
    if not isinstance(content, Path):
        return content
    try:
        if content.stat().st_size > _SMALL:
            return content
        with content.open("rb") as opened:
            data = bytearray()
            while len(data) <= _MAX_HELD and (piece := opened.read(CHUNK_SIZE)):
                data += piece
    except OSError as error:
        raise FileError(f"{content} cannot be read: {error.strerror}.") from None
    if len(data) > _MAX_HELD:
        # Not left to be read again: of a pipe, what was read is gone.
        raise FileError(f"{content} does not say its size, and is too large to be held. Save it as a file first.")
    file = _file(content)
    return File(file.name, bytes(data), file.mime)


def _file(content: Path | File) -> File:
    if isinstance(content, File):
        return content
    mime, _ = mimetypes.guess_type(content.name)
    # A name that is no text (POSIX allows any bytes) travels with marks in place of what cannot be written.
    name = content.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return File(name, content, mime or "application/octet-stream")


def seal_contents(stream: StreamKey, header: Header, contents: Iterable[Content]) -> Iterator[bytes]:
    """The sealed chunks, each made when it is asked for; `header` has an item for each of the contents.

    Raises:
        FileError: a file cannot be read, or is no longer as long as its item says.
    """
    try:
        yield from seal(stream, pack(header, _read(contents)))
    except FormatError:
        raise FileError("A file changed while it was read. Nothing of it can be opened; send it again.") from None


def _read(contents: Iterable[Content]) -> Iterator[bytes]:
    for content in contents:
        if isinstance(content, str):
            yield content.encode("utf-8")
        else:
            yield from _file(content).pieces()
