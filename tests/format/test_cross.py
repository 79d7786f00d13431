"""Each implementation opens what the other sealed, and both refuse the same."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.javascript import JavaScript, Refused
from taina import base64url
from taina.errors import FormatError
from taina.format.derive import derive_content_keys, derive_link_keys, sha256
from taina.format.links import KINDS, Kind, Link, decode_link, encode_link
from taina.format.payload import CHUNK_SIZE, Header, Item, Unpacker, decode_header, pack
from taina.format.stream import StreamKey, open_, seal

b64 = base64url.encode
raw = base64url.decode

SIZES = [0, 1, 900, 1023, 1024, 5000, 70_001, CHUNK_SIZE - 200, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1]
SIZES += [2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 17]
PASSPHRASES = ["correct horse", "тайна", "ﬁ e\u0301 🔑 \u00a0"]


def content(size: int) -> bytes:
    return (sha256(b"content") * (size // 32 + 1))[:size]


def open_sealed(link: Link, passphrase: str | None, chunks: list[bytes]) -> tuple[Header, list[bytes]]:
    key = derive_content_keys(link.body, passphrase).content
    unpacker, bodies = Unpacker(), dict[int, bytes]()
    for chunk in open_(StreamKey(key, link.flags, derive_link_keys(link.body).id), chunks):
        for number, piece in unpacker.push(chunk):
            bodies[number] = bodies.get(number, b"") + piece
    header = unpacker.finish()
    return header, [bodies.get(number, b"") for number in range(len(header.items))]


def check_sealed_by_javascript(javascript: JavaScript, data: bytes, passphrase: str | None) -> None:
    file = {"type": "file", "name": "тайна 🔑.bin", "mime": "image/svg+xml", "data": b64(data)}
    items = [{"type": "text", "text": "Здравей 👩‍💻\r\n\0"}, file, {"type": "text", "text": ""}]
    sent = javascript.ask("seal", items=items, ttl=300, passphrase=passphrase)
    chunks = [raw(chunk) for chunk in sent["chunks"]]
    if "content" in sent["order"]:
        chunks.append(raw(sent["order"]["content"]))
    link = decode_link(sent["secret"], "secret")
    assert link.passphrase == (passphrase is not None)
    header, bodies = open_sealed(link, passphrase, chunks)
    assert [(item.type, item.name, item.mime) for item in header.items] == [
        ("text", None, None),
        ("file", "тайна 🔑.bin", "image/svg+xml"),
        ("text", None, None),
    ]
    assert bodies == ["Здравей 👩‍💻\r\n\0".encode(), data, b""]
    opened = derive_content_keys(link.body, passphrase).opened
    assert decode_link(sent["receipt"], "receipt").body[32:] == sha256(opened)[:16]


def check_sealed_by_python(javascript: JavaScript, data: bytes, passphrase: str | None) -> None:
    link = Link("secret", sha256(b"K"), passphrase is not None)
    header = Header((Item("file", len(data), "тайна 🔑.bin", "text/html"), Item("text", 5)), 1_800_000_000)
    key = StreamKey(derive_content_keys(link.body, passphrase).content, link.flags, derive_link_keys(link.body).id)
    chunks = [b64(chunk) for chunk in seal(key, pack(header, [data, b"hello"]))]
    assert javascript.ask("unseal", text=encode_link(link), passphrase=passphrase, chunks=chunks) == {
        "expires": 1_800_000_000,
        "items": [
            # Whatever the sender called it, the browser never gets a type that it would render.
            {
                "type": "file",
                "name": "тайна 🔑.bin",
                "mime": "text/html",
                "size": len(data),
                "opaque": True,
                "data": b64(data),
            },
            {"type": "text", "text": "hello"},
        ],
    }


CHECKS = [check_sealed_by_javascript, check_sealed_by_python]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("size", SIZES)
def test_size(check: Callable[..., None], size: int, javascript: JavaScript) -> None:
    check(javascript, content(size), None)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("passphrase", PASSPHRASES)
def test_passphrase(check: Callable[..., None], passphrase: str, javascript: JavaScript) -> None:
    check(javascript, content(100), passphrase)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6))
@settings(max_examples=5)
def test_any_passphrase(javascript: JavaScript, passphrase: str) -> None:
    check_sealed_by_javascript(javascript, b"x", passphrase)


@pytest.mark.parametrize(
    "items",
    [
        pytest.param((Item("file", 5, "a/../b\0", ""),), id="a name is handed on as it is"),
        pytest.param((Item("text", 5), Item("text", 0)), id="an empty text"),
        pytest.param((Item("text", 3), Item("text", 2)), id="two texts"),
    ],
)
def test_items(items: tuple[Item, ...], javascript: JavaScript) -> None:
    link = Link("secret", sha256(b"K"))
    key = StreamKey(derive_content_keys(link.body, None).content, link.flags, derive_link_keys(link.body).id)
    chunks = [b64(chunk) for chunk in seal(key, pack(Header(items, 5), [b"hello"]))]
    found = javascript.ask("unseal", text=encode_link(link), passphrase=None, chunks=chunks)["items"]
    assert [(item["type"], item.get("name")) for item in found] == [(item.type, item.name) for item in items]
    assert b"".join(raw(item["data"]) if "data" in item else item["text"].encode() for item in found) == b"hello"


def test_text_that_is_no_utf8_is_refused(javascript: JavaScript) -> None:
    link = Link("secret", sha256(b"K"))
    key = StreamKey(derive_content_keys(link.body, None).content, link.flags, derive_link_keys(link.body).id)
    chunks = [b64(chunk) for chunk in seal(key, pack(Header((Item("text", 2),), 5), [b"\xc3\x28"]))]
    with pytest.raises(Refused, match="bad_format"):
        javascript.ask("unseal", text=encode_link(link), passphrase=None, chunks=chunks)


def outcome(run: Callable[[], Any]) -> Any:
    """What it gave, or how it was refused: the same words for both languages."""
    try:
        return run()
    except FormatError as error:
        return error.code, error.members
    except Refused as error:
        return error.code, error.members


whole_links = st.sampled_from(
    [encode_link(Link(kind, sha256(b"x") + (sha256(b"y")[:16] if kind == "receipt" else b""))) for kind in KINDS]
)
ENCODED = ["&#35;", "&num;", "&#x1F512;", "&#55296;", "&amp;", "=3D", "=\r\n", "=23", "%23", "%2523", "＃", "Ａ", "％"]
PROOFPOINT = ["https://urldefense.com/v3/__x/", "*", "__;Iw!!", "https://urldefense.com/v2/url?u=", "-23", "-25", "&d="]
encodings = st.lists(st.sampled_from(ENCODED + PROOFPOINT), max_size=4).map("".join)
residue = encodings | st.text(
    st.sampled_from(list(" \t\n%23#?&<>()[]{}\"'`*.,;:!“”„«»‘’…=-_/A")) | st.characters(), max_size=4
)


@given(
    st.text(st.characters(), max_size=60)
    | st.tuples(residue, whole_links, residue).map("".join)
    | st.tuples(whole_links, residue, st.integers(0, 60)).map(lambda t: t[0][: t[2]] + t[1] + t[0][t[2] :]),
    st.sampled_from(KINDS),
)
@settings(max_examples=300)
def test_links_are_read_alike(javascript: JavaScript, text: str, kind: Kind) -> None:
    def python() -> dict[str, Any]:
        link = decode_link(text, kind)
        return {"kind": link.kind, "body": b64(link.body), "passphrase": link.passphrase}

    assert outcome(lambda: javascript.ask("link", text=text, kind=kind)) == outcome(python)


any_value = st.recursive(
    st.sampled_from([None, True, False, -1, -0.0, 0, 1, 1.0, 1.5, 1e300, (1 << 53) - 1, 1 << 53, "", "text", "file"])
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
members = {"type": st.sampled_from(["text", "file"]), "size": any_value, "name": any_value, "mime": any_value}
items = st.fixed_dictionaries({}, optional=members) | any_value
documents = st.fixed_dictionaries(
    {"v": st.just(1) | any_value, "items": st.lists(items, max_size=3) | any_value, "expires": any_value},
    optional={"more": any_value},
)


@given(
    st.tuples(documents, st.booleans()).map(
        lambda t: json.dumps(t[0], ensure_ascii=t[1]).encode(errors="surrogatepass")
    )
    | st.binary(max_size=30)
    | st.text(max_size=30).map(str.encode),
    st.data(),
)
@settings(max_examples=300)
def test_headers_are_read_alike(javascript: JavaScript, document: bytes, data: st.DataObject) -> None:
    if document and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(document) - 1))
        document = document[:place] + data.draw(st.binary(max_size=2)) + document[place + 1 :]
    chunk = len(document).to_bytes(4, "big") + document

    def python() -> dict[str, Any]:
        header, end = decode_header(chunk)
        found = [
            {"type": "text", "size": item.size}
            if item.type == "text"
            else {"type": "file", "name": item.name, "mime": item.mime, "size": item.size}
            for item in header.items
        ]
        return {"header": {"items": found, "expires": header.expires}, "end": end}

    assert outcome(lambda: javascript.ask("header", chunk=b64(chunk))) == outcome(python)
