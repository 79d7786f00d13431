"""All connections: how many, of whom, and how much of them is in memory."""

import errno
import logging
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar

from waitress.server import TcpWSGIServer

from taina.errors import describe
from taina.server.listener.channel import LOG_EVERY, Channel
from taina.store.turns import Turns

MAX_CONNECTIONS = 2000
MAX_PER_CLIENT = 500
"""Connections of one client; beyond them its own oldest one makes room, so that others always find some."""
MAX_BODIES = 64 << 20
"""Bytes of all bodies in memory together; beyond them the oldest that is not here yet makes room."""
REST_SECONDS = 1.0
"""Without accepting, where no more files can be opened: those who wait stay in the kernel's queue."""
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_ACCEPTS = 64
_MANY = b""
"""Stands for the clients of a trusted proxy, and for those of a Unix socket."""

_log = logging.getLogger(__name__)


@dataclass
class Connections:
    """Those of all sockets of a listener, together: a process has so many files and so much memory, however many
    sockets it listens on."""

    servers: list["Server"] = field(default_factory=list)
    clients: Counter[bytes] = field(default_factory=Counter)
    """How many each client has."""
    bodies: int = 0
    """Bytes of bodies in memory."""
    rest_until: float = float("-inf")
    """No more files can be opened before, unless one becomes free."""

    def __len__(self) -> int:
        return sum(len(server.active_channels) for server in self.servers)

    def __iter__(self) -> Iterator[Channel]:
        return (channel for server in self.servers for channel in server.active_channels.values())


class Server(TcpWSGIServer):  # type: ignore[misc]
    """A socket that listens, with the connections that it took; Waitress's, bounded."""

    channel_class = Channel
    next_channel_cleanup: float
    logged: ClassVar[float] = float("-inf")
    """When it was last said that no more files can be opened."""
    failed: ClassVar[float] = float("-inf")
    """When the last fault was written down."""

    def __init__(
        self,
        *args: Any,
        trusted: Iterable[IPv4Network | IPv6Network] = (),
        turns: Turns | None = None,
        on_end: Callable[[], object] = lambda: None,
        connections: Connections,
        **kwargs: Any,
    ) -> None:
        """
        Args:
            trusted: proxies, which stand for many clients and are not bounded as one.
            turns: in which requests are worked off; None hands them to threads.
            on_end: called once the socket listens no more, though nobody told it to stop.
            connections: those of all servers that share it.
        """
        self._on_end = on_end
        self._turns = turns
        self._trusted = tuple(trusted)
        self.connections = connections
        self._waking = threading.RLock()
        """A signal may come while its thread holds it."""
        self._closed = False
        super().__init__(*args, **kwargs)
        connections.servers.append(self)
        os.set_blocking(self.trigger.trigger, False)

    def getsockname(self) -> tuple[str, str]:
        """Host and port, as text; a Unix socket has none."""
        if self.socket.family == socket.AF_UNIX:
            return "localhost", "0"
        host, port = super().getsockname()
        return host, port

    def set_socket_options(self, conn: socket.socket) -> None:
        if conn.family != socket.AF_UNIX:  # all of them are for TCP
            super().set_socket_options(conn)

    def fix_addr(self, addr: object) -> object:
        """Of a client; on a Unix socket it is whatever name the client chose for its own, text or bytes, or none."""
        return ("localhost", None) if self.socket.family == socket.AF_UNIX else addr

    def handle_accept(self) -> None:
        """Take all who wait, up to a bound: Waitress takes one a round, and a round may be long."""
        for _ in range(_ACCEPTS):
            known = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) <= known:
                return

    def accept(self) -> Any:
        """Waitress would try again in each round, without end, and write a traceback each time."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno == errno.EINVAL:  # it listens no more
                self.handle_close()
                return None
            if error.errno not in _EXHAUSTED:
                raise
            now = time.monotonic()
            self.connections.rest_until = now + REST_SECONDS
            if now - Server.logged > LOG_EVERY:
                Server.logged = now
                _log.error(
                    "no new connection can be taken (%s): allow more open files (LimitNOFILE=, ulimit -n)",
                    errno.errorcode[error.errno],
                )
            return None

    def admit(self, channel: Channel) -> None:
        """A connection has come: count it, and make room where its client has too many, or all have."""
        channel.client = self._client(channel.addr)
        self.connections.clients[channel.client] += 1
        self._bound(channel.client)

    def add_task(self, channel: Channel) -> None:
        """Have the next request of a connection worked off, once the answer to the one before has been taken."""
        channel.held_back = bool(channel.total_outbufs_len)
        if channel.held_back:
            return
        if self._turns is None:
            super().add_task(channel)
        else:
            self._turns.begin(channel.take_turn)

    @property
    def takes_turns(self) -> bool:
        """Whether requests are worked off in the loop's own thread."""
        return self._turns is not None

    def pull_trigger(self) -> None:
        """Have the loop look at what a request has left to it, where that is not in the loop's own thread."""
        if self._turns is None:
            self.wake()

    def look_at(self, channel: Channel) -> None:
        """In the loop's own thread: a request was worked off, and the connection may wait for something else."""
        self._map.touch(channel._fileno)

    def wake(self) -> None:
        """Have the loop go round, from whatever thread, or a signal. Once it is closed, that does nothing."""
        # A closed pipe's number may be another file's by now. A full one: the loop has been told often enough.
        with self._waking, suppress(BlockingIOError):
            if not self._closed:
                super().pull_trigger()

    def close(self) -> None:
        with self._waking:
            self._closed = True
            super().close()

    def count(self, channel: Channel) -> None:
        """Take note of what a connection has in memory, and make room where all have too much."""
        held = channel.in_memory if channel.connected else 0
        self.connections.bodies += held - channel.held
        channel.held = held
        while self.connections.bodies > MAX_BODIES and self._close_oldest(lambda other: other.held > 0):
            pass

    def release(self, channel: Channel) -> None:
        """A connection has ended: whatever it held is free again."""
        self.connections.bodies -= channel.held
        channel.held = 0
        self.connections.rest_until = float("-inf")  # its file is free for another
        if channel.client is not None:
            self.connections.clients[channel.client] -= 1
            if not self.connections.clients[channel.client]:
                del self.connections.clients[channel.client]
            channel.client = None

    def _bound(self, client: bytes) -> None:
        if self.connections.clients[client] > MAX_PER_CLIENT and client != _MANY:
            self._close_oldest(lambda channel: channel.client == client)
        elif len(self.connections) > MAX_CONNECTIONS:
            ((largest, _),) = self.connections.clients.most_common(1)
            self._close_oldest(lambda channel: channel.client == largest)

    def _close_oldest(self, among: Callable[[Channel], bool]) -> bool:
        """Close the one that has kept us waiting the longest; False where there is none."""
        waiting = [other for other in self.connections if other.waits_for_client and among(other)]
        if not waiting:
            return False
        min(waiting, key=lambda other: other.since if other.begun is None else other.begun).handle_close()
        return True

    def _client(self, address: object) -> bytes:
        """Whoever has an IPv6 address has a network of 64 bits of them, at least."""
        try:
            peer = ip_address(address[0].partition("%")[0])  # type: ignore[index] # a pair, for TCP
        except (TypeError, ValueError, IndexError):
            return _MANY
        if isinstance(peer, IPv6Address):
            peer = peer.ipv4_mapped or peer
        if any(peer in network for network in self._trusted):
            return _MANY
        return peer.packed[:8]  # an IPv4 address has four bytes

    def handle_error(self) -> None:
        """One connection could not be taken; the next may. Nothing of what the error says is logged."""
        error = sys.exception()
        now = time.monotonic()
        if error is not None and now - Server.failed > LOG_EVERY:
            Server.failed = now
            _log.error("a connection could not be taken: %s", describe(error))

    def handle_close(self) -> None:
        """Somebody who has the socket, too, has shut it down, or it is broken."""
        if self.accepting:
            self.stop_accepting()
            self._on_end()

    def readable(self) -> bool:
        # Waitress goes by the wall clock: without this, one that is set back by a day stops the upkeep for a day.
        self.next_channel_cleanup = min(self.next_channel_cleanup, time.time() + self.adj.cleanup_interval)
        wanted = bool(super().readable())
        return wanted and time.monotonic() >= self.connections.rest_until

    def maintenance(self, now: float) -> None:
        """Close whoever is idle or overdue. Waitress would do so once the socket can be written, but to a client that
        takes nothing it never can be.
        """
        monotonic = time.monotonic()
        for channel in list(self.active_channels.values()):
            channel.last_activity = min(channel.last_activity, now)
            idle = now - channel.last_activity > self.adj.channel_timeout
            if channel.overdue(monotonic) or (channel.waits_for_client and (idle or channel.will_close)):
                channel.handle_close()

    def stop_accepting(self) -> None:
        """Close the socket that listens; its connections go on."""
        self.accepting = False
        self.del_channel()
        self.socket.close()
