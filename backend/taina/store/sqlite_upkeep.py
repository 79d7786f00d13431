"""What is done for the SQLite file between the commits: pending deletes, and emptying its write-ahead log."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from pathlib import Path

from taina.store.sqlite_slots import Slots

_CHECKPOINT_SECONDS = 0.5
_CHECKPOINT_BYTES = 16 << 20
_CHECK_WAL_EVERY = 8  # commits
_ZEROS = bytes(64 << 10)
_MOST_ROOM = 64  # times so many bytes of the log that are there before they are needed
_FRAME = 24  # bytes before each page in the log
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
        self._most_room = _MOST_ROOM
        now = clock()
        self._committed = self._cleared = now
        self._dirty_since: float | None = now  # a crash may have left a log behind
        self._changes = self._commits = 0
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
            self._empty_log(now)
        self._resting = self._dirty_since is None and not self._slots.pending
        if self._slots.pending:
            return _DELETE_SECONDS
        return None if self._resting else _CHECKPOINT_SECONDS

    def end(self) -> None:
        """Empty the log for the last time, and let go of it."""
        self._most_room = 0
        self._empty_log(self._clock())
        os.close(self._log)

    def _empty_log(self, now: float) -> None:
        self._dirty_since = None if self._checkpoint() else now
        self._changes = self._connection.total_changes

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

    def _checkpoint(self) -> bool:
        """Move the log into the file and empty it: it still holds keys that were overwritten since.

        Gives a part of the free pages back to the disk; False if there is more to do.
        """
        try:
            ((_, pages, _),) = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._make_room(pages * (self._page + _FRAME))
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if free <= _VACUUM_PAGES:
                return True
            # executescript: by execute() this pragma frees one page only.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        except sqlite3.Error as error:
            self._failed(error)
        return False

    def _make_room(self, size: int) -> None:
        """Give the empty log about so many bytes of zeros; to SQLite, one that begins with zeros is an empty one.

        With each commit by which it grows its new size has to be written too, which takes as long as the commit.
        """
        if self._size_of_log() == 0:
            with suppress(OSError):  # without room, it grows
                os.pwritev(self._log, [_ZEROS] * min(ceil(size / len(_ZEROS)), self._most_room), 0)


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
