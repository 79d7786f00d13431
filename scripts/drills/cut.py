"""Answers are cut on the wire: every reader who tries again gets the secret, and nobody else does.

    python -m drills.cut --rounds 2000

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from drills.promises import command, promise
from support import connection
from support.connection import UNBOUND, Answer, Connection
from support.cutting_proxy import CuttingProxy
from support.secrets import Made
from support.servers import serving
from taina import base64url

_SHARE = 0.4
"""Of the connections; some of them end before their cut, so that about three answers of ten are lost."""
_MAX_LENGTH = 2048
"""Bytes: beyond the whole answer that brings a secret of 1 KiB."""
_AT_ONCE = 8


def run(rounds: int) -> Iterator[str]:
    """A proxy cuts three of ten answers at any of their bytes; sender and reader try again, and a second reader."""
    tries = _Tries()
    with (
        serving(*UNBOUND) as server,
        CuttingProxy(server.port, after=_somewhere) as proxy,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        for _ in pool.map(lambda _: _live(proxy.port, tries), range(rounds)):
            pass
        cuts = proxy.cuts
    yield f"{rounds} secrets through a proxy that cut {cuts} of {tries.count} answers, anywhere from first to last byte"
    yield "every reader got the secret by trying again; no second reader did"


def _somewhere() -> int | None:
    """Short distances are as likely as long ones: there is a head in every answer, but a secret in few."""
    return int(_MAX_LENGTH ** random.random()) if random.random() < _SHARE else None


class _Tries:
    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def until_answered(self, port: int, request: bytes) -> Answer:
        while True:
            with self._lock:
                self.count += 1
            try:
                with Connection(port) as one:
                    return one.call(request)
            except OSError:
                continue


def _live(port: int, tries: _Tries) -> None:
    made = Made()
    promise(tries.until_answered(port, connection.create(made)).status in (200, 201), "a secret was not kept")
    answer = tries.until_answered(port, connection.reveal(made))
    promise(answer.status == 200, f"the reader who tried again was answered {answer.status}")
    promise(base64url.decode(answer.json()["content"]) == made.chunks[0], "the reader got other bytes")
    other = tries.until_answered(port, connection.reveal(made.another_reader()))
    promise(other.status == 410, f"a second reader was answered {other.status}")
    promise(tries.until_answered(port, connection.acknowledge(made)).status == 200, "the reader could not acknowledge")
    late = tries.until_answered(port, connection.reveal(made))
    promise(late.status == 410, f"after the acknowledgement the reader was answered {late.status}")


main = command(run, 2000, "Secrets.")

if __name__ == "__main__":
    main()
