"""Every parser that reads what strangers wrote, as a function of bytes: it takes them, or refuses by a type of ours."""

from collections.abc import Callable
from ipaddress import ip_network

import falcon
import falcon.testing

from drills.promises import promise
from taina import base64url
from taina.client.names import clean_name
from taina.errors import TainaError
from taina.format.derive import sha256
from taina.format.envelope import ENVELOPE_SIZE, open_envelope
from taina.format.links import KINDS, decode_link
from taina.format.payload import Unpacker
from taina.format.stream import StreamKey, open_chunk
from taina.web.client_marks import ClientMarks
from taina.web.parsing import bearer, path_number, read_json

_MARKS = ClientMarks([ip_network("127.0.0.0/8")])
_KEY = StreamKey(bytes(32), 1, bytes(16))


def link(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for kind in KINDS:
        _refused_or(decode_link, text, kind)


def checked_link(data: bytes) -> None:
    """Behind a right check, so that what comes after it is reached, too."""
    text = base64url.encode(data + sha256(b"taina/v1 link" + data)[:2])
    for kind in KINDS:
        _refused_or(decode_link, text, kind)


def payload(data: bytes) -> None:
    def unpack() -> None:
        unpacker = Unpacker()
        unpacker.push(data)
        unpacker.finish()

    _refused_or(unpack)


def payload_header(data: bytes) -> None:
    """As `payload`, with a length that fits."""
    payload(len(data).to_bytes(4, "big") + data)


def sealed_chunk(data: bytes) -> None:
    _refused_or(open_chunk, _KEY, 0, True, data)


def envelope(data: bytes) -> None:
    _refused_or(open_envelope, bytes([1] * 32), data[:ENVELOPE_SIZE].ljust(ENVELOPE_SIZE, b"\0"))


def file_name(data: bytes) -> None:
    name = clean_name(data.decode("utf-8", "replace"))
    promise(bool(name) and "/" not in name and "\0" not in name, f"an unclean name: {name!r}")
    promise(name not in (".", "..") and len(name.encode()) <= 255, f"an unclean name: {name!r}")


def json_body(data: bytes) -> None:
    environ = falcon.testing.create_environ(method="PUT", body=data, headers={"Content-Type": "application/json"})

    def read() -> None:
        fields = read_json(falcon.Request(environ))
        fields.bytes("a")
        fields.integer("b")
        fields.boolean("c")
        fields.fields("d").done()
        fields.done()

    _refused_or(read)


def request_headers(data: bytes) -> None:
    text = data.decode("latin-1")
    environ = falcon.testing.create_environ(remote_addr="127.0.0.1")
    environ |= {"HTTP_AUTHORIZATION": f"Bearer {text}", "HTTP_X_FORWARDED_FOR": text}
    request = falcon.Request(environ)
    promise(len(_MARKS.of(request)) == 16, "a client has no mark")
    _refused_or(bearer, request)
    _refused_or(path_number, text)


PARSERS: dict[str, Callable[[bytes], None]] = {
    parser.__name__: parser
    for parser in (
        link,
        checked_link,
        payload,
        payload_header,
        sealed_chunk,
        envelope,
        file_name,
        json_body,
        request_headers,
    )
}


def _refused_or(parse: Callable[..., object], *arguments: object) -> None:
    try:
        parse(*arguments)
    except TainaError as error:
        promise(error.code != TainaError.code, f"it was refused as {type(error).__name__}")
