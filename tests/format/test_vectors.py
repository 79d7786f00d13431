"""backend/taina/format/ is held to tests/vectors/, as site/js/format/ is by tests/js/vectors.mjs."""

# ruff: noqa: A002 - the arguments of the checks are the members of the vectors

import ast
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import make_vectors
from taina import base64url
from taina.errors import FormatError, WrongLinkError
from taina.format.derive import (
    derive_claim,
    derive_content_keys,
    derive_inbox,
    derive_link_keys,
    derive_receipt,
    derive_request,
    sha256,
)
from taina.format.envelope import ENVELOPE_SIZE, open_envelope, public_key, seal_envelope
from taina.format.links import Link, decode_link, encode_link
from taina.format.payload import (
    CHUNK_SIZE,
    Header,
    Item,
    Unpacker,
    decode_header,
    encode_header,
    pack,
    padded_size,
)
from taina.format.stream import StreamKey, chunk_count, open_, seal, seal_chunk, sealed_size

FOLDER = Path(__file__).parents[1] / "vectors"
Vector = dict[str, Any]
raw = base64url.decode
b64 = base64url.encode


def test_generator_gives_these_bytes() -> None:
    assert make_vectors.make() == {f"{name}.json": (FOLDER / f"{name}.json").read_bytes() for name in CHECKS}


def test_the_generator_knows_nothing_of_taina() -> None:
    """Its reference is written from the document: what is judged must not have a say in what is expected."""
    scripts = Path(make_vectors.__file__).parent
    files = [scripts / "make_vectors.py", *(scripts / "vectors").glob("*.py")]
    named: set[str] = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))):
        if isinstance(node, ast.Import):
            named |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add(str(node.module))
    libraries = {name for name in named if name.split(".")[0] not in {*sys.stdlib_module_names, "vectors"}}
    assert libraries == {f"cryptography.hazmat.primitives.{name}" for name in ("asymmetric.x25519", "ciphers.aead")}
    assert named.isdisjoint({"importlib", "subprocess", "runpy"})


def vectors() -> Iterator[Any]:
    for name, check in CHECKS.items():
        content = json.loads((FOLDER / f"{name}.json").read_bytes())
        assert content.keys() == {"about", "vectors"}
        for vector in content["vectors"]:
            yield pytest.param(check, vector, id=f"{name}: {vector['name']}")


def derivation(name: str, key: str, passphrase: str | None, id: str, proof: str, salt: str, **keys: str) -> None:
    link = derive_link_keys(raw(key))
    assert (link.id, link.proof, link.salt) == (raw(id), raw(proof), raw(salt))

    def check(content: str, reveal: str, opened: str) -> None:
        found = derive_content_keys(raw(key), passphrase)
        assert (found.content, found.reveal, found.opened) == (raw(content), raw(reveal), raw(opened))

    if "error" in keys:
        refused(keys, lambda: derive_content_keys(raw(key), passphrase))
    else:
        check(**keys)


def tokens(name: str, key: str, receipt_id: str, receipt_token: str, claim_id: str, claim_token: str) -> None:
    receipt, claim = derive_receipt(raw(key)), derive_claim(raw(key))
    assert (receipt.id, receipt.token) == (raw(receipt_id), raw(receipt_token))
    assert (claim.id, claim.token) == (raw(claim_id), raw(claim_token))


def links(name: str, text: str, kind: Any, **rest: Any) -> None:
    def check(body: str, passphrase: bool, written: bool) -> None:
        link = decode_link(text, kind)
        assert link == Link(kind, raw(body), passphrase)
        assert not written or encode_link(link) == text

    if "error" not in rest:
        return check(**rest)
    found = rest.pop("found", None)
    error = refused(rest, lambda: decode_link(text, kind))
    assert isinstance(error, WrongLinkError) == (found is not None)
    assert error.members.get("kind") == found
    return None


def headers(name: str, chunk: list[Vector], **rest: Any) -> None:
    data = whole(chunk)

    def check(header: Vector | None, end: int, written: bool) -> None:
        found, found_end = decode_header(data)
        assert found_end == end
        assert header is None or found == header_of(**header)
        assert not written or encode_header(found) == data[:end]

    if "error" in rest:
        refused(rest, lambda: decode_header(data))
    else:
        check(**rest)


def sizes(name: str, size: int, padded: int, chunks: int, sealed: int) -> None:
    assert padded_size(size) == padded
    assert chunk_count(padded) == chunks
    assert sealed_size(padded) == sealed


def payloads(name: str, payload: list[Vector], **rest: Any) -> None:
    data = whole(payload)

    def unpack() -> tuple[Header, dict[int, bytes]]:
        unpacker, bodies = Unpacker(), dict[int, bytes]()
        for start in range(0, len(data), CHUNK_SIZE):
            for number, piece in unpacker.push(data[start : start + CHUNK_SIZE]):
                bodies[number] = bodies.get(number, b"") + piece
        return unpacker.finish(), bodies

    def check(header: Vector, items: list[str], written: bool) -> None:
        found, bodies = unpack()
        assert found == header_of(**header)
        assert [b64(sha256(bodies.get(number, b""))) for number in range(len(found.items))] == items
        assert not written or b"".join(pack(found, bodies.values())) == data

    if "error" in rest:
        refused(rest, unpack)
    else:
        check(**rest)


def streams(name: str, key: str, flags: int, id: str, payload: list[Vector], sealed: list[str]) -> None:
    stream, data = StreamKey(raw(key), flags, raw(id)), whole(payload)
    chunks = list(seal(stream, [data]))
    assert [b64(sha256(chunk)) for chunk in chunks] == sealed
    assert b"".join(open_(stream, chunks)) == data


def tampered(
    name: str,
    key: str,
    flags: int,
    id: str,
    payload: list[Vector],
    chunks: list[int],
    change: list[int] | None,
    cut: int,
    opened: Vector,
    error: str,
) -> None:
    sealed = list(seal(StreamKey(raw(key), flags, raw(id)), [whole(payload)]))
    found = [bytearray(sealed[n]) for n in chunks]
    if change is not None:
        found[change[0]][change[1]] ^= change[2]
    if cut:
        del found[-1][-cut:]

    def other(key: str = key, flags: int = flags, id: str = id) -> StreamKey:
        return StreamKey(raw(key), flags, raw(id))

    refused({"error": error}, lambda: list(open_(other(**opened), map(bytes, found))))


def missealed(name: str, key: str, flags: int, id: str, chunks: list[Vector], error: str | None = None) -> None:
    stream = StreamKey(raw(key), flags, raw(id))

    def piece(n: int, last: bool, plain: list[Vector]) -> bytes:
        return seal_chunk(stream, n, last, whole(plain))

    sealed = [piece(**chunk) for chunk in chunks]
    if error is None:
        assert list(open_(stream, sealed)) == [whole(chunk["plain"]) for chunk in chunks]
    else:
        refused({"error": error}, lambda: list(open_(stream, sealed)))


def secrets(
    name: str,
    key: str,
    receipt_key: str,
    passphrase: str | None,
    expires: int,
    items: list[Vector],
    header: str,
    payload: str,
    sealed: list[str],
    id: str,
    create: Vector,
    link: str,
    receipt_link: str,
) -> None:
    """The reader's side alone: the writer's made the vector."""
    found = decode_link(link, "secret")
    assert (found.body, found.passphrase) == (raw(key), passphrase is not None)
    keys, content = derive_link_keys(found.body), derive_content_keys(found.body, passphrase)
    assert keys.id == raw(id)
    assert sha256(keys.proof) == raw(create["link_hash"])
    assert sha256(content.reveal) == raw(create["reveal_hash"])
    receipt = decode_link(receipt_link, "receipt")
    assert receipt.body == raw(receipt_key) + sha256(content.opened)[:16]
    assert sha256(derive_receipt(receipt.body[:32]).token) == raw(create["receipt_hash"])

    bodies = [whole(item["data"]) for item in items]
    stream = StreamKey(content.content, found.flags, keys.id)
    whole_payload = b"".join(pack(decode_header(raw(header))[0], bodies))
    chunks = list(seal(stream, [whole_payload]))
    if "content" in create:
        chunks = [raw(create["content"])]
    assert [b64(sha256(chunk)) for chunk in chunks] == sealed
    assert (create["chunks"], create["size"]) == (len(chunks), sum(map(len, chunks)))
    plain = b"".join(open_(stream, chunks))
    assert b64(sha256(plain)) == payload
    opened, start = decode_header(plain)
    assert opened.expires == expires
    assert plain[start:].startswith(b"".join(bodies))
    assert [(item.type, item.name, item.mime) for item in opened.items] == [
        (item["type"], item.get("file"), item.get("mime")) for item in items
    ]


def requests(
    name: str,
    seed: str,
    private: str,
    inbox_token: str,
    public: str,
    id: str,
    answer_token: str,
    request_link: str,
    inbox_link: str,
) -> None:
    inbox, request = derive_inbox(raw(seed)), derive_request(raw(public))
    assert (inbox.private, inbox.token) == (raw(private), raw(inbox_token))
    assert public_key(raw(private)) == raw(public)
    assert (request.id, request.token) == (raw(id), raw(answer_token))
    assert decode_link(request_link, "request").body == raw(public)
    assert decode_link(inbox_link, "inbox").body == raw(seed)


def envelopes(
    name: str, private: str, envelope: str, ephemeral: str = "", plain: str = "", link: str = "", **error: str
) -> None:
    """How it was sealed is for the other side to repeat: here the library draws the ephemeral key."""
    if error:
        refused(error, lambda: open_envelope(raw(private), raw(envelope)))
        return
    found = open_envelope(raw(private), raw(envelope))
    assert found == decode_link(link, "secret")
    assert bytes([found.flags]) + found.body == raw(plain)
    again = seal_envelope(public_key(raw(private)), found)
    assert len(again) == len(raw(envelope)) == ENVELOPE_SIZE
    assert again != seal_envelope(public_key(raw(private)), found) != raw(envelope)
    assert open_envelope(raw(private), again) == found


def misaddressed(name: str, public: str, **error: str) -> None:
    refused(error, lambda: seal_envelope(raw(public), Link("secret", bytes(32))))


def refused(vector: Vector, run: Callable[[], object]) -> FormatError:
    with pytest.raises(FormatError) as caught:
        run()
    assert vector == {"error": caught.value.code}
    return caught.value


def whole(pieces: list[Vector]) -> bytes:
    def piece(bytes: str | None = None, repeat: str = "", size: int = 0) -> Any:
        if bytes is not None:
            return raw(bytes)
        unit = raw(repeat)
        return (unit * (size // len(unit) + 1))[:size]

    return b"".join(piece(**each) for each in pieces)


def header_of(items: list[Vector], expires: int) -> Header:
    return Header(tuple(Item(**item) for item in items), expires)


CHECKS: dict[str, Callable[..., None]] = {
    check.__name__: check
    for check in (
        *(derivation, tokens, links, headers, sizes, payloads, streams, tampered, missealed, secrets),
        *(requests, envelopes, misaddressed),
    )
}


@pytest.mark.parametrize(("check", "vector"), list(vectors()))
def test_vector(check: Callable[..., None], vector: Vector) -> None:
    check(**vector)  # a member that the check does not know is an error
