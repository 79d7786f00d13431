"""Who hangs up before the bridge's answer has lost nothing: the same call again gets it."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bridge import HeldUp, bridge_here
from support.servers import Server
from taina import Client, Sent
from taina.client.bridge.calls import Calls
from taina.errors import GoneError

Dial = Callable[[], socket.socket]
OLD, NEW = "/api/v1/secret/{}", "/api/v2/secret/{}/reveal"
FIELDS = {OLD: {}, NEW: {"continue": True}}


@pytest.fixture
def held_up() -> HeldUp:
    return HeldUp()


@pytest.fixture
def client(taina: Server, held_up: HeldUp) -> Iterator[Client]:
    with Client(taina.url, transport=held_up) as client:
        yield client


@pytest.fixture(params=["port", "socket"])
def dial(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Dial]:
    if request.param == "port":
        listening = socket.create_server(("127.0.0.1", 0))
    else:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(os.fsencode(tmp_path / "bridge.sock"))
    address = listening.getsockname()

    def dial() -> socket.socket:
        calling = socket.socket(listening_family)
        calling.settimeout(60)
        calling.connect(address)
        return calling

    listening_family = listening.family
    with bridge_here(client, listening):
        yield dial


def ask(calling: socket.socket, method: str, path: str, fields: dict[str, Any] | None = None) -> None:
    body = json.dumps(fields or {}).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json"]
    calling.sendall("\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body)


def call(dial: Dial, method: str, path: str, fields: dict[str, Any] | None = None) -> tuple[int, Any]:
    with dial() as calling:
        ask(calling, method, path, fields)
        answer = b"".join(iter(lambda: calling.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def keys(sent: Sent) -> tuple[str, str]:
    return sent.link.partition("#")[2], sent.receipt.partition("#")[2]


def value(path: str, answer: Any) -> str:
    found: str = answer["record"]["secret_value"] if path == NEW else answer["value"]
    return found


@pytest.mark.parametrize("path", [OLD, NEW])
@pytest.mark.parametrize("passphrase", [None, "p"])
def test_who_hung_up_before_the_answer_gets_it_by_calling_again(
    client: Client, held_up: HeldUp, dial: Dial, path: str, passphrase: str | None
) -> None:
    """The instance was told that it was opened; the same call then got "Unknown secret"."""
    key, receipt = keys(client.send("hunter2", passphrase=passphrase))
    fields = {**FIELDS[path], **({"passphrase": passphrase} if passphrase else {})}
    with dial() as calling:
        ask(calling, "POST", path.format(key), fields)
        assert held_up.reached.wait(60)
    held_up.go.set()
    call(dial, "GET", "/api/v2/status")
    assert client.receipt(receipt).state == "revealed"
    assert call(dial, "GET", f"/api/v2/secret/{key}/status")[1]["record"]["state"] == "previewed"
    if passphrase:
        assert call(dial, "POST", path.format(key), {**fields, "passphrase": "q"})[0] in (404, 422)
    status, answer = call(dial, "POST", path.format(key), fields)
    assert (status, value(path, answer)) == (200, "hunter2")
    assert call(dial, "POST", path.format(key), fields)[0] == 404
    assert client.receipt(receipt).state == "opened"
    assert held_up.asked[: held_up.asked.index("ack")] == ["reveal"] * (3 if passphrase else 2)


@pytest.mark.parametrize("path", [OLD, NEW])
def test_who_hangs_up_in_the_middle_of_a_long_answer_gets_it_by_calling_again(
    client: Client, held_up: HeldUp, dial: Dial, path: str
) -> None:
    """It is more than the system takes for somebody who does not read."""
    held_up.go.set()
    text = "x" * (12 << 20)
    key, receipt = keys(client.send(text))
    with dial() as calling:
        ask(calling, "POST", path.format(key), FIELDS[path])
        assert calling.recv(1)
    status, answer = call(dial, "POST", path.format(key), FIELDS[path])
    assert (status, value(path, answer)) == (200, text)
    call(dial, "GET", "/api/v2/status")
    assert client.receipt(receipt).state == "opened"


@pytest.mark.parametrize("path", [OLD, NEW])
def test_whoever_has_an_answer_sees_what_became_of_it(client: Client, held_up: HeldUp, dial: Dial, path: str) -> None:
    held_up.go.set()
    for _ in range(20):
        key, receipt = keys(client.send("hunter2"))
        assert value(path, call(dial, "POST", path.format(key), FIELDS[path])[1]) == "hunter2"
        assert call(dial, "GET", f"/api/v1/private/{receipt}")[1]["state"] == "received"
        assert call(dial, "POST", path.format(key), FIELDS[path])[0] == 404


def test_who_comes_after_the_lease_is_told_that_it_is_gone(taina: Server) -> None:
    """What was never called for again once looked as if it could still be opened."""
    with Client(taina.url) as client:
        key = client.send("x").link.partition("#")[2]
        Calls(client).open(key, "")
        assert Calls(client).look(key).state == "revealed"
        with pytest.raises(GoneError):
            Calls(client, clock=lambda: time.time() + 3600).look(key)
