"""SQLite: one process, one connection, used by one thread at a time.

Requests queue their work; one of them commits whatever has queued up in one transaction, and each waits until its own
part is on the disk. Nothing else ever touches the file: SQLite before 3.51.3 can corrupt a write-ahead log that two
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
from taina.store.group_commit import GroupCommit, Job
from taina.store.sqlite_migrations import migrations
from taina.store.sqlite_transaction import SqliteTransaction
from taina.store.versions import refuse_newer

Result = TypeVar("Result")

# EXCLUSIVE comes first: a second process is refused, and the log's index stays in memory instead of a file.
_PRAGMAS = """
PRAGMA locking_mode = EXCLUSIVE;
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
_CHECKPOINT_SECONDS = 0.5
_CHECKPOINT_BYTES = 16 << 20
_CHECK_WAL_EVERY = 8  # commits
_DELETE_SECONDS = 0.005  # how long nothing has to be asked for before pending deletes are done
_MAX_DELETE_SECONDS = 0.05  # how long they wait under load
_VACUUM_PAGES = 512
_RUINED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_log = logging.getLogger(__name__)


class _HalfDoneError(Exception):
    """A job failed after it had changed something."""


class SqliteStore:
    """A store in one file; see `taina.store.Store`."""

    def __init__(self, path: Path, on_ruin: Callable[[], None] | None = None) -> None:
        """Open or create the database.

        Args:
            path: the file; its folder must exist.
            on_ruin: called when the disk failed to keep what was written. After that nothing about the file can
                be trusted, so the process should end and start afresh.

        Raises:
            UnusableError: a newer version has set the file up.
            sqlite3.Error: the file is not a database, is open in another process, or cannot be written.
        """
        self._wal = path.with_name(path.name + "-wal")
        self._on_ruin = on_ruin
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
        try:
            path.chmod(0o600)
            database = sqlite_utils.Database(self._connection)
            refuse_newer(migrations, database, str(path))  # before anything is changed in it
            self._connection.executescript(_PRAGMAS)
            migrations.apply(database)
            self._transaction = SqliteTransaction(self._connection, path.parent)
        except BaseException:
            self._connection.close()
            raise
        self._group_commit = GroupCommit(self._commit, _BATCH)
        self._database = threading.Lock()
        """Held by whoever uses the connection."""
        self._committed = time.monotonic()
        self._changes = self._commits = 0
        self._resting = False
        self._ending = False
        self._wake = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="taina-store", daemon=True)
        self._upkeep.start()

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
        self._ending = True
        self._wake.set()
        self._upkeep.join()

    def _keep_up(self) -> None:
        """Between the commits: do the pending deletes, and empty the log soon after it was written."""
        dirty_since: float | None = time.monotonic()  # a crash may have left a log behind
        cleared = time.monotonic()
        ending = False
        while not ending:
            pending = self._transaction.slots.pending
            self._wake.wait(_DELETE_SECONDS if pending else None if dirty_since is None else _CHECKPOINT_SECONDS)
            self._wake.clear()
            ending = self._ending
            with self._database:
                now = time.monotonic()
                idle = now - self._committed >= _DELETE_SECONDS
                if pending and not ending and (idle or now >= cleared + _MAX_DELETE_SECONDS):
                    self._delete_some()
                    cleared = now
                if dirty_since is None and self._connection.total_changes != self._changes:
                    dirty_since = now
                if dirty_since is not None and (ending or now - dirty_since >= _CHECKPOINT_SECONDS):
                    dirty_since = None if self._checkpoint() else now
                    self._changes = self._connection.total_changes
                self._resting = dirty_since is None and not self._transaction.slots.pending
        self._connection.close()

    def _commit(self, batch: list[Job]) -> None:
        with self._database:
            self._do(batch)
            self._committed = time.monotonic()
            if self._resting and self._connection.total_changes != self._changes:
                self._resting = False
                self._wake.set()
            self._commits += 1
            if self._commits % _CHECK_WAL_EVERY == 0 and self._log_is_long():
                self._checkpoint()

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

    def _delete_some(self) -> None:
        try:
            self._transaction.slots.delete_some()
        except sqlite3.Error as error:
            self._connection.rollback()
            self._explain(error)

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
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StorageFullError()
        _log.critical("the database failed: %s", getattr(error, "sqlite_errorname", type(error).__name__))
        if code in _RUINED and self._on_ruin:
            self._on_ruin()
        return TainaError()

    def _log_is_long(self) -> bool:
        try:
            return self._wal.stat().st_size >= _CHECKPOINT_BYTES
        except FileNotFoundError:
            return False

    def _checkpoint(self) -> bool:
        """Move the log into the file and cut it to nothing: it still holds keys that were overwritten since.

        Gives a part of the free pages back to the disk; False if there is more to do.
        """
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if free <= _VACUUM_PAGES:
                return True
            # executescript: by execute() this pragma frees one page only.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        except sqlite3.Error as error:
            self._explain(error)
        return False
