"""A restart behind sockets that the service manager holds: nobody who connects is refused."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.waiting import wait_until

START = f"LISTEN_FDS=1 LISTEN_PID=$$ exec {sys.executable} -m taina serve --data data --client-creates 0"


@contextmanager
def served(folder: Path, listening: socket.socket, manager: socket.socket) -> Iterator[None]:
    """As systemd starts it: the socket is descriptor 3, and it says when it is ready."""
    environment = {**os.environ, "NOTIFY_SOCKET": str(manager.getsockname())}
    process = subprocess.Popen(
        ["sh", "-c", f"{START} 3<&0 </dev/null"],
        cwd=folder,
        env=environment,
        stdin=listening.fileno(),
        stdout=subprocess.DEVNULL,
    )
    assert manager.recv(100) == b"READY=1"
    yield
    process.terminate()
    assert manager.recv(100) == b"STOPPING=1"
    assert process.wait(20) == 0


@contextmanager
def started(folder: Path, listening: socket.socket) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Behind a socket that was passed to it; with its first line."""
    process = subprocess.Popen(
        ["sh", "-c", f"{START} 3<&0 </dev/null"],
        cwd=folder,
        stdin=listening.fileno(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_it_ends_with_an_error_once_nobody_can_connect(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, started(tmp_path, listening) as (process, ready):
        assert "is ready" in ready
        listening.shutdown(socket.SHUT_RDWR)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines() == [
        "taina: The socket that the server listened on was shut down by another process. Start the server again."
    ]


@pytest.mark.parametrize(
    ("family", "bound", "address"),
    [
        (socket.AF_INET, ("127.0.0.1", 0), "http://127.0.0.1:{port}/"),
        (socket.AF_INET6, ("::1", 0), "http://[::1]:{port}/"),
        (socket.AF_INET, ("0.0.0.0", 0), "http://0.0.0.0:{port}/"),
        (socket.AF_INET6, ("::", 0), "http://[::]:{port}/"),
        (socket.AF_UNIX, "socket", "socket"),
        (socket.AF_UNIX, "\0taina-test-of-its-first-line", "@taina-test-of-its-first-line"),
    ],
)
def test_it_says_where_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: int, bound: str | tuple[str, int], address: str
) -> None:
    """At the socket that was passed to it, and not at the address of its options, where nobody listens."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(family) as listening:
        listening.bind(bound)
        listening.listen()
        port = listening.getsockname()[1]
        place = address.format(port=port)
        everybody = place.startswith(("http://0.0.0.0", "http://[::]"))
        with started(tmp_path, listening) as (process, ready):
            assert process.stdout is not None
            hint = process.stdout.readline() if everybody else ""  # comes after the line that tells that it is ready
            process.terminate()
            rest = process.communicate(timeout=30)[0]
    assert re.match(rf"Taina is ready: {re.escape(place)}( \(.+\))?\n", ready), ready
    assert ("HTTPS" in hint) is everybody, hint
    assert "HTTPS" not in rest


def test_nobody_is_refused_while_it_restarts(tmp_path: Path) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(30)
    failures: list[Exception] = []
    answers: list[int] = []
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1/status"

        def ask() -> None:
            while not over.is_set():
                try:
                    answers.append(httpx.get(url, headers={"Connection": "close"}, timeout=30).status_code)
                except httpx.HTTPError as error:
                    failures.append(error)

        with served(tmp_path, listening, manager):
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
        for _ in range(3):
            with served(tmp_path, listening, manager):
                before = len(answers)
                wait_until(lambda before=before: failures or len(answers) >= before + 20)  # type: ignore[misc]
        with served(tmp_path, listening, manager):
            over.set()
            for thread in threads:
                thread.join()
    manager.close()
    assert not failures
    assert set(answers) == {200}
