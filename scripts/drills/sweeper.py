"""Sweeps that fail in every way: the others go on, and an instance that no longer deletes says so.

    python -m drills.sweeper --rounds 1000

Run it in scripts/, or with that folder in PYTHONPATH. The control is the loop of the first build, which let nothing but
our own errors pass, and ended for good at the first other one.
"""

import logging
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from drills.promises import command, promise
from taina.errors import TainaError, UnavailableError
from taina.server.sweeper import Sweep, Sweeper

_FAULTS: tuple[Callable[[], Exception], ...] = (
    lambda: OSError(28, "No space left on device"),
    lambda: IsADirectoryError(21, "Is a directory"),
    lambda: sqlite3.OperationalError("database is locked"),
    lambda: ValueError("a value of somebody's secret"),
    lambda: KeyError("x"),
    UnavailableError,
)


def run(rounds: int) -> Iterator[str]:
    """Let sweeps fail at random: whatever does not fail is done in every round."""
    now = 1000.0
    done: list[int] = []

    def failing(limit: int) -> int:
        raise random.choice(_FAULTS)()

    def healthy(limit: int) -> int:
        done.append(1)
        return 0

    sweeper = Sweeper(failing, healthy, failing, clock=lambda: now)
    with _silence():
        for _ in range(rounds):
            sweeper.turn()
            now += 1
    promise(len(done) == rounds, f"of {rounds} rounds a healthy sweep was done in {len(done)}")
    promise(
        sweeper.age() == rounds, f"two sweeps failed for {rounds} s, and the age that is told is {sweeper.age():g} s"
    )
    yield f"{rounds} rounds with two failing sweeps: the third was done in each, and the age says that two were not"
    ended = _first_build([failing, healthy], rounds)
    promise(ended < rounds, "the control survived every fault, so this drill shows nothing")
    yield f"the control ended for good in round {ended + 1}"


@contextmanager
def _silence() -> Iterator[None]:
    """The faults are made on purpose: no log of them, but of whatever comes later."""
    log = logging.getLogger("taina")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _first_build(sweeps: list[Sweep], rounds: int) -> int:
    """How many rounds the old loop survives."""
    for n in range(rounds):
        try:
            for sweep in sweeps:
                with suppress(TainaError):
                    sweep(200)
        except Exception:
            return n
    return rounds


main = command(run, 1000, "Rounds of the sweeper.")

if __name__ == "__main__":
    main()
