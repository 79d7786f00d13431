"""A proxy that does not let us through is named, and what it says is not repeated: its words go to a terminal."""

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from support.certificates import certificate, of_server
from support.hostile_server import HostileServer, whole
from support.tunnel import Tunnel
from taina import Client
from taina.errors import UnreachableError
from taina.fetching import fetch, open_http
from taina.site.manifest import read_key
from taina.site.verify import verify_host

WORDS = "All is well\x1b[31m"
ANSWERS = {
    "wants a login": ("407 " + WORDS, "wants a login. Write it into HTTPS_PROXY"),
    "cannot reach it": ("502 " + WORDS, "502"),
    "forbids it": ("403 " + WORDS, "the proxy on the way says 403"),
}


def proxy(status: str) -> HostileServer:
    def answer(line: str) -> Iterable[bytes]:
        return whole(b"<p>" + WORDS.encode(), status, "text/html")

    return HostileServer(answer)


@pytest.mark.parametrize("way", ANSWERS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch, way: str, scheme: str) -> None:
    status, said = ANSWERS[way]
    if way == "forbids it" and scheme == "http":
        said = "not Taina"  # nobody can tell whose answer it is
    with proxy(status) as refusing:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, refusing.url)
        with Client(f"{scheme}://taina.example", patience=0) as client, pytest.raises(UnreachableError) as raised:
            client.send("hunter2", ttl=600)
    assert said in raised.value.detail
    assert "All is well" not in raised.value.detail


def test_a_login_is_not_tried_for_again() -> None:
    def never(seconds: float) -> None:
        raise AssertionError("it waits for what cannot come")

    for scheme in ("http", "https"):
        with (
            proxy("407 x") as refusing,
            Client(f"{scheme}://taina.example", proxy=refusing.url, patience=1000, sleep=never) as client,
            pytest.raises(UnreachableError, match="wants a login"),
        ):
            client.send("hunter2", ttl=600)


def test_a_login_in_the_address_of_a_proxy_is_given_to_it() -> None:
    with proxy("403 x") as refusing:
        address = refusing.url.replace("//", "//ann:secret@")
        with (
            Client("https://taina.example", proxy=address, patience=0) as client,
            pytest.raises(UnreachableError) as raised,
        ):
            client.send("hunter2", ttl=600)
        assert "proxy-authorization: basic " in refusing.heads[0]
    assert "secret" not in raised.value.detail


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody answers, and nobody will: the port is held, and not listened on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://ann:hunter2@127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_away_is_named_and_not_the_instance(
    monkeypatch: pytest.MonkeyPatch, scheme: str, nobody: str
) -> None:
    """The instance was said to refuse connections, or to have no name, though it was never asked."""
    monkeypatch.setenv(f"{scheme}_proxy", nobody)
    for proxy in (None, nobody):
        with (
            Client(f"{scheme}://127.0.0.1:1", proxy=proxy, patience=0) as client,
            pytest.raises(UnreachableError) as raised,
        ):
            client.instance()
        assert "The proxy on the way" in raised.value.detail
        assert f"{scheme}_proxy".upper() in raised.value.detail.upper()
        assert "hunter2" not in raised.value.detail


def test_a_proxy_whose_name_nobody_has_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "by a resolver")

    def never(seconds: float) -> None:
        raise AssertionError("it waits for what cannot come")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with (
        Client("https://taina.example", proxy="http://none.example:1", patience=1000, sleep=never) as client,
        pytest.raises(UnreachableError, match="The proxy on the way") as raised,
    ):
        client.instance()
    assert "taina.example" not in raised.value.detail


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_instance_that_is_away_is_no_fault_of_a_proxy(scheme: str, nobody: str) -> None:
    address = nobody.replace("http://ann:hunter2@", f"{scheme}://")
    with Client(address, patience=0) as client, pytest.raises(UnreachableError, match="does not answer") as raised:
        client.instance()
    assert "proxy" not in raised.value.detail


def test_the_check_of_a_site_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy("407 " + WORDS) as refusing:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, refusing.url)
        with pytest.raises(UnreachableError, match="wants a login") as raised:
            verify_host("https://taina.example", read_key("A" * 43))
    assert "All is well" not in raised.value.detail


@pytest.mark.parametrize("way", [None, "http", "socks5"])
@pytest.mark.parametrize("secure", [False, True])
def test_an_answer_before_the_answer_is_seen_through_each_proxy(tmp_path: Path, way: str | None, secure: bool) -> None:
    """What a proxy says of the way was taken for the beginning of what the host says."""
    authority, _ = certificate(tmp_path)
    tls = of_server(tmp_path)
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x.js>; rel=preload; as=script\r\n\r\n"

    def answer(line: str) -> Iterable[bytes]:
        return [hints if "hinted" in line else b"", *whole(b"x")]

    with HostileServer(answer, tls if secure else None) as server, Tunnel(server.port) as tunnel:
        proxy = way and tunnel.url.replace("http", way)
        with open_http(10, authority, proxy) as http:
            for path in ("plain", "hinted"):
                found = fetch(http, "GET", f"{server.url}/{path}", limit=10)
                assert (found.status, found.interim) == (200, path == "hinted")
