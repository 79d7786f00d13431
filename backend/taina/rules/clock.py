"""The time by which secrets expire: that of the store, watched for steps.

A clock that was set wrong must not destroy anything, and one that is set back must not bring a secret back:

- A step forward counts at once where something is refused, for that does no harm. Nothing is destroyed by it until the
  clock has gone on from there for half a minute; if it is set right before that, nothing has happened.
- Before a step back counts, all secrets are ended that had come to their end by the highest time that was trusted.
  Nothing else is done meanwhile: by the old time, an hour could become as long as the step.

That high-water mark is kept in the store, so that a step is also seen across a restart. Requests and access keys go by
the clock alone: one that had expired is valid again until it does so once more.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from taina.errors import UnavailableError
from taina.store import Store

STEP = 300
"""Seconds by which a clock may be put forward without more ado."""
CONFIRMED = 30
"""Seconds for which a clock has to go on from where it stepped to before anything is destroyed by it."""
NOTE_EVERY = 60
"""Seconds between two notes of the high-water mark in the store."""
BATCH = 200

Sweep = Callable[[int], int]
"""Does what is due for at most so many things; returns for how many."""
Settle = Callable[[int, int], int]
"""As `Sweep`, by a time (unix seconds) that is given."""

_log = logging.getLogger(__name__)


def steady() -> float:
    """Seconds since some moment, which nobody sets; the time that a machine sleeps is counted where it can be."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class WatchedClock:
    """Called, it tells the time in unix seconds. Thread-safe."""

    def __init__(self, store: Store, steady: Callable[[], float] = steady) -> None:
        self._store = store
        self._steady = steady
        self._settles: Sequence[Settle] = ()
        self._lock = threading.Lock()
        noted = store.atomically(lambda tx: tx.clock_mark())
        self._noted = 0
        self._mark = float(noted) if noted else store.time()
        """The highest time that was trusted."""
        self._trusted = self._mark, steady()
        """The last time that was trusted, and the steady clock's then."""
        self._stepped: tuple[float, float] | None = None
        """While a step waits to be confirmed: how far the clock is ahead, and the steady clock's time of the step."""
        self._going_back = False

    def settle_with(self, *settles: Settle) -> None:
        """Set what ends all that is due by a time, before the clock goes back from there."""
        self._settles = settles

    def __call__(self) -> float:
        """
        Raises:
            UnavailableError: the clock is just being set back.
            TainaError: the clock has gone back, and what had expired could not be ended now.
        """
        with self._lock:
            now = self._look()
            if now >= self._mark - 1:
                if self._stepped is None:
                    self._mark = now = max(now, self._mark)  # within a second it stands still rather than go back
                return now
            if self._going_back:
                raise UnavailableError("The clock of this instance is being set back. Send the same request again.")
            self._going_back = True
        try:  # without the lock: whoever waits for the store must not keep others from asking for the time
            self._go_back(now)
        finally:
            self._going_back = False
        return now

    def paused(self) -> bool:
        """Whether nothing may be destroyed for its time, as a step forward is not confirmed."""
        self()
        return self._stepped is not None

    def unless_paused(self, sweep: Sweep) -> Sweep:
        """The sweep, which does nothing while the clock is not trusted."""
        return lambda limit: 0 if self.paused() else sweep(limit)

    def note(self, _: int) -> int:
        """As a sweep: keep the high-water mark in the store, once a minute. There is never more to do."""
        self()
        mark = int(self._mark)
        if mark - self._noted >= NOTE_EVERY:
            self._note(mark)
        return 0

    def _look(self) -> float:
        """The time, and whether it can be trusted."""
        now, steady = self._store.time(), self._steady()
        trusted, then = self._trusted
        ahead = now - trusted - (steady - then)
        if ahead > STEP:
            if self._stepped is None or abs(ahead - self._stepped[0]) > STEP:
                self._stepped = ahead, steady
                _log.warning("the clock was put forward by %d s; nothing is destroyed by it until it goes on so", ahead)
            if steady - self._stepped[1] < CONFIRMED:
                return now
        self._stepped = None
        self._trusted = now, steady
        return now

    def _go_back(self, now: float) -> None:
        mark = int(self._mark)
        for settle in self._settles:
            while settle(BATCH, mark) == BATCH:
                pass
        self._note(int(now))
        self._mark = now

    def _note(self, mark: int) -> None:
        self._store.atomically(lambda tx: tx.set_clock_mark(mark))
        self._noted = mark
