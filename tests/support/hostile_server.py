"""A server that lies, over real sockets: it sends whatever bytes a test gives it."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Self

Answer = Callable[[str], Iterable[bytes]]
"""From the request line to the bytes of the answer, which are sent one piece at a time."""


class HostileServer:
    """On a free port of 127.0.0.1, one answer a connection; to be used in a `with` statement."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        """Request lines, in their order."""
        self.heads: list[str] = []
        """Whole heads, in lower case."""
        self.ended = threading.Event()
        """Set when the statement is left: what drips may wait on it instead of sleeping."""
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self._hear(self._tls.wrap_socket(connection, server_side=True) if self._tls else connection)

    def _hear(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = file.readline()
                if not line:
                    return
                head += line
            text = head.decode("latin-1")
            length = next(
                (int(one.partition(":")[2]) for one in text.lower().split("\r\n") if one.startswith("content-length:")),
                0,
            )
            file.read(length)
            self.heads.append(text.lower())
            self.asked.append(text.partition("\r\n")[0])
            for piece in self._answer(self.asked[-1]):
                connection.sendall(piece)


def whole(body: bytes, status: str = "200 OK", kind: str = "application/json", *more: str) -> list[bytes]:
    """A complete answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return ["\r\n".join([*lines, "", ""]).encode("latin-1"), body]


def says(document: Any, status: str = "200 OK") -> list[bytes]:
    """A complete answer in JSON."""
    return whole(json.dumps(document).encode(), status)


def problem(status: int, **members: Any) -> list[bytes]:
    """A complete answer as RFC 9457 has it."""
    return whole(json.dumps({"title": "x", "status": status, **members}).encode(), f"{status} X")
