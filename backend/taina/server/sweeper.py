"""The sweeper: what is due is done every second, and a sweeper that does nothing any more is never a silent one."""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from taina.errors import TainaError, describe
from taina.store.turns import Turns

Sweep = Callable[[int], int]
"""Does what is due for at most so many things; returns for how many."""

SWEEP_SECONDS = 1.0
BATCH = 200
BATCHES_PER_TURN = 50
"""After so many full batches the other sweeps have their turn."""
PAUSE = 0.005
"""Seconds between two batches, so that requests hardly wait."""
WATCH_SECONDS = 60
STOP_SECONDS = 10
DEAD_SECONDS = 600
"""From this age on the process ends: a fresh start sweeps."""
LOG_EVERY = 60.0
"""Seconds between two lines about the same sweep: a fault that lasts is told, and does not fill the log."""
_SOFTWARE = 70  # EX_SOFTWARE of sysexits.h

_log = logging.getLogger(__name__)


class Sweeper:
    """Runs every sweep in turn, each guarded by itself, in a thread of its own or in the turns of another."""

    def __init__(
        self,
        *sweeps: Sweep,
        turns: Turns | None = None,
        watched: bool = True,
        clock: Callable[[], float] = time.monotonic,
        end_process: Callable[[int], NoReturn] = os._exit,
    ) -> None:
        """
        Args:
            turns: in which it sweeps, where there are any: a thread of its own would hand each sweep to them.
            watched: whether the process ends when nothing has moved for ten minutes.
        """
        self._sweeps = sweeps
        self._turns = turns
        self._watched = watched
        self._clock = clock
        self._end_process = end_process
        self._stopping = threading.Event()
        now = clock()
        self._succeeded = dict.fromkeys(range(len(sweeps)), now)
        self._logged = dict.fromkeys(range(len(sweeps)), now - LOG_EVERY)
        self._alive = now
        self._thread = threading.Thread(target=self._run, name="taina-sweeper", daemon=True)
        self._watch = threading.Thread(target=self._watch_over, name="taina-sweeper-watch", daemon=True)

    def age(self) -> float:
        """Seconds since every sweep has last done its work: the age of the one that has waited the longest."""
        return self._clock() - min(self._succeeded.values(), default=self._clock())

    def turn(self) -> None:
        """Let each sweep do what is due. One that fails does not keep the others from theirs."""
        for number, sweep in enumerate(self._sweeps):
            self._alive = self._clock()
            try:
                self._sweep(number, sweep)
            except TainaError:
                pass  # the database is away for a while: it is asked again a second later
            except Exception as error:
                self._tell(number, error)

    def check(self) -> None:
        """End the process where the thread has not moved for long: what it owes is done after a fresh start."""
        if self._clock() - self._alive > DEAD_SECONDS:
            _log.critical("the sweeper does not answer any more; this process ends so that a fresh one can sweep")
            self._end_process(_SOFTWARE)

    def __enter__(self) -> None:
        if self._turns:
            self._turns.begin(self._run)
        else:
            self._thread.start()
        if self._watched:
            self._watch.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if not self._turns:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stops_within(SWEEP_SECONDS):
            self.turn()

    def _stops_within(self, seconds: float) -> bool:
        if not self._turns:
            return self._stopping.wait(seconds)
        self._turns.sleep(seconds)
        return self._stopping.is_set()

    def _watch_over(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            self.check()

    def _sweep(self, number: int, sweep: Sweep) -> None:
        for _ in range(BATCHES_PER_TURN):
            done = sweep(BATCH)
            self._alive = self._succeeded[number] = self._clock()
            if done < BATCH or self._stops_within(PAUSE):
                return

    def _tell(self, number: int, error: Exception) -> None:
        now = self._clock()
        if now - self._logged[number] >= LOG_EVERY:
            self._logged[number] = now
            _log.error("a sweep failed and is tried again: %s", describe(error))
