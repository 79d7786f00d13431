import json
import math
from collections.abc import Iterator
from itertools import chain, islice, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina.errors import FormatError
from taina.format.payload import (
    CHUNK_SIZE,
    MAX_ITEMS,
    Header,
    Item,
    Unpacker,
    decode_header,
    encode_header,
    pack,
    padded_size,
    payload_size,
)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(0, (1 << 53) - 1)
bodies_of_items = st.lists(st.binary(max_size=3000), max_size=4)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    texts = st.builds(Item, st.just("text"), numbers)
    files = st.builds(Item, st.just("file"), numbers, names, names)
    return Header(tuple(draw(st.lists(texts | files, max_size=4))), draw(numbers))


def unpack(payload: bytes) -> tuple[Header, list[bytes]]:
    unpacker = Unpacker()
    bodies: dict[int, bytes] = {}
    for start in range(0, len(payload), CHUNK_SIZE):
        for number, piece in unpacker.push(payload[start : start + CHUNK_SIZE]):
            bodies[number] = bodies.get(number, b"") + piece
    header = unpacker.finish()
    return header, [bodies.get(number, b"") for number in range(len(header.items))]


@given(st.integers(1024, (1 << 53) - 1))
def test_padded_size_is_padme(size: int) -> None:
    e = math.floor(math.log2(size)) if size < 1 << 48 else size.bit_length() - 1
    zeros = e - (math.floor(math.log2(e)) + 1)
    mask = (1 << zeros) - 1
    assert padded_size(size) == (size + mask) & ~mask
    assert size <= padded_size(size) <= size * 1.12


def test_a_secret_holds_a_thousand_items_and_no_more() -> None:
    header = Header((Item("text", 0),) * MAX_ITEMS, 0)
    assert decode_header(encode_header(header))[0] == header
    with pytest.raises(FormatError, match="at most 1,000 texts and files"):
        encode_header(Header((Item("text", 0),) * (MAX_ITEMS + 1), 0))


@given(st.integers(0, 1024))
def test_small_payloads_are_alike(size: int) -> None:
    assert padded_size(size) == 1024


@given(headers())
def test_header_round_trip(header: Header) -> None:
    encoded = encode_header(header)
    assert decode_header(encoded) == (header, len(encoded))


@given(bodies_of_items, st.integers(0, 1 << 40))
def test_payload_round_trip(bodies: list[bytes], expires: int) -> None:
    header = Header(tuple(Item("file", len(body), "тайна", "") for body in bodies), expires)
    payload = b"".join(pack(header, bodies))
    assert len(payload) == payload_size(header)
    assert unpack(payload) == (header, bodies)


@given(st.binary(max_size=200) | any_json.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_header_or_a_format_error(document: bytes) -> None:
    for chunk in (document, len(document).to_bytes(4, "big") + document):
        try:
            header, _ = decode_header(chunk)
        except FormatError:
            continue
        assert decode_header(encode_header(header))[0] == header


@given(st.data())
def test_a_header_with_one_member_replaced_is_read_or_refused(data: st.DataObject) -> None:
    document: dict[str, Any] = {
        "v": 1,
        "items": [{"type": "file", "name": "a", "mime": "b", "size": 3}, {"type": "text", "size": 2}],
        "expires": 5,
    }
    target = data.draw(st.sampled_from([document, *document["items"]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(any_json)
    encoded = json.dumps(document).encode()
    try:
        header, end = decode_header(len(encoded).to_bytes(4, "big") + encoded)
    except FormatError:
        return
    assert end == 4 + len(encoded)
    assert all(type(item.size) is int and item.size >= 0 for item in header.items)
    assert decode_header(encode_header(header))[0] == header


@given(bodies_of_items, st.data())
def test_a_payload_with_one_byte_changed_is_read_or_refused(bodies: list[bytes], data: st.DataObject) -> None:
    header = Header(tuple(Item("text", len(body)) for body in bodies), 1)
    payload = bytearray(b"".join(pack(header, bodies)))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    end = len(encode_header(header)) + sum(map(len, bodies))
    if place >= end:
        with pytest.raises(FormatError, match="padding"):
            unpack(bytes(payload))
        return
    try:
        found, _ = unpack(bytes(payload))
    except FormatError:
        return
    assert payload_size(found) == len(payload)


def test_nesting_without_end_is_a_format_error() -> None:
    document = b"[" * 200_000
    with pytest.raises(FormatError):
        decode_header(len(document).to_bytes(4, "big") + document)


@pytest.mark.parametrize("name", ["\ud800", None])
def test_names_that_cannot_be_written_are_refused(name: str | None) -> None:
    with pytest.raises(FormatError):
        encode_header(Header((Item("file", 1, name, ""),), 1))


def test_header_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FormatError):
        encode_header(Header((Item("file", 1, "x" * CHUNK_SIZE, ""),), 1))


def test_pack_reads_nothing_before_it_is_asked() -> None:
    def bodies() -> Iterator[bytes]:
        yield b"first"
        raise AssertionError("read ahead")

    header = Header((Item("file", 1 << 40, "large", ""),), 1)
    assert list(islice(pack(header, bodies()), 2)) == [encode_header(header), b"first"]


def test_a_body_that_never_ends_is_refused_at_once() -> None:
    with pytest.raises(FormatError, match="changed its size"):
        list(pack(Header((Item("text", 10),), 1), repeat(b"aaaa")))


def test_a_body_that_ends_early_is_refused() -> None:
    with pytest.raises(FormatError, match="changed its size"):
        list(pack(Header((Item("text", 10),), 1), [b"aaaa"]))


def test_padding_comes_in_pieces_that_fit_into_memory() -> None:
    # Only lengths are added up: 16 GiB pass in pieces of 1 MiB, each of them the same bytes.
    header = Header((Item("file", (1 << 34) + 1, "a", ""),), 1)
    lengths = [len(piece) for piece in pack(header, chain(repeat(bytes(CHUNK_SIZE), 1 << 14), [b"x"]))]
    assert max(lengths) == CHUNK_SIZE
    assert sum(lengths) == payload_size(header) > (1 << 34) + (1 << 27)
