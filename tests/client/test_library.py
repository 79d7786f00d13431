"""What a program gets that imports the library: names, and ways to the network of its own."""

import ssl
from pathlib import Path

import httpx
import pytest

import taina
from support.servers import Server
from taina import Client, InvalidError, TainaError, errors


def test_every_error_can_be_imported_from_the_package() -> None:
    tree = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TainaError)}
    assert {kind.__name__ for kind in tree} <= set(taina.__all__)
    assert all(getattr(taina, kind.__name__) is kind for kind in tree)


def test_the_names_of_the_package_are_listed() -> None:
    assert dir(taina) == sorted(taina.__all__)
    for name in taina.__all__:
        assert getattr(taina, name) is not None


def test_a_transport_of_one_s_own_carries_every_call() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"protocol": 1})

    with Client("https://secrets.example", transport=httpx.MockTransport(answer)) as client:
        assert client.instance() == {"protocol": 1}
    assert asked == ["https://secrets.example/api/v1/status"]


def test_a_proxy_of_one_s_own_is_asked(taina: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is no proxy will do: it is who was called."""
    monkeypatch.setenv("NO_PROXY", "*")
    with Client("http://secrets.example", proxy=taina.url, patience=0) as client, pytest.raises(TainaError) as refused:
        client.instance()
    assert "Name or service" not in str(refused.value)
    with pytest.raises(InvalidError, match="proxy"):
        Client("http://secrets.example", proxy="nonsense://x")


def test_certificates_may_be_a_file_or_a_context(taina: Server, tmp_path: Path) -> None:
    with Client(taina.url, verify=ssl.create_default_context()) as client:
        assert client.instance()["protocol"] == 1
    (tmp_path / "ca.pem").write_text("no certificate")
    for given in (tmp_path / "ca.pem", str(tmp_path / "ca.pem")):
        with pytest.raises(InvalidError, match=r"ca\.pem"):
            Client(taina.url, verify=given)
