"""What a secret leaves on the disk when it is over: nothing that could open it, in any byte of any file.

    python -m drills.residue --rounds 3000

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from drills.promises import command, promise
from support import connection
from support.connection import UNBOUND, Connection
from support.secrets import Made
from support.servers import serving

_SIZES = (1040, 1100, 2000, 5000, 9000, 70_000)
_PIECE = 32
"""Bytes of a wrapped body that are searched for: those at its end are random like a key."""
_ENDS = ("revealed", "acknowledged", "burned", "guessed")
_PATIENCE = 10


def run(rounds: int) -> Iterator[str]:
    """Secrets come and go in four ways; then all files are searched for their keys, read before from a copy."""
    ended: list[bytes] = []
    live: dict[bytes, Made] = {}
    remains = 0
    with serving(*UNBOUND) as server, tempfile.TemporaryDirectory() as folder:
        with Connection(server.port) as one:
            done = 0
            while done < rounds:
                for _ in range(min(200, rounds - done)):
                    made = Made(chunks=(os.urandom(random.choice(_SIZES)),))
                    promise(one.call(connection.create(made)).status == 201, "a secret was not kept")
                    live[made.id] = made
                _wait_for_checkpoint(server.data)
                kept = _kept(server.data, Path(folder))
                promise(set(kept) == set(live), "the database does not hold what was sent")
                found = _count([key for key, _ in kept.values()], server.data)
                promise(
                    found == len(kept), f"the control failed: {found} of {len(kept)} keys were found while they live"
                )
                # A few live on beside the others, so that pages fill and split as they do in use.
                over = random.sample(sorted(live), k=len(live) * 4 // 5)
                for n, secret_id in enumerate(over):
                    _end(one, live.pop(secret_id), _ENDS[n % len(_ENDS)])
                done += len(over)
                _wait_for_checkpoint(server.data)
                keys, bodies = zip(*(kept[secret_id] for secret_id in over), strict=True)
                ended += keys
                remains += _count(list(bodies), server.data)
        _wait_for_checkpoint(server.data)
        found = _count(ended, server.data)
        files = sorted(file.name for file in server.data.rglob("*") if file.is_file())
    promise(found == 0, f"{found} of {len(ended)} keys of ended secrets are still on the disk")
    yield f"{len(ended)} secrets ended ({', '.join(_ENDS)}): of none is the key in any byte of {', '.join(files)}"
    yield f"{remains} of their bodies left a piece behind, under keys that are gone; the control found every live key"


def _end(one: Connection, made: Made, how: str) -> None:
    if how == "burned":
        answers = [one.call(connection.burn(made))]
    elif how == "guessed":
        wrong = Made(id=made.id, link_proof=made.link_proof)
        answers = [one.call(connection.reveal(wrong)) for _ in range(10)]
        promise({answer.status for answer in answers} == {403}, "a wrong proof was not refused")
        return
    else:
        answers = [one.call(connection.reveal(made, claim=how == "acknowledged"))]
        if how == "acknowledged":
            answers.append(one.call(connection.acknowledge(made)))
    promise({answer.status for answer in answers} == {200}, f"a secret could not be {how}")


def _wait_for_checkpoint(data: Path) -> None:
    """The log is emptied within a second; what it held is then in the database alone."""
    log = data / "taina.db-wal"
    end = time.monotonic() + _PATIENCE
    while log.exists() and log.stat().st_size:
        promise(time.monotonic() < end, "the log was not emptied")
        time.sleep(0.05)


def _kept(data: Path, folder: Path) -> dict[bytes, tuple[bytes, bytes]]:
    """Of every secret the key that opens it at rest, and a piece of its body, from a copy of the database."""
    copy = folder / "copy.db"
    copy.write_bytes((data / "taina.db").read_bytes())
    with closing(sqlite3.connect(copy)) as database:
        rows = database.execute(
            "SELECT id, key, wrapped FROM secrets JOIN slots USING (slot) JOIN chunks ON place = slot << 20"
        ).fetchall()
    return {secret_id: (key, wrapped[-_PIECE:]) for secret_id, key, wrapped in rows}


def _count(needles: list[bytes], data: Path) -> int:
    whole = b"".join(file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file())
    return sum(needle in whole for needle in needles)


main = command(run, 3000, "Secrets.")

if __name__ == "__main__":
    main()
