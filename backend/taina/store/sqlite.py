"""SQLite: one process, one connection, used by one thread at a time.

Requests queue their work; whatever has queued up is committed in one transaction, and each waits until its own part is
on the disk. Nothing else ever touches the file: SQLite before 3.51.3 can corrupt a write-ahead log that two
connections reset at once.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlite_utils

from taina.errors import StorageFullError, TainaError
from taina.store import Transaction
from taina.store.disk import is_full
from taina.store.group_commit import GroupCommit, Job, LeaderCommit, TurnCommit
from taina.store.ownership import keep_private
from taina.store.sqlite_migrations import migrations
from taina.store.sqlite_transaction import SqliteTransaction
from taina.store.sqlite_upkeep import Upkeep, UpkeepThread
from taina.store.turns import Turns
from taina.store.versions import refuse_newer

Result = TypeVar("Result")

_PRAGMAS = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA temp_store = MEMORY;
PRAGMA wal_autocheckpoint = 0;
PRAGMA mmap_size = 0;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
"""
_BATCH = 256
_RUINED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_log = logging.getLogger(__name__)


class _HalfDoneError(Exception):
    """A job failed after it had changed something."""


class SqliteStore:
    """A store in one file; see `taina.store.Store`."""

    def __init__(self, path: Path, on_ruin: Callable[[], None] | None = None, turns: Turns | None = None) -> None:
        """Open or create the database.

        Args:
            path: the file; its folder must exist.
            on_ruin: called when the disk failed to keep what was written. After that nothing about the file can
                be trusted, so the process should end and start afresh.
            turns: in which all is done, the upkeep too; None where threads use it.

        Raises:
            UnusableError: a newer version has set the file up.
            sqlite3.Error: the file is not a database, is open in another process, or cannot be written.
        """
        self._path = path
        self._on_ruin = on_ruin
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
        try:
            keep_private(path)
            # Before anything is read: a second process is refused, and the log's index is in memory, not in a file.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            database = sqlite_utils.Database(self._connection)
            refuse_newer(migrations, database, str(path))  # before anything is changed in it
            self._connection.executescript(_PRAGMAS)
            migrations.apply(database)
            self._transaction = SqliteTransaction(self._connection, path.parent)
            wal = path.with_name(path.name + "-wal")
            self._upkeep = Upkeep(self._connection, wal, self._transaction.slots, self._explain)
        except BaseException:
            self._connection.close()
            raise
        self._database = threading.Lock()
        """Held by whoever uses the connection."""
        self._thread: UpkeepThread | None = None
        self._group_commit: GroupCommit
        if turns is None:
            self._group_commit = LeaderCommit(self._commit, _BATCH)
            self._thread = UpkeepThread(self._keep_up)
            self._wake: Callable[[], None] = self._thread.wake
        else:
            self._group_commit = TurnCommit(self._commit, _BATCH, turns)
            self._wake = lambda: turns.schedule(self._keep_up)
            self._wake()

    def atomically(self, work: Callable[[Transaction], Result]) -> Result:
        result: Result = self._group_commit.call(work)
        return result

    @property
    def has_pending_deletes(self) -> bool:
        """Chunks of ended secrets are still to be deleted; nothing opens them."""
        return self._transaction.slots.pending

    def time(self) -> float:
        return time.time()

    def close(self) -> None:
        """Empty the write-ahead log and close the file; nothing may be asked of the store any more."""
        if self._thread:
            self._thread.stop()
        with self._database:
            self._upkeep.end()
            self._connection.close()

    def _keep_up(self) -> float | None:
        with self._database:
            return self._upkeep.step()

    def _commit(self, batch: list[Job]) -> None:
        with self._database:
            self._do(batch)
            if self._upkeep.note_commit():
                self._wake()

    def _do(self, batch: list[Job]) -> None:
        """Do a batch in one transaction; where that cannot be, each job in one of its own."""
        try:
            self._transaction.prepare(len(batch))
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._attempt(job)
            self._transaction.finish()
            self._connection.execute("COMMIT")
        except (sqlite3.Error, _HalfDoneError) as error:
            self._connection.rollback()
            self._transaction.rolled_back()
            if len(batch) > 1:
                for job in batch:
                    self._do([job])
            elif isinstance(error, sqlite3.Error):
                batch[0].failure = self._explain(error)
        else:
            self._transaction.committed()

    def _attempt(self, job: Job) -> None:
        """Run one job. One that fails before it writes fails alone; after a write the batch is redone job by job."""
        changes = self._connection.total_changes
        mark = self._transaction.mark()
        try:
            job.result, job.failure = job.work(self._transaction), None
        except sqlite3.Error:
            raise
        except Exception as failure:
            job.failure = failure
            self._transaction.back_to(mark)
            if self._connection.total_changes != changes:
                raise _HalfDoneError from failure

    def _explain(self, error: sqlite3.Error) -> TainaError:
        if is_full(self._path, error):
            return StorageFullError()
        _log.critical("the database failed: %s", getattr(error, "sqlite_errorname", type(error).__name__))
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _RUINED and self._on_ruin:
            self._on_ruin()
        return TainaError()
