"""One connection: deadlines for either side, and an end that cuts no answer off."""

import logging
import socket
import sys
import time
from typing import Any, ClassVar

from waitress.channel import HTTPChannel

from taina.errors import describe
from taina.rules.types import LONGEST_ANSWER
from taina.server.listener.answering import RefusalTask, Task
from taina.server.listener.parsing import Parser

REQUEST_SECONDS = LONGEST_ANSWER
"""A request has to be here, and an answer taken, within this time, however it trickles."""
HEADER_SECONDS = 10
BODY_SECONDS = 15
"""A body that takes longer has to come at the least rate."""
MIN_RATE = 4096
"""Bytes a second."""
LINGER_SECONDS = 2
BODY_AT_ONCE = 256 << 10
"""Bytes of a body that are read at once. Of heads less is read, so that few that are sent together are in memory."""
LOG_EVERY = 60.0
"""Seconds between two lines about faults of connections: whoever provokes them cannot fill the log."""

_log = logging.getLogger(__name__)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection; Waitress's, with deadlines. The loop calls it, and the threads that work requests off, if any."""

    parser_class = Parser
    task_class = Task
    error_task_class = RefusalTask
    close_when_flushed: bool = False
    silent = True
    """Nothing has come yet."""
    lingering = False
    """The last answer is sent: what still comes in is read and dropped, for a moment, and then we close."""
    since: float
    """When the connection came, or its last request was here."""
    begun: float | None = None
    """When the request that is being received, or the answer that is being sent, began."""
    client: bytes | None = None
    """Whose connection it is, as far as the server has to know it."""
    held_back = False
    """The next of its requests waits until the answer to the one before has been taken."""
    environment: dict[str, Any] | None = None
    """What the environments of its requests have in common, once there was one."""
    held = 0
    """Bytes of bodies of this connection that are in memory, as the server has counted them."""
    logged: ClassVar[float] = float("-inf")
    """When the last fault was written down."""

    def __init__(self, server: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(server, *args, **kwargs)
        self.since = time.monotonic()
        try:
            server.admit(self)
        except Exception:  # it is watched by now, and would go on uncounted
            self.handle_error()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # Waitress logs it, and the address of a client is nobody's affair

    __str__ = __repr__

    def handle_error(self) -> None:
        """Waitress would log the address and what the error says; type and place are enough."""
        error = sys.exception()
        now = time.monotonic()
        if error is not None and now - Channel.logged > LOG_EVERY:
            Channel.logged = now
            _log.error("a connection failed: %s", describe(error))
        self.handle_close()

    def handle_close(self) -> None:
        self.server.release(self)
        super().handle_close()

    def handle_expt(self) -> None:
        """An urgent byte (TCP), of which HTTP has none: it stays ready, and the loop would go round without end."""
        self.handle_close()

    def received(self, data: bytes) -> None:
        self.silent = False
        if self.begun is None:
            self.begun = time.monotonic()
        super().received(data)
        if self.request is None:
            self.begun = None
            self.since = time.monotonic()
        self.server.count(self)

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
            self._go_on()
            return
        # Closing while something of the client's is still unread would cut our answer off (a TCP reset).
        self.close_when_flushed = False
        super().handle_write()
        if self.total_outbufs_len or not self.connected:
            self.close_when_flushed = True
        else:
            self.lingering = True
            self.begun = time.monotonic()
            self.socket.shutdown(socket.SHUT_WR)

    def take_turn(self) -> None:
        """As `service`, where nobody else would see to what it does not catch."""
        try:
            self.service()
        except Exception:
            self.handle_error()
        self.server.look_at(self)

    def write_soon(self, data: bytes) -> int:
        """Send at once what can be; the loop sends the rest."""
        if not self.server.takes_turns or self.total_outbufs_len or not self.connected:
            return int(super().write_soon(data))
        sent: int = self.send(data, do_close=False)
        self.last_activity = time.time()
        return sent if sent == len(data) else sent + int(super().write_soon(data[sent:]))

    def _go_on(self) -> None:
        """Begin the next request, where that waited for an answer which has been taken by now."""
        with self.requests_lock:  # a worker that is about to hold it back has the lock
            if self.held_back and self.connected and not self.total_outbufs_len:
                self.begun = None
                self.server.add_task(self)

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Waitress waits here, for as long as a client takes nothing. Ours makes no answer before the last is taken."""

    def readable(self) -> bool:
        if self.held and not self.requests and self.request is None:
            self.server.count(self)
        return bool(super().readable())

    @property
    def in_memory(self) -> int:
        """Bytes of bodies that came and were not worked off yet."""
        unfinished: int = self.request.body_bytes_received if self.request else 0
        queued: int = sum(request.body_bytes_received for request in self.requests)
        return unfinished + queued

    @property
    def waits_for_client(self) -> bool:
        """Whether nothing is being done for it: the other side has to send, or to take."""
        return not self.requests or self.held_back

    def handle_read(self) -> None:
        if self.lingering:
            self.recv(self.adj.recv_bytes)  # of no interest; at its end this closes
            return
        missing: int = self.request.body_missing if self.request else 0
        try:
            data = self.recv(max(min(missing, BODY_AT_ONCE), self.adj.recv_bytes))
        except BlockingIOError:  # what was ready was another connection of the same number
            return
        if data:
            self.last_activity = time.time()
            self.received(data)

    def unfinished(self, waited: float) -> bool:
        """Whether closing, so many seconds after we stopped accepting, would cut somebody off.

        Who has just connected is about to ask; who asked before and is still here may be gone long ago.
        """
        if self.silent or self.lingering:
            return waited < LINGER_SECONDS
        return bool(self.requests or self.request or self.total_outbufs_len)

    def overdue(self, now: float) -> bool:
        """Whether the other side has had its time: to send a request, take an answer, or close. `now` is monotonic."""
        if self.lingering:
            return self.begun is None or now - self.begun > LINGER_SECONDS
        if self.requests and not self.held_back:
            return False  # a worker has it; the deadline is for the other side
        if self.total_outbufs_len:
            self.begun = self.begun or now
            return now - self.begun > REQUEST_SECONDS
        if self.request is None:
            self.begun = None
            return False
        if self.begun is None:
            return False
        waited = now - self.begun
        if not self.request.headers_finished:
            return waited > HEADER_SECONDS
        too_slow = waited > BODY_SECONDS + self.request.body_bytes_received / MIN_RATE
        return too_slow or waited > REQUEST_SECONDS
