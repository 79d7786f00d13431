"""A bad network between a client and a server: it cuts connections in the middle, goes away, or is slow."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, Self

_BLOCK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, by a reset


class CuttingProxy:
    """A TCP proxy on a free port of 127.0.0.1, to be used in a `with` statement.

    With `after`, every `each`-th connection is reset once that many bytes of its requests, or of its answers, went
    through: choose a number that lies in the middle of one, and above what a client needs to get on at all.
    """

    def __init__(
        self,
        upstream_port: int,
        *,
        after: int | Callable[[], int | None] | None = None,
        cutting: Literal["requests", "answers"] = "answers",
        each: int = 1,
        rate: float | None = None,
        crawling: tuple[int, float] | None = None,
    ) -> None:
        """
        Args:
            upstream_port: the server's.
            after: in bytes of a connection, or what draws them for each.
            cutting: in which direction they are counted.
            each: which connections are cut.
            rate: in bytes a second of each direction of a connection.
            crawling: after how many bytes of all connections in one direction the rate falls, and to which.
        """
        self.cuts = 0
        """How many connections were reset in their middle."""
        self.passed = {"requests": 0, "answers": 0}
        """Bytes that went through."""
        self._upstream = ("127.0.0.1", upstream_port)
        self._after, self._cutting, self._each = after, cutting, each
        self._rate, self._crawling = rate, crawling
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._away = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.go_away()

    @property
    def rate(self) -> float | None:
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        with self._changed:
            self._rate, self._crawling = rate, None
            self._changed.notify_all()

    def go_away(self) -> None:
        """Reset every connection, and each new one, until `come_back`."""
        self._away = True
        self._reset_all()

    def come_back(self) -> None:
        self._away = False

    def heal(self) -> None:
        """Cut no more: neither new connections nor those that are open."""
        self._after = None
        self._reset_all()

    def _reset_all(self) -> None:
        with self._lock:
            _reset(*self._open)

    def _accept(self) -> None:
        n = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            n += 1
            after = self._after if n % self._each == 0 else None
            cut = after() if callable(after) else after
            threading.Thread(target=self._serve, args=(client, cut), daemon=True).start()

    def _serve(self, client: socket.socket, cut: int | None) -> None:
        try:
            server = socket.create_connection(self._upstream)
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self._lock:
            self._open |= {*pair}
            if self._away:
                _reset(*pair)
        requests, answers = (cut if self._cutting == kind else None for kind in ("requests", "answers"))
        other = threading.Thread(target=self._pump, args=(client, server, "requests", requests), daemon=True)
        other.start()
        self._pump(server, client, "answers", answers)
        other.join()
        with self._lock:
            self._open -= {*pair}
        for connection in pair:
            connection.close()

    def _pump(self, source: socket.socket, target: socket.socket, kind: str, left: int | None) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK if left is None else min(_BLOCK, left)):
                target.sendall(block)
                with self._lock:
                    self.passed[kind] += len(block)
                    passed = self.passed[kind]
                with self._changed:
                    if self._crawling and passed >= self._crawling[0]:
                        self.rate = self._crawling[1]
                    if self._rate:
                        self._changed.wait(len(block) / self._rate)
                if left is not None:
                    left -= len(block)
                    if left == 0:
                        with self._lock:
                            self.cuts += 1
                        _reset(source, target)
                        return
        for connection in (source, target):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def slow_network(upstream_port: int) -> CuttingProxy:
    """In front of a server: a transfer of many chunks is in its middle when a test sees the first, however late.

    Three of 1 MiB are on their way at once: of so many bytes, one has arrived whole. The rest crawls.
    """
    return CuttingProxy(upstream_port, rate=1 << 19, crawling=(7 << 19, 1 << 14))


def _reset(*connections: socket.socket) -> None:
    """Its threads end by it, and close it then: the number of what one closes may be another's when the other reads."""
    for connection in connections:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.shutdown(socket.SHUT_RDWR)
