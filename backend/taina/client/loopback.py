"""A web server for the programs of this machine, on every system that Python knows."""

import socket
from collections.abc import Callable
from http import HTTPStatus

from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer, create_server
from waitress.task import ErrorTask, WSGITask

MAX_BODY = 4 << 20
"""Bytes. A larger body would go to a temporary file, and nothing may stay on the disk."""
TAKING = 30.0
"""Seconds in which a caller has to take an answer for which somebody waits; less than a lease."""
Refuse = Callable[[str, int, str], bytes]
"""Of a path, a status and a sentence: the JSON for what the server refuses by itself."""
Told = Callable[[bool], None]
"""Called once the answer was sent, or could not be: whether the caller was there to take it."""
_TOLD = "taina.told"


def when_told(environ: dict[str, object], then: Told) -> None:
    """Have `then` called after the answer to this call; at once where no server here sends it."""
    waiting = environ.get(_TOLD)
    if isinstance(waiting, list):
        waiting.append(then)
    else:
        then(True)


class Loopback:
    """The HTTP server of one WSGI application on a socket that is bound already, and closed after `run`."""

    def __init__(self, app: Callable[..., object], listening: socket.socket, refuse: Refuse) -> None:
        server = create_server(
            app,
            sockets=[listening],
            ident=None,
            max_request_body_size=MAX_BODY,
            inbuf_overflow=MAX_BODY,
            outbuf_overflow=MAX_BODY,
        )
        assert not isinstance(server, MultiSocketServer)  # noqa: S101 - of one address
        server.channel_class = _channel(refuse)
        self._server = server

    def run(self) -> None:
        """Serve until KeyboardInterrupt."""
        self._server.run()
        self._server.close()


def _channel(refuse: Refuse) -> type[HTTPChannel]:
    class Refusal(ErrorTask):  # type: ignore[misc]
        """Waitress's own refusals as JSON, without a word of what was sent."""

        def execute(self) -> None:
            status = HTTPStatus(self.request.error.code)
            detail = f"{status.phrase}. Nothing was kept."
            if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                detail = f"This is too large for the bridge, which takes {MAX_BODY >> 20} MiB. Use `taina send`."
            body = refuse(getattr(self.request, "path", ""), status, detail)
            self.status = f"{status.value} {status.phrase}"
            self.response_headers.append(("Content-Type", "application/json; charset=utf-8"))
            self.set_close_on_finish()
            self.content_length = len(body)
            self.write(body)

    class Task(WSGITask):  # type: ignore[misc]
        """One call. A system takes an answer for a caller that has gone, so it is asked before and after."""

        def service(self) -> None:
            self.was_there = False
            waiting: list[Told] = self.get_environment().setdefault(_TOLD, [])
            taken = False
            try:
                super().service()
                taken = bool(waiting) and self.was_there and self.status.startswith("200") and self.channel.is_taken()
            finally:
                for then in waiting:
                    then(taken)

        def write(self, data: bytes) -> None:
            if not self.wrote_header:
                self.was_there = self.channel.is_there()
            super().write(data)

    class Channel(HTTPChannel):  # type: ignore[misc]
        task_class = Task
        error_task_class = Refusal

        def is_there(self) -> bool:
            """Whether the caller has not hung up, as far as is known."""
            try:
                return bool(self.socket.recv(1, socket.MSG_PEEK))
            except BlockingIOError:
                return True
            except OSError:
                return False

        def is_taken(self) -> bool:
            """Whether all was sent to somebody who was there. One who hangs up with something unread resets it."""
            with self.outbuf_lock:
                sent = self.outbuf_lock.wait_for(lambda: not (self.connected and self.total_outbufs_len), TAKING)
            try:
                return sent and self.connected and not self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            except OSError:
                return False

        def send_continue(self) -> None:
            """Waitress then waits for a body, even where none is to come."""
            whole = self.request.completed
            super().send_continue()
            self.request.completed = whole

    return Channel
