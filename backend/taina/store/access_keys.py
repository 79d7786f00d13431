"""Access keys in a small SQLite file of their own, beside the secrets' database and whatever engine that is.

The server and the command line both open it, so it has no write-ahead log (SQLite before 3.51.3 can corrupt one that
two connections reset at once), and each call has a connection of its own.
"""

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import sqlite_utils

from taina.errors import ConflictError, StorageFullError
from taina.store import UnusableError
from taina.store.disk import is_full
from taina.store.ownership import keep_private
from taina.store.turns import elsewhere
from taina.store.versions import refuse_newer

migrations = sqlite_utils.Migrations("keys")
_PATIENCE = 10.0


@migrations(name="0001_keys")
def _keys(db: sqlite_utils.Database) -> None:
    db.execute(
        """
        CREATE TABLE keys (
            name TEXT PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
            created INTEGER NOT NULL,
            expires INTEGER,
            quota INTEGER,
            contact TEXT,
            language TEXT NOT NULL,
            revoked INTEGER,
            warned INTEGER
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE spent (
            name TEXT NOT NULL,
            what TEXT NOT NULL,
            day INTEGER NOT NULL,
            n INTEGER NOT NULL CHECK (n >= 0),
            PRIMARY KEY (name, what)
        ) STRICT
        """
    )


@dataclass(frozen=True, slots=True)
class AccessKey:
    """All that is kept of an access key; times are unix seconds."""

    name: str
    hash: bytes
    """SHA-256 of the key itself, which only its holder has."""
    created: int
    expires: int | None
    quota: int | None
    """Secrets and requests that it may make in a day."""
    contact: str | None
    """For the notices about the key itself, and nothing else."""
    language: str
    revoked: int | None = None
    warned: int | None = None
    """When its holder was told that it is about to expire."""


_COLUMNS = tuple(field.name for field in fields(AccessKey))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM keys "  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO keys ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608


class KeyFile:
    """Small verbs, each of them one durable transaction. Thread-safe. Each may wait for the command line."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            UnusableError: it cannot be used, or a newer version has set it up.
        """
        self._path = path
        try:
            with self._connect() as connection:
                keep_private(path)
                database = sqlite_utils.Database(connection)
                refuse_newer(migrations, database, str(path))
                migrations.apply(database)
        except OSError as error:
            full = error.errno == errno.ENOSPC
            advice = "Free some space." if full else "Check its permissions, or restore it from a backup."
            raise UnusableError(f"{path} cannot be used ({error.strerror}). {advice}") from None

    @elsewhere
    def add(self, key: AccessKey) -> None:
        """Raises: ConflictError: there is one of this name."""
        with self._connect() as connection:
            try:
                connection.execute(_INSERT, astuple(key))
            except sqlite3.IntegrityError:
                raise ConflictError(f"There is a key named {key.name!r} already.") from None

    @elsewhere
    def all(self) -> list[AccessKey]:
        """Every key that was ever issued, by name; revoked and expired ones too."""
        with self._connect() as connection:
            return [AccessKey(*row) for row in connection.execute(_SELECT + "ORDER BY name")]

    @elsewhere
    def find(self, hashed: bytes) -> AccessKey | None:
        """The key with this hash, whatever its state."""
        with self._connect() as connection:
            row = connection.execute(_SELECT + "WHERE hash = ?", (hashed,)).fetchone()
        return None if row is None else AccessKey(*row)

    def find_named(self, name: str) -> AccessKey | None:
        """The key with this name, whatever its state."""
        return next((key for key in self.all() if key.name == name), None)

    def revoke(self, name: str, now: int) -> bool:
        """False where there is no such key, or it was revoked before."""
        return self._change("UPDATE keys SET revoked = ? WHERE name = ? AND revoked IS NULL", (now, name))

    def warned(self, name: str, now: int) -> bool:
        """Note that its holder was told; False where he had been."""
        return self._change("UPDATE keys SET warned = ? WHERE name = ? AND warned IS NULL", (now, name))

    def spend(self, name: str, what: str, day: int, most: int) -> bool:
        """Count one more of `what` on this day; False, and nothing is counted, where that would be over `most`.

        Raises:
            StorageFullError: the disk has no room.
        """
        return self._count(
            "INSERT INTO spent (name, what, day, n) SELECT ?1, ?2, ?3, 1 WHERE ?4 > 0 ON CONFLICT (name, what) "
            "DO UPDATE SET n = CASE day WHEN ?3 THEN n + 1 ELSE 1 END, day = ?3 WHERE day <> ?3 OR n < ?4",
            (name, what, day, most),
        )

    def refund(self, name: str, what: str, day: int) -> None:
        """Count one less of `what` on this day. Raises: StorageFullError."""
        self._count("UPDATE spent SET n = n - 1 WHERE name = ? AND what = ? AND day = ? AND n > 0", (name, what, day))

    def read_whole(self) -> bytes:
        """The file as it is between two changes."""
        with self._connect() as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM keys").fetchone()  # from here on nobody changes it
            return connection.serialize()

    def _count(self, statement: str, values: tuple[object, ...]) -> bool:
        """A change that a request makes, and not an operator. Raises: StorageFullError."""
        try:
            return self._change(statement, values)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StorageFullError from None
            raise

    @elsewhere
    def _change(self, statement: str, values: tuple[object, ...]) -> bool:
        with self._connect() as connection:
            return connection.execute(statement, values).rowcount == 1

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Raises: OSError: the file cannot be used, by what SQLite says of it."""
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            full = is_full(self._path, error)
            number, said = (errno.ENOSPC, "database or disk is full") if full else (errno.EIO, str(error))
            raise OSError(number, said, str(self._path)) from None
