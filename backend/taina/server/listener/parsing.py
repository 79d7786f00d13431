"""Reads the head of a request, and refuses what two readers of HTTP could read differently (RFC 9112)."""

import re
import string
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.utilities import BadRequest

from taina.errors import TainaError

MAX_BODY = 4 << 20
"""Bytes. Higher than any call's own limit, so that a slightly oversized body gets a 413 instead of a cut connection."""
MAX_LENGTH_DIGITS = 18

Screen = Callable[[str, str, bool, int], TainaError | None]
"""Looks at method, path, whether there is an Authorization header, and the body's length: why it is not taken."""

_ONCE = frozenset({b"host", b"content-length", b"content-type", b"authorization", b"origin"})
_HOST = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_USUAL = re.compile(
    r"(?P<command>[A-Z]{1,20}) "
    r"(?P<uri>(?P<path>/(?:[A-Za-z0-9._~-][A-Za-z0-9._~/-]*)?)(?:\?(?P<query>[A-Za-z0-9._~/=&-]*))?)"
    r" HTTP/1\.1\r\n(?P<lines>(?:[A-Za-z0-9-]{1,40}:[ -~]*\r\n)+)\r\n"
)
"""A head that nobody can read in two ways, as nearly all are: it is read in one go."""
_BEGINS = frozenset(b" \t\r\n!#$%&'*+-.^_`|~" + string.digits.encode() + string.ascii_letters.encode())
"""What a method begins with (RFC 9110, 5.6.2), and the blank lines before it (RFC 9112, 2.2)."""
_RARE = ("TRANSFER_ENCODING", "EXPECT")


@lru_cache(256)
def _key(name: str) -> str:
    """How Waitress names a header."""
    return name.upper().replace("-", "_")


@lru_cache(256)
def _is_host(value: str) -> bool:
    return _HOST.fullmatch(value.encode("latin-1")) is not None


class ScreenedError(Exception):
    """The body of this request is not taken: `refusal` says why."""

    def __init__(self, refusal: TainaError) -> None:
        super().__init__()
        self.refusal = refusal


class Body:
    """The bytes of a body as they come, for Waitress; its own buffer of them takes three more turns for each."""

    error: None = None

    def __init__(self, length: int) -> None:
        self._missing = length
        self._bytes = BytesIO()

    @property
    def completed(self) -> bool:
        return not self._missing

    def received(self, data: bytes) -> int:
        """Take what belongs to it; return how many bytes that were."""
        taken = self._bytes.write(data if len(data) <= self._missing else data[: self._missing])
        self._missing -= taken
        return taken

    def getfile(self) -> BytesIO:
        self._bytes.seek(0)
        return self._bytes

    def getbuf(self) -> BytesIO:
        """What Waitress closes when the request is done."""
        return self._bytes


class Parser(HTTPRequestParser):  # type: ignore[misc] # Waitress is not typed
    """Refuses what two readers of HTTP could read differently (RFC 9112)."""

    refusal: TainaError | None = None

    @property
    def body_missing(self) -> int:
        """Bytes of the body that have yet to come, once the head is here."""
        missing: int = self.content_length - self.body_bytes_received
        return missing if self.body_rcv is not None else 0

    def received(self, data: bytes) -> int:
        if data and not (self.headers_finished or self.header_plus or data[0] in _BEGINS):
            # As of TLS: whoever speaks it waits for an answer, and no end of a head would ever come.
            return self._refuse(data)
        try:
            consumed: int = super().received(data)
        except ScreenedError as error:
            self.refusal = error.refusal
            consumed = self._refuse(data)
        except Exception:  # a fault of the parser is a bad request, too: no input may cut a connection in silence
            consumed = self._refuse(data)
        if self.error is not None or self.completed:
            # "Go on" would be a lie, and the answer would wait for a body that is refused, or for one that never comes.
            self.expect_continue = False
        return consumed

    def _refuse(self, data: bytes) -> int:
        self.error = BadRequest("The request cannot be read.")
        self.completed = self.headers_finished = self.connection_close = True
        return len(data)

    def parse_header(self, header_plus: bytes) -> None:
        if not self._read_usual(header_plus.decode("latin-1")):
            self._refuse_ambiguous(header_plus)
            super().parse_header(header_plus)
        if self.content_length:
            self._screen()

    def _read_usual(self, head: str) -> bool:
        """Read a head that is in no way unusual, as Waitress would; False, and nothing read, where it is not one.

        Waitress takes each line apart by itself, which costs more than our rules do.
        """
        usual = _USUAL.fullmatch(head)
        if usual is None:
            return False
        lines = usual["lines"].split("\r\n")
        lines.pop()
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[_key(name)] = value.strip(" ")
        length = headers.get("CONTENT_LENGTH", "0")
        once = len(headers) == len(lines) and not any(rare in headers for rare in _RARE)
        if not (once and _is_host(headers.get("HOST", "")) and length.isdigit() and len(length) < MAX_LENGTH_DIGITS):
            return False
        self.headers = headers
        self.version = "1.1"
        self.command, self.request_uri, self.path, self.query = usual.group("command", "uri", "path", "query")
        self.query = self.query or ""
        self.proxy_scheme = self.proxy_netloc = self.fragment = ""
        self.url_scheme = self.adj.url_scheme
        self.connection_close = headers.get("CONNECTION", "").lower() == "close"
        self.content_length = int(length)
        if self.content_length:
            self.body_rcv = Body(self.content_length)
        return True

    def _screen(self) -> None:
        """Before a byte of the body is kept: what no call takes is refused by the head alone."""
        screen: Screen | None = getattr(self.adj, "screen", None)
        path = "/" + self.path.lstrip("/")  # as the application reads it
        refusal = screen and screen(self.command, path, "AUTHORIZATION" in self.headers, self.content_length)
        if refusal:
            raise ScreenedError(refusal)

    def _refuse_ambiguous(self, header_plus: bytes) -> None:
        first, _, rest = header_plus.partition(b"\r\n")
        if not first.endswith((b" HTTP/1.1", b" HTTP/1.0")):
            raise ParsingError("The request line has to end in HTTP/1.1.")
        if first.partition(b" ")[2][:1] not in (b"/", b"*"):
            raise ParsingError("The request's target has to be a path.")
        seen: set[bytes] = set()
        for line in rest.split(b"\r\n"):
            if line[:1] in (b" ", b"\t"):
                raise ParsingError("A folded header line is not accepted.")
            name, _, value = line.partition(b":")
            name = name.lower()
            if b"_" in name:
                raise ParsingError("A header's name has a character that is not accepted.")
            if name == b"transfer-encoding":
                raise TransferEncodingNotImplemented("Send the body with a Content-Length, not in chunks.")
            if name in seen and (name in _ONCE or name in getattr(self.adj, "once", ())):
                raise ParsingError("A header stands twice that may stand once.")
            if name == b"host" and not _HOST.fullmatch(value.strip(b" \t")):
                raise ParsingError("The Host header is not a host.")
            if name == b"content-length" and len(value) > MAX_LENGTH_DIGITS:
                raise ParsingError("The Content-Length is not a length.")
            seen.add(name)
        if b"host" not in seen and first.endswith(b"1.1"):
            raise ParsingError("The Host header is missing.")
