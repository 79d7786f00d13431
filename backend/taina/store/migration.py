"""From the SQLite file to PostgreSQL: every secret, key, receipt and request as it is, wrapped as it is.

What is in the target is left alone: a move that was broken off goes on where it stopped, and what has ended there
does not come back from the source. Once all was compared the source is marked, and nothing is copied from it again.
"""

import hashlib
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlite_utils

from taina.store import COLUMNS, Request, Secret, UnusableError, Usage, shred, usage_of, usage_of_rows
from taina.store.postgres import PostgresStore
from taina.store.sqlite_migrations import CHUNKS_A_SLOT, migrations
from taina.store.sqlite_slots import rows_of
from taina.store.sqlite_transaction import NAMES, secret_of
from taina.store.versions import MOVED, refuse_newer

# It remarks what it could not tidy up on a connection that is lost; that this is lost is told anyway.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

Row = tuple[Any, ...]

_AT_ONCE = 500
_GO_ON = "Nothing was deleted. Once that is fixed, the same command resumes where it stopped."
_SECRETS = f"SELECT slot, {NAMES} FROM secrets WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - ours
_OTHERS = {
    "requests": tuple(field.name for field in fields(Request)),
    "envelopes": ("request", "n", "sealed", "received"),
    "started": ("secret", "request"),
}
"""The tables of requests, which are brought over as they are, with their columns."""
_COUNTED = ("requests", "envelopes")
"""Those of them whose rows are counted."""


@dataclass(slots=True)
class Moved:
    """How many there are in the source; `new` counts the secrets that were not in the target before."""

    secrets: int = 0
    new: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    """A secret in the source, with the slot of its key while it has one."""

    secret: Secret
    slot: int | None

    @property
    def id(self) -> bytes:
        return self.secret.id


class Move:
    """A move from one file to one database, in a `with` statement; the file is locked meanwhile."""

    def __init__(self, source: Path, target: str, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            clock: unix seconds.

        Raises:
            UnusableError: a server runs on the source, it is of another version, or the target cannot be used.
        """
        self._path = source
        self._clock = clock
        if not source.is_file():
            raise UnusableError(f"The file {source} does not exist. The database is taina.db in the folder of --data.")
        PostgresStore(target).close()  # makes the schema, and says what is wrong
        with ExitStack() as stack:
            stack.enter_context(_told(source))
            self._source = stack.enter_context(closing(_open(source)))
            self._target = stack.enter_context(psycopg.connect(target, options="-c search_path=taina"))
            self.is_repeated = self._is_marked()
            """The source was copied and compared before, and the target may have served since."""
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises: UnusableError: one of the databases failed."""
        self._stack.__exit__(kind, error, trace)

    def copy(self, progress: Callable[[Moved], None] = lambda _: None) -> Moved:
        """Bring over what is not there yet, some hundred secrets a transaction; nothing if the move is repeated."""
        if self.is_repeated:
            return Moved(secrets=self._count_source("secrets"), requests=self._count_source("requests"))
        moved = Moved()
        for batch in self._batches():
            with self._target.transaction():
                there = {
                    row[0]
                    for row in self._ask("SELECT id FROM secrets WHERE id = ANY(%s)", [each.id for each in batch])
                }
                new = [secret for secret in batch if secret.id not in there]
                self._bring(new)
            moved.secrets += len(batch)
            moved.new += len(new)
            progress(moved)
        self._bring_requests()
        moved.requests = self._count_source("requests")
        return moved

    def verify(self) -> None:
        """Compare all with all, the sealed bytes by their hashes. If the move is repeated, look for what is missing.

        Raises:
            UnusableError: something differs or is missing.
        """
        if self.is_repeated:
            self._look_for_missing()
            return
        different = sum(self._differences(batch) for batch in self._batches())
        for table, columns in _OTHERS.items():
            question = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - names of our own
            different += len(set(self._source.execute(question)) - set(self._ask(question)))
        if different:
            advice = (
                "A server has run on the target, so the target is right: what differs may have ended there since."
                if self._ask("SELECT 1 FROM clock")  # which only servers write
                else "No server has run on the target yet, so empty the target and start again."
            )
            raise UnusableError(
                f"{different} entries of the target differ from the source. Nothing was deleted. {advice}"
            )

    def mark_source(self) -> None:
        """Have every server refuse it from now on."""
        self._source.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) SELECT ?, ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM _sqlite_migrations WHERE name = ?)",
            (migrations.name, MOVED, datetime.now(UTC).isoformat(), MOVED),
        )
        self._source.execute("COMMIT")
        self._source.execute("BEGIN IMMEDIATE")

    def delete_source(self) -> None:
        """Overwrite the keys, then delete the file. Raises: UnusableError."""
        self._target.rollback()  # what was read there has no say in what comes of this
        self._source.execute("UPDATE slots SET key = ?", (shred.NO_KEY,))
        self._source.execute("COMMIT")
        try:
            self._source.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise UnusableError(
                f"{self._path} failed ({error}). It is not deleted, but nothing in it can be opened any more."
            ) from None
        self._source.close()
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def _is_marked(self) -> bool:
        found = self._source.execute("SELECT 1 FROM _sqlite_migrations WHERE name = ?", (MOVED,))
        return found.fetchone() is not None

    def _count_source(self, table: str) -> int:
        count: int
        (count,) = self._source.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - names of our own
        return count

    def _look_for_missing(self) -> None:
        """All that is still known of what has ended is its row, which no server forgets before its time.

        Raises:
            UnusableError: the target is not where this was moved to.
        """
        now = self._clock()
        missing = 0
        for table, kept_until in (("secrets", "expires"), ("requests", "due")):
            ours = self._source.execute(f"SELECT id FROM {table} WHERE {kept_until} > ?", (now,))  # noqa: S608 - ours
            while rows := ours.fetchmany(_AT_ONCE):
                ids = [row[0] for row in rows]
                missing += len(ids) - len(self._ask(f"SELECT id FROM {table} WHERE id = ANY(%s)", ids))  # noqa: S608
        if missing:
            raise UnusableError(
                f"{missing} entries of {self._path} are not in the target, though the file was moved and none of them "
                "can be forgotten yet. Is this the database that it was moved to? Nothing was copied or deleted."
            )

    def _batches(self) -> Iterator[list[_Held]]:
        last = b""
        while rows := self._source.execute(_SECRETS, (last, _AT_ONCE)).fetchall():
            yield [_held(row) for row in rows]
            last = _held(rows[-1]).id

    def _bring(self, new: list[_Held]) -> None:
        kept = [secret for secret in new if secret.slot is not None]
        cursor = self._target.cursor()
        marks = ", ".join(["%s"] * len(COLUMNS))
        statement = f"INSERT INTO secrets ({NAMES}) VALUES ({marks})"  # noqa: S608 - names of our own
        cursor.executemany(statement.encode(), [each.secret for each in new])
        cursor.executemany(
            "INSERT INTO keys (secret, key) VALUES (%s, %s)", [(each.id, self._key(each)) for each in kept]
        )
        with cursor.copy("COPY chunks (secret, n, wrapped) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["bytea", "int4", "bytea"])
            for secret in kept:
                for n, wrapped in self._chunks(secret):
                    copy.write_row((secret.id, n, wrapped))
        self._count(sum((usage_of(each.secret) for each in new), usage_of_rows(len(new))))

    def _bring_requests(self) -> None:
        """In one transaction: a request that is there has all that it had, but for what has ended there."""
        with self._target.transaction():
            there = {request for (request,) in self._ask("SELECT id FROM requests")}
            for table, columns in _OTHERS.items():
                names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
                request = columns.index("id" if table == "requests" else "request")
                statement = f"INSERT INTO {table} ({names}) VALUES ({marks})".encode()  # noqa: S608 - names of our own
                new = 0
                for row in self._source.execute(f"SELECT {names} FROM {table}"):  # noqa: S608
                    if row[request] not in there:
                        self._target.execute(statement, row)
                        new += 1
                if table in _COUNTED:
                    self._count(usage_of_rows(new))

    def _count(self, usage: Usage) -> None:
        self._target.execute(
            "UPDATE usage SET bytes = bytes + %s, unfinished = unfinished + %s WHERE shard = 0",
            (usage.held, usage.unfinished),
        )

    def _differences(self, batch: list[_Held]) -> int:
        ids = [secret.id for secret in batch]
        found = [
            Secret(*row)
            for row in self._ask(f"SELECT {NAMES} FROM secrets WHERE id = ANY(%s)", ids)  # noqa: S608
        ]
        secrets = {secret.id: secret for secret in found}
        keys: dict[bytes, bytes] = dict(self._ask("SELECT secret, key FROM keys WHERE secret = ANY(%s)", ids))
        theirs = set(self._ask("SELECT secret, n, sha256(wrapped) FROM chunks WHERE secret = ANY(%s)", ids))
        ours = {
            (secret.id, n, hashlib.sha256(wrapped).digest())
            for secret in batch
            if secret.slot is not None
            for n, wrapped in self._chunks(secret)
        }
        different = {chunk[0] for chunk in ours ^ theirs}
        for secret in batch:
            key = None if secret.slot is None else self._key(secret)
            if secrets.get(secret.id) != secret.secret or keys.get(secret.id) != key:
                different.add(secret.id)
        return len(different)

    def _key(self, secret: _Held) -> bytes:
        key: bytes
        (key,) = self._source.execute("SELECT key FROM slots WHERE slot = ?", (secret.slot,)).fetchone()
        return key

    def _chunks(self, secret: _Held) -> Iterator[tuple[int, bytes]]:
        assert secret.slot is not None  # noqa: S101 - asked by the callers
        for place, wrapped in self._source.execute(
            "SELECT place, wrapped FROM chunks WHERE place BETWEEN ? AND ? ORDER BY place", rows_of(secret.slot)
        ):
            yield place % CHUNKS_A_SLOT, wrapped

    def _ask(self, question: str, *values: object) -> list[Row]:
        return self._target.cursor(binary=True).execute(question.encode(), values or None).fetchall()


def _held(row: Row) -> _Held:
    slot, *columns = row
    return _Held(secret_of(columns), slot)


@contextmanager
def _told(source: Path) -> Iterator[None]:
    """Raises: UnusableError: one of the databases failed; which, and why."""
    try:
        yield
    except psycopg.Error as error:
        # What the server says for itself; else the first line of libpq's words, which may name the address.
        said = error.diag.message_primary or re.sub(r"connection to server .* failed: ", "", str(error).split("\n")[0])
        raise UnusableError(f"The target failed ({said}). {_GO_ON}") from None
    except sqlite3.Error as error:
        raise UnusableError(f"{source} failed ({error}). {_GO_ON}") from None


def _open(path: Path) -> sqlite3.Connection:
    """Locked until it is closed, and changed in nothing. Raises: UnusableError."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=2)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        database = sqlite_utils.Database(connection)
        refuse_newer(migrations, database, str(path), moved=True)
        pending = migrations.pending(database)
    except UnusableError:
        connection.close()
        raise
    except sqlite3.Error as error:
        connection.close()
        raise UnusableError(f"{path} cannot be read ({error}). Is a server still running on it?") from None
    if pending:
        connection.close()
        raise UnusableError(
            f"{path} is of an older version. Start this version's server on it once, stop it, and retry."
        )
    return connection
