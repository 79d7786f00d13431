"""No server connects to anybody, but to the mail server that it is told of: the watch of the whole suite sees it."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support import connection
from support.connection import Connection
from support.outgoing import Outgoing
from support.secrets import mailed_link
from support.servers import free_port, start_server, stop_server
from support.turns import watching
from taina.rules.access_keys import open_keys

LEAKING = """
import os, signal, socket
from contextlib import suppress
from taina.cli import main
from taina.server import serve

def leak(state):
    with suppress(OSError):
        {leak}
    os.kill(os.getpid(), signal.SIGKILL)

serve.notify = leak
main(prog_name="taina")
"""
"""`taina serve` that does something else where it would tell its service manager that it is ready, and is killed."""


def leak(what: str, data: Path) -> None:
    command = [sys.executable, "-c", LEAKING.format(leak=what), "serve", "--port", "0", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


MAILING_ELSEWHERE = (
    "from taina import mail; one = object.__new__(mail.Mailer); "
    "one.__dict__.update(_host='127.0.0.1', _port=25, _security='tls', _tls=None); "
    "mail.smtplib.SMTP_SSL = lambda *_, **__: socket.create_connection(('127.0.0.1', 9)); one._connect()"
)


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("socket.create_connection(('127.0.0.1', 9))", "connect ('127.0.0.1', 9)"),
        ("socket.socket().connect_ex(('127.0.0.1', 9))", "connect ('127.0.0.1', 9)"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))", "sendto ('127.0.0.1', 9)"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendmsg([b''], [], 0, ('127.0.0.1', 9))", "sendmsg ('127.0.0.1', 9)"),
        ("socket.getaddrinfo('localhost', 80)", "getaddrinfo ('localhost', 80)"),
        ("socket.gethostbyname('localhost')", "gethostbyname ('localhost',)"),
        ("socket.gethostbyaddr('127.0.0.1')", "gethostbyaddr ('127.0.0.1',)"),
        ("socket.getnameinfo(('127.0.0.1', 80), 0)", "getnameinfo ('127.0.0.1', 80)"),
        (MAILING_ELSEWHERE, "connect ('127.0.0.1', 9)"),
    ],
)
def test_what_goes_out_is_seen(what: str, seen: str, outgoing: Outgoing, tmp_path: Path) -> None:
    """Names, too: who is asked for them hears of it."""
    leak(what, tmp_path)
    (line,) = outgoing.take()
    assert line.partition(" at taina.")[0] == seen
    assert outgoing.take() == []


def test_two_watches_see_the_same_server(outgoing: Outgoing, tmp_path: Path) -> None:
    with watching(tmp_path):
        leak("socket.create_connection(('127.0.0.1', 9))", tmp_path)
    assert len(outgoing.take()) == 1


def test_what_is_no_connection_is_none(outgoing: Outgoing, tmp_path: Path) -> None:
    """A service manager that is told, and a name to listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, pytest.MonkeyPatch.context() as patch:
        manager.bind(str(tmp_path / "manager"))
        manager.settimeout(60)
        patch.setenv("NOTIFY_SOCKET", str(tmp_path / "manager"))
        server = start_server(tmp_path / "data", "--host", "localhost", "--metrics", "localhost:0")
        assert manager.recv(100) == b"READY=1"
        stop_server(server)
    assert outgoing.take() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_mail_is_the_one_connection(
    host: str, outgoing: Outgoing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the server that is named, and to none beside it."""
    port = free_port()
    options = {
        "TAINA_URL": "https://secrets.example",
        "TAINA_MAIL_HOST": host,
        "TAINA_MAIL_PORT": str(port),
        "TAINA_MAIL_FROM": "taina@secrets.example",
    }
    for name, value in options.items():
        monkeypatch.setenv(name, value)
    server = start_server(tmp_path)
    _, token = open_keys(tmp_path).issue("ann")
    body = {"link": mailed_link(), "to": "reader@example.org", "language": "en"}
    with Connection(server.port) as one:
        assert one.call(connection.request("POST", "/mail", token, body)).status == 424
    stop_server(server)
    mailed = outgoing.take(mail=True)
    assert f"mail connect ('127.0.0.1', {port})" in {line.partition(" at taina.mail:")[0] for line in mailed}
    assert [line for line in mailed if not line.startswith("mail ")] == []
