"""The short ways through a request, beside Waitress's long ones: they come to the same."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from waitress.task import WSGITask

from support.request_heads import AMBIGUOUS, GOOD
from taina.server.listener import Listener
from taina.server.listener.answering import Task
from taina.server.listener.parsing import Parser

CHROMIUM = (
    b"PUT /api/v1/secrets/cwhHwEvN11jJAIW11Q-RQA HTTP/1.1\r\nHost: secret.example:8443\r\nConnection: keep-alive\r\n"
    b'Content-Length: 4\r\nsec-ch-ua-platform: "Linux"\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n'
    b'sec-ch-ua: "Chromium";v="156", "Not)A;Brand";v="24"\r\nContent-Type: application/json\r\nsec-ch-ua-mobile: ?0\r\n'
    b"Accept: */*\r\nOrigin: https://secret.example:8443\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
    b"Sec-Fetch-Dest: empty\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n"
)
FIREFOX = (
    b"GET /bg/ HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: bg,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nPriority: u=0, i\r\n\r\n"
)
CURL = b"GET /api/v1/health?now=1&x=a/b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
USUAL = {"plain": GOOD, "chromium": CHROMIUM, "firefox": FIREFOX, "curl": CURL}
UNUSUAL = {
    "old version": b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "escaped path": b"GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\n",
    "two slashes": b"GET //b/c HTTP/1.1\r\nHost: a\r\n\r\n",
    "fragment": b"GET /b#c HTTP/1.1\r\nHost: a\r\n\r\n",
    "everything": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "continue": b"PUT /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
    "twice": b"GET /b HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n",
    "another alphabet": "GET /b HTTP/1.1\r\nHost: a\r\nX: тайна\r\n\r\n".encode(),
}
_PIECES = [
    *(b"GET", b"PUT", b"get", b" ", b"  ", b"/", b"//", b"/a", b"/a.b/c-d_~", b"%41", b"?", b"?a=b&c", b"#", b"*"),
    *(b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\t", b"\0", b":", b": ", b" : "),
    *(b"Host: a", b"Host:[::1]:80", b"host: a:b", b"HOST: ", b"Host: a/b", b"Connection: close", b"connection:Close "),
    *(b"Content-Length: 3", b"Content-Length: 0", b"content-length:+3", b"Content-Length: 3, 3", b"Content_Length: 3"),
    *(b"Content-Length: 99999999", b"Content-Length: 99999999999999999", b"Content-Length:999999999999999999"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: ", b"Expect: 100-continue", b"X-Y: 1", b"x-y: 2", b"X_Y: 3"),
    *(b"X:", b"X:  a  b  ", b"X: \xd1\x82", b"X: \x7f", b"X" * 41 + b": 1", b"Authorization: Bearer x", b" folded"),
]
_SAID = [
    *("command", "request_uri", "path", "query", "fragment", "version", "headers", "content_length", "chunked"),
    *("proxy_scheme", "proxy_netloc", "url_scheme", "connection_close", "expect_continue", "completed", "empty"),
    *("headers_finished", "header_bytes_received", "body_bytes_received"),
]


class Long(Parser):
    """Knows no short way."""

    def _read_usual(self, head: str) -> bool:
        return False


@pytest.fixture(scope="module")
def settings() -> Iterator[Any]:
    """Those of a listener."""
    (server,) = Listener(lambda environ, start_response: [], "127.0.0.1", 0)._servers
    yield server.adj
    server.close()


def read(parser: Parser, data: bytes) -> dict[str, object]:
    """All that a parser makes of this: what it took, what it says, and the body."""
    consumed = parser.received(data)
    while 0 < consumed < len(data) and not parser.completed:
        consumed += parser.received(data[consumed:])
    body = None if parser.body_rcv is None else parser.get_body_stream().read()
    refusal = parser.error and (parser.error.code, parser.error.body)
    said = {name: getattr(parser, name, None) for name in _SAID}
    return said | {"consumed": consumed, "body": body, "refusal": refusal}


def agree(settings: Any, data: bytes) -> None:
    assert read(Parser(settings), data) == read(Long(settings), data)


@pytest.mark.parametrize("name", USUAL)
def test_what_is_usual_goes_the_short_way(settings: Any, name: str) -> None:
    assert Parser(settings)._read_usual(USUAL[name].decode("latin-1"))
    agree(settings, USUAL[name] + b"body" + GOOD)


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_goes_the_long_way(settings: Any, name: str) -> None:
    assert not Parser(settings)._read_usual(UNUSUAL[name].decode("latin-1"))
    agree(settings, UNUSUAL[name] + b"body" + GOOD)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_nothing_ambiguous_is_usual(settings: Any, name: str) -> None:
    agree(settings, AMBIGUOUS[name])


lines = st.lists(st.sampled_from(_PIECES), max_size=4).map(b"".join)
heads = st.builds(
    lambda first, rest, body: b"\r\n".join([first, b"Host: a", *rest, b"", body]),
    st.sampled_from([b"GET / HTTP/1.1", b"PUT /a/b HTTP/1.1", b"PUT /a?b HTTP/1.1", b"GET /a%20 HTTP/1.1"]) | lines,
    st.lists(lines, max_size=5),
    st.sampled_from([b"", b"abc", b"abcdef"]),
)


def test_a_body_comes_in_any_pieces_and_not_a_byte_more(settings: Any) -> None:
    head = b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"
    for pieces in ([b"abcdef"], [b"abc", b"def" + GOOD], [b"a", b"b", b"cdefg"], [b"abcdef" + GOOD]):
        parser, taken = Parser(settings), 0
        assert parser.received(head) == len(head)
        for piece in pieces:
            assert not parser.completed
            taken += parser.received(piece)
        assert (taken, parser.completed, parser.body_bytes_received) == (6, True, 6)
        assert parser.get_body_stream().read() == b"abcdef"
        assert parser.received(b"more") == 0


@given(heads | lines | st.binary(max_size=100).map(lambda it: it + b"\r\n\r\n"))
@example(b"\r\n" + GOOD)
def test_both_ways_agree(settings: Any, data: bytes) -> None:
    agree(settings, data)


@given(st.sampled_from([*USUAL.values()]), st.data())
def test_they_agree_about_a_head_with_one_byte_changed(settings: Any, head: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(head) - 1))
    agree(settings, head[:place] + data.draw(st.binary(max_size=2)) + head[place + 1 :] + b"body")


def environments(kind: type[Any], settings: Any, connection: list[bytes]) -> list[dict[str, object]]:
    """Those of the requests of one connection, as far as their heads can be read."""
    server = SimpleNamespace(adj=settings, effective_port=8000, server_name="waitress.invalid")
    channel = SimpleNamespace(
        server=server, addr=("192.0.2.1", 12345), environment=None, check_client_disconnected=None
    )
    made = []
    for data in connection:
        parser = Parser(settings)
        parser.received(data)
        if parser.error is None and parser.completed and not parser.empty:
            environ = kind(channel, parser).get_environment()
            made.append(environ | {"wsgi.input": environ["wsgi.input"].read()})
    return made


@given(st.lists(heads | st.sampled_from([*USUAL.values(), *UNUSUAL.values()]), max_size=4))
@example([CURL, UNUSUAL["two slashes"], FIREFOX, b"GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n"])
@example([CHROMIUM + b"body", UNUSUAL["two slashes"], UNUSUAL["everything"], FIREFOX, UNUSUAL["another alphabet"]])
def test_environments_are_those_of_waitress(settings: Any, connection: list[bytes]) -> None:
    class Stock(Task):
        get_environment = WSGITask.get_environment

    assert environments(Task, settings, connection) == environments(Stock, settings, connection)


def test_what_a_connection_s_requests_have_in_common_is_put_together_once(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stock = WSGITask.get_environment

    def noted(task: Any) -> Any:
        asked.append(task.request.path)
        return stock(task)

    monkeypatch.setattr(WSGITask, "get_environment", noted)
    made = environments(Task, settings, [CURL, FIREFOX, UNUSUAL["two slashes"], GOOD])
    assert [environ["PATH_INFO"] for environ in made] == ["/api/v1/health", "/bg/", "/b/c", "/api/v1/status"]
    assert asked == ["/api/v1/health", "//b/c"]
