"""From the SQLite file to PostgreSQL: every secret, key, receipt and request as it is, wrapped as it is.

What is in the target is left alone: a move that was broken off goes on where it stopped, and what has ended there
does not come back from the source.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlite_utils

from taina.store import Secret, UnusableError, shred
from taina.store.postgres import PostgresStore
from taina.store.sqlite_migrations import CHUNKS_A_SLOT, migrations
from taina.store.versions import refuse_newer

Row = tuple[Any, ...]

_AT_ONCE = 500
_COLUMNS = tuple(field.name for field in fields(Secret))
_NAMES = ", ".join(_COLUMNS)
_PASSPHRASE = _COLUMNS.index("passphrase")
_SIZE = _COLUMNS.index("size")
_SECRETS = f"SELECT {_NAMES}, slot FROM secrets WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - ours


@dataclass(slots=True)
class Moved:
    """How many there are in the source; `new` counts the secrets that were not in the target before."""

    secrets: int = 0
    new: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    """A secret in the source, with the slot of its key while it has one."""

    row: Row
    slot: int | None

    @property
    def id(self) -> bytes:
        secret_id: bytes = self.row[0]
        return secret_id


class Move:
    """A move from one file to one database, in a `with` statement; the file is locked meanwhile."""

    def __init__(self, source: Path, target: str) -> None:
        """
        Raises:
            UnusableError: a server runs on the source, it is of another version, or the target cannot be used.
        """
        self._path = source
        if not source.is_file():
            raise UnusableError(f"There is no file {source}. The database is taina.db in the folder of --data.")
        PostgresStore(target).close()  # makes the schema, and says what is wrong
        with ExitStack() as stack:
            self._source = stack.enter_context(closing(_open(source)))
            self._target = stack.enter_context(psycopg.connect(target, options="-c search_path=taina"))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def copy(self, progress: Callable[[Moved], None] = lambda _: None) -> Moved:
        """Bring over what is not there yet, some hundred secrets a transaction."""
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
        with self._target.transaction():
            for table in ("requests", "envelopes", "started"):
                self._bring_all(table)
        (moved.requests,) = self._source.execute("SELECT count(*) FROM requests").fetchone()
        return moved

    def verify(self) -> None:
        """Compare all with all, the sealed bytes by their hashes.

        Raises:
            UnusableError: something differs.
        """
        different = sum(self._differences(batch) for batch in self._batches())
        for table in ("requests", "envelopes", "started"):
            ours = set(self._source.execute(f"SELECT * FROM {table}"))  # noqa: S608 - a name of our own
            different += len(ours - set(self._ask(f"SELECT * FROM {table}")))  # noqa: S608
        if different:
            raise UnusableError(
                f"{different} entries of the target differ from the source. Nothing was deleted. If a server has run "
                "on the target since, it is the target that is right; if not, empty the target and begin anew."
            )

    def delete_source(self) -> None:
        """Overwrite the keys, then delete the file."""
        self._source.execute("UPDATE slots SET key = ?", (shred.NO_KEY,))
        self._source.execute("COMMIT")
        self._source.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._source.close()
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def _batches(self) -> Iterator[list[_Held]]:
        last = b""
        while rows := self._source.execute(_SECRETS, (last, _AT_ONCE)).fetchall():
            yield [_held(row) for row in rows]
            last = rows[-1][0]

    def _bring(self, new: list[_Held]) -> None:
        kept = [secret for secret in new if secret.slot is not None]
        cursor = self._target.cursor()
        marks = ", ".join(["%s"] * len(_COLUMNS))
        statement = f"INSERT INTO secrets ({_NAMES}) VALUES ({marks})"  # noqa: S608 - names of our own
        cursor.executemany(statement.encode(), [secret.row for secret in new])
        cursor.executemany(
            "INSERT INTO keys VALUES (%s, %s, %s)", [(each.id, self._key(each), each.row[_SIZE]) for each in kept]
        )
        with cursor.copy("COPY chunks (secret, n, wrapped) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["bytea", "int4", "bytea"])
            for secret in kept:
                for n, wrapped in self._chunks(secret):
                    copy.write_row((secret.id, n, wrapped))
        cursor.execute(
            "UPDATE usage SET bytes = bytes + %s WHERE shard = 0", (sum(secret.row[_SIZE] for secret in kept),)
        )

    def _bring_all(self, table: str) -> None:
        for row in self._source.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a name of our own
            marks = ", ".join(["%s"] * len(row))
            statement = f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
            self._target.execute(statement.encode(), row)

    def _differences(self, batch: list[_Held]) -> int:
        ids = [secret.id for secret in batch]
        rows = {row[0]: row for row in self._ask(f"SELECT {_NAMES} FROM secrets WHERE id = ANY(%s)", ids)}  # noqa: S608
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
            if rows.get(secret.id) != secret.row or keys.get(secret.id) != key:
                different.add(secret.id)
        return len(different)

    def _key(self, secret: _Held) -> bytes:
        key: bytes
        (key,) = self._source.execute("SELECT key FROM slots WHERE slot = ?", (secret.slot,)).fetchone()
        return key

    def _chunks(self, secret: _Held) -> Iterator[tuple[int, bytes]]:
        assert secret.slot is not None  # noqa: S101 - asked by the callers
        first = secret.slot * CHUNKS_A_SLOT
        places = (first, first + CHUNKS_A_SLOT - 1)
        for place, wrapped in self._source.execute(
            "SELECT place, wrapped FROM chunks WHERE place BETWEEN ? AND ? ORDER BY place", places
        ):
            yield place - first, wrapped

    def _ask(self, question: str, *values: object) -> list[Row]:
        return self._target.cursor(binary=True).execute(question.encode(), values or None).fetchall()


def _held(row: Row) -> _Held:
    return _Held((*row[:_PASSPHRASE], bool(row[_PASSPHRASE]), *row[_PASSPHRASE + 1 : -1]), row[-1])


def _open(path: Path) -> sqlite3.Connection:
    """Locked until it is closed, and changed in nothing. Raises: UnusableError."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=2)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        database = sqlite_utils.Database(connection)
        refuse_newer(migrations, database, str(path))
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
