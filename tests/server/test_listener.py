"""What we changed about Waitress, by raw bytes on real sockets."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from waitress import wasyncore

from support.listeners import in_thread
from support.request_heads import AMBIGUOUS, GOOD, REFUSALS
from support.servers import Server, start_server, stop_server
from support.waiting import wait_until
from taina.server.listener import Listener, accepting, channel
from taina.server.listener.parsing import Parser
from taina.store.turns import Turns
from taina.web.headers import HEADERS


@contextmanager
def connect(server: Server) -> Iterator[socket.socket]:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def read_answers(connection: socket.socket) -> bytes:
    """All until the server closes."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def read_one(connection: socket.socket) -> bytes:
    """One answer, by its Content-Length; its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return body


def has_headers_of_the_api(head: bytes) -> None:
    """And each of them once."""
    for name, value in [*HEADERS, ("Content-Type", "application/problem+json")]:
        assert head.lower().count(f"\r\n{name}: ".lower().encode()) == 1, name
        assert f"\r\n{name}: {value}\r\n".encode() in head + b"\r\n", name


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_requests_are_refused_and_the_connection_ends(taina: Server, name: str) -> None:
    with connect(taina) as connection:
        connection.sendall(AMBIGUOUS[name])
        answer = read_answers(connection)
    assert answer.count(b"HTTP/1.1 ") + answer.count(b"HTTP/1.0 ") == 1, answer
    assert int(answer.split()[1]) in REFUSALS, answer
    head, _, body = answer.partition(b"\r\n\r\n")
    has_headers_of_the_api(head)
    assert b"waitress" not in answer
    assert json.loads(body)["code"] in ("malformed", "too_large"), "it is not our fault"


@pytest.mark.parametrize("method", ["BREW", "PATCH", "TRACE", "WEBSOCKET"])
def test_a_method_that_no_call_has_is_refused_as_any_call_is(taina: Server, method: str) -> None:
    """The framework keeps some for itself, and tells nobody that such a request began."""
    with connect(taina) as connection:
        connection.sendall(f"{method} /api/v1/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head, _, body = read_answers(connection).partition(b"\r\n\r\n")
    assert json.loads(body)["status"] in (400, 405)
    has_headers_of_the_api(head)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\rX\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhunter2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX y: hunter2\r\n\r\n",
        b"hunter2 / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /hunter2[ HTTP/1.1\r\nHost: [a\r\n\r\n",
        b"GET / hunter2 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: hunter2\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: hunter2\r\n\r\n",
    ],
)
def test_a_refusal_repeats_nothing_of_what_was_sent(taina: Server, head: bytes) -> None:
    """It may be a token, and refusals end in logs."""
    with connect(taina) as connection:
        connection.sendall(head)
        answer = read_answers(connection)
    assert 400 <= int(answer.split()[1]) <= 501
    assert b"hunter2" not in answer


def test_connections_are_kept_and_pipelines_answered_in_order(taina: Server) -> None:
    with connect(taina) as connection:
        for _ in range(3):
            connection.sendall(GOOD)
            assert json.loads(read_one(connection))["protocol"] == 1
        last = GOOD.replace(b"/status", b"/nothing").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        connection.sendall(GOOD + GOOD + last)
        answers = read_answers(connection)
    assert [part.split()[0] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]


def test_an_answer_without_a_body_keeps_its_connection() -> None:
    def nothing(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    ask = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n%s\r\nx"
    with listening(nothing) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(ask % b"")
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 204 ")
            assert b"Connection" not in answer
        connection.sendall(ask % b"Connection: close\r\n")
        assert b"Connection: close" in read_answers(connection)


def test_a_request_may_come_byte_by_byte_and_wait_for_its_continue(taina: Server) -> None:
    with connect(taina) as connection:
        for byte in GOOD:
            connection.sendall(bytes([byte]))
        assert json.loads(read_one(connection))["protocol"] == 1
        connection.sendall(
            b"PUT /api/v1/secrets/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert read_answers(connection).startswith(b"HTTP/1.1 422 ")


def test_who_would_wait_for_a_continue_and_sends_nothing_is_answered(taina: Server) -> None:
    for asked in (b"GET /api/v1/health", b"POST /api/v1/receipts/x/burn", b"DELETE /api/v1/requests/x"):
        with connect(taina) as connection:
            connection.sendall(
                asked
                + b" HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            assert b"HTTP/1.1 100 " not in read_answers(connection)


def test_hundreds_of_idle_connections_stop_nobody(taina: Server) -> None:
    """Stock Waitress takes no more than a hundred."""
    port = int(taina.url.rpartition(":")[2])
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    try:
        with connect(taina) as connection:
            connection.sendall(GOOD)
            assert json.loads(read_one(connection))["protocol"] == 1
    finally:
        for connection in idle:
            connection.close()


def test_a_reader_that_goes_away_harms_nobody(taina: Server) -> None:
    for _ in range(20):
        with connect(taina) as connection:
            connection.sendall(GOOD * 5)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with connect(taina) as connection:
        connection.sendall(GOOD)
        assert json.loads(read_one(connection))["protocol"] == 1


# Deadlines and stopping, on a listener of the test's own.


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    size = int(environ["QUERY_STRING"] or 2)
    start_response("200 OK", [("Content-Length", str(size))])
    return [b"x" * size]


@contextmanager
def listening(app: Callable[..., Any] = wsgi) -> Iterator[tuple[Listener, int]]:
    served = Listener(app, "127.0.0.1", 0, threads=2)
    with in_thread(served):
        yield served, served.port


def drip(port: int, first: bytes) -> bool:
    """Whether the server ended a connection that goes on sending a byte at a time."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(first)
        for _ in range(2000):
            try:
                connection.sendall(b"a")
                time.sleep(0.005)
            except OSError:
                return True
    return False


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"]
)
def test_a_dripping_request_meets_its_deadline(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(channel, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.5)
    with listening() as (_, port):
        assert drip(port, first)


def test_an_answer_that_nobody_takes_meets_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.5)
    size = 64 << 20
    with listening() as (_, port), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
        taken = 0
        try:
            while piece := connection.recv(1000):
                taken += len(piece)
                time.sleep(0.001)
        except ConnectionResetError:
            pass
    assert taken < size


def test_a_client_that_takes_nothing_at_all_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket never becomes writable, so it must not be left to the loop to close it then."""
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.5)
    with listening() as (served, port), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n" % (12 << 20))
        wait_for(served, lambda channel: channel.total_outbufs_len)
        wait_until(lambda: not served._servers[0].active_channels)


def test_a_large_answer_arrives_whole(taina: Server) -> None:
    with listening() as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n" % (8 << 20))
        assert read_one(connection) == b"x" * (8 << 20)


@pytest.mark.parametrize("at_work", [True, False])
def test_a_deadline_is_for_the_other_side(at_work: bool) -> None:
    """While a worker is at it, an answer that is half written is not late."""
    answering: Any = SimpleNamespace(
        lingering=False,
        requests=["one"] if at_work else [],
        held_back=False,
        total_outbufs_len=1,
        begun=1.0,
        request=None,
    )
    assert channel.Channel.overdue(answering, 2 + channel.REQUEST_SECONDS) is not at_work


def test_a_wall_clock_that_is_set_back_stops_no_upkeep() -> None:
    with listening() as (served, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_one(connection) == b"xx"
        (server,) = served._servers
        (one,) = server.active_channels.values()
        one.last_activity += 86400  # by a clock that was a day ahead
        now = time.time()
        server.maintenance(now)
        assert one.last_activity <= now
    served = Listener(wsgi, "127.0.0.1", 0)
    (server,) = served._servers
    server.next_channel_cleanup = time.time() + 86400
    server.readable()
    assert server.next_channel_cleanup <= time.time() + 1
    server.close()


def test_the_loop_rests_while_a_worker_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock Waitress polls without rest until the answer is there."""
    polls = 0
    poll = wasyncore.poll2

    def counting(*arguments: Any) -> None:
        nonlocal polls
        polls += 1
        poll(*arguments)

    release = threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        release.wait(20)
        return wsgi(environ, start_response)

    monkeypatch.setattr(wasyncore, "poll2", counting)
    with listening(slow) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        release.set()
        assert read_one(connection) == b"xx"
    assert polls < 30


def test_stopping_answers_what_was_received(tmp_path: Any) -> None:
    release = threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        release.wait(20)
        return wsgi(environ, start_response)

    with listening(slow) as (served, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(served, lambda channel: channel.requests)
        served.stop()
        release.set()
        assert read_one(connection) == b"xx"


@pytest.mark.parametrize("already", [0, 10, 30])
def test_stopping_waits_for_who_is_about_to_ask(already: int) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with listening() as (served, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(ask[:already])
        wait_for(served, lambda channel: channel.silent == (already == 0))
        served.stop()
        wait_until(lambda: not served._servers[0].accepting)
        connection.sendall(ask[already:])
        assert read_one(connection) == b"xx"


def test_stopping_waits_for_nobody_who_has_been_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taina.server.listener._STOP_SECONDS", 1000)
    with listening() as (served, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_one(connection) == b"xx"
        served.stop()
        assert connection.recv(1) == b""


def wait_for(served: Listener, reached: Callable[[Any], object]) -> None:
    """Until the one connection is as wanted."""
    channels = served._servers[0].active_channels
    wait_until(lambda: any(reached(channel) for channel in list(channels.values())))


def test_signals_reach_the_listener() -> None:
    served = Listener(wsgi, "127.0.0.1", 0)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        served.stop_on_signals()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        served.run()
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


@pytest.mark.parametrize("digits", [19, 5000, 15000])
@pytest.mark.parametrize("head", [b"Content-Length: ", b"Content-Length: 0", b"X: 1\r\nCONTENT-LENGTH: 1"])
def test_a_length_of_many_digits_is_refused_and_logs_nothing(tmp_path: Path, head: bytes, digits: int) -> None:
    """Python refuses to read a number of so many digits: the connection was cut, and the client's address logged."""
    server = start_server(tmp_path)
    with connect(server) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\n" + head + b"5" * digits + b"\r\n\r\n")
        answer = read_answers(connection)
    assert int(answer.split()[1]) in (400, 413, 431)
    assert stop_server(server) == ""


def test_a_fault_of_the_parser_is_a_bad_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("0123456789abcdef")

    monkeypatch.setattr(Parser, "parse_header", fail)
    with listening() as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(GOOD)
        answer = read_answers(connection)
    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert caplog.text == ""


def test_a_fault_of_a_connection_names_neither_client_nor_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("0123456789abcdef")

    monkeypatch.setattr(channel.Channel, "received", fail)
    monkeypatch.setattr(channel.Channel, "logged", 0)
    with listening() as (_, port):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(GOOD)
                assert read_answers(connection) == b""
    (line,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"a connection failed: ValueError at test_listener.py:\d+", line)
    assert "127.0.0.1" not in caplog.text


def test_one_client_leaves_connections_for_itself_and_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 half-sent bodies once kept everybody out for two minutes at a time."""
    monkeypatch.setattr(accepting, "MAX_PER_CLIENT", 20)
    half = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx"
    with listening() as (served, port):
        held = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(60)]
        for connection in held:
            connection.sendall(half)
        for address in ("127.0.0.1", "127.0.0.2"):
            with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0)) as other:
                other.sendall(b"GET /?3 HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_one(other) == b"xxx"
        assert len(served._servers[0].active_channels) <= 22
        for connection in held:
            connection.close()


def test_all_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "MAX_BODIES", 1 << 20)
    with listening() as (served, port):
        server = served._servers[0]
        held = []
        for _ in range(40):
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            connection.sendall(b"PUT /?3 HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n" + b"x" * 100_000)
            held.append(connection)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as other:
            other.sendall(b"PUT /?3 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
            assert read_one(other) == b"xxx"
        assert server.connections.bodies <= 1 << 20
        held[-1].sendall(b"x")
        assert read_one(held[-1]) == b"xxx"
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("call", "length", "status"),
    [
        (b"PUT /api/v1/secrets/AAAAAAAAAAAAAAAAAAAAAA", 1536 << 10, None),
        (b"PUT /api/v1/secrets/AAAAAAAAAAAAAAAAAAAAAA", (1536 << 10) + 1, 413),
        (b"PUT /api/v1/secrets/AAAAAAAAAAAAAAAAAAAAAA/chunks/0", (1 << 20) + 16, 404),
        (b"PUT /api/v1/requests/AAAAAAAAAAAAAAAAAAAAAA", (64 << 10) + 1, 413),
        (b"POST /api/v1/secrets/AAAAAAAAAAAAAAAAAAAAAA/reveal", 1 << 20, 413),
        (b"POST /en/", 1 << 20, 413),
        (b"GET /api/v1/status", 1 << 20, 413),
        (b"PUT //api/v1/secrets/x", 3 << 20, 413),
    ],
)
def test_a_body_that_no_call_takes_is_refused_by_its_head(
    taina: Server, call: bytes, length: int, status: int | None
) -> None:
    with connect(taina) as connection:
        connection.sendall(call + b" HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        if status is None:
            connection.sendall(b"x" * length)  # taken, and then found wanting
            assert b"problem+json" not in read_one(connection)
            return
        head, _, body = read_answers(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        has_headers_of_the_api(head)
        assert json.loads(body)["status"] == status


@pytest.mark.parametrize("turns", [False, True])
def test_an_application_that_fails_is_a_problem_too(turns: bool) -> None:
    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        raise ZeroDivisionError

    with (
        in_thread(Listener(broken, "127.0.0.1", 0, threads=1, turns=Turns() if turns else None)) as listener,
        socket.create_connection(("127.0.0.1", listener.port), timeout=20) as connection,
    ):
        connection.sendall(GOOD)
        head, _, body = read_answers(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    has_headers_of_the_api(head)
    assert json.loads(body)["code"] == "internal"


def test_a_refused_body_is_not_asked_to_go_on(taina: Server) -> None:
    with connect(taina) as connection:
        connection.sendall(b"POST /en/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
        assert read_answers(connection).startswith(b"HTTP/1.1 413 ")
