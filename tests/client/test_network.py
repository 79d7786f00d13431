"""Networks that break in the middle: every transfer ends right, and once."""

import inspect
import os
import socket
from pathlib import Path

import httpx
import pytest

from support.clocks import Clock
from support.cutting_proxy import CuttingProxy
from support.servers import Server, serving
from taina import Client, File
from taina.client.transport import Transport
from taina.errors import GoneError, InvalidError, NotReadyError, StorageFullError, TainaError, UnreachableError
from taina.fetching import open_http
from taina.format.links import Link, encode_link
from taina.rules.types import Limits

MEBI = 1 << 20
CONTENT = os.urandom(8 * MEBI + 5)


@pytest.fixture
def port(taina: Server) -> int:
    return int(taina.url.rpartition(":")[2])


def test_an_upload_that_is_cut_again_and_again(port: int, client: Client) -> None:
    with CuttingProxy(port, after=3 * MEBI // 2, cutting="requests") as proxy, Client(proxy.url) as sender:
        sent = sender.send(File("x", CONTENT))
        assert proxy.cuts >= 3
        assert proxy.passed["requests"] < 2 * len(CONTENT), "what has arrived is not sent again"
    link = sent.link.replace(proxy.url, client.url or "")
    assert client.open(link).files[0].content == CONTENT


def test_a_download_that_is_cut_again_and_again(port: int, client: Client, tmp_path: Path) -> None:
    sent = client.send(File("x", CONTENT))
    with CuttingProxy(port, after=3 * MEBI // 2) as proxy, Client() as reader:
        reader.open(sent.link.replace(client.url or "", proxy.url), folder=tmp_path)
        assert proxy.cuts >= 3
        assert proxy.passed["answers"] < 2 * len(CONTENT), "what has arrived is not fetched again"
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert client.receipt(sent.receipt).proved


def test_a_lost_answer_costs_the_reader_nothing(port: int, client: Client) -> None:
    """Every answer is cut in its first bytes: the server has revealed, the reader knows nothing, and tries again."""
    sent = client.send("hunter2")
    with CuttingProxy(port, after=20) as proxy, Client(patience=0) as reader:
        link = sent.link.replace(client.url or "", proxy.url)
        with pytest.raises(UnreachableError):
            reader.open(link)
        assert client.receipt(sent.receipt).state == "revealed"
        with pytest.raises(GoneError):
            client.open(sent.link)
        proxy.heal()
        assert reader.open(link).text == "hunter2"
    receipt = client.receipt(sent.receipt)
    assert (receipt.state, receipt.proved) == ("opened", True)


def test_a_lost_answer_to_a_create_makes_no_second_secret(port: int, client: Client) -> None:
    with CuttingProxy(port, after=1000) as proxy, Client(proxy.url) as sender:
        sent = [sender.send("hunter2", ttl=600) for _ in range(12)]
        assert proxy.cuts >= 2
    for one in sent:
        assert client.open(one.link.replace(proxy.url, client.url or "")).text == "hunter2"


def test_a_failed_download_leaves_no_file_and_can_be_tried_again(port: int, client: Client, tmp_path: Path) -> None:
    sent = client.send(File("x", CONTENT))
    with CuttingProxy(port, rate=16 * MEBI) as proxy, Client(patience=0) as reader:
        link = sent.link.replace(client.url or "", proxy.url)
        with pytest.raises(UnreachableError):
            reader.open(link, folder=tmp_path, on_progress=lambda *_: proxy.go_away())
        assert list(tmp_path.iterdir()) == []
        proxy.come_back()
        proxy.rate = None
        reader.open(link, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == CONTENT


class Drawing:
    """Random keys, as the client draws them, of which the test keeps a copy."""

    def __init__(self) -> None:
        self.drawn: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        self.drawn.append(os.urandom(size))
        return self.drawn[-1]

    def links(self, url: str) -> tuple[str, str]:
        """Of a secret that was begun: the one to share, and the receipt's."""
        key, receipt_key = self.drawn[:2]
        secret, receipt = Link("secret", key), Link("receipt", receipt_key + bytes(16))
        return f"{url}/s/#{encode_link(secret)}", f"{url}/receipt/#{encode_link(receipt)}"


def test_an_upload_that_is_cut_off_leaves_nothing_to_open(port: int, client: Client) -> None:
    drawing = Drawing()
    with CuttingProxy(port) as proxy:

        def cut(done: int, total: int) -> None:
            proxy.go_away()

        with Client(proxy.url, patience=0, random=drawing) as sender, pytest.raises(UnreachableError):
            sender.send(File("x", CONTENT), on_progress=cut)
    link, receipt = drawing.links(client.url or "")
    assert client.receipt(receipt).state == "uploading"
    with pytest.raises(NotReadyError):
        client.open(link)


def test_an_upload_that_is_given_up_is_burned(port: int, client: Client) -> None:
    drawing = Drawing()

    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with Client(client.url or "", random=drawing) as sender, pytest.raises(KeyboardInterrupt):
        sender.send(File("x", CONTENT), on_progress=give_up)
    link, receipt = drawing.links(client.url or "")
    assert client.receipt(receipt).state == "burned"
    with pytest.raises(GoneError):
        client.open(link)


def look_up(name: str, *_: object, **more: object) -> list[tuple[object, ...]]:
    raise socket.gaierror(socket.EAI_AGAIN if name == "away.example" else socket.EAI_NONAME, "by a resolver")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://nothing.example", UnreachableError),
        ("https://a..b", InvalidError),
        (f"https://{'x' * 70}.example", InvalidError),
        ("https://xn--a", InvalidError),
        ("https://xn--\U0001f600.example", InvalidError),
        ("https://host:99999", InvalidError),
    ],
)
def test_what_cannot_heal_is_told_at_once(url: str, kind: type[TainaError], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not exist was once looked up for half a minute."""
    if kind is UnreachableError:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
    waits: list[float] = []
    with pytest.raises(kind), Client(url, sleep=waits.append) as client:
        client.instance()
    assert waits == []


def test_a_server_without_tls_is_told_at_once(port: int) -> None:
    """It was asked for half a minute, and its error was a line of OpenSSL."""
    waits: list[float] = []
    refused = pytest.raises(UnreachableError, match="Is its address http://127")
    with refused, Client(f"https://127.0.0.1:{port}", sleep=waits.append) as client:
        client.instance()
    assert waits == []


class EnoughError(Exception):
    pass


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://away.example"])
def test_what_can_heal_is_told_while_it_is_tried_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if url.endswith("example"):
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
    told: list[tuple[str, float]] = []
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise EnoughError

    def note(error: TainaError, seconds: float) -> None:
        told.append((error.code, seconds))

    with Client(url, sleep=sleep, on_retry=note) as client, pytest.raises(EnoughError):
        client.instance()
    assert told == [("unreachable", seconds) for seconds in waits]


def test_room_that_ends_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    """Others fill it meanwhile: what was stored is taken away, the file is as it was, and the words say what to do."""
    file = tmp_path / "large"
    file.write_bytes(os.urandom(12 << 20))
    with serving("--max-storage", "16MiB", "--client-creates", "0") as server, Client(server.url, patience=0) as client:
        kept: list[str] = []

        def fill(done: int, total: int) -> None:
            while len(kept) < 200:
                try:
                    kept.append(client.send("x" * 900_000, ttl=600).receipt)
                except StorageFullError:
                    return

        with pytest.raises(StorageFullError) as caught:
            client.send(file, on_progress=fill)
        assert caught.value.detail.endswith("Nothing was stored. Try again later.")
        for receipt in kept:
            client.burn(receipt)
        assert file.stat().st_size == 12 << 20
        # All the room is free again at once, not in an hour.
        assert client.open(client.send(file).link).files[0].name == "large"


@pytest.mark.parametrize("hangs", [1, 2])
def test_a_call_that_hangs_is_tried_again_while_a_lease_lasts(hangs: int) -> None:
    """As long as one try may hang, so long is it tried again: a reveal whose answer was lost is not given up."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(Client).parameters.items()}
    clock = Clock(0)
    asked: list[float] = []

    def hang(request: httpx.Request) -> httpx.Response:
        asked.append(clock.now)
        if len(asked) > hangs:
            return httpx.Response(200, json={})
        clock.now += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("no answer")

    def sleep(seconds: float) -> None:
        clock.now += seconds

    with open_http(defaults["timeout"], transport=httpx.MockTransport(hang)) as http:
        transport = Transport("http://taina.example", http, defaults["patience"], clock, sleep)
        if hangs == 1:
            assert transport.json("POST", "/secrets/a/reveal", body={}) == {}
        else:
            with pytest.raises(UnreachableError):
                transport.json("POST", "/secrets/a/reveal", body={})
    assert len(asked) == 2
    assert asked[1] < Limits().lease
