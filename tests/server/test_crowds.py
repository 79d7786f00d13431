"""How many connections one client and all together have, and who makes room: a real server socket, and stand-ins."""

import errno
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from waitress import wasyncore
from waitress.server import TcpWSGIServer

from support.clocks import Clock
from support.listeners import in_thread
from support.waiting import wait_until
from taina.server.listener import Listener, ListeningEndedError, accepting
from taina.server.listener.accepting import Server
from taina.server.listener.channel import Channel
from taina.store.turns import Turns


class Crowd:
    """Connections of a listener's sockets, by turns, the last one first; those that were closed, in order."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self.server = servers[0]
        self.closed: list[str] = []
        self.added = 0

    def add(self, name: str, host: str = "192.0.2.1", **facts: Any) -> Any:
        """One that came after those before; `facts` are what it differs in."""
        since = sum(len(server.active_channels) for server in self.servers)
        usual = {"since": since, "begun": None, "waits_for_client": True, "held": 0, "connected": True, "client": None}
        one: Any = SimpleNamespace(addr=(host, 4711), in_memory=0, will_close=False, last_activity=0.0, **usual | facts)
        one.overdue = lambda now: False
        self.added += 1
        one.server = self.servers[-self.added % len(self.servers)]
        one.handle_close = lambda: self._close(name, one)
        one.server.active_channels[name] = one
        one.server.admit(one)
        return one

    def count(self, one: Any) -> None:
        one.server.count(one)

    def _close(self, name: str, one: Any) -> None:
        self.closed.append(name)
        del one.server.active_channels[name]
        one.server.release(one)


def no_application(environ: object, start_response: object) -> list[bytes]:
    raise NotImplementedError


def says_who_asks(environ: dict[str, str], start_response: Callable[..., object]) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["REMOTE_ADDR"].encode()]


@pytest.fixture(params=[1, 2])
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Of a listener with one socket, and with two: whatever is bounded is so for both together."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(request.param)]
    listener = Listener(no_application, "127.0.0.1", 0, trusted=[ip_network("10.0.0.0/8")], sockets=sockets)
    yield Crowd(listener._servers)
    for server in listener._servers:
        server.active_channels.clear()
        server.close()


@pytest.mark.parametrize(
    ("address", "client"),
    [
        (("192.0.2.1", 80), bytes([192, 0, 2, 1])),
        (("::ffff:192.0.2.1", 80, 0, 0), bytes([192, 0, 2, 1])),
        (("2001:db8:1:2:3:4:5:6", 80, 0, 0), bytes.fromhex("20010db800010002")),
        (("fe80::1%eth0", 80, 0, 2), bytes.fromhex("fe80000000000000")),
        (("10.9.8.7", 80), b""),
        (("::ffff:10.9.8.7", 80, 0, 0), b""),
        (("localhost", None), b""),
        ("", b""),
        (None, b""),
    ],
)
def test_whose_a_connection_is(crowd: Crowd, address: object, client: bytes) -> None:
    assert crowd.server._client(address) == client


def test_a_client_has_500_connections_and_loses_its_own_oldest(crowd: Crowd) -> None:
    crowd.add("other", "192.0.2.9")
    for n in range(500):
        crowd.add(f"{n}")
    assert crowd.closed == []
    crowd.add("500")
    crowd.add("501")
    assert crowd.closed == ["0", "1"]


def test_the_oldest_is_who_keeps_us_waiting_the_longest(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "MAX_PER_CLIENT", 3)
    crowd.add("at work", waits_for_client=False)
    crowd.add("began late", since=1, begun=9)
    crowd.add("began early", since=8, begun=2)
    crowd.add("idle", since=5)
    assert crowd.closed == ["began early"]
    crowd.add("new", since=10)
    crowd.add("newer", since=11)
    assert crowd.closed == ["began early", "idle", "began late"]


def test_where_nobody_waits_nobody_is_closed(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "MAX_PER_CLIENT", 1)
    for n in range(3):
        crowd.add(f"{n}", waits_for_client=False)
    assert crowd.closed == []


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1"])
def test_a_proxy_and_many_networks_share_2000_connections(crowd: Crowd, host: str) -> None:
    """A proxy that is trusted stands for many, so it is not bounded as one client."""
    trusted = host == "10.0.0.1"
    for n in range(2000):
        crowd.add(f"{n}", host if trusted or n < 400 else f"192.0.{n % 200}.1")
    assert crowd.closed == []
    crowd.add("one more", "198.51.100.1")
    assert crowd.closed == ["0"], "the client that has the most makes room"


def test_who_has_left_is_not_counted(crowd: Crowd) -> None:
    one, other = crowd.add("one"), crowd.add("other")
    assert crowd.server.connections.clients == {one.client: 2}
    one.handle_close()
    one.server.release(one)
    assert crowd.server.connections.clients == {other.client: 1}, "it is released once"
    other.handle_close()
    assert crowd.server.connections.clients == {}


def test_bodies_in_memory_have_64_mebibytes_together(crowd: Crowd) -> None:
    early, late = crowd.add("early"), crowd.add("late")
    crowd.add("without a body")
    early.in_memory = 60 << 20
    crowd.count(early)
    late.in_memory = 4 << 20
    crowd.count(late)
    assert crowd.closed == []
    late.in_memory += 1
    crowd.count(late)
    assert crowd.closed == ["early"]
    assert crowd.server.connections.bodies == late.held == (4 << 20) + 1
    late.in_memory = 7
    crowd.count(late)
    assert crowd.server.connections.bodies == 7
    late.connected = False
    crowd.count(late)
    assert crowd.server.connections.bodies == 0


def test_as_many_make_room_for_a_body_as_it_takes(crowd: Crowd) -> None:
    for name, mebibytes in (("first", 1), ("second", 62), ("third", 1), ("last", 63)):
        one = crowd.add(name)
        one.in_memory = mebibytes << 20
        crowd.count(one)
    assert crowd.closed == ["first", "second"]
    assert crowd.server.connections.bodies == 64 << 20


def test_a_byte_of_a_body_is_one(crowd: Crowd) -> None:
    for name, held, waits in (("without a body", 0, True), ("a byte", 1, True), ("at work", 64 << 20, False)):
        one = crowd.add(name, waits_for_client=waits)
        one.in_memory = held
        crowd.count(one)
    assert crowd.closed == ["a byte"]


def test_the_body_of_who_has_left_is_given_back_once(crowd: Crowd) -> None:
    one, other = crowd.add("one"), crowd.add("other")
    for each, size in ((one, 5), (other, 7)):
        each.in_memory = size
        crowd.count(each)
    one.handle_close()
    one.server.release(one)
    assert crowd.server.connections.bodies == 7


def test_bodies_that_are_at_work_are_waited_for(crowd: Crowd) -> None:
    one = crowd.add("one", waits_for_client=False)
    one.in_memory = 100 << 20
    crowd.count(one)
    assert crowd.closed == []


@pytest.mark.parametrize(
    ("facts", "closed"),
    [
        ({"last_activity": 70.0}, False),
        ({"last_activity": 69.9}, True),
        ({"last_activity": 69.9, "waits_for_client": False}, False),
        ({"last_activity": 100.0, "will_close": True}, True),
        ({"last_activity": 100.0, "will_close": True, "waits_for_client": False}, False),
        ({"last_activity": 100.0, "late": True, "waits_for_client": False}, True),
    ],
)
def test_whoever_is_idle_for_30_seconds_or_late_is_closed(crowd: Crowd, facts: dict[str, Any], closed: bool) -> None:
    one = crowd.add("one")
    vars(one).update(facts)
    if "late" in facts:
        one.overdue = lambda now: True
    for server in crowd.servers:
        server.maintenance(100.0)
    assert crowd.closed == (["one"] if closed else [])


def test_after_its_files_are_used_up_a_server_rests_a_second_and_says_so_once_a_minute(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, server, fails = Clock(1000.0), crowd.server, {"number": errno.EMFILE}
    monkeypatch.setattr(accepting, "time", SimpleNamespace(monotonic=clock, time=time.time))
    monkeypatch.setattr(Server, "logged", float("-inf"))
    listening = server.socket

    def refuse() -> None:
        raise OSError(fails["number"], os.strerror(fails["number"]))

    server.socket = SimpleNamespace(accept=refuse)
    try:
        assert server.readable()
        for number in (errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EMFILE):
            fails["number"] = number
            assert server.accept() is None
        assert not server.readable()
        clock.now += 0.999
        assert not server.readable()
        clock.now += 0.001
        assert server.readable()
        clock.now += 59
        server.accept()
        assert len(caplog.records) == 1
        assert not server.readable()
        crowd.add("one").handle_close()
        assert server.readable(), "there is a file again"
        clock.now += 0.5
        server.accept()
        assert len(caplog.records) == 2
        fails["number"] = errno.EBADF
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            server.accept()
    finally:
        server.socket = listening


def test_64_are_taken_a_round_and_no_more_than_there_are(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, wait = 0, 1000

    def take(server: Server) -> None:
        nonlocal asked
        asked += 1
        if asked <= wait:
            server.active_channels[f"{asked}"] = SimpleNamespace()

    monkeypatch.setattr(TcpWSGIServer, "handle_accept", take)
    crowd.server.handle_accept()
    assert asked == 64
    asked, wait = 0, 3
    crowd.server.active_channels.clear()
    crowd.server.handle_accept()
    assert asked == 4, "the last finds nobody"


def test_a_wake_never_blocks(crowd: Crowd) -> None:
    for _ in range(70_000):  # more than a pipe holds
        crowd.server.wake()
    assert is_woken(crowd.server)


@pytest.mark.parametrize("turns", [None, Turns()])
def test_a_request_at_work_wakes_the_loop_where_that_is_another_thread(crowd: Crowd, turns: Turns | None) -> None:
    crowd.server._turns = turns
    assert crowd.server.takes_turns is (turns is not None)
    crowd.server.pull_trigger()
    assert is_woken(crowd.server) is (turns is None)


def test_a_connection_whose_request_was_worked_off_is_asked_again() -> None:
    touched: list[int] = []
    server: Any = SimpleNamespace(_map=SimpleNamespace(touch=touched.append))
    connection: Any = SimpleNamespace(_fileno=7)
    Server.look_at(server, connection)
    assert touched == [7]


def is_woken(server: Server) -> bool:
    """Whether the loop would go round, were it to wait."""
    return bool(select.select([server.trigger.socket], [], [], 0)[0])


def test_a_request_waits_until_the_answer_before_is_taken(crowd: Crowd) -> None:
    given: list[object] = []
    crowd.server.task_dispatcher = SimpleNamespace(add_task=given.append)
    one: Any = SimpleNamespace(total_outbufs_len=1, held_back=False)
    crowd.server.add_task(one)
    assert (one.held_back, given) == (True, [])
    one.total_outbufs_len = 0
    crowd.server.add_task(one)
    assert (one.held_back, given) == (False, [one])


def test_a_unix_socket_has_no_host_and_no_options(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        listener = Listener(no_application, "127.0.0.1", 0, sockets=[listening])
        (server,) = listener._servers
        assert (server.effective_host, listener.port) == ("localhost", 0)
        for bound in ("", "/run/client", b"\0client"):
            assert server.fix_addr(bound) == ("localhost", None)
        connection: Any = SimpleNamespace(family=socket.AF_UNIX)
        server.set_socket_options(connection)
        server.close()


@pytest.mark.parametrize("threads", [True, False])
@pytest.mark.parametrize("bound", [None, "", "\0taina-test-client-%d", "client"])
def test_whoever_has_a_unix_socket_of_its_own_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, bound: str | None, threads: bool
) -> None:
    """Its address is text or bytes, where that of others is a pair; it once ended the socket that listens."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        if bound is not None:
            client.bind(bound % os.getpid() if "%" in bound else bound)
        client.settimeout(20)
        turns = None if threads else Turns()
        with in_thread(Listener(says_who_asks, "127.0.0.1", 0, sockets=[listening], turns=turns)):
            client.connect(str(tmp_path / "socket"))
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.endswith(b"\r\n\r\nlocalhost")
    assert not caplog.records


@pytest.mark.parametrize("threads", [True, False])
def test_a_connection_that_fails_ends_no_listening(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, threads: bool
) -> None:
    monkeypatch.setattr(Channel, "logged", float("-inf"))
    admit = Server.admit
    failures = [ValueError, OSError, ValueError, OSError]

    def fail_first(server: Server, channel: Channel) -> None:
        if failures:
            raise failures.pop()("0123456789abcdef")
        admit(server, channel)

    monkeypatch.setattr(Server, "admit", fail_first)
    with in_thread(Listener(says_who_asks, "127.0.0.1", 0, turns=None if threads else Turns())) as served:
        for answer in (b"", b"", b"", b"", b"127.0.0.1"):
            with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
                got = b""
                with suppress(ConnectionError):
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    got = b"".join(iter(lambda client=client: client.recv(65536), b""))  # type: ignore[misc]
                assert got.rpartition(b"\r\n\r\n")[2] == answer
        (server,) = served._servers
        wait_until(lambda: not server.active_channels)
        assert not server.connections.clients
    (line,) = [record.getMessage() for record in caplog.records]
    assert "0123456789abcdef" not in line


def test_what_fails_while_connections_are_taken_is_written_down_once_a_minute(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(1000.0)
    monkeypatch.setattr(accepting, "time", SimpleNamespace(monotonic=clock, time=time.time))
    monkeypatch.setattr(Server, "failed", float("-inf"))

    def fail() -> None:
        raise ValueError("0123456789abcdef")

    monkeypatch.setattr(crowd.server, "handle_accept", fail)
    logged = []
    for clock.now in (1000.0, 1060.0, 1060.5):
        wasyncore.readwrite(crowd.server, select.POLLIN)
        logged.append(len(caplog.records))
    assert crowd.server.readable()
    assert logged == [1, 1, 2]
    assert caplog.records[0].getMessage().startswith("a connection could not be taken: ValueError at test_crowds.py:")
    assert "0123456789abcdef" not in caplog.text


@pytest.mark.parametrize("threads", [True, False])
def test_a_listening_socket_that_is_shut_down_ends_the_server_with_an_error(
    caplog: pytest.LogCaptureFixture, threads: bool
) -> None:
    """By whoever passed it to us. A server that went on would answer nobody, and nobody would start it again."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        passed = [socket.socket(fileno=os.dup(it.fileno())) for it in (one, other)]
        listener = Listener(no_application, "127.0.0.1", 0, sockets=passed, turns=None if threads else Turns())
        other.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ListeningEndedError):
            listener.run()
    assert not caplog.records


@pytest.mark.parametrize(
    ("soft", "hard", "set_to"),
    [
        (1024, 4096, (2100, 4096)),
        (1024, 2000, (2000, 2000)),
        (1024, -1, (2100, -1)),
        (2099, 4096, (2100, 4096)),
        (2100, 4096, None),
        (4000, 4096, None),
        (-1, -1, None),
    ],
)
def test_as_many_files_may_be_open_as_connections_come(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, set_to: tuple[int, int] | None
) -> None:
    changes: list[object] = []
    allow: Callable[..., None] = lambda _, limits: changes.append(limits)  # noqa: E731 - one line
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr("resource.setrlimit", allow)
    (server,) = Listener(no_application, "127.0.0.1", 0)._servers
    server.close()
    assert changes == ([] if set_to is None else [set_to])
