"""Whom a client trusts: an authority that is named, else the usual ones, which are read when TLS begins."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import httpx
import pytest

from support.certificates import certificate, of_server
from support.hostile_server import HostileServer, whole
from support.tunnel import Tunnel
from taina import Client
from taina.errors import UnreachableError
from taina.fetching import fetch, open_http


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where no variable names others."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return certificate(tmp_path)[0]


@pytest.fixture
def secure(authority: Path) -> Iterator[str]:
    """The address of a server whose certificate this authority alone vouches for."""
    with HostileServer(lambda _: whole(b"x"), of_server(authority.parent)) as server:
        yield server.url


def ask(url: str) -> bytes:
    with open_http(10) as http:
        return fetch(http, "GET", url, limit=10).body


def test_who_is_none_of_the_usual_ones_is_not_trusted(secure: str) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(secure)


def test_who_is_one_of_the_usual_ones_is_trusted(secure: str, authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(authority))
    assert ask(secure) == b"x"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(secure.replace("127.0.0.1", "127.1"))  # the same host, by a name that is not in its certificate


@pytest.mark.parametrize("way", ["http", "socks5"])
def test_so_it_is_through_a_proxy(secure: str, authority: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    with Tunnel(int(secure.rpartition(":")[2])) as tunnel:
        monkeypatch.setenv("ALL_PROXY", tunnel.url.replace("http", way))
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(secure)
        monkeypatch.setattr(certifi, "where", lambda: str(authority))
        assert ask(secure) == b"x"


def test_a_variable_names_others(secure: str, authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert ask(secure) == b"x"


def test_without_tls_nobody_s_certificates_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifi, "where", lambda: "/nowhere")
    with HostileServer(lambda _: whole(b"x")) as server:
        assert ask(server.url) == b"x"


def test_authorities_that_cannot_be_read_are_told(secure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifi, "where", lambda: "/nowhere")
    with Client(secure, patience=0) as client, pytest.raises(UnreachableError):
        client.send("x")
