import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina.errors import TamperedError
from taina.format.payload import CHUNK_SIZE
from taina.format.stream import TAG_SIZE, StreamKey, chunk_count, open_, open_chunk, seal, seal_chunk, sealed_size

KEY = StreamKey(bytes(range(32)), 0x01, bytes(16))
near_chunks = st.builds(lambda n, more: max(0, n * CHUNK_SIZE + more), st.integers(0, 3), st.integers(-2, 2))


@given(near_chunks, st.lists(st.integers(1, CHUNK_SIZE * 2), max_size=6))
def test_round_trip_whatever_the_pieces(size: int, cuts: list[int]) -> None:
    payload = (b"0123456789" * (size // 10 + 1))[:size]
    pieces, start = [], 0
    for cut in cuts:
        pieces.append(payload[start : start + cut])
        start += cut
    sealed = list(seal(KEY, [*pieces, payload[start:]]))
    assert sealed == list(seal(KEY, [payload]))
    assert len(sealed) == chunk_count(size)
    assert sum(map(len, sealed)) == sealed_size(size)
    if size:
        assert b"".join(open_(KEY, sealed)) == payload


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_any_bytes_are_refused(chunks: list[bytes]) -> None:
    with pytest.raises(TamperedError):
        list(open_(KEY, chunks))


@given(st.binary(max_size=100), st.integers(0, 1 << 32), st.booleans())
def test_no_chunk_opens_by_chance(sealed: bytes, n: int, last: bool) -> None:
    with pytest.raises(TamperedError):
        open_chunk(KEY, n, last, sealed)


def test_chunks_open_in_any_order() -> None:
    payload = b"x" * (2 * CHUNK_SIZE + 5)
    sealed = list(seal(KEY, [payload]))
    assert open_chunk(KEY, 2, True, sealed[2]) == b"x" * 5
    assert open_chunk(KEY, 0, False, sealed[0]) == payload[:CHUNK_SIZE]
    assert seal_chunk(KEY, 1, False, payload[:CHUNK_SIZE]) == sealed[1]


def test_chunk_that_is_too_large_is_refused_before_it_is_opened() -> None:
    with pytest.raises(TamperedError):
        open_chunk(KEY, 0, True, seal_chunk(KEY, 0, True, bytes(CHUNK_SIZE + 1)))


def test_chunk_in_the_middle_has_to_be_full() -> None:
    with pytest.raises(TamperedError):
        open_chunk(KEY, 0, False, seal_chunk(KEY, 0, False, bytes(CHUNK_SIZE - 1)))


def test_writer_and_reader_look_one_chunk_ahead_and_no_further() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(CHUNK_SIZE)

    for wanted, _ in enumerate(islice(open_(KEY, seal(KEY, endless())), 5), start=1):
        # The reader holds one chunk back, the writer another: either may turn out to be the last.
        assert taken == wanted + 2


def test_memory_does_not_grow_with_the_payload() -> None:
    tracemalloc.start()
    try:
        size = sum(len(chunk) for chunk in open_(KEY, seal(KEY, (bytes(100_000) for _ in range(640)))))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 64_000_000
    assert peak < 10 * CHUNK_SIZE


def test_key_flags_and_id_are_bound() -> None:
    sealed = seal_chunk(KEY, 0, True, b"secret")
    for other in (
        StreamKey(bytes(32), KEY.flags, KEY.id),
        StreamKey(KEY.key, 0x81, KEY.id),
        StreamKey(KEY.key, KEY.flags, bytes(15) + b"\x01"),
    ):
        with pytest.raises(TamperedError):
            open_chunk(other, 0, True, sealed)
    assert len(sealed) == len(b"secret") + TAG_SIZE
