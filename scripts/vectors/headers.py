"""Headers as writers give them, as readers take them, and as they refuse them."""

from collections.abc import Iterator
from functools import partial

from taina.errors import FormatError
from taina.format.payload import CHUNK_SIZE, Header, Item, decode_header, encode_header
from vectors.spelling import EXPIRES, Vector, checked, header_members, pieces_of


def headers() -> Iterator[Vector]:
    def vector(name: str, chunk: bytes, written: bool = False, error: str | None = None) -> Vector:
        found: Vector = {"name": name, "chunk": pieces_of(chunk)}
        try:
            header, end = decode_header(chunk)
        except FormatError as raised:
            return checked(found | {"error": raised.code}, error)
        # What is written the same need not be spelled out when it is long.
        spelled = header_members(header) if end < 1024 else None
        return checked(found | {"header": spelled, "end": end, "written": written}, error)

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
