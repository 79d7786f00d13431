"""Clients that ask and take no answer: none stays for ever, and none holds a worker."""

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.listeners import in_thread
from support.waiting import wait_until
from taina.server import listener
from taina.server.listener import Listener, channel
from taina.store.turns import Turns

PIECE = 1000


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    size = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Length", str(size))])
    return [b"x" * size]


@pytest.fixture(params=["threads", "turns"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def listening(how: str) -> Iterator[Listener]:
    served = Listener(wsgi, "127.0.0.1", 0, threads=2, turns=Turns() if how == "turns" else None)
    served._servers[0].adj.socket_options.append((socket.SOL_SOCKET, socket.SO_SNDBUF, 20 * PIECE))
    with in_thread(served):
        yield served


@contextmanager
def client(served: Listener) -> Iterator[socket.socket]:
    """It has a small window, and small segments, as on a network."""
    with socket.socket() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", served.port))
        yield connection


def ask(size: int, *fields: bytes) -> bytes:
    return b"GET /?%d HTTP/1.1\r\n%s\r\n\r\n" % (size, b"\r\n".join([b"Host: a", *fields]))


def fill_window(served: Listener, connection: socket.socket) -> None:
    """Until the kernel has taken every answer, and waits for the client to take one."""
    (server,) = served._servers
    connection.sendall(ask(PIECE))
    wait_until(lambda: server.active_channels)
    (one,) = server.active_channels.values()
    while one.total_outbufs_len or select.select([], [one.socket], [], 0)[1]:
        if one.total_outbufs_len:  # the kernel has taken a part of the last answer, or none of it
            connection.recv(PIECE)
        else:
            connection.sendall(ask(PIECE))
        wait_until(lambda: not one.requests and one.request is None)
        wait_until(lambda: not select.select([one.socket], [], [], 0)[0])


@pytest.mark.parametrize("fields", [[], [b"Connection: close"]])
def test_an_idle_client_with_a_full_window_is_closed(
    monkeypatch: pytest.MonkeyPatch, how: str, fields: list[bytes]
) -> None:
    """Its socket cannot be written, so that is nothing to wait for; nor is it where the connection is to end."""
    monkeypatch.setattr(listener, "IDLE_SECONDS", 2)
    with listening(how) as served, client(served) as connection:
        fill_window(served, connection)
        if fields:
            connection.sendall(ask(1, *fields))
        wait_until(lambda: not served._servers[0].active_channels)


@pytest.mark.parametrize("patient", ["IDLE_SECONDS", "REQUEST_SECONDS"])
def test_pipelined_answers_that_nobody_takes_hold_no_worker(
    monkeypatch: pytest.MonkeyPatch, how: str, patient: str
) -> None:
    """Waitress makes one after the other until 16 MiB are in memory, and then waits, for ever, in the worker."""
    monkeypatch.setattr(listener, "IDLE_SECONDS", 1000 if patient == "IDLE_SECONDS" else 2)
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 1000 if patient == "REQUEST_SECONDS" else 2)
    with listening(how) as served, client(served) as first, client(served) as second, client(served) as other:
        channels = served._servers[0].active_channels
        for connection in (first, second):  # as many as there are workers
            connection.sendall(ask(1 << 20) * 40)
        wait_until(lambda: len([one for one in list(channels.values()) if one.total_outbufs_len]) == 2)
        other.sendall(ask(1))
        assert other.recv(100).startswith(b"HTTP/1.1 200 ")
        assert all(one.total_outbufs_len < 2 << 20 for one in list(channels.values()))
        other.close()
        wait_until(lambda: not channels)


def test_pipelined_answers_come_whole(how: str) -> None:
    with listening(how) as served, socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(ask(1 << 20) * 20 + ask(3, b"Connection: close"))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 21
    assert received.count(b"x") == (20 << 20) + 3


def test_who_wakes_a_loop_that_has_ended_writes_nowhere(how: str) -> None:
    """Whoever stopped it came too late for its pipe, whose number was another file's by then."""
    with listening(how) as served:
        (server,) = served._servers
        number = server.trigger.trigger
    pipes = [os.pipe()]
    while max(pipes[-1]) < number:
        pipes.append(os.pipe())
    server.wake()
    assert select.select([taken for taken, _ in pipes], [], [], 0)[0] == []
    for pipe in pipes:
        for end in pipe:
            os.close(end)


def test_the_pipe_is_not_closed_while_somebody_wakes_the_loop(how: str) -> None:
    served = Listener(wsgi, "127.0.0.1", 0, threads=2, turns=Turns() if how == "turns" else None)
    (server,) = served._servers
    loop = threading.Thread(target=served.run)
    loop.start()
    with server._waking:
        served.stop()
        wait_until(lambda: not server.accepting)
        loop.join(0.2)
        os.write(server.trigger.trigger, b"x")
    loop.join()


def test_waking_the_loop_never_waits_for_it() -> None:
    """It is told by a pipe, which is full after 65,536 words."""
    served = Listener(wsgi, "127.0.0.1", 0)
    (server,) = served._servers
    for _ in range(70_000):
        server.pull_trigger()
    server.close()
