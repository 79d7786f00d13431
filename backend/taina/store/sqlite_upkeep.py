"""What is done for the SQLite file between the commits: pending deletes, and emptying its write-ahead log."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from taina.store.sqlite_slots import Slots

_CHECKPOINT_SECONDS = 0.375
_CHECKPOINT_BYTES = 16 << 20
_CHECK_WAL_EVERY = 8  # commits
_LOG_HEAD, _FRAME_HEAD = 32, 24  # bytes at the beginning of the log, and before each page in it
_DELETE_SECONDS = 0.005  # how long nothing has to be asked for before pending deletes are done
_MAX_DELETE_SECONDS = 0.05  # how long they wait under load
_VACUUM_PAGES = 512


class Upkeep:
    """A little at a time. Only who has the connection calls it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        wal: Path,
        slots: Slots,
        failed: Callable[[sqlite3.Error], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            wal: the file of the log.
            failed: is told of errors.
            clock: seconds since whenever, that never go back.
        """
        self._connection = connection
        # Once, for to open a file may block a turn. SQLite has no locks on it, which would end where we close it.
        self._log = os.open(wal, os.O_RDWR | os.O_CREAT, 0o600)
        self._slots = slots
        self._failed = failed
        self._clock = clock
        (self._page,) = connection.execute("PRAGMA page_size").fetchone()
        now = clock()
        self._committed = self._cleared = now
        self._dirty_since: float | None = now  # a crash may have left a log behind
        self._changes = connection.total_changes
        self._commits = 0
        self._resting = False

    def note_commit(self) -> bool:
        """After each commit; whether `step` has something to do again, which it had not."""
        self._committed = self._clock()
        self._commits += 1
        if self._commits % _CHECK_WAL_EVERY == 0 and self._log_is_long():
            self._checkpoint()
        if not self._resting or self._connection.total_changes == self._changes:
            return False
        self._resting = False
        return True

    def step(self) -> float | None:
        """Do what is due; seconds after which it should be called again, or None where all is done."""
        now = self._clock()
        idle = now - self._committed >= _DELETE_SECONDS
        if self._slots.pending and (idle or now >= self._cleared + _MAX_DELETE_SECONDS):
            self._delete_some()
            self._cleared = now
        if self._dirty_since is None and self._connection.total_changes != self._changes:
            self._dirty_since = now
        if self._dirty_since is not None and now - self._dirty_since >= _CHECKPOINT_SECONDS:
            self._clear_log(now)
        self._resting = self._dirty_since is None and not self._slots.pending
        if self._slots.pending:
            return _DELETE_SECONDS
        return None if self._resting else _CHECKPOINT_SECONDS

    def end(self) -> None:
        """Empty the log for the last time, and let go of it."""
        self._checkpoint()
        os.close(self._log)

    def _clear_log(self, now: float) -> None:
        """What the log holds is gone from the disk at the second call: the commits between the two are written over it,
        or it is emptied, if there are none.

        A commit by which the log grows has to have its size written, too, which takes as long as the commit itself.
        """
        changes = self._connection.total_changes
        goes_on = changes != self._changes
        self._changes = changes
        done = self._checkpoint(goes_on=goes_on)
        self._dirty_since = None if done and not goes_on else now

    def _delete_some(self) -> None:
        try:
            self._slots.delete_some()
        except sqlite3.Error as error:
            self._connection.rollback()
            self._failed(error)

    def _log_is_long(self) -> bool:
        return self._size_of_log() >= _CHECKPOINT_BYTES

    def _size_of_log(self) -> int:
        return os.fstat(self._log).st_size

    def _checkpoint(self, *, goes_on: bool = False) -> bool:
        """Move the log into the file. It holds keys that were overwritten since: so cut it to nothing, or where it goes
        on, behind what was written since the last time.

        Gives a part of the free pages back to the disk; False if there is more to do.
        """
        try:
            if goes_on:
                ((_, pages, _),) = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                self._cut_log(_LOG_HEAD + pages * (_FRAME_HEAD + self._page))
            else:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if free <= _VACUUM_PAGES:
                return True
            # executescript: by execute() this pragma frees one page only.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        except sqlite3.Error as error:
            self._failed(error)
        return False

    def _cut_log(self, size: int) -> None:
        """Behind its last page: SQLite begins anew at its start with the next commit, when all pages are moved."""
        with suppress(OSError):
            if size < self._size_of_log():
                os.ftruncate(self._log, size)


class UpkeepThread:
    """Calls `Upkeep.step` beside the threads that use the store."""

    def __init__(self, step: Callable[[], float | None]) -> None:
        """`step` takes the connection for itself while it lasts."""
        self._step = step
        self._wake = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="taina-store", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have it call `step` now, and go by what that says."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread; a `step` under way is waited for."""
        self._ending = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(self._step())
            self._wake.clear()
