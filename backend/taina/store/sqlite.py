"""SQLite: one process, one connection, one thread that writes.

Requests queue their work; the thread commits whatever has queued up in one transaction, and each request
waits until its own part is on the disk. Nothing else ever touches the file: SQLite before 3.51.3 can corrupt
a write-ahead log that two connections reset at once, and a single writer needs no locks.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils

from taina.errors import StorageFullError, TainaError
from taina.store import Transaction
from taina.store.sqlite_migrations import migrations
from taina.store.sqlite_transaction import SqliteTransaction

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
_LITTER_SECONDS = 0.005  # how long nothing has to be asked for before litter is cleared
_LITTER_MOST = 0.05  # how long it waits under load
_VACUUM_PAGES = 512
_RUINED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_log = logging.getLogger(__name__)


@dataclass
class _Job:
    work: Callable[[Transaction], Any]
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    failure: Exception | None = None

    def tell(self) -> None:
        if self.failure is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.failure)


class SqliteStore:
    """A store in one file; see `taina.store.Store`."""

    def __init__(self, path: Path, on_ruin: Callable[[], None] | None = None) -> None:
        """Open or create the database.

        Args:
            path: the file; its folder must exist.
            on_ruin: called when the disk failed to keep what was written. After that nothing about the file can
                be trusted, so the process should end and start afresh.

        Raises:
            sqlite3.Error: the file is no database, is open in another process, or cannot be written.
        """
        self._wal = path.with_name(path.name + "-wal")
        self._on_ruin = on_ruin
        # Only the thread below uses the connection; it is made here so that errors reach the caller.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
        try:
            path.chmod(0o600)
            self._connection.executescript(_PRAGMAS)
            migrations.apply(sqlite_utils.Database(self._connection))
            self._transaction = SqliteTransaction(self._connection, path.parent)
        except BaseException:
            self._connection.close()
            raise
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="taina-store", daemon=True)
        self._thread.start()

    def atomically(self, work: Callable[[Transaction], Result]) -> Result:
        job = _Job(work)
        self._jobs.put(job)
        result: Result = job.future.result()
        return result

    @property
    def littered(self) -> bool:
        """Chunks of ended secrets are still to be deleted; nothing opens them."""
        return self._transaction.littered

    def close(self) -> None:
        """Finish what is queued, empty the write-ahead log and close the file."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        dirty_since: float | None = time.monotonic()  # a crash may have left a log behind
        cleared = time.monotonic()
        closing = False
        while not closing:
            littered = self._transaction.littered
            patience = _LITTER_SECONDS if littered else None if dirty_since is None else _CHECKPOINT_SECONDS
            batch, closing = self._next(patience)
            changes = self._connection.total_changes
            if batch:
                self._commit(batch)
            if littered and not closing and (not batch or time.monotonic() >= cleared + _LITTER_MOST):
                self._clear_litter()
                cleared = time.monotonic()
            if dirty_since is None and self._connection.total_changes != changes:
                dirty_since = time.monotonic()
            if dirty_since is not None and (closing or self._checkpoint_due(dirty_since)):
                dirty_since = None if self._checkpoint() else time.monotonic()
        self._connection.close()

    def _next(self, patience: float | None) -> tuple[list[_Job], bool]:
        """Whatever is queued, a batch at the most, and whether the store is to close after it."""
        batch: list[_Job] = []
        try:
            job = self._jobs.get(timeout=patience)
            while job is not None:
                batch.append(job)
                if len(batch) == _BATCH:
                    return batch, False
                job = self._jobs.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _commit(self, batch: list[_Job]) -> None:
        """Do a batch in one transaction; where the database refuses, each job in one of its own."""
        try:
            self._transaction.prepare(len(batch))
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._attempt(job)
            self._transaction.finish()
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._transaction.rolled_back()
            if len(batch) > 1:
                for job in batch:
                    self._commit([job])
            else:
                batch[0].future.set_exception(self._explain(error))
        else:
            self._transaction.committed()
            for job in batch:
                job.tell()

    def _clear_litter(self) -> None:
        try:
            self._transaction.clear_litter()
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._explain(error)

    def _attempt(self, job: _Job) -> None:
        """Run one job in a savepoint of its own, so that its failure undoes nothing of the others."""
        self._connection.execute("SAVEPOINT job")
        mark = self._transaction.mark()
        try:
            job.result, job.failure = job.work(self._transaction), None
        except sqlite3.Error:
            raise
        except Exception as failure:
            job.failure = failure
            self._connection.execute("ROLLBACK TO job")
            self._transaction.back_to(mark)
        self._connection.execute("RELEASE job")

    def _explain(self, error: sqlite3.Error) -> TainaError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StorageFullError()
        _log.critical("the database failed: %s", getattr(error, "sqlite_errorname", type(error).__name__))
        if code in _RUINED and self._on_ruin:
            self._on_ruin()
        return TainaError()

    def _checkpoint_due(self, dirty_since: float) -> bool:
        if time.monotonic() - dirty_since >= _CHECKPOINT_SECONDS:
            return True
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
