"""Servers that answer without end, in pieces that never stop, or packed a thousandfold: refused, in bounded time."""

import gzip
import resource
import threading
from collections.abc import Callable, Iterable, Iterator

import falcon.testing
import pytest

from support.hostile_server import HostileServer, problem, says, whole
from taina import Client
from taina.client.bridge import create_bridge
from taina.config import Config
from taina.errors import InvalidError, NotTainaError, RateLimitedError, TainaError, UnreachableError
from taina.format.links import Link, encode_link
from taina.server.doctor import examine
from taina.site.manifest import read_key
from taina.site.verify import verify_host

LINK = encode_link(Link("secret", bytes(32)))
RECEIPT = encode_link(Link("receipt", bytes(48)))
REQUEST = encode_link(Link("request", bytes([9] + [0] * 31)))
INBOX = encode_link(Link("inbox", bytes(32)))
MEBI = 1 << 20

CALLS: dict[str, Callable[[Client], object]] = {
    "instance": lambda client: client.instance(),
    "status": lambda client: client.status(LINK),
    "open": lambda client: client.open(LINK),
    "receipt": lambda client: client.receipt(RECEIPT),
    "burn": lambda client: client.burn(RECEIPT),
    "send": lambda client: client.send("x", ttl=600),
    "request": lambda client: client.request(ttl=600),
    "request_status": lambda client: client.request_status(REQUEST),
    "inbox": lambda client: client.inbox(INBOX),
    "withdraw": lambda client: client.withdraw(INBOX),
    "mail": lambda client: client.mail(LINK, "a@b.example"),
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


class Drip:
    """One byte after another, for as long as somebody reads, and no faster than a reader's patience can bear."""

    def __init__(self, first: bytes, drop: bytes) -> None:
        self._first, self._drop = first, drop
        self.stop = threading.Event()

    def __call__(self, asked: str) -> Iterator[bytes]:
        yield self._first
        while not self.stop.wait(0.05):
            yield self._drop


DRIPS = {
    "body": (HEAD + b"\r\n", b" "),
    "head": (HEAD + b"X: ", b"x"),
    "headers": (HEAD, b"X: y\r\n"),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk extension": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_what_drips_is_given_up(drip: str) -> None:
    """Each byte came in time, and all of them never: the call hung for ever."""
    dripping = Drip(*DRIPS[drip])
    with HostileServer(dripping) as server, Client(server.url, timeout=0.4, patience=0) as client:
        ended: list[BaseException] = []

        def call() -> None:
            try:
                client.status(f"{server.url}/s/#{LINK}")
            except UnreachableError as error:
                ended.append(error)

        calling = threading.Thread(target=call, daemon=True)
        calling.start()
        calling.join(timeout=20)
        dripping.stop.set()
        assert len(ended) == 1, "it hangs"


FLOODS: dict[str, Callable[[], Iterable[bytes]]] = {
    "body": lambda: [HEAD, b"\r\n"],
    "head": lambda: [HEAD, b"X: "],
    "interim": lambda: [b"HTTP/1.1 102 Processing\r\n\r\n" * 4096],
    "chunks": lambda: [HEAD, b"Transfer-Encoding: chunked\r\n\r\n"],
}
MORE = {"chunks": b"10000\r\n" + b" " * 0x10000 + b"\r\n", "interim": b"HTTP/1.1 102 Processing\r\n\r\n" * 4096}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("call", CALLS)
def test_what_does_not_end_is_cut_off(flood: str, call: str) -> None:
    sent = 0

    def answer(asked: str) -> Iterator[bytes]:
        nonlocal sent
        yield from FLOODS[flood]()
        piece = MORE.get(flood, b" " * 0x10000)
        while sent < 64 * MEBI:
            sent += len(piece)
            yield piece

    with (
        HostileServer(answer) as server,
        Client(server.url, timeout=5, patience=0) as client,
        pytest.raises(UnreachableError),
    ):
        CALLS[call](client)
    assert sent < 16 * MEBI  # what fits into sockets, and not all there is


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_unpacked(call: str) -> None:
    """2.7 MB on the wire took 1.3 GB of memory."""
    packed = gzip.compress(bytes(64 * MEBI))
    with HostileServer(lambda _: whole(packed, "200 OK", "application/json", "Content-Encoding: gzip")) as server:
        with Client(server.url, patience=0) as client, pytest.raises(NotTainaError):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            CALLS[call](client)
        assert all("accept-encoding: identity\r\n" in head for head in server.heads)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


@pytest.mark.parametrize("size", [MEBI + 17, 4 * MEBI])
def test_a_chunk_is_as_large_as_chunks_are(size: int) -> None:
    def answer(asked: str) -> list[bytes]:
        return says({"chunks": 2, "size": 2 * MEBI}) if asked.startswith("POST") else whole(bytes(size))

    with HostileServer(answer) as server, Client(server.url, patience=0) as client, pytest.raises(NotTainaError):
        client.open(LINK)


@pytest.mark.parametrize(
    "document",
    [
        {"chunks": 2**53},
        {"chunks": 10**400},
        {"chunks": -1},
        {"chunks": 0},
        {"chunks": 1, "content": 5},
        {"chunks": True},
        [1],
        None,
        "x",
        {"chunks": 1, "content": "*"},
    ],
)
def test_a_lie_about_a_secret_is_an_error_of_ours(document: object) -> None:
    with (
        HostileServer(lambda _: says(document)) as server,
        Client(server.url, patience=0) as client,
        pytest.raises(TainaError),
    ):
        client.open(LINK)


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"chunks":' + b"9" * 60_000 + b"}", b"\xff\xfe{}", b"\xef\xbb\xbf{}"]
)
def test_json_that_breaks_readers_is_no_json(body: bytes) -> None:
    with (
        HostileServer(lambda _: whole(body)) as server,
        Client(server.url, patience=0) as client,
        pytest.raises(NotTainaError),
    ):
        client.open(LINK)


@pytest.mark.parametrize("state", ["revealed", "opened", "burned", "expired", "locked", "unproved", "x", 1])
def test_a_secret_that_has_ended_is_never_said_to_be_there(state: object) -> None:
    """The command had no words for it, and ended in an error that nobody foresaw."""
    told = {"state": state, "size": 1040, "chunks": 1, "expires": 1_800_000_000, "attempts_left": 10}
    with (
        HostileServer(lambda _: says(told)) as server,
        Client(server.url, patience=0) as client,
        pytest.raises(NotTainaError),
    ):
        client.status(LINK)


@pytest.mark.parametrize("wait", ["9" * 5000, "-1", "nan", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_wait_that_is_asked_for_is_bounded(wait: str) -> None:
    answer = whole(b"{}", "503 Service Unavailable", "application/json", f"Retry-After: {wait}")
    with (
        HostileServer(lambda _: answer) as server,
        Client(server.url, patience=0.1) as client,
        pytest.raises(UnreachableError),
    ):
        client.instance()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (whole(b"", "429 Too Many Requests", "text/html"), RateLimitedError, "Too many requests"),
        (whole(b"", "413 Request Entity Too Large", "text/html"), NotTainaError, "stands before this instance"),
        ([], UnreachableError, "it broke off"),
        ([HEAD + b"Content-Length: 50\r\n\r\n{"], UnreachableError, "it broke off"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"], UnreachableError, "it broke off"),
        ([b"220 mail.example ESMTP\r\n\r\n"], UnreachableError, "does not speak HTTP"),
    ],
)
def test_what_a_proxy_does_is_told_as_it_is(answer: list[bytes], kind: type[TainaError], said: str) -> None:
    with (
        HostileServer(lambda _: answer) as server,
        Client(server.url, patience=0) as client,
        pytest.raises(kind, match=said),
    ):
        client.send("x", ttl=600)


KEY = read_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")


@pytest.mark.parametrize("drip", DRIPS)
def test_the_check_of_a_site_does_not_hang(drip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taina.site.verify._PATIENCE", 0.4)
    monkeypatch.setattr("taina.server.doctor._PATIENCE", 0.4)
    dripping = Drip(*DRIPS[drip])
    with HostileServer(dripping) as server:
        done: list[str] = []

        def call() -> None:
            try:
                done.extend(verify_host(server.url, KEY).findings)
            except UnreachableError:
                done.append("verify")
            done.extend(one.said for one in examine(Config(url=server.url)) if "does not answer" in one.said)

        calling = threading.Thread(target=call, daemon=True)
        calling.start()
        calling.join(timeout=30)
        dripping.stop.set()
        assert len(done) >= 2, "it hangs"


@pytest.mark.parametrize("url", ["http://", "ftp://x", "http://[::1", "http://x:99999", "https://\x00"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(InvalidError), Client(url, patience=0) as client:
        client.instance()


@pytest.mark.parametrize("envelope", [{}, "x", None, 1, [], {"envelope": 1}, {"envelope": None}])
def test_an_inbox_of_anything_is_refused(envelope: object) -> None:
    told = {"answers": 1, "expires": 1, "envelopes": [envelope]}
    with HostileServer(lambda _: says(told)) as server, Client(server.url) as client, pytest.raises(NotTainaError):
        client.inbox(INBOX)


@pytest.mark.parametrize("told", [{}, {"ttl": []}, {"ttl": {"min": "x", "max": 1}}, {"ttl": {"min": 1, "max": None}}])
def test_bounds_of_anything_are_refused_by_the_bridge(told: dict[str, object]) -> None:
    """They ended in a page for an internal error."""
    with HostileServer(lambda _: says(told)) as server, Client(server.url) as client:
        app = falcon.testing.TestClient(create_bridge(client, None), headers={"Host": "localhost"})
        found = app.simulate_post("/api/v1/share", json={"secret": "x", "ttl": 600})
        newer = app.simulate_post("/api/v2/secret/conceal", json={"secret": {"secret": "x", "ttl": 600}})
    assert found.status_code == newer.status_code == 502
    assert found.json["message"] == newer.json["error"] == NotTainaError.sentence


@pytest.mark.parametrize(
    ("status", "code", "answered", "kind"),
    [
        (401, "key_needed", 403, "KeyNeeded"),
        (401, "login_needed", 403, "LoginNeeded"),
        (403, "quota", 403, "Quota"),
        (413, "too_large", 413, "TooLarge"),
        (429, "rate_limited", 429, "RateLimited"),
        (507, "storage_full", 507, "StorageFull"),
        (500, "internal", 502, "BadGateway"),
    ],
)
def test_what_the_instance_refuses_is_told_in_the_words_of_both_versions(
    status: int, code: str, answered: int, kind: str
) -> None:
    refusal = problem(status, code=code, detail="No.", retry_after=7)
    with HostileServer(lambda _: refusal) as server, Client(server.url, patience=0) as client:
        app = falcon.testing.TestClient(create_bridge(client, None), headers={"Host": "localhost"})
        old = app.simulate_post("/api/v1/share", json={"secret": "x"})
        new = app.simulate_post("/api/v2/secret/conceal", json={"secret": {"secret": "x"}})
    assert new.status_code == answered
    assert new.json["error_type"] == kind
    assert old.json["message"] == new.json["error"]
    if code == "rate_limited":
        assert old.headers["Retry-After"] == new.headers["Retry-After"] == "7"
