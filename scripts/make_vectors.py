"""Write tests/vectors/*.json: the wire format as examples, which both implementations are held to.

Deterministic: the same code gives the same bytes. One vector has one reason, named for it; one that must be
refused names the error. Bytes are base64url, or pieces `{"repeat": pattern, "size": n}` for what is long;
hashes of long bytes are SHA-256. What each file's members mean is said by its `about`.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from taina import base64url
from taina.errors import FormatError, TamperedError
from taina.format.derive import (
    derive_claim,
    derive_content_keys,
    derive_link_keys,
    derive_receipt,
    hkdf,
    sha256,
)
from taina.format.links import KINDS, Kind, Link, decode_link, encode_link
from taina.format.payload import CHUNK_SIZE, Header, Item, Unpacker, decode_header, encode_header, pack, padded_size
from taina.format.stream import StreamKey, chunk_count, open_, seal, sealed_size

OUT = Path(__file__).parents[1] / "tests" / "vectors"
EXPIRES = 1_800_000_000
Vector = dict[str, Any]


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for name, content in make().items():
        (OUT / name).write_bytes(content)


def make() -> dict[str, bytes]:
    """Every file's name and content."""
    files = {
        "derivation": ("Keys of a link (32 bytes), alone and with a passphrase.", derivation()),
        "tokens": ("What a receipt key and a claim seed (32 bytes) give.", tokens()),
        "links": ("Texts that are read as a link of `kind`; `written` marks what a writer gives.", links()),
        "headers": ("The start of a first chunk; `written` marks what a writer gives.", headers()),
        "sizes": ("Bytes before padding, of the payload, its chunks, and sealed.", sizes()),
        "payloads": ("Whole payloads, and the SHA-256 of each item.", payloads()),
        "streams": ("Payloads and the SHA-256 of each sealed chunk.", streams()),
        "tampered": ("Sealed streams that were changed: `chunks` says which stand where.", tampered()),
        "secrets": ("Whole secrets: from the items to the links and the call that creates them.", secrets()),
    }
    return {f"{name}.json": _file(about, vectors) for name, (about, vectors) in files.items()}


def derivation() -> Iterator[Vector]:
    def vector(name: str, passphrase: str | None, error: str | None = None) -> Vector:
        key = _key("derivation")
        link = derive_link_keys(key)
        found: Vector = {"name": name, "key": _b64(key), "passphrase": passphrase}
        found |= {"id": _b64(link.id), "proof": _b64(link.proof), "salt": _b64(link.salt)}
        try:
            content = derive_content_keys(key, passphrase)
        except FormatError as raised:
            return _checked(found | {"error": raised.code}, error)
        found |= {"content": _b64(content.content), "reveal": _b64(content.reveal), "opened": _b64(content.opened)}
        return _checked(found, error)

    yield vector("no passphrase", None)
    yield vector("ASCII", "correct horse battery staple")
    yield vector("not trimmed", " correct horse battery staple\n")
    yield vector("Bulgarian", "тайна")
    yield vector("emoji outside the first plane", "🔑👩‍💻")
    yield vector("composed", "caf\u00e9")
    yield vector("decomposed, the same as composed", "cafe\u0301")
    yield vector("two letters", "fish")
    yield vector("a ligature, the same as two letters", "\ufb01sh")
    yield vector("full width, the same as two letters", "\uff46\uff49\uff53\uff48")
    yield vector("a no-break space, the same as a space", "a\u00a0b")
    yield vector("a space", "a b")
    yield vector("a null inside", "a\0b")
    yield vector("longer than a block of SHA-256", "x" * 65)
    yield vector("empty", "", "bad_format")
    yield vector("half a character", "a\ud83d", "bad_format")
    yield vector("halves in the wrong order", "\udd11\ud83d", "bad_format")


def tokens() -> Iterator[Vector]:
    for name in ("one", "another"):
        key = _key(f"token {name}")
        receipt, claim = derive_receipt(key), derive_claim(key)
        yield {
            "name": name,
            "key": _b64(key),
            "receipt_id": _b64(receipt.id),
            "receipt_token": _b64(receipt.token),
            "claim_id": _b64(claim.id),
            "claim_token": _b64(claim.token),
        }


def links() -> Iterator[Vector]:
    def vector(name: str, text: str, kind: Kind = "secret", written: bool = False, error: str | None = None) -> Vector:
        found: Vector = {"name": name, "text": text, "kind": kind}
        try:
            link = decode_link(text, kind)
        except FormatError as raised:
            if "kind" in raised.members:
                found["found"] = raised.members["kind"]
            return _checked(found | {"error": raised.code}, error)
        found |= {"body": _b64(link.body), "passphrase": link.passphrase, "written": written}
        return _checked(found, error)

    def raw(flags: int, body: bytes) -> str:
        head = bytes([flags]) + body
        return _b64(head + sha256(b"taina/v1 link" + head)[:2])

    key, longer = _key("link"), _key("link") + _key("opened")[:16]
    whole: dict[Kind, Link] = {
        "secret": Link("secret", key),
        "receipt": Link("receipt", longer),
        "request": Link("request", key),
        "inbox": Link("inbox", key),
    }
    text = encode_link(whole["secret"])
    address = f"https://taina.example/s/#{text}"

    for kind in KINDS:
        yield vector(f"{kind}", encode_link(whole[kind]), kind, written=True)
    yield vector("secret with a passphrase", encode_link(Link("secret", key, True)), written=True)
    yield vector("request for a passphrase", encode_link(Link("request", key, True)), "request", written=True)

    half = len(address) - 20
    for name, mangled in {
        "with the hash": f"#{text}",
        "a whole address": address,
        "a whole address, percent-encoded": address.replace("#", "%23").replace("/", "%2F"),
        "letters percent-encoded": f"#%{ord(text[0]):02x}%{ord(text[1]):02X}{text[2:]}",
        "behind a mail scanner": f"https://scan.example/?url={address.replace('#', '%23')}&data=05%7C02&reserved=0",
        "white space around": f" \t{address}\r\n",
        "wrapped in a mail": f"{address[:half]}\r\n{address[half:]}",
        "no-break and zero-width spaces": f"{address[:half]}\u00a0\u200b\u2060{address[half:]}\ufeff",
        "angle brackets": f"<{address}>",
        "angle brackets around the fragment": f"<{text}>",
        "end of a sentence": f"{address}.",
        "in brackets, end of a sentence": f"({address}).",
        "a link in Markdown": f"[{address}]({address})",
        "Markdown's code": f"`{text}`",
        "bold in Markdown": f"**{text}**",
        "a chat's two halves": f"<{address}|{address}>",
        "straight quotes": f'"{address}",',
        "typographic quotes": f"„{address}“",
        "guillemets": f"«{text}»",
        "a campaign parameter": f"{address}&utm_source=mail&utm_medium=x",
        "a click identifier": f"{address}?fbclid=IwAR0_x-y",
        "an escaped ampersand": f"{address}&amp;utm_source=mail",
    }.items():
        yield vector(name, mangled)

    incomplete, newer = partial(vector, error="incomplete_link"), partial(vector, error="newer_link")
    for kind in KINDS:
        for asked in KINDS:
            if asked != kind:
                yield vector(f"{kind} where {asked} is asked for", encode_link(whole[kind]), asked, error="wrong_link")
    for kind in ("secret", "receipt"):
        cut = encode_link(whole[kind])
        for size in range(len(cut)):
            yield incomplete(f"{kind} cut after {size}", cut[:size], kind)
    for place in range(0, len(text), 3):
        wrong = "A" if text[place] != "A" else "B"
        yield incomplete(f"mistyped at {place}", text[:place] + wrong + text[place + 1 :])
    for place in range(1, len(text), 9):
        yield incomplete(f"left out at {place}", text[:place] + text[place + 1 :])
        yield incomplete(f"doubled at {place}", text[:place] + text[place - 1 :])
    swapped = next(place for place in range(10, 40) if text[place] != text[place + 1])
    yield incomplete("two swapped", text[:swapped] + text[swapped + 1] + text[swapped] + text[swapped + 2 :])
    yield incomplete("lower case", text.lower())
    yield incomplete("upper case", text.upper())
    yield incomplete("nothing behind the hash", "https://taina.example/s/#")
    yield incomplete("no fragment", "https://taina.example/s/")
    yield incomplete("a word behind it", f"{address} tomorrow")
    yield incomplete("a word before it", f"look {text}")
    yield incomplete("junk of the alphabet behind it", text + "AAAA")
    yield incomplete("junk of the alphabet before it", "AAAA" + text)
    yield incomplete("a slash behind it", text + "/")
    yield incomplete("a parameter without its mark", text + "utm_source=mail")
    yield incomplete("twice", text + text)
    yield incomplete("three dots for the rest", text[:24] + "…")
    yield incomplete("padding", text + "=")
    yield incomplete("stray bits", text[:-1] + chr(ord(text[-1]) + 1))
    yield incomplete("the other base64", text.replace("-", "+").replace("_", "/"))
    yield incomplete("a Cyrillic letter that looks alike", text.replace("A", "А", 1))
    yield incomplete("full-width letters", "".join(chr(ord(letter) + 0xFEE0) for letter in text))
    yield incomplete("percent-encoded twice", f"https://taina.example/s/%2523{text}")
    yield incomplete("half a character", text + "\ud83d")

    yield newer("version 0", raw(0x00, key))
    yield newer("version 2", raw(0x02, key))
    yield newer("version 2, another size", raw(0x02, key + key))
    yield newer("version 15 of an unknown kind", raw(0x7F, key))
    yield incomplete("version 2, cut", raw(0x02, key)[:-1])
    yield newer("kind 4", raw(0x41, key))
    yield newer("kind 7", raw(0x71, key))
    yield incomplete("a receipt with a passphrase", raw(0x91, longer), "receipt")
    yield incomplete("an inbox with a passphrase", raw(0xB1, key), "inbox")
    yield incomplete("a body too short", raw(0x01, key[:-1]))
    yield incomplete("a body too long", raw(0x01, longer))
    yield incomplete("a receipt too short", raw(0x11, key), "receipt")
    yield incomplete("no body", raw(0x01, b""))
    yield incomplete("a check and nothing else", _b64(sha256(b"taina/v1 link")[:2]))
    yield incomplete("another label in the check", _b64(b"\x01" + key + sha256(b"\x01" + key)[:2]))


def headers() -> Iterator[Vector]:
    def vector(name: str, chunk: bytes, written: bool = False, error: str | None = None) -> Vector:
        found: Vector = {"name": name, "chunk": _pieces(chunk)}
        try:
            header, end = decode_header(chunk)
        except FormatError as raised:
            return _checked(found | {"error": raised.code}, error)
        # What is written the same need not be spelled out when it is long.
        spelled = _header(header) if end < 1024 else None
        return _checked(found | {"header": spelled, "end": end, "written": written}, error)

    def document(text: str | bytes) -> bytes:
        encoded = text if isinstance(text, bytes) else text.encode("utf-8")
        return len(encoded).to_bytes(4, "big") + encoded

    def item(text: str) -> bytes:
        return document(f'{{"v":1,"items":[{text}],"expires":1}}')

    def file(size: str = "1", name: str = '"a"', mime: str = '""') -> bytes:
        return item(f'{{"type":"file","name":{name},"mime":{mime},"size":{size}}}')

    def name_of(size: int) -> bytes:
        """A header of `size` bytes in all, by the length of a name."""
        bare = len(file(name='""'))
        return file(name=f'"{"x" * (size - bare)}"')

    text = '{"type":"text","size":1}'
    for name, items in {
        "a text": (Item("text", 5),),
        "nothing": (),
        "an empty text": (Item("text", 0),),
        "a file": (Item("file", 3, "a.txt", "text/plain"),),
        "a text and two files of one name": (Item("text", 1), Item("file", 2, "x", ""), Item("file", 3, "x", "")),
        "a Bulgarian name": (Item("file", 3, "тайна.pdf", "application/pdf"),),
        "a name outside the first plane": (Item("file", 3, "🔑", ""),),
        "a name with all that JSON escapes": (Item("file", 3, '"\\/\b\f\n\r\t\x00\x1f\x7f\u2028\u2029', ""),),
        "a decomposed name, left alone": (Item("file", 3, "cafe\u0301", ""),),
        "a name that tries to leave": (Item("file", 3, "../../etc/passwd", "text/html"),),
        "an empty name": (Item("file", 3, "", ""),),
        "the greatest size": (Item("text", (1 << 53) - 1),),
    }.items():
        yield vector(name, encode_header(Header(items, EXPIRES)), written=True)
    yield vector("fills the first chunk", name_of(CHUNK_SIZE), written=True)
    yield vector("bytes behind it", item(text) + b"\xff" * 9, written=True)
    yield vector("white space", document(f' {{ "v" : 1,\r\n\t"items" : [ {text} ] , "expires" : 1 }} '))
    yield vector("another order", document(f'{{"expires":1,"items":[{text}],"v":1}}'))
    yield vector("unknown members", document(f'{{"v":1,"items":[{text}],"expires":1,"more":{{"a":[null,1e999]}}}}'))
    yield vector("an unknown member of an item", item('{"type":"text","size":1,"name":5}'))
    yield vector("a long unknown number", document(f'{{"v":1,"items":[],"expires":1,"more":{"9" * 5000}}}'))
    yield vector("1.0 is 1", document('{"v":1.0,"items":[],"expires":1e0}'))
    yield vector("the last of two members", document('{"v":2,"v":1,"items":[],"expires":1}'))
    yield vector("escaped letters", file(name='"\\u0061\\ud83d\\udd11\\/"'))

    bad = partial(vector, error="bad_format")
    yield bad("no bytes", b"")
    yield bad("a cut length", b"\0\0\0")
    yield bad("length 0", bytes(64))
    yield bad("length of a byte more", (len(item(text)) - 3).to_bytes(4, "big") + item(text)[4:])
    yield bad("length of a byte less", (len(item(text)) - 5).to_bytes(4, "big") + item(text)[4:])
    yield bad("the greatest length", b"\xff\xff\xff\xff" + item(text)[4:])
    yield bad("a byte beyond the first chunk", name_of(CHUNK_SIZE + 1))
    yield bad("no JSON", document("taina"))
    yield bad("cut JSON", document(f'{{"v":1,"items":[{text}],"expires":1'))
    yield bad("two documents", document('{"v":1,"items":[],"expires":1}{}'))
    yield bad("a comma too many", document('{"v":1,"items":[],"expires":1,}'))
    yield bad("a mark of byte order", document('\ufeff{"v":1,"items":[],"expires":1}'))
    yield bad("UTF-16", document('{"v":1,"items":[],"expires":1}'.encode("utf-16-le")))
    yield bad("no UTF-8", document(b'{"v":1,"items":[],"expires":1,"x":"\xff"}'))
    yield bad("an overlong form of UTF-8", document(b'{"v":1,"items":[],"expires":1,"x":"\xc0\xaf"}'))
    yield bad("half a character in UTF-8", document(b'{"v":1,"items":[],"expires":1,"x":"\xed\xa0\xbd"}'))
    yield bad("a line break in a string", file(name='"a\nb"'))
    yield bad("NaN", document('{"v":1,"items":[],"expires":NaN}'))
    yield bad("NaN where it is ignored", document('{"v":1,"items":[],"expires":1,"x":NaN}'))
    yield bad("Infinity where it is ignored", document('{"v":1,"items":[],"expires":1,"x":-Infinity}'))
    yield bad("single quotes", document("{'v':1,'items':[],'expires':1}"))
    for name, wrong in {
        "a list": "[]",
        "null": "null",
        "a number": "1",
        "no version": '{"items":[],"expires":1}',
        "version 2": '{"v":2,"items":[],"expires":1}',
        "a version in quotes": '{"v":"1","items":[],"expires":1}',
        "true as version": '{"v":true,"items":[],"expires":1}',
        "no items": '{"v":1,"expires":1}',
        "items an object": '{"v":1,"items":{},"expires":1}',
        "items null": '{"v":1,"items":null,"expires":1}',
        "no expiry": '{"v":1,"items":[]}',
        "expiry null": '{"v":1,"items":[],"expires":null}',
        "expiry in quotes": '{"v":1,"items":[],"expires":"1"}',
        "expiry negative": '{"v":1,"items":[],"expires":-1}',
        "expiry with a fraction": '{"v":1,"items":[],"expires":1.5}',
    }.items():
        yield bad(name, document(wrong))
    for name, wrong in {
        "an item that is a number": "1",
        "an item that is null": "null",
        "an item that is a list": "[]",
        "an unknown type": '{"type":"folder","size":1}',
        "no type": '{"size":1}',
        "a type in capitals": '{"type":"Text","size":1}',
        "a type from every object": '{"type":"constructor","size":1}',
        "no size": '{"type":"text"}',
        "a file without a name": '{"type":"file","mime":"","size":1}',
        "a file without a type": '{"type":"file","name":"a","size":1}',
    }.items():
        yield bad(name, item(wrong))
    for name, size in {
        "a size in quotes": '"1"',
        "a size that is null": "null",
        "true as size": "true",
        "a negative size": "-1",
        "a size with a fraction": "0.5",
        "a size of 2^53": "9007199254740992",
        "a size of 2^53 + 1": "9007199254740993",
        "a size beyond all": "1e999",
        "a size of 5000 digits": "9" * 5000,
        "a size with a leading zero": "01",
        "a size in base 16": "0x1",
        "a size with a plus": "+1",
    }.items():
        yield bad(name, file(size=size))
    for name, wrong in {"a number": "1", "null": "null", "a list": '["a"]', "half a character": '"a\\ud83d"'}.items():
        yield bad(f"a name that is {name}", file(name=wrong))
        yield bad(f"a type that is {name}", file(mime=wrong))


def sizes() -> Iterator[Vector]:
    edges = [0, 1, 1023, 1024, 1025, 1056, 1057, 2047, 2048, 2049, 65535, 65536, 65537, 100_000]
    edges += [CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, 10_000_000]
    edges += [(1 << 31) - 1, 1 << 31, (1 << 32) + 1, (1 << 40) + 1, (1 << 53) - (1 << 47) - 1]
    for size in edges:
        padded = padded_size(size)
        yield {
            "name": f"{size}",
            "size": size,
            "padded": padded,
            "chunks": chunk_count(padded),
            "sealed": sealed_size(padded),
        }


def payloads() -> Iterator[Vector]:
    def vector(
        name: str, payload: bytes, written: bool = False, error: str | None = None, repeats: bytes = b"\0"
    ) -> Vector:
        found: Vector = {"name": name, "payload": _pieces(payload, repeats)}
        try:
            unpacker = Unpacker()
            bodies: dict[int, bytes] = {}
            for start in range(0, len(payload), CHUNK_SIZE):
                for number, piece in unpacker.push(payload[start : start + CHUNK_SIZE]):
                    bodies[number] = bodies.get(number, b"") + piece
            header = unpacker.finish()
        except FormatError as raised:
            return _checked(found | {"error": raised.code}, error)
        items = [_b64(sha256(bodies.get(number, b""))) for number in range(len(header.items))]
        return _checked(found | {"header": _header(header), "items": items, "written": written}, error)

    def whole(*bodies: bytes) -> bytes:
        header = Header(tuple(Item("text", len(body)) for body in bodies), EXPIRES)
        return b"".join(pack(header, bodies))

    def end(payload: bytes) -> int:
        header, start = decode_header(payload)
        return start + sum(item.size for item in header.items)

    def full(size: int) -> bytes:
        """A payload of `size` bytes without padding."""
        header = len(encode_header(Header((Item("text", size),), EXPIRES)))
        return whole(bytes(_patterned(size - header)))

    short, long = whole(b"hello"), whole(b"a" * 2000)
    yield vector("a text", short, written=True)
    yield vector("no items", whole(), written=True)
    yield vector("an empty text", whole(b""), written=True)
    yield vector("three items, one of them empty", whole(b"one", b"", b"three"), written=True)
    yield vector("an empty item at the end", whole(b"one", b""), written=True)
    yield vector("zeros that are content", whole(bytes(100)), written=True)
    yield vector("no padding", full(1024), written=True)
    yield vector("padded beyond 1 KiB", long, written=True)
    yield vector("exactly a chunk", full(CHUNK_SIZE), written=True)
    yield vector("a byte more than a chunk", full(CHUNK_SIZE + 1), written=True)
    yield vector("items across chunks", whole(_patterned(CHUNK_SIZE), b"", _patterned(CHUNK_SIZE)), written=True)

    bad = partial(vector, error="bad_format")
    yield bad("nothing", b"")
    yield bad("padding of 1 at its start", short[: end(short)] + b"\x01" + short[end(short) + 1 :])
    yield bad("padding of 1 at its end", short[:-1] + b"\x01")
    yield bad("padding of 255", short[: end(short)] + b"\xff" * (1024 - end(short)))
    yield bad("no padding where some is due", short[: end(short)])
    yield bad("padding a byte short", short[:-1])
    yield bad("padding a byte long", short + b"\0")
    yield bad("padding to the next step", short + bytes(1024))
    yield bad("a larger one's padding a step short", long[:-1])
    yield bad("a larger one's padding a step long", long + bytes(padded_size(len(long) + 1) - len(long)))
    yield bad("a body that is cut", long[: end(long) - 1])
    yield bad("a body announced and not there", encode_header(Header((Item("text", 4000),), EXPIRES)) + bytes(900))
    yield bad("a body of 2^53 - 1", encode_header(Header((Item("text", (1 << 53) - 1),), EXPIRES)) + bytes(900))
    yield bad(
        "sizes that overflow together",
        encode_header(Header((Item("text", (1 << 53) - 1),) * 3000, EXPIRES)) + bytes(900),
        repeats=b'{"type":"text","size":9007199254740991},',
    )
    yield bad("a padding of 1 in the second chunk", full(CHUNK_SIZE + 1) + bytes(32767) + b"\x01")
    yield bad("a whole chunk of zeros too many", full(CHUNK_SIZE) + bytes(CHUNK_SIZE))


STREAMS: dict[str, int] = {
    "the smallest payload": 1024,
    "a byte less than a chunk": CHUNK_SIZE - 1,
    "exactly a chunk": CHUNK_SIZE,
    "a byte more than a chunk": CHUNK_SIZE + 1,
    "exactly two chunks": 2 * CHUNK_SIZE,
    "three chunks": 2 * CHUNK_SIZE + 1000,
}


def streams() -> Iterator[Vector]:
    for name, size in STREAMS.items():
        for flags in (0x01, 0x81):
            vector, sealed = _stream(size, flags)
            if flags == 0x81:
                name += ", with a passphrase"
            yield {"name": name, **vector, "sealed": [_b64(sha256(chunk)) for chunk in sealed]}


def tampered() -> Iterator[Vector]:
    """`change`: chunk, byte (from its end where negative), what it is XORed with; `cut`: bytes off the last."""

    def vector(
        name: str,
        size: int,
        chunks: list[int],
        change: list[int] | None = None,
        cut: int = 0,
        **opened: Any,
    ) -> Vector:
        made, sealed = _stream(size, 0x01)
        found = [bytearray(sealed[n]) for n in chunks]
        if change:
            found[change[0]][change[1]] ^= change[2]
        if cut:
            del found[-1][-cut:]
        opening = made | opened
        key = StreamKey(
            base64url.decode(opening["key"]),
            opening["flags"],
            base64url.decode(opening["id"]),
        )
        try:
            for _ in open_(key, map(bytes, found)):
                pass
        except TamperedError as error:
            return {
                "name": name,
                **made,
                "chunks": chunks,
                "change": change,
                "cut": cut,
                "opened": opened,
                "error": error.code,
            }
        raise AssertionError(f"{name}: opens")

    one, two, three = 1024, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 1000
    other = _b64(_key("another"))
    yield vector("another key", one, [0], key=other)
    yield vector("another id", one, [0], id=other[:22].replace(other[21], "A"))
    yield vector("the flag of a passphrase", one, [0], flags=0x81)
    yield vector("flags of another version", one, [0], flags=0x02)
    yield vector("no chunk", one, [])
    yield vector("a bit of the first byte", one, [0], [0, 0, 1])
    yield vector("a bit of the last byte", one, [0], [0, -1, 128])
    yield vector("a bit of the tag's first byte", one, [0], [0, -16, 1])
    yield vector("a byte cut off", one, [0], cut=1)
    yield vector("the tag cut off", one, [0], cut=16)
    yield vector("nothing but 16 bytes", one, [0], cut=1024)
    yield vector("nothing but 15 bytes", one, [0], cut=1025)
    yield vector("nothing left of the chunk", one, [0], cut=1040)
    yield vector("a single chunk twice", one, [0, 0])
    yield vector("three, the last is missing", three, [0, 1])
    yield vector("three, only the first", three, [0])
    yield vector("three, the first is missing", three, [1, 2])
    yield vector("three, only the last", three, [2])
    yield vector("three, the middle is missing", three, [0, 2])
    yield vector("three, swapped", three, [1, 0, 2])
    yield vector("three, the last in the middle", three, [0, 2, 1])
    yield vector("three, the first twice", three, [0, 0, 2])
    yield vector("three, one too many in the middle", three, [0, 1, 1, 2])
    yield vector("three, the last twice", three, [0, 1, 2, 2])
    yield vector("three, a bit in the middle", three, [0, 1, 2], [1, CHUNK_SIZE // 2, 64])
    yield vector("three, the last cut short", three, [0, 1, 2], cut=1)
    yield vector("three, opened with another flag", three, [0, 1, 2], flags=0x81)
    yield vector("full chunks, the last is missing", two, [0])
    yield vector("full chunks, swapped", two, [1, 0])


def secrets() -> Iterator[Vector]:
    def vector(name: str, items: list[Vector], passphrase: str | None = None, sealed_whole: bool = False) -> Vector:
        bodies = [_bytes(item["data"]) for item in items]
        header = Header(
            tuple(
                Item(item["type"], len(body), item.get("file"), item.get("mime"))
                for item, body in zip(items, bodies, strict=True)
            ),
            EXPIRES,
        )
        key, receipt_key = _key(f"{name} K"), _key(f"{name} R")
        link = Link("secret", key, passphrase is not None)
        keys, content, receipt = (
            derive_link_keys(key),
            derive_content_keys(key, passphrase),
            derive_receipt(receipt_key),
        )
        payload = b"".join(pack(header, bodies))
        sealed = list(seal(StreamKey(content.content, link.flags, keys.id), [payload]))
        create: Vector = {
            "link_hash": _b64(sha256(keys.proof)),
            "reveal_hash": _b64(sha256(content.reveal)),
            "receipt_id": _b64(receipt.id),
            "receipt_hash": _b64(sha256(receipt.token)),
            "ttl": 604_800,
            "chunks": len(sealed),
            "size": sum(map(len, sealed)),
            "passphrase": passphrase is not None,
        }
        if sealed_whole:
            create["content"] = _b64(sealed[0])
        return {
            "name": name,
            "key": _b64(key),
            "receipt_key": _b64(receipt_key),
            "passphrase": passphrase,
            "expires": EXPIRES,
            "items": items,
            "header": _b64(encode_header(header)),
            "payload": _b64(sha256(payload)),
            "sealed": [_b64(sha256(chunk)) for chunk in sealed],
            "id": _b64(keys.id),
            "create": create,
            "link": encode_link(link),
            "receipt_link": encode_link(Link("receipt", receipt_key + sha256(content.opened)[:16])),
        }

    def text(value: str) -> Vector:
        return {"type": "text", "data": _pieces(value.encode())}

    def file(name: str, size: int, mime: str = "application/octet-stream") -> Vector:
        return {"type": "file", "file": name, "mime": mime, "data": _pieces(_patterned(size))}

    yield vector("the worked example", [text("The safe opens with 4711.")], "тайна", sealed_whole=True)
    yield vector("without a passphrase", [text("The safe opens with 4711.")], sealed_whole=True)
    yield vector("an empty text", [text("")], sealed_whole=True)
    yield vector("a text in many scripts", [text("Здравей, مرحبا, שלום, 你好, 👩‍💻\r\n\0")], sealed_whole=True)
    yield vector("a text and two files", [text("two files"), file("а.bin", 10, ""), file("b.txt", 0, "text/plain")])
    yield vector("a file of exactly 1 MiB", [file("1.bin", CHUNK_SIZE)])
    yield vector("a file of 1 MiB + 1", [file("2.bin", CHUNK_SIZE + 1)])
    yield vector("three chunks with a passphrase", [file("3.bin", 2 * CHUNK_SIZE + 1)], "ﬁ 🔑")


def _stream(size: int, flags: int) -> tuple[Vector, list[bytes]]:
    key, identifier, payload = _key("stream"), _key("id")[:16], _patterned(size)
    made = {"key": _b64(key), "flags": flags, "id": _b64(identifier), "payload": _pieces(payload)}
    return made, list(seal(StreamKey(key, flags, identifier), [payload]))


def _key(name: str) -> bytes:
    """32 bytes that nobody chose."""
    return hkdf(name.encode(), "test vectors", 32)


_PATTERN = hashlib.sha256(b"pattern").digest()[:31]  # an odd length: no two chunks are alike


def _patterned(size: int) -> bytes:
    return (_PATTERN * (size // len(_PATTERN) + 1))[:size]


def _pieces(data: bytes, *units: bytes) -> list[Vector]:
    """Bytes as they are, but what repeats for long (the pattern, zeros, a letter, `units`) as a rule."""
    pieces: list[Vector] = []
    while data:
        starts = {data.find(unit * (256 // len(unit) + 1)): unit for unit in (_PATTERN, b"\0", b"x", *units)}
        start = min((place for place in starts if place >= 0), default=len(data))
        if start:
            pieces.append({"bytes": _b64(data[:start])})
        size = 0
        if start < len(data):
            unit = starts[start]
            while data.startswith(unit[: len(data) - start - size] or b"?", start + size):
                size += len(unit)
            size = min(size, len(data) - start)
            pieces.append({"repeat": _b64(unit), "size": size})
        data = data[start + size :]
    return pieces


def _bytes(pieces: list[Vector]) -> bytes:
    data = b""
    for piece in pieces:
        if "repeat" in piece:
            unit = base64url.decode(piece["repeat"])
            data += (unit * (piece["size"] // len(unit) + 1))[: piece["size"]]
        else:
            data += base64url.decode(piece["bytes"])
    return data


def _header(header: Header) -> Vector:
    items = [
        {"type": item.type, "size": item.size}
        if item.type == "text"
        else {"type": item.type, "name": item.name, "mime": item.mime, "size": item.size}
        for item in header.items
    ]
    return {"items": items, "expires": header.expires}


def _checked(vector: Vector, error: str | None) -> Vector:
    """The vector, if it is refused or accepted as the specification asks."""
    if vector.get("error") != error:
        raise AssertionError(f"{vector['name']}: {vector.get('error')} instead of {error}")
    return vector


def _b64(data: bytes) -> str:
    return base64url.encode(data)


def _file(about: str, vectors: Iterator[Vector]) -> bytes:
    # ASCII alone: an editor that normalises text must not change what a vector is about.
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    return f'{{"about": {json.dumps(about)},\n"vectors": [\n{lines}\n]}}\n'.encode()


if __name__ == "__main__":
    main()
