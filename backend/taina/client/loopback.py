"""A web server for the programs of this machine, on every system that Python knows."""

import socket
from collections.abc import Callable

from waitress.server import MultiSocketServer, create_server

_MAX_BODY = 4 << 20
"""Bytes. A larger body would go to a temporary file, and nothing may stay on the disk."""


class Loopback:
    """The HTTP server of one WSGI application on a socket that is bound already, and closed after `run`."""

    def __init__(self, app: Callable[..., object], listening: socket.socket) -> None:
        server = create_server(
            app,
            sockets=[listening],
            ident=None,
            max_request_body_size=_MAX_BODY,
            inbuf_overflow=_MAX_BODY,
            outbuf_overflow=_MAX_BODY,
        )
        assert not isinstance(server, MultiSocketServer)  # noqa: S101 - of one address
        self._server = server

    def run(self) -> None:
        """Serve until KeyboardInterrupt."""
        self._server.run()
        self._server.close()
