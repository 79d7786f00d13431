"""What the parser makes of the head of a request, without a socket: what it refuses, and bounds to the last byte."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from support.request_heads import AMBIGUOUS, GOOD, REFUSALS
from taina.errors import TooLargeError
from taina.server.listener import Listener
from taina.server.listener.parsing import Parser


@pytest.fixture(scope="module")
def settings() -> Iterator[Any]:
    """Those of a listener."""
    (server,) = Listener(lambda environ, start_response: [], "127.0.0.1", 0)._servers
    yield server.adj
    server.close()


def read(settings: Any, data: bytes) -> Parser:
    """A parser that was given all it takes of this."""
    parser = Parser(settings)
    while data and not parser.completed:
        data = data[parser.received(data) :]
    return parser


def code(parser: Parser) -> int | None:
    return None if parser.error is None else parser.error.code


def post(length: str, more: str = "") -> bytes:
    return f"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{more}\r\n".encode()


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_heads_are_refused(settings: Any, name: str) -> None:
    parser = read(settings, AMBIGUOUS[name])
    assert parser.completed
    assert code(parser) in REFUSALS


@pytest.mark.parametrize(
    "head",
    [
        GOOD,
        b"GET / HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a?b=c%20d HTTP/1.1\r\nhost: \t[2001:db8::1]:8080 \t\r\nX: 1\r\nX: 2\r\nCookie: a\r\nCookie: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a-b_c.example:65535\r\nAuthorization: Bearer x\r\nOrigin: https://a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::ffff:192.0.2.1]\r\nX:\r\n\r\n",
    ],
)
def test_plain_heads_are_taken(settings: Any, head: bytes) -> None:
    assert code(read(settings, head)) is None


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00", b"\x00", b"\xff", b"{", b"@"])
def test_what_begins_no_request_is_refused_at_once(settings: Any, first: bytes) -> None:
    """TLS spoken to a port without it was heard out for ten seconds, and then cut off without an answer."""
    parser = read(settings, first)
    assert parser.completed
    assert code(parser) == 400


@pytest.mark.parametrize("first", [b"G", b"\r\nG", b"\r"])
def test_what_may_begin_a_request_is_waited_for(settings: Any, first: bytes) -> None:
    assert not read(settings, first).completed


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Content-Type", "Authorization", "Origin"])
def test_what_decides_something_stands_once(settings: Any, name: str) -> None:
    lines = [b"GET / HTTP/1.1", *([] if name == "Host" else [b"Host: a"]), f"{name}: 0".encode()]
    assert code(read(settings, b"\r\n".join([*lines, b"", b""]))) is None
    assert code(read(settings, b"\r\n".join([*lines, f"{name.lower()}: 0".encode(), b"", b""]))) == 400


@pytest.mark.parametrize(("digits", "refused"), [(17, 413), (18, 400), (5000, 400)])
def test_a_length_has_seventeen_digits_and_a_space_at_most(settings: Any, digits: int, refused: int) -> None:
    assert code(read(settings, post("9" * digits))) == refused


def test_a_head_has_16383_bytes_at_most(settings: Any) -> None:
    around = len(b"GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n")
    for length, refused in ((16383, None), (16384, 431)):
        head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (length - around) + b"\r\n\r\n"
        assert len(head) == length
        assert code(read(settings, head)) == refused


def test_a_body_has_less_than_four_mebibytes(settings: Any) -> None:
    assert code(read(settings, post(f"{(4 << 20) - 1}"))) is None
    assert code(read(settings, post(f"{4 << 20}"))) == 413


def test_how_much_of_a_body_is_missing(settings: Any) -> None:
    parser = Parser(settings)
    parser.received(post("10")[:-1])
    assert parser.body_missing == 0, "of a head nothing is known"
    parser.received(b"\n")
    assert parser.body_missing == 10
    parser.received(b"123")
    assert parser.body_missing == 7
    parser.received(b"4567890")
    assert (parser.body_missing, parser.completed, code(parser)) == (0, True, None)


def test_who_is_refused_is_not_told_to_go_on(settings: Any) -> None:
    asking = "Expect: 100-continue\r\n"
    assert read(settings, post("5", asking)).expect_continue is True
    assert read(settings, post(f"{5 << 20}", asking)).expect_continue is False


def test_who_has_nothing_more_to_send_is_not_told_to_go_on(settings: Any) -> None:
    """Waitress would wait for what never comes, and never answer."""
    for head in (GOOD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), post("0", "Expect: 100-continue\r\n")):
        parser = read(settings, head)
        assert (parser.completed, parser.expect_continue) == (True, False)


def test_a_screen_sees_the_head_and_refuses_the_body(settings: Any) -> None:
    seen: list[object] = []

    def screen(method: str, path: str, shown: bool, length: int) -> TooLargeError | None:
        seen.append((method, path, shown, length))
        return TooLargeError() if length > 10 else None

    screened = SimpleNamespace(**{name: getattr(settings, name) for name in dir(settings) if name[0] != "_"})
    screened.screen = screen
    assert code(read(screened, post("10"))) is None
    parser = Parser(screened)
    whole = post("11", "Authorization: Bearer x\r\n") + b"more"
    assert parser.received(whole) == len(whole), "nothing of it is read as another request"
    assert isinstance(parser.refusal, TooLargeError)
    assert (parser.completed, parser.connection_close, code(parser)) == (True, True, 400)
    assert read(screened, GOOD).refusal is None
    assert seen == [("POST", "/a", False, 10), ("POST", "/a", True, 11)], "without a body it is not asked"


def test_a_screen_sees_a_path_as_the_application_does(settings: Any) -> None:
    """Who joins an address that ends in a slash to a path sends two, and the application takes them for one."""
    seen: list[str] = []
    settings.screen = lambda method, path, shown, length: seen.append(path)
    read(settings, b"PUT //api/v1/secrets/x HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n")
    assert seen == ["/api/v1/secrets/x"]


def test_a_fault_is_a_bad_request(settings: Any) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    parser = Parser(SimpleNamespace(screen=fail, max_request_header_size=1000))
    assert parser.received(post("5")) == len(post("5"))
    assert (parser.completed, parser.connection_close, code(parser)) == (True, True, 400)
    assert parser.refusal is None
