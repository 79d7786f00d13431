"""The disk fills up: new secrets are refused by 507, nothing is lost, and with room again all goes on by itself.

    python -m drills.full_disk --rounds 10

Run it in scripts/, or with that folder in PYTHONPATH. The disk is a small tmpfs in a mount namespace of the server's
own, which needs root or unprivileged user namespaces (Linux, unshare).
"""

import os
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drills.promises import command, promise
from support import connection
from support.connection import UNBOUND, Answer, Connection
from support.secrets import Made
from support.servers import Server, start_server
from taina import base64url

_DISK = 48 << 20
_SIZES = (1040, 40_000, 200_000, 1_000_000)
_RECOVERY_SECONDS = 10


def run(rounds: int) -> Iterator[str]:
    """Fills a disk by secrets, and by somebody else's file, too; revealing needs no room that secrets could take."""
    codes: Counter[int] = Counter()
    revealed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = _start_on_small_disk(folder)
        # The folder as the server sees it: its mount is not in our own namespace.
        inside = Path(f"/proc/{server.process.pid}/root") / folder.relative_to("/")
        filler = inside / "filler"
        try:
            with Connection(server.port) as one:
                for n in range(rounds):
                    secrets = _create_until_refused(one, codes)
                    if n % 2:
                        # Somebody else took what was left: whatever cannot be written down is left as it was.
                        _fill(filler)
                        secrets, seen = _reveal_what_can_be(one, secrets, codes)
                        revealed += seen
                        filler.unlink()
                        _recovers(one, secrets)
                    for made in secrets:
                        _is_right(one.call(connection.reveal(made, claim=False)), made)
                    revealed += len(secrets)
            with sqlite3.connect(_copy(inside, folder, server.process.pid)) as database:
                (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
            database.close()
            promise(integrity == "ok", f"the database is damaged: {integrity}")
        finally:
            server.process.terminate()
            output, _ = server.process.communicate(timeout=30)
        promise(server.process.returncode == 0, f"the server ended with {server.process.returncode}: {output}")
    told = ", ".join(f"{count} times {code}" for code, count in sorted(codes.items()))
    yield f"{rounds} times full: {told}; {revealed} secrets were kept, and all of them came out whole; no restart"


def _start_on_small_disk(folder: Path) -> Server:
    mount = f'mount -t tmpfs -o size={_DISK} tmpfs "$0" && exec "$@"'
    return start_server(
        folder / "data", *UNBOUND, wrapper=["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(folder)]
    )


def _fill(file: Path) -> None:
    """Let a file take all room of its disk."""
    with file.open("ab", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(1 << 12))


def _create_until_refused(one: Connection, codes: Counter[int]) -> list[Made]:
    kept: list[Made] = []
    for _ in range(10_000):
        made = Made(chunks=(random.randbytes(random.choice(_SIZES)),))
        answer = one.call(connection.create(made))
        codes[answer.status] += 1
        if answer.status != 201:
            _is_full(answer)
            return kept
        kept.append(made)
    promise(False, "the disk never filled up")
    return kept


def _reveal_what_can_be(one: Connection, secrets: list[Made], codes: Counter[int]) -> tuple[list[Made], int]:
    """The secrets that are left, and how many were revealed."""
    left = []
    for made in secrets:
        answer = one.call(connection.reveal(made, claim=False))
        codes[answer.status] += 1
        if answer.status == 200:
            _is_right(answer, made)
        else:
            _is_full(answer)
            left.append(made)
    return left, len(secrets) - len(left)


def _recovers(one: Connection, kept: list[Made]) -> None:
    end = time.monotonic() + _RECOVERY_SECONDS
    made = Made()
    while (answer := one.call(connection.create(made))).status == 507 and time.monotonic() < end:
        time.sleep(0.1)
    promise(answer.status == 201, f"with room again the server still answered {answer.status}")
    kept.append(made)


def _is_full(answer: Answer) -> None:
    promise(answer.status == 507, f"on a full disk the server answered {answer.status}: {answer.body.decode()}")
    promise(answer.json()["code"] == "storage_full", "507 came without its code")


def _is_right(answer: Answer, made: Made) -> None:
    promise(answer.status == 200, f"a secret that was kept is answered by {answer.status}: {answer.body.decode()}")
    promise(base64url.decode(answer.json()["content"]) == made.chunks[0], "a secret came out changed")


def _copy(inside: Path, folder: Path, pid: int) -> Path:
    """While the server stands still: a checkpoint between the two files would tear the copy."""
    os.kill(pid, signal.SIGSTOP)
    try:
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        for name in ("taina.db", "taina.db-wal"):
            with suppress(FileNotFoundError):
                (folder / name).write_bytes((inside / "data" / name).read_bytes())
    finally:
        os.kill(pid, signal.SIGCONT)  # one that stands still would not hear that it should end
    return folder / "taina.db"


main = command(run, 10, "Times that the disk fills up.")

if __name__ == "__main__":
    main()
