"""How a payload is sealed: AES-256-GCM chunk by chunk (STREAM; specification: Content).

Reader and writer hold a bounded number of chunks, whatever the size. Each chunk can be sealed and opened by
itself, in any order; the last is marked in its nonce, so that nothing can be cut off unseen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from taina.errors import TamperedError
from taina.format.payload import CHUNK_SIZE

TAG_SIZE = 16


@dataclass(frozen=True, slots=True)
class StreamKey:
    """The content key (32 bytes) with what every chunk is bound to: the link's flags and the secret's id."""

    key: bytes
    flags: int
    id: bytes

    @property
    def associated(self) -> bytes:
        """The additional data of each chunk (RFC 5116)."""
        return b"taina/v1 content" + bytes([self.flags]) + self.id


def chunk_count(payload_size: int) -> int:
    """Chunks of a payload; a multiple of 1 MiB ends with a full chunk, never an empty one."""
    return -(-payload_size // CHUNK_SIZE)


def sealed_size(payload_size: int) -> int:
    """Bytes of all its sealed chunks together."""
    return payload_size + chunk_count(payload_size) * TAG_SIZE


def seal_chunk(key: StreamKey, n: int, last: bool, plain: bytes) -> bytes:
    """The sealed chunk: as long as `plain`, and a tag of 16 bytes.

    The caller sees to it that no two chunks of a key have the same number, and that all but the last have
    CHUNK_SIZE bytes, and the last at least one.

    Args:
        n: counted from 0.
        last: it is the payload's last.
    """
    return AESGCM(key.key).encrypt(_nonce(n, last), plain, key.associated)


def open_chunk(key: StreamKey, n: int, last: bool, sealed: bytes) -> bytes:
    """
    Raises:
        TamperedError: another key, another place, or changed bytes.
    """
    if not TAG_SIZE < len(sealed) <= CHUNK_SIZE + TAG_SIZE or (not last and len(sealed) != CHUNK_SIZE + TAG_SIZE):
        raise TamperedError
    try:
        return AESGCM(key.key).decrypt(_nonce(n, last), sealed, key.associated)
    except InvalidTag:
        raise TamperedError from None


def seal(key: StreamKey, payload: Iterable[bytes]) -> Iterator[bytes]:
    """Sealed chunks of a payload that comes in pieces of any size."""
    for n, (chunk, last) in enumerate(_mark_last(_chunks(payload))):
        yield seal_chunk(key, n, last, chunk)


def open_(key: StreamKey, sealed: Iterable[bytes]) -> Iterator[bytes]:
    """The payload's chunks again. Raises: TamperedError, also where there is no chunk at all."""
    n = -1
    for n, (chunk, last) in enumerate(_mark_last(sealed)):
        yield open_chunk(key, n, last, chunk)
    if n < 0:
        raise TamperedError


def _nonce(n: int, last: bool) -> bytes:
    return n.to_bytes(11, "big") + bytes([last])


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK_SIZE:
            yield bytes(held[:CHUNK_SIZE])
            del held[:CHUNK_SIZE]
    if held:
        yield bytes(held)


def _mark_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    previous: bytes | None = None
    for chunk in chunks:
        if previous is not None:
            yield previous, False
        previous = chunk
    if previous is not None:
        yield previous, True
