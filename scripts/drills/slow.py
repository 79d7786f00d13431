"""Hundreds of clients that send a byte now and then, take no answers, or say nothing; the others must not feel it.

    python -m drills.slow --rounds 500

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drills.promises import command, percentile, promise
from support import connection
from support.connection import UNBOUND, Connection
from support.secrets import Made
from support.servers import Server, memory, serving

_OTHERS = 4
_CALLS = 1000
_CLOSED_WITHIN = 20
"""Seconds; the server gives a request's head ten."""
_ALL_CLOSED_WITHIN = 60
"""Seconds; the server gives a connection on which nothing moves thirty."""
_HEAD = b"PUT /api/v1/secrets/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_KINDS = {
    "a head by the byte": b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "a body by the byte": _HEAD + b"Content-Length: 100000\r\n\r\n",
    "no word at all": b"",
    "no answer taken": b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60,
}


def run(rounds: int) -> Iterator[str]:
    """Slow clients, `rounds` of each kind: all others are served, whoever drips a head is closed in time, and in
    the end nobody is left, not even who takes no answer.
    """
    with serving(*UNBOUND) as server:
        sockets = _sockets(server)
        quiet = _others(server)
        with _SlowClients(server.port, rounds) as slow:
            beset = _others(server)
            resident = memory(server.process.pid) >> 20
            end = time.monotonic() + _CLOSED_WITHIN
            while (left := slow.open("a head by the byte")) and time.monotonic() < end:
                time.sleep(0.2)
            promise(left == 0, f"{left} of {rounds} clients that dripped a head were still served")
            end = time.monotonic() + _ALL_CLOSED_WITHIN
            while (stayed := _sockets(server) - sockets) > 0 and time.monotonic() < end:
                time.sleep(0.2)
            promise(stayed <= 0, f"{stayed} connections stayed")
            count = slow.count
    yield f"{count} slow clients ({', '.join(_KINDS)}); every other call was answered; server at {resident} MiB"
    for share in (0.5, 0.99):
        before, during = percentile(quiet, share) * 1000, percentile(beset, share) * 1000
        yield f"p{share * 100:.0f} of the others: {before:.1f} ms without them, {during:.1f} ms with them"


def _sockets(server: Server) -> int:
    """How many the server has open: a client that takes nothing is not told that its connection is closed."""
    count = 0
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += link.readlink().name.startswith("socket:")
    return count


def _others(server: Server) -> list[float]:
    """Seconds that creating and revealing took by a few ordinary clients."""
    times: list[float] = []

    def client() -> None:
        with Connection(server.port) as one:
            for _ in range(_CALLS // _OTHERS):
                made = Made()
                for request, wanted in ((connection.create(made), 201), (connection.reveal(made, claim=False), 200)):
                    began = time.monotonic()
                    answer = one.call(request)
                    times.append(time.monotonic() - began)
                    promise(answer.status == wanted, f"an ordinary client was answered {answer.status}")

    threads = [threading.Thread(target=client) for _ in range(_OTHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promise(len(times) == 2 * (_CALLS // _OTHERS) * _OTHERS, "an ordinary client was not answered")
    return times


class _SlowClients(threading.Thread):
    def __init__(self, port: int, of_each_kind: int) -> None:
        super().__init__(daemon=True)
        self._end = threading.Event()
        self._sockets: dict[str, list[socket.socket]] = {kind: [] for kind in _KINDS}
        for kind, first in _KINDS.items():
            for _ in range(of_each_kind):
                one = socket.socket()
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.connect(("127.0.0.1", port))
                one.sendall(first)
                one.setblocking(False)
                self._sockets[kind].append(one)
        self.count = of_each_kind * len(_KINDS)

    def __enter__(self) -> "_SlowClients":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()
        for sockets in self._sockets.values():
            for one in sockets:
                one.close()

    def run(self) -> None:
        while not self._end.wait(1):
            for kind in ("a head by the byte", "a body by the byte"):
                for one in self._sockets[kind]:
                    with suppress(OSError):
                        one.send(b"x")

    def open(self, kind: str) -> int:
        return sum(not _closed(one) for one in self._sockets[kind])


def _closed(one: socket.socket) -> bool:
    try:
        while one.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


main = command(run, 500, "Slow clients of each kind.")

if __name__ == "__main__":
    main()
