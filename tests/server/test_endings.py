"""One connection from its first byte to its end, step by step in the loop of a listener that runs in this thread."""

import json
import runpy
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from waitress import wasyncore
from waitress.channel import ClientDisconnected

from support.clocks import Clock
from support.request_heads import AMBIGUOUS
from taina.server.listener import Listener, channel
from taina.server.listener.channel import Channel
from taina.store.turns import Turns

LARGE = 4 << 20


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    size = int(environ["QUERY_STRING"] or 2)
    start_response("200 OK", [("Content-Length", str(size))])
    return [b"x" * size]


def ask(size: int, *fields: bytes) -> bytes:
    return b"GET /?%d HTTP/1.1\r\n%s\r\n\r\n" % (size, b"\r\n".join([b"Host: a", *fields]))


class Talk:
    """A client and its connection at a listener that goes round when it is told to."""

    def __init__(self, listener: Listener, client: socket.socket) -> None:
        self.listener, self.client = listener, client
        self.got = b""
        self.ended = False
        self.until(lambda: self.channels)
        (self.channel,) = self.channels

    @property
    def channels(self) -> list[Any]:
        return list(self.listener._servers[0].active_channels.values())

    def until(self, reached: Callable[[], object]) -> None:
        for _ in range(2000):
            if reached():
                return
            self.listener._round(0.01)
        raise TimeoutError

    def read_until(self, reached: Callable[[], object]) -> None:
        """Taking what comes; `ended` once the server has closed its side."""

        def read() -> object:
            with suppress(BlockingIOError):
                piece = self.client.recv(65536)
                self.got += piece
                self.ended = not piece
            return reached()

        self.until(read)


@contextmanager
def talking(send_buffer: int | None = None, threads: bool = False) -> Iterator[Talk]:
    turns = None if threads else Turns()
    listener = Listener(answer, "127.0.0.1", 0, threads=1, turns=turns)
    (server,) = listener._servers
    if send_buffer:
        server.adj.socket_options.append((socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer))
    try:
        with (
            turns.running(server.wake) if turns else nullcontext(),
            socket.create_connection(("127.0.0.1", listener.port)) as client,
        ):
            client.setblocking(False)
            yield Talk(listener, client)
    finally:
        listener._dispatcher.shutdown(cancel_pending=True, timeout=1)
        wasyncore.close_all(listener._map)


def test_after_a_refusal_what_still_comes_is_dropped_until_the_client_leaves() -> None:
    """Closing at once would reset the connection, and the client might never see why it was refused."""
    with talking() as talk:
        talk.client.send(AMBIGUOUS["chunked"])
        talk.read_until(lambda: talk.ended)
        assert talk.got.startswith(b"HTTP/1.0 501 ")
        said = json.loads(talk.got.partition(b"\r\n\r\n")[2])
        assert (said["code"], said["detail"]) == (
            "malformed",
            "Send the body with a Content-Length, not in chunks.",
        )
        assert talk.channel.lingering
        assert not talk.channel.overdue(talk.channel.begun + 2)
        for _ in range(3):
            talk.client.send(b"more of it")
            talk.listener._round(0.01)
        assert talk.channels == [talk.channel]
        assert not talk.channel.writable()
        assert talk.channel.readable()
        talk.client.close()
        talk.until(lambda: not talk.channels)


@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize("before", [b"", b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1234"])
def test_an_urgent_byte_ends_its_connection_without_a_word(
    caplog: pytest.LogCaptureFixture, before: bytes, threads: bool
) -> None:
    """It stays ready to be read: whoever only notes it goes round without end, and writes a line each time."""
    with talking(threads=threads) as talk:
        talk.client.send(before)
        talk.client.send(b"x", socket.MSG_OOB)
        talk.until(lambda: not talk.channels)
    assert not caplog.records


def test_no_event_of_a_connection_is_written_down(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ends = select.POLLPRI | select.POLLHUP | select.POLLERR | select.POLLNVAL
    kinds = (select.POLLIN, select.POLLPRI, select.POLLHUP, select.POLLERR, select.POLLNVAL)
    for events in [*map(sum, product(*((0, kind) for kind in kinds))), select.POLLOUT, select.POLLOUT | select.POLLHUP]:
        with talking() as talk:
            wasyncore.readwrite(talk.channel, events)
            assert bool(talk.channels) is not bool(events & ends), events
    assert not caplog.records


@pytest.mark.parametrize("last", [b"Connection: close", b"X: 1"])
def test_a_large_answer_comes_whole_to_who_takes_it_slowly(last: bytes) -> None:
    with talking(send_buffer=1 << 16) as talk:
        talk.client.send(ask(LARGE, last))
        talk.until(lambda: talk.channel.total_outbufs_len)
        assert talk.channel.writable()
        if last != b"X: 1":
            talk.read_until(lambda: talk.ended)
            assert talk.channel.lingering
        else:
            talk.read_until(lambda: len(talk.got) > LARGE)
            assert not talk.channel.writable()
        assert talk.got.partition(b"\r\n\r\n")[2] == b"x" * LARGE


def test_what_cannot_be_sent_at_once_is_taken_all_the_same() -> None:
    with talking(send_buffer=1 << 16) as talk:
        assert talk.channel.write_soon(bytes(LARGE)) == LARGE
        assert 0 < talk.channel.total_outbufs_len < LARGE


def test_the_next_request_begins_once_the_answer_before_is_taken() -> None:
    with talking(send_buffer=1 << 16) as talk:
        talk.client.send(ask(LARGE) + ask(3, b"Connection: close"))
        talk.until(lambda: talk.channel.held_back)
        assert talk.channel.waits_for_client
        talk.read_until(lambda: talk.ended)
        assert talk.got.count(b"HTTP/1.1 200 OK") == 2
        assert talk.got.endswith(b"\r\n\r\nxxx")


def test_what_has_come_is_noted() -> None:
    with talking() as talk:
        assert talk.channel.silent
        assert not talk.channel.held_back
        assert talk.channel.begun is None
        talk.client.send(b"PUT /?3 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1234")
        talk.until(lambda: talk.channel.held)
        assert not talk.channel.silent
        begun = talk.channel.begun
        assert begun > talk.channel.since
        assert talk.channel.held == talk.channel.in_memory == talk.listener._servers[0].connections.bodies == 4
        assert talk.channel.waits_for_client
        talk.client.send(b"567890")
        talk.read_until(lambda: talk.got.endswith(b"xxx"))
        assert talk.channel.begun is None
        assert talk.channel.since > begun
        talk.until(lambda: not talk.channel.held)
        assert talk.listener._servers[0].connections.bodies == 0


def test_a_body_that_a_worker_is_done_with_is_given_back_when_the_loop_comes_round() -> None:
    with talking() as talk:
        (server,) = talk.listener._servers
        talk.channel.held = server.connections.bodies = 4
        assert talk.channel.readable()
        assert (talk.channel.held, server.connections.bodies) == (0, 0)


def test_who_has_left_is_sent_nothing() -> None:
    with talking() as talk:
        talk.channel.handle_close()
        with pytest.raises(ClientDisconnected):
            talk.channel.write_soon(b"x")


def test_the_loop_sends_nothing_while_a_worker_answers_but_sees_to_an_end() -> None:
    with talking() as talk:
        one, at_work = talk.channel, SimpleNamespace(body_bytes_received=0)
        for requests, lingering in (([at_work], False), ([], True)):
            one.requests, one.lingering = requests, lingering
            for one.will_close in (False, True):
                assert one.writable() is one.will_close
        one.requests = []


def test_a_worker_of_its_own_thread_sends_under_the_lock_of_what_is_to_be_sent() -> None:
    with talking() as talk:
        locked: list[bool] = []

        def send(data: bytes, do_close: bool = True) -> int:
            locked.append(talk.channel.outbuf_lock._is_owned())
            return len(data)

        talk.channel.send = send
        for talk.listener._servers[0]._turns in (None, Turns()):
            assert talk.channel.write_soon(b"four") == 4
        assert locked == [True, False]


def test_what_is_written_leaves_at_once() -> None:
    """Else the kernel would wait for more, as long as what went before is not confirmed."""
    with talking() as talk:
        assert talk.channel.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_server_that_accepts_no_more_keeps_its_connections() -> None:
    with talking() as talk:
        (server,) = talk.listener._servers
        assert server.accepting
        server.stop_accepting()
        assert not server.accepting
        assert server.socket.fileno() == -1
        assert server not in talk.listener._map.values()
        talk.client.send(ask(3))
        talk.read_until(lambda: talk.got.endswith(b"xxx"))


def test_a_client_that_leaves_is_forgotten() -> None:
    with talking() as talk:
        talk.client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1234")
        talk.until(lambda: talk.channel.held)
        assert dict(talk.listener._servers[0].connections.clients) == {bytes([127, 0, 0, 1]): 1}
        talk.client.close()
        talk.until(lambda: not talk.channels)
        server = talk.listener._servers[0]
        assert (server.connections.bodies, dict(server.connections.clients)) == (0, {})


@pytest.mark.parametrize(
    ("missing", "size"),
    [(None, 8192), (0, 8192), (8191, 8192), (100_000, 100_000), (256 << 10, 256 << 10), (1 << 20, 256 << 10)],
)
def test_of_a_body_256_kibibytes_are_read_at_once_and_less_of_a_head(missing: int | None, size: int) -> None:
    asked: list[int] = []
    taken: list[bytes] = []

    def receive(size: int) -> bytes:
        asked.append(size)
        return b"data"

    one: Any = SimpleNamespace(
        lingering=False,
        request=None if missing is None else SimpleNamespace(body_missing=missing),
        adj=SimpleNamespace(recv_bytes=8192),
        recv=receive,
        received=taken.append,
        last_activity=0.0,
    )
    Channel.handle_read(one)
    assert (asked, taken) == ([size], [b"data"])
    assert one.last_activity > 0
    one.recv = lambda _: b""
    Channel.handle_read(one)
    one.lingering, one.recv = True, receive
    Channel.handle_read(one)
    assert (asked, taken) == ([size, 8192], [b"data"])

    def nothing(size: int) -> bytes:
        raise BlockingIOError

    one.lingering, one.recv = False, nothing
    Channel.handle_read(one)
    assert taken == [b"data"]


def test_an_answer_that_is_sent_at_once_shows_that_somebody_is_there() -> None:
    sent: list[tuple[bytes, bool]] = []

    def send(data: bytes, do_close: bool = True) -> int:
        sent.append((data, do_close))
        return len(data)

    one: Any = SimpleNamespace(
        server=SimpleNamespace(takes_turns=True),
        total_outbufs_len=0,
        connected=True,
        send=send,
        last_activity=0.0,
    )
    assert Channel.write_soon(one, b"four") == 4
    assert sent == [(b"four", False)], "the loop closes it, not who answers"
    assert one.last_activity > 0


@pytest.mark.parametrize(
    ("facts", "begins"),
    [({}, True), ({"held_back": False}, False), ({"connected": False}, False), ({"total_outbufs_len": 1}, False)],
)
def test_a_request_that_was_held_back_begins_and_has_all_its_time(facts: dict[str, Any], begins: bool) -> None:
    given: list[object] = []
    usual = {"held_back": True, "connected": True, "total_outbufs_len": 0, "begun": 5.0}
    one: Any = SimpleNamespace(
        **usual | facts, requests_lock=threading.Lock(), server=SimpleNamespace(add_task=given.append)
    )
    Channel._go_on(one)
    assert (given, one.begun) == (([one], None) if begins else ([], 5.0))


def test_the_loop_sends_what_a_worker_has_left_and_is_done_with() -> None:
    one: Any = SimpleNamespace(total_outbufs_len=1, outbuf_lock=threading.Lock())
    assert Channel._left_to_us(one) is True
    assert not one.outbuf_lock.locked()
    with one.outbuf_lock:
        assert Channel._left_to_us(one) is False
    one.total_outbufs_len = 0
    assert Channel._left_to_us(one) is False
    assert not one.outbuf_lock.locked()


def test_the_first_fault_is_written_down_on_a_machine_that_has_just_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its clock begins at 0, and a minute after the last fault had not passed by then."""
    monkeypatch.setattr(channel, "time", SimpleNamespace(monotonic=Clock(1.0)))
    monkeypatch.setattr(Channel, "logged", runpy.run_path(channel.__file__)["Channel"].logged)
    one: Any = SimpleNamespace(handle_close=lambda: None)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        Channel.handle_error(one)
    assert len(caplog.records) == 1


def test_faults_of_connections_are_written_down_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, closed = Clock(1000.0), []
    monkeypatch.setattr(channel, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(Channel, "logged", 0)
    one: Any = SimpleNamespace(handle_close=lambda: closed.append(clock.now))

    def fail() -> None:
        raise ZeroDivisionError

    one.service, one.server = fail, SimpleNamespace(look_at=closed.append)
    one.handle_error = lambda: Channel.handle_error(one)
    logged = []
    for clock.now in (1000.0, 1059.0, 1060.0, 1060.5):
        Channel.take_turn(one)
        logged.append(len(caplog.records))
    assert closed == [1000.0, one, 1059.0, one, 1060.0, one, 1060.5, one]
    assert logged == [1, 1, 1, 2]
    clock.now += 1000
    Channel.handle_error(one)
    assert len(caplog.records) == 2, "without an error there is nothing to say"
