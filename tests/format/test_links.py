import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina.errors import FormatError, IncompleteLinkError
from taina.format.links import (
    BODY_SIZES,
    KINDS,
    Kind,
    Link,
    clean_fragment,
    decode_link,
    encode_link,
    find_address,
    page_address,
)

kinds = st.sampled_from(KINDS)


@st.composite
def links(draw: st.DrawFn) -> Link:
    kind = draw(kinds)
    size = BODY_SIZES[kind]
    passphrase = draw(st.booleans()) and kind in ("secret", "request")
    return Link(kind, draw(st.binary(min_size=size, max_size=size)), passphrase)


@given(links())
def test_round_trip(link: Link) -> None:
    assert decode_link(encode_link(link), link.kind) == link


@given(links(), st.sampled_from(["https://taina.example", "http://127.0.0.1:8080"]))
def test_the_address_of_a_link_leads_back_to_it(link: Link, instance: str) -> None:
    address = page_address(instance, link)
    assert decode_link(address, link.kind) == link
    assert find_address(address) == instance


@given(links(), st.sampled_from(["", "https://taina.example/s/#", "HTTPS://x:1/bg/s/?a=b#"]), st.randoms())
def test_what_programs_do_to_links_is_undone(link: Link, address: str, random: object) -> None:
    text = address + encode_link(link)
    for mangled in (f"<{text}>", f"({text}).", f"{text}&a=b?c", "\r\n ".join(text), text.replace("#", "%23")):
        assert decode_link(mangled, link.kind) == link


@given(links())
def test_every_cut_is_told(link: Link) -> None:
    # A cut text is of another length than any whole one of version 1: no two bytes of check can match by chance.
    text = encode_link(link)
    for size in range(max(0, len(text) - 8), len(text)):
        with pytest.raises(IncompleteLinkError):
            decode_link(text[:size], link.kind)


@given(st.text(st.characters()) | st.text("AQab-_#%23&?<>. ", max_size=80), kinds)
def test_any_text_is_a_link_or_a_format_error(text: str, kind: Kind) -> None:
    try:
        link = decode_link(text, kind)
    except FormatError:
        return
    assert encode_link(link) == clean_fragment(text)


@given(st.text(st.characters()))
def test_cleaning_leaves_nothing_to_clean(text: str) -> None:
    once = clean_fragment(text)
    assert "%" in once or clean_fragment(once) == once


ADDRESSES = json.loads((Path(__file__).parents[1] / "vectors" / "addresses.json").read_text("utf-8"))["vectors"]


@pytest.mark.parametrize("vector", ADDRESSES, ids=lambda vector: vector["name"])
def test_address_and_key_come_from_one_place(vector: dict[str, str | None]) -> None:
    text = vector["text"] or ""
    if "error" in vector:
        with pytest.raises(IncompleteLinkError):
            find_address(text)
            decode_link(text, "secret")
        return
    assert find_address(text) == vector["address"]
    assert clean_fragment(text) == vector["fragment"]
    assert decode_link(text, "secret")


@given(st.text(st.characters()) | st.text("AQab-_#%23&?<>. :/@[]https", max_size=80))
def test_any_text_has_an_address_or_not(text: str) -> None:
    try:
        address = find_address(text)
    except IncompleteLinkError:
        return
    assert address is None or find_address(f"{address}/s/#x") == address
