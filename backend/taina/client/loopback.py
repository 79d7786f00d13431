"""A web server for the programs of this machine, on every system that Python knows."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from waitress.server import MultiSocketServer, create_server

_MAX_BODY = 4 << 20
"""Bytes. A larger body would go to a temporary file, and nothing may stay on the disk."""


class Loopback:
    """The HTTP server of one WSGI application on 127.0.0.1; port 0 takes a free one.

    Args:
        sockets: one that listens already, which is taken instead; or none.

    Raises:
        OSError: the address is in use.
    """

    def __init__(self, app: Callable[..., Any], port: int, sockets: Sequence[socket.socket] = ()) -> None:
        place: dict[str, Any] = {"sockets": sockets} if sockets else {"listen": f"127.0.0.1:{port}"}
        server = create_server(
            app,
            **place,
            ident=None,
            max_request_body_size=_MAX_BODY,
            inbuf_overflow=_MAX_BODY,
            outbuf_overflow=_MAX_BODY,
        )
        assert not isinstance(server, MultiSocketServer)  # noqa: S101 - of one address
        self._server = server
        self.port = 0 if sockets else int(server.effective_port)

    def run(self) -> None:
        """Serve until KeyboardInterrupt."""
        self._server.run()
        self._server.close()
