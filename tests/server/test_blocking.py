"""Nothing that can block is called in the turns of requests: mail, names, other files."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support import connection
from support.connection import Connection
from support.secrets import Made, mailed_link
from support.servers import free_port, start_server, stop_server
from support.turns import watching
from support.waiting import wait_until
from taina import base64url
from taina.rules.access_keys import open_keys


def test_nothing_blocks_in_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private instance that mails (in vain), with quotas, figures and a log."""
    figures = free_port()
    options = {
        "TAINA_CREATE": "keys",
        "TAINA_METRICS": f"127.0.0.1:{figures}",
        "TAINA_LOG": "events",
        "TAINA_URL": "https://secrets.example",
        "TAINA_MAIL_HOST": "127.0.0.1",
        "TAINA_MAIL_PORT": str(free_port()),
        "TAINA_MAIL_FROM": "taina@secrets.example",
    }
    for name, value in options.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "told").mkdir()
    with watching(tmp_path / "told") as watched:
        server = start_server(tmp_path / "data")
        _, token = open_keys(tmp_path / "data").issue("ann", quota=10)
        made = Made()
        link = mailed_link()
        with Connection(server.port) as one:
            path = f"/secrets/{base64url.encode(made.id)}"
            body = {"link": link, "to": "reader@example.org", "language": "en"}
            assert one.call(connection.create(made)).status == 401
            assert one.call(connection.request("PUT", path, token, made.body())).status == 201
            assert one.call(connection.reveal(made)).status == 200
            assert one.call(connection.request("POST", "/mail", token, body)).status == 424
            assert one.call(connection.request("GET", "/ready")).status == 200
            assert one.call(connection.request("GET", "/nowhere")).status == 404
        wait_until(lambda: "taina_storage_bytes 1" in httpx.get(f"http://127.0.0.1:{figures}/metrics").text)
        wait_until(lambda: {"turn", "commit", "request"} <= watched.longest.keys())
        stop_server(server)
    assert watched.blocking == []


def test_the_watch_sees_what_blocks(tmp_path: Path) -> None:
    script = (
        "import time, socket; from taina.store.turns import Turns, elsewhere\n"
        "turns = Turns()\n"
        "turns.begin(lambda: time.sleep(0)); turns.begin(lambda: socket.getaddrinfo('127.0.0.1', 1))\n"
        "turns.begin(lambda: elsewhere(time.sleep)(0))\n"
        "with turns.running(lambda: None): turns.run()\n"
    )
    with watching(tmp_path) as watched:
        subprocess.run([sys.executable, "-c", script], check=True)
    seen = [line.split()[0] for line in watched.blocking if not line.startswith("open ")]  # of modules
    assert seen == ["time.sleep", "socket.getaddrinfo"]
