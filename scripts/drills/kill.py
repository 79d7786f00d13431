"""The server is killed again and again under load; what it had acknowledged has to hold.

    python -m drills.kill --rounds 200

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drills.promises import command, percentile, promise
from support import connection
from support.connection import UNBOUND, Answer, Connection
from support.secrets import Made
from support.servers import Server, free_port, kill_server, start_server, stop_server
from taina import base64url

_WORKERS = 16
_LIVE_SECONDS = (0.05, 0.6)
"""How long a server lives after its start."""


def run(rounds: int) -> Iterator[str]:
    """`kill -9` of the server in a loop, while clients send secrets that two readers each then ask for."""
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        server = start_server(data, *UNBOUND, port=free_port())
        clients = [_Client(server.port) for _ in range(_WORKERS)]
        for client in clients:
            client.start()
        try:
            for _ in range(rounds):
                time.sleep(random.uniform(*_LIVE_SECONDS))
                server.process.kill()
                server.process.communicate()
                server, seconds = _again(data, server.port)
                starts.append(seconds)
            for client in clients:
                client.end.set()
            for client in clients:
                client.join()
            stop_server(server)
        finally:
            kill_server(server)
            for client in clients:
                client.gone.set()
        for client in clients:
            promise(client.broken is None, str(client.broken))
        with sqlite3.connect(data / "taina.db") as database:
            (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
        database.close()
        promise(integrity == "ok", f"the database is damaged: {integrity}")
    kept, retried = sum(client.kept for client in clients), sum(client.retried for client in clients)
    yield f"{rounds} kills; {kept} secrets were acknowledged, and each reached one of its two readers"
    yield f"{retried} calls had to be made again because their answer was lost; the database is whole"
    yield f"from start to answering: median {percentile(starts, 0.5):.2f} s, longest {max(starts):.2f} s"


def _again(data: Path, port: int) -> tuple[Server, float]:
    began = time.monotonic()
    server = start_server(data, *UNBOUND, port=port)
    return server, time.monotonic() - began


class _UnansweredError(Exception):
    """The server is gone for good."""


class _Client(threading.Thread):
    """Sends a secret until that is acknowledged, then is both of its readers until both know how it ended."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.end = threading.Event()
        self.gone = threading.Event()
        """The server, for good."""
        self.kept = self.retried = 0
        self.broken: str | None = None

    def run(self) -> None:
        with suppress(_UnansweredError):
            while not self.end.is_set() and self.broken is None:
                self._send_and_read()

    def _send_and_read(self) -> None:
        made = Made()
        (created,) = self._until_answered([connection.create(made)])
        if created.status not in (200, 201):
            self.broken = f"creating was answered {created.status}"
            return
        self.kept += 1
        readers = [made, made.another_reader()]
        answers = self._until_answered([connection.reveal(reader) for reader in readers])
        self.broken = self._judge(made, answers)
        winner = readers[[answer.status for answer in answers].index(200)] if self.broken is None else made
        if self.kept % 2:
            self._until_answered([connection.acknowledge(winner)])

    def _judge(self, made: Made, answers: list[Answer]) -> str | None:
        codes = sorted(answer.status for answer in answers)
        if codes != [200, 410]:
            return f"the two readers of a secret that was acknowledged were answered {codes}"
        (winner,) = (answer for answer in answers if answer.status == 200)
        return None if base64url.decode(winner.json()["content"]) == made.chunks[0] else "a reader got other bytes"

    def _until_answered(self, requests: list[bytes]) -> list[Answer]:
        """All at once, each on a connection of its own, and again those whose answer was lost."""
        answers: dict[int, Answer] = {}
        while len(answers) < len(requests):
            if self.gone.is_set():
                raise _UnansweredError
            sent: dict[int, Connection] = {}
            for n, request in enumerate(requests):
                if n not in answers:
                    with suppress(OSError):
                        sent[n] = Connection(self._port)
                        sent[n].send(request)
            for n, one in sent.items():
                with suppress(OSError), one:
                    answers[n] = one.receive()
            if len(answers) < len(requests):
                self.retried += 1
                time.sleep(0.02)
        return [answers[n] for n in range(len(requests))]


main = command(run, 200, "Kills.")

if __name__ == "__main__":
    main()
