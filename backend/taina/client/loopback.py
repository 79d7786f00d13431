"""A web server for the programs of this machine, on every system that Python knows."""

import socket
from collections.abc import Callable
from http import HTTPStatus

from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer, create_server
from waitress.task import ErrorTask

MAX_BODY = 4 << 20
"""Bytes. A larger body would go to a temporary file, and nothing may stay on the disk."""
Refuse = Callable[[str, int, str], bytes]
"""Of a path, a status and a sentence: the JSON for what the server refuses by itself."""


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

    class Channel(HTTPChannel):  # type: ignore[misc]
        error_task_class = Refusal

        def send_continue(self) -> None:
            """Waitress then waits for a body, even where none is to come."""
            whole = self.request.completed
            super().send_continue()
            self.request.completed = whole

    return Channel
