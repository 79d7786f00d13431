"""Waitress, set up strictly: the one room that knows it.

Stock Waitress 3.0.2 stops at 100 idle connections, lets a client drip bytes for ever, accepts requests that
proxies may read differently (two Transfer-Encodings, Content-Length beside it, two Hosts or none, folded lines),
and polls without rest while an answer is being made. `channel_class` and its neighbours are not documented, so
the version is pinned and tests/web/test_listener.py holds each of these to account.
"""

import logging
import re
import resource
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from taina.errors import (
    MalformedError,
    TainaError,
    TooLargeError,
)
from taina.web.problems import problem

REQUEST_SECONDS = 120
"""A request has to be here, and an answer taken, within this time, however it trickles."""
HEADER_SECONDS = 10
IDLE_SECONDS = 30
LINGER_SECONDS = 2
BODY_MOST = 4 << 20
"""Bytes; above the limits of every call, so that a little too much gets a clear answer and no cut connection."""
_CONNECTIONS = 2000
_STOP_SECONDS = 10

_ONCE = frozenset({b"host", b"content-length", b"content-type", b"authorization", b"origin"})
_HOST = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


class _Parser(HTTPRequestParser):  # type: ignore[misc] # Waitress is not typed
    """Refuses what two readers of HTTP could read differently (RFC 9112)."""

    def parse_header(self, header_plus: bytes) -> None:
        self._refuse_ambiguous(header_plus)
        super().parse_header(header_plus)

    def _refuse_ambiguous(self, header_plus: bytes) -> None:
        first, _, rest = header_plus.partition(b"\r\n")
        method_and_target = first.rsplit(b" ", 1)[0]
        if not first.endswith((b" HTTP/1.1", b" HTTP/1.0")):
            raise ParsingError("The request line has to end in HTTP/1.1.")
        if method_and_target.partition(b" ")[2][:1] not in (b"/", b"*"):
            raise ParsingError("The request's target has to be a path.")
        seen: set[bytes] = set()
        for line in rest.split(b"\r\n"):
            if not line:
                continue
            if line[:1] in (b" ", b"\t"):
                raise ParsingError("A folded header line is not accepted.")
            name, _, value = line.partition(b":")
            name = name.lower()
            if b"_" in name or b"\0" in line:
                raise ParsingError("A header's name or value has a character that is not accepted.")
            if name == b"transfer-encoding":
                raise TransferEncodingNotImplemented("Send the body with a Content-Length, not in chunks.")
            if name in _ONCE and name in seen:
                raise ParsingError("A header stands twice that may stand once.")
            if name == b"host" and not _HOST.fullmatch(value.strip(b" \t")):
                raise ParsingError("The Host header is not a host.")
            seen.add(name)
        if b"host" not in seen and first.endswith(b"1.1"):
            raise ParsingError("The Host header is missing.")


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """Waitress's own refusals as problems, without a word of what was sent."""

    def execute(self) -> None:
        refusal = self.request.error
        error: TainaError = MalformedError(str(refusal.body)) if refusal.code < 500 else TainaError()
        if refusal.code == 413:
            error = TooLargeError(f"A body has at most {BODY_MOST} bytes here.", field="body")
        error.status = refusal.code  # type: ignore[misc] # 431 and 501 have no type of their own
        body = problem(error)
        self.status = f"{refusal.code} {refusal.reason}"
        self.response_headers += [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Task(WSGITask):  # type: ignore[misc]
    def set_close_on_finish(self) -> None:
        """Waitress also asks for it where an answer has no body, such as that to each chunk of an upload."""
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or asked or self.version == "1.0":
            super().set_close_on_finish()


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    task_class = _Task
    error_task_class = _ErrorTask
    close_when_flushed: bool = False
    silent = True
    """Nothing has come yet."""
    lingering = False
    """The last answer is sent: what still comes in is read and dropped, for a moment, and then we close."""
    begun: float | None = None
    """When the request that is being received, or the answer that is being sent, began."""

    def received(self, data: bytes) -> bool:
        self.silent = False
        if self.begun is None:
            self.begun = time.monotonic()
        taken: bool = super().received(data)
        if self.request is None:
            self.begun = None
        return taken

    def writable(self) -> bool:
        if self.lingering and not self.will_close:
            return False
        if self.requests and not self.will_close and not self._left_to_us():
            return False
        return bool(super().writable())

    def _left_to_us(self) -> bool:
        """Whether a worker has left a part of its answer for the loop to send.

        While it makes the answer there is nothing to send, and while it sends it holds the lock: saying
        "writable" then makes the loop spin and fight the worker for the interpreter. It wakes us when it is done.
        """
        if not self.total_outbufs_len or not self.outbuf_lock.acquire(blocking=False):
            return False
        self.outbuf_lock.release()
        return True

    def handle_write(self) -> None:
        if not self.close_when_flushed:
            super().handle_write()
            return
        # Closing while something of the client's is still unread would cut our answer off (a TCP reset).
        self.close_when_flushed = False
        super().handle_write()
        if self.total_outbufs_len or self.will_close or not self.connected:
            self.close_when_flushed = True
        else:
            self.lingering = True
            self.begun = time.monotonic()
            self.socket.shutdown(socket.SHUT_WR)

    def readable(self) -> bool:
        return self.lingering or bool(super().readable())

    def handle_read(self) -> None:
        if self.lingering:
            self.recv(self.adj.recv_bytes)  # of no interest; at its end this closes
        else:
            super().handle_read()

    def unfinished(self, waited: float) -> bool:
        """Whether closing, so many seconds after we stopped accepting, would cut somebody off.

        Who has just connected is about to ask; who asked before and is still here may be gone long ago.
        """
        if self.silent or self.lingering:
            return waited < LINGER_SECONDS
        return bool(self.requests or self.request or self.total_outbufs_len)

    def overdue(self, now: float) -> bool:
        if self.lingering:
            return self.begun is None or now - self.begun > LINGER_SECONDS
        if self.requests:
            return False  # a worker has it; the deadline is for the other side
        if self.total_outbufs_len:
            self.begun = self.begun or now
            return now - self.begun > REQUEST_SECONDS
        if self.request is None:
            self.begun = None
            return False
        headers_done = self.request.headers_finished
        return self.begun is not None and now - self.begun > (REQUEST_SECONDS if headers_done else HEADER_SECONDS)


class _Server(TcpWSGIServer):  # type: ignore[misc]
    channel_class = _Channel
    next_channel_cleanup: float = 0

    def readable(self) -> bool:
        # Waitress goes by the wall clock: without this, one that is set back by a day stops the upkeep for a day.
        self.next_channel_cleanup = min(self.next_channel_cleanup, time.time() + self.adj.cleanup_interval)
        return bool(super().readable())

    def maintenance(self, now: float) -> None:
        for channel in self.active_channels.values():
            channel.last_activity = min(channel.last_activity, now)
        super().maintenance(now)
        monotonic = time.monotonic()
        for channel in list(self.active_channels.values()):
            if channel.overdue(monotonic):
                channel.will_close = True

    def stop_accepting(self) -> None:
        self.accepting = False
        self.del_channel()
        self.socket.close()


class Listener:
    """The HTTP server of one WSGI application."""

    def __init__(
        self,
        app: Callable[..., Any],
        host: str,
        port: int,
        threads: int = 32,
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        """Bind; port 0 takes a free one. Sockets that listen already are taken instead, where there are any.

        Raises:
            OSError: the address is in use or not ours.
        """
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        _allow_open_files(_CONNECTIONS + 100)
        settings = Adjustments(
            listen=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            threads=threads,
            ident=None,
            backlog=1024,
            connection_limit=_CONNECTIONS,
            asyncore_use_poll=True,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=1,
            max_request_header_size=16384,
            max_request_body_size=BODY_MOST,
            # A body or an answer that is larger would go to a temporary file, and nothing may stay on the disk.
            inbuf_overflow=BODY_MOST,
            outbuf_overflow=BODY_MOST,
            channel_request_lookahead=0,
            expose_tracebacks=False,
            # taina.web.peers alone decides whose X-Forwarded-For is read.
            clear_untrusted_proxy_headers=False,
        )
        # Whatever a worker writes goes out at once, instead of waiting for the loop to come round.
        settings.send_bytes = 1
        self._map: dict[int, Any] = {}
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(threads)
        shared = {"map": self._map, "dispatcher": self._dispatcher, "adj": settings}
        if sockets:
            self._servers = [
                _Server(app, _sock=it, bind_socket=False, sockinfo=(it.family, it.type), **shared) for it in sockets
            ]
        else:
            self._servers = [_Server(app, sockinfo=sockinfo, **shared) for sockinfo in settings.listen]
        self._stopping = False

    @property
    def port(self) -> int:
        return int(self._servers[0].effective_port)

    def run(self) -> None:
        """Serve until `stop`; then answer what is being received, for ten seconds at the most, and return."""
        while not self._stopping:
            wasyncore.poll2(1, self._map)
        for server in self._servers:
            server.stop_accepting()
        stopped = time.monotonic()
        wasyncore.poll2(0, self._map)  # what is here already counts as received
        while (waited := time.monotonic() - stopped) < _STOP_SECONDS and self._unfinished(waited):
            wasyncore.poll2(0.1, self._map)
        self._dispatcher.shutdown(cancel_pending=True, timeout=1)
        wasyncore.close_all(self._map)

    def stop(self) -> None:
        """May be called from a signal handler or another thread, and more than once."""
        if not self._stopping:
            self._stopping = True
            self._servers[0].pull_trigger()

    def stop_on_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def _unfinished(self, waited: float) -> bool:
        return any(
            channel.unfinished(waited) for server in self._servers for channel in server.active_channels.values()
        )


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def is_local(host: str) -> bool:
    """Whether browsers take http:// there for a secure context, without which they have no WebCrypto."""
    return host in ("localhost", "::1") or host.startswith("127.")
