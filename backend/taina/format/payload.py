"""What is sealed: a header, the items' bytes, and padding (specification: Content)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from taina.errors import FormatError

CHUNK_SIZE = 1 << 20
"""Bytes of a chunk before sealing."""
MAX_ITEMS = 1000
"""Texts and files in one secret: more would keep a page, or a folder, busy for minutes."""
MIN_SIZE = 1024
_LENGTH_SIZE = 4
_MAX_INTEGER = (1 << 53) - 1


@dataclass(frozen=True, slots=True)
class Item:
    """A text or a file in a secret; `size` in bytes, `name` and `mime` for files."""

    type: Literal["text", "file"]
    size: int
    name: str | None = None
    mime: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """What a payload begins with: what is in it, in the order of the bodies, and until when it could be opened."""

    items: tuple[Item, ...]
    expires: int
    """Unix seconds, by the sender's clock."""


def padded_size(size: int) -> int:
    """The Padmé length (Nikitin et al., PURBs, 2019) for `size` bytes, never below 1 KiB."""
    if size <= MIN_SIZE:
        return MIN_SIZE
    e = size.bit_length() - 1
    s = e.bit_length()
    step = 1 << (e - s)
    return -(-size // step) * step


def payload_size(header: Header) -> int:
    """Bytes of the whole payload: header, bodies and padding."""
    return padded_size(len(encode_header(header)) + sum(item.size for item in header.items))


def encode_header(header: Header) -> bytes:
    """Length (4, big endian) || JSON, its members in this order and without white space.

    Raises:
        FormatError: a name that is no well-formed text, too many items, or a header that does not fit into the
            first chunk.
    """
    if len(header.items) > MAX_ITEMS:
        raise FormatError(f"A secret holds at most {MAX_ITEMS:,} texts and files. Put them into an archive.")
    items = [
        {"type": "text", "size": item.size}
        if item.type == "text"
        else {"type": "file", "name": _text(item.name), "mime": _text(item.mime), "size": item.size}
        for item in header.items
    ]
    document = {"v": 1, "items": items, "expires": header.expires}
    encoded = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    if _LENGTH_SIZE + len(encoded) > CHUNK_SIZE:
        raise FormatError("These are too many files, or their names are too long.")
    return len(encoded).to_bytes(_LENGTH_SIZE, "big") + encoded


def decode_header(chunk: bytes) -> tuple[Header, int]:
    """Read the header at the start of the first chunk; returns it and where the bodies begin.

    Raises:
        FormatError: it is not a header of this version.
    """
    length = int.from_bytes(chunk[:_LENGTH_SIZE], "big")
    end = _LENGTH_SIZE + length
    if len(chunk) < _LENGTH_SIZE or end > min(len(chunk), CHUNK_SIZE):
        raise FormatError("The header does not fit into the first chunk.")
    try:
        text = chunk[_LENGTH_SIZE:end].decode("utf-8")
        document = json.loads(text, parse_int=_whole, parse_float=_whole, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise FormatError("The header is not JSON.") from None
    if not isinstance(document, dict) or _number(document.get("v")) != 1:
        raise FormatError("The header is of another version.")
    items = document.get("items")
    if not isinstance(items, list):
        raise FormatError("The header lists no items.")
    if len(items) > MAX_ITEMS:
        raise FormatError(f"The header lists more than {MAX_ITEMS:,} items.")
    return Header(tuple(_item(item) for item in items), _number(document.get("expires"))), end


def pack(header: Header, bodies: Iterable[bytes]) -> Iterator[bytes]:
    """The payload in pieces: header, the bodies' bytes as they come, padding.

    Raises:
        FormatError: the bodies are not as long as the header says.
    """
    encoded = encode_header(header)
    yield encoded
    left = sum(item.size for item in header.items)
    padding = padded_size(len(encoded) + left) - len(encoded) - left
    for piece in bodies:
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise FormatError("An item changed its size while it was read.")
    while padding:
        piece = bytes(min(padding, CHUNK_SIZE))
        yield piece
        padding -= len(piece)


class Unpacker:
    """Takes the payload chunk by chunk and gives the items' bytes; holds none of them.

    The header is there after the first `push`. `finish` has to be called after the last: only then is it sure
    that the sizes add up.
    """

    def __init__(self) -> None:
        self.header: Header | None = None
        self._got = 0
        self._start = 0
        self._ends: list[int] = []
        self._item = 0

    def push(self, chunk: bytes) -> list[tuple[int, bytes]]:
        """The pieces of items in this chunk, as (number of the item, bytes); the first chunk must be whole.

        Raises:
            FormatError: no header, or padding that is not zero.
        """
        offset = 0
        if self.header is None:
            self.header, offset = decode_header(chunk)
            self._start = offset
            end = offset
            for item in self.header.items:
                end += item.size
                self._ends.append(end)
        pieces = []
        while self._item < len(self._ends) and offset < len(chunk):
            take = min(self._ends[self._item] - self._got - offset, len(chunk) - offset)
            if take:
                pieces.append((self._item, chunk[offset : offset + take]))
            offset += take
            if self._got + offset == self._ends[self._item]:
                self._item += 1
        if chunk[offset:].strip(b"\0"):
            raise FormatError("The padding is not zero.")
        self._got += len(chunk)
        return pieces

    def finish(self) -> Header:
        """The header, once all is here.

        Raises:
            FormatError: more or fewer bytes than the header announced.
        """
        if self.header is None:
            raise FormatError("There is no header.")
        if self._got != padded_size(self._ends[-1] if self._ends else self._start):
            raise FormatError("The sizes do not add up.")
        return self.header


def _item(item: object) -> Item:
    if not isinstance(item, dict):
        raise FormatError("An item is not an object.")
    size = _number(item.get("size"))
    if item.get("type") == "text":
        return Item("text", size)
    if item.get("type") != "file":
        raise FormatError("An item is neither text nor file.")
    return Item("file", size, _text(item.get("name")), _text(item.get("mime")))


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_INTEGER:
        raise FormatError("A number of the header is none, or too large.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FormatError("A file has no name or no type.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FormatError("A file's name holds half a character.")
    return value


def _whole(text: str) -> int | float:
    """JSON knows one kind of number, and so do JavaScript's readers: 1.0 is 1, and 2^53 + 1 is no number."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
