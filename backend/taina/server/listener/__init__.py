"""Waitress, set up strictly: the one room that knows it.

Stock Waitress 3.0.2 stops at 100 idle connections, lets a client drip bytes for ever, accepts requests that
proxies may read differently (two Transfer-Encodings, Content-Length beside it, two Hosts or none, folded lines),
polls without rest while an answer is being made, keeps whoever takes no answer for ever, and lets a worker wait for
one who pipelines. `channel_class` and its neighbours are not documented, so the version is pinned and tests/server/
holds each of these to account.
"""

import logging
import resource
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from taina.server.listener.accepting import MAX_CONNECTIONS, Connections, Server
from taina.server.listener.parsing import MAX_BODY, Screen
from taina.server.listener.watching import Watched
from taina.store.turns import Turns

IDLE_SECONDS = 30
_STOP_SECONDS = 10


class ListeningEndedError(Exception):
    """A socket listens no more, though nobody told the server to stop."""


class Listener:
    """The HTTP server of one WSGI application."""

    def __init__(
        self,
        app: Callable[..., Any],
        host: str,
        port: int,
        threads: int = 32,
        sockets: Sequence[socket.socket] = (),
        screen: Screen | None = None,
        trusted: Sequence[IPv4Network | IPv6Network] = (),
        turns: Turns | None = None,
        once: Sequence[str] = (),
    ) -> None:
        """Bind; port 0 takes a free one. Sockets that listen already are taken instead, where there are any.

        Args:
            screen: which bodies are taken, by the head of their request; None takes any.
            trusted: proxies, which stand for many clients.
            once: more headers that may stand once in a request.
            turns: have the application called in the turns of the loop's own thread, instead of in `threads` others.

        Raises:
            OSError: the address is in use or not ours.
        """
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        _allow_open_files(MAX_CONNECTIONS + 100)
        settings = Adjustments(
            listen=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            threads=threads,
            ident=None,
            backlog=1024,
            connection_limit=MAX_CONNECTIONS + 50,
            asyncore_use_poll=True,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=1,
            max_request_header_size=16384,
            max_request_body_size=MAX_BODY,
            # A body or an answer that is larger would go to a temporary file, and nothing may stay on the disk.
            inbuf_overflow=MAX_BODY,
            outbuf_overflow=MAX_BODY,
            channel_request_lookahead=0,
            expose_tracebacks=False,
            # taina.web.client_marks alone decides whose X-Forwarded-For is read.
            clear_untrusted_proxy_headers=False,
        )
        # Whatever a worker writes goes out at once, instead of waiting for the loop to come round.
        settings.send_bytes = 1
        settings.screen = screen
        settings.once = [name.lower().encode() for name in once]
        self._map: dict[int, Any] = Watched() if turns else {}
        self._turns = turns
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(0 if turns else threads)
        self._connections = Connections()
        shared = {
            "map": self._map,
            "dispatcher": self._dispatcher,
            "adj": settings,
            "trusted": trusted,
            "turns": turns,
            "on_end": self._end,
            "connections": self._connections,
        }
        if sockets:
            self._servers = [
                Server(app, _sock=it, bind_socket=False, sockinfo=(it.family, it.type), **shared) for it in sockets
            ]
        else:
            self._servers = [Server(app, sockinfo=sockinfo, **shared) for sockinfo in settings.listen]
        self._stopping = self._ended = False

    @property
    def host(self) -> str:
        """Of the first socket, in numbers."""
        return str(self._servers[0].effective_host)

    @property
    def path(self) -> str | None:
        """Of the first socket, if that is a Unix socket; an abstract one begins with `@`, as systemd writes it."""
        first = self._servers[0].socket
        if first.family != socket.AF_UNIX:
            return None
        name: str | bytes = first.getsockname()
        return name if isinstance(name, str) else f"@{name[1:].decode(errors='replace')}"

    @property
    def port(self) -> int:
        """Of the first socket; 0 if that is a Unix socket."""
        return int(self._servers[0].effective_port)

    def run(self) -> None:
        """Serve until `stop`; then answer what is being received, for ten seconds at the most, and return.

        Raises:
            ListeningEndedError: a socket was shut down from outside; what was being received is answered. Whoever
                started us has to do so again, for those who connect there would wait for ever.
        """
        with self._turns.running(self._servers[0].wake) if self._turns else nullcontext():
            while not self._stopping:
                self._round(1)
            for server in self._servers:
                server.stop_accepting()
            stopped = time.monotonic()
            self._round(0)  # what is here already counts as received
            while (waited := time.monotonic() - stopped) < _STOP_SECONDS and self._unfinished(waited):
                self._round(0.1)
        self._dispatcher.shutdown(cancel_pending=True, timeout=1)
        for server in self._servers:
            server.close()
        wasyncore.close_all(self._map)
        if self._ended:
            raise ListeningEndedError

    def stop(self) -> None:
        """May be called from a signal handler or another thread, and more than once."""
        if not self._stopping:
            self._stopping = True
            self._servers[0].wake()

    def _end(self) -> None:
        self._ended = True
        self.stop()

    def _round(self, patience: float) -> None:
        """Wait for sockets, so many seconds at the most; read and send; then let everybody have a turn."""
        if self._turns is None or not isinstance(self._map, Watched):
            wasyncore.poll2(patience, self._map)
            return
        for server in self._servers:
            self._map.touch(server._fileno)  # it sees to deadlines when it is asked
        self._map.poll(self._turns.patience(patience))
        self._turns.run()

    def stop_on_signals(self) -> None:
        """From now on SIGTERM and SIGINT stop it, and a terminal that is closed. Only the main thread may call this."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                signal.signal(number, lambda *_: self.stop())

    def _unfinished(self, waited: float) -> bool:
        return any(channel.unfinished(waited) for channel in self._connections)


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
