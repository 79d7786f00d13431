"""The small verbs of a transaction, in SQL. Only the thread that has the connection calls them."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Unpack

from taina.errors import ConflictError, StorageFullError
from taina.store import COLUMNS, ERASED, ROW, Changes, Secret, Usage, growth, shred, usage_of, usage_of_rows
from taina.store.sqlite_migrations import CHUNKS_A_SLOT
from taina.store.sqlite_requests import SqliteRequests
from taina.store.sqlite_slots import Mark, Slots, rows_of

ROOM_LEFT = 32 << 20
"""Bytes of the disk that nothing new takes: revealing and deleting have to be written down somewhere, too."""
NAMES = ", ".join(COLUMNS)
_PASSPHRASE = COLUMNS.index("passphrase")
_SELECT = f"SELECT {NAMES}, slot, key FROM secrets LEFT JOIN slots USING (slot) WHERE "  # noqa: S608 - names of our own
_BY_ID, _BY_RECEIPT, _BY_CLAIM = (f"{_SELECT}{name} = ?" for name in ("id", "receipt_id", "claim_id"))
_DUE = f"{_SELECT}due <= ? ORDER BY due LIMIT ?"
_INSERT = f"INSERT INTO secrets ({NAMES}, slot) VALUES ({'?, ' * len(COLUMNS)}?)"  # noqa: S608


class Point(NamedTuple):
    """What a job that fails goes back to."""

    slots: Mark
    usage: Usage
    room: int | None


class SqliteTransaction:
    """See `taina.store.Transaction` for the verbs; the others belong to the store's commit."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        """`folder` is that of the database, on whose disk there has to be room."""
        self._connection = connection
        self._folder = str(folder)
        self.slots = Slots(connection)
        self.requests = SqliteRequests(connection, self._count_rows)
        self._usage = Usage(*connection.execute("SELECT bytes, unfinished FROM usage").fetchone())
        self._usage_on_disk = self._usage
        self._places: dict[bytes, tuple[int | None, bytes]] = {}
        """The slots of the secrets that the job under way has found, and the keys in them; None where none is left."""
        self._room: int | None = None
        """Bytes of the disk that new things may take in this transaction, once that was asked."""

    # The commit: what is kept in memory follows the database.

    def prepare(self, jobs: int) -> None:
        """Before a transaction of so many jobs."""
        self.slots.prepare(jobs)
        self._room = None

    def finish(self) -> None:
        """Last of all in a transaction: write down what is in use."""
        if self._usage != self._usage_on_disk:
            self._connection.execute(
                "UPDATE usage SET bytes = ?, unfinished = ?", (self._usage.held, self._usage.unfinished)
            )

    def committed(self) -> None:
        self.slots.committed()
        self._usage_on_disk = self._usage

    def rolled_back(self) -> None:
        self.slots.rolled_back()
        self._usage = self._usage_on_disk

    def mark(self) -> Point:
        """Where a job begins: what it is told of secrets it asks for itself."""
        self._places.clear()
        return Point(self.slots.mark(), self._usage, self._room)

    def back_to(self, point: Point) -> None:
        self.slots.back_to(point.slots)
        self._usage, self._room = point.usage, point.room

    # The verbs.

    def put(self, secret: Secret) -> None:
        self._check_room(secret.size)
        slot = self.slots.take()
        try:
            self._connection.execute(_INSERT, (*secret, slot))
        except sqlite3.IntegrityError as error:
            raise _taken(error) from None
        self._set_key(secret.id, slot, shred.new_key())
        self._usage += usage_of(secret) + usage_of_rows(1)

    def find(self, secret_id: bytes) -> Secret | None:
        return self._one(_BY_ID, secret_id)

    def find_by_receipt(self, receipt_id: bytes) -> Secret | None:
        return self._one(_BY_RECEIPT, receipt_id)

    def find_by_claim(self, claim_id: bytes) -> Secret | None:
        return self._one(_BY_CLAIM, claim_id)

    def update(self, secret: Secret, **changes: Unpack[Changes]) -> None:
        self._update(secret.id, changes)
        self._usage += growth(secret, changes)

    def put_chunk(self, secret_id: bytes, n: int, sealed: bytes) -> bool:
        slot, key = self._place(secret_id)
        place = slot * CHUNKS_A_SLOT + n
        if not self._take_room(len(sealed)) and self._wrapped(place) is None:
            raise StorageFullError
        wrapped = shred.wrap(key, secret_id, n, sealed)
        added = self._connection.execute(
            "INSERT INTO chunks (place, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING", (place, wrapped)
        )
        if added.rowcount:
            return True
        kept = self._wrapped(place)
        assert kept is not None  # noqa: S101 - it was in the way
        if shred.unwrap(key, secret_id, n, kept) != sealed:
            raise ConflictError("Other bytes were uploaded for this chunk before. Make a new secret with a new key.")
        return False

    def chunks_present(self, secret_id: bytes) -> list[int]:
        slot, _ = self._place(secret_id)
        places = self._connection.execute("SELECT place FROM chunks WHERE place BETWEEN ? AND ?", rows_of(slot))
        return [place % CHUNKS_A_SLOT for (place,) in places]

    def take(self, secret: Secret, **changes: Unpack[Changes]) -> list[bytes]:
        slot, key = self._place(secret.id)
        taken = self._connection.execute(
            "DELETE FROM chunks WHERE place BETWEEN ? AND ? RETURNING place, wrapped", rows_of(slot)
        ).fetchall()
        self.erase(secret, **changes)
        return [shred.unwrap(key, secret.id, place % CHUNKS_A_SLOT, wrapped) for place, wrapped in sorted(taken)]

    def lock_to_claim(self, secret_id: bytes, claim_hash: bytes) -> None:
        slot, key = self._place(secret_id)
        self._set_key(secret_id, slot, shred.mask(key, claim_hash))

    def read_claimed(self, secret_id: bytes, n: int, claim_hash: bytes) -> bytes:
        slot, key = self._place(secret_id)
        wrapped = self._wrapped(slot * CHUNKS_A_SLOT + n)
        assert wrapped is not None  # noqa: S101 - the vault asks for chunks that have arrived
        return shred.unwrap(shred.mask(key, claim_hash), secret_id, n, wrapped)

    def erase(self, secret: Secret, **changes: Unpack[Changes]) -> None:
        slot, _ = self._place_if_any(secret.id)
        gone: Changes = {**ERASED, **changes}
        if slot is not None:
            self.slots.free(slot, secret.chunks)
            self._places[secret.id] = None, b""
        self._update(secret.id, {**gone, "slot": None})
        self._usage += growth(secret, gone)

    def forget(self, secret: Secret) -> None:
        self.erase(secret)
        self._connection.execute("DELETE FROM secrets WHERE id = ?", (secret.id,))
        self._usage -= usage_of_rows(1)

    def due(self, now: int, limit: int) -> list[Secret]:
        due = self._connection.execute(_DUE, (now, limit)).fetchall()
        return [self._found(row) for row in due]

    def clock_mark(self) -> int | None:
        row = self._connection.execute("SELECT mark FROM clock").fetchone()
        return None if row is None else row[0]

    def set_clock_mark(self, mark: int) -> None:
        self._connection.execute(
            "INSERT INTO clock (one, mark) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET mark = excluded.mark",
            (mark,),
        )

    def usage(self) -> Usage:
        return self._usage

    def _count_rows(self, count: int) -> None:
        """Count rows that are about to come, or that have gone. Raises: StorageFullError."""
        if count > 0:
            self._check_room(count * ROW)
        self._usage += usage_of_rows(count)

    def _check_room(self, size: int) -> None:
        if not self._take_room(size):
            raise StorageFullError

    def _take_room(self, size: int) -> bool:
        """Whether there is so much room for something new, which it has from then on."""
        if self._room is None:
            self._room = free_bytes(self._folder) - ROOM_LEFT
        if self._room < size:
            return False
        self._room -= size
        return True

    def _wrapped(self, place: int) -> bytes | None:
        row = self._connection.execute("SELECT wrapped FROM chunks WHERE place = ?", (place,)).fetchone()
        return None if row is None else row[0]

    def _one(self, question: str, value: bytes) -> Secret | None:
        row = self._connection.execute(question, (value,)).fetchone()
        return None if row is None else self._found(row)

    def _found(self, row: tuple[Any, ...]) -> Secret:
        secret = secret_of(row[:-2])
        self._places[secret.id] = row[-2], row[-1]
        return secret

    def _update(self, secret_id: bytes, changes: Mapping[str, Any]) -> None:
        try:
            self._connection.execute(_update_of(*changes), (*changes.values(), secret_id))
        except sqlite3.IntegrityError as error:
            raise _taken(error) from None

    def _place(self, secret_id: bytes) -> tuple[int, bytes]:
        """Slot and key of a secret that still has its chunks."""
        slot, key = self._place_if_any(secret_id)
        assert slot is not None  # noqa: S101 - asked by the rules: one that has ended has no chunks
        return slot, key

    def _place_if_any(self, secret_id: bytes) -> tuple[int | None, bytes]:
        if secret_id not in self._places:
            self.find(secret_id)
        return self._places[secret_id]

    def _set_key(self, secret_id: bytes, slot: int, key: bytes) -> None:
        self.slots.set_key(slot, key)
        self._places[secret_id] = slot, key


@cache
def _update_of(*names: str) -> str:
    return f"UPDATE secrets SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?"  # noqa: S608 - of our own


def free_bytes(folder: str) -> int:
    """Room on the disk of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def secret_of(row: Sequence[Any]) -> Secret:
    """What the columns of a row say, in the order of the fields."""
    # SQLite has no booleans.
    return Secret._make((*row[:_PASSPHRASE], bool(row[_PASSPHRASE]), *row[_PASSPHRASE + 1 :]))


def _taken(error: sqlite3.IntegrityError) -> Exception:
    """A unique column that is taken is the caller's conflict; any other broken constraint is our mistake."""
    if error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return ConflictError()
    return error
