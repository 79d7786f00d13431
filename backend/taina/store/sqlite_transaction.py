"""The small verbs of a transaction, in SQL. Only the store's own thread calls them."""

import os
import sqlite3
from collections import deque
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from taina.errors import ConflictError, StorageFullError
from taina.store import Secret, shred
from taina.store.sqlite_migrations import CHUNKS_A_SLOT
from taina.store.sqlite_requests import SqliteRequests

_SLOTS_AT_ONCE = 1024
_ROOM_LEFT = 32 << 20
"""Bytes of the disk that no new secret takes: revealing and deleting have to be written down somewhere, too."""
_CHUNKS_AT_ONCE = 4
"""Chunks deleted in one transaction: SQLite keeps in memory what a savepoint may have to bring back."""
_COLUMNS = tuple(field.name for field in fields(Secret))
_values = attrgetter(*_COLUMNS)
_PASSPHRASE = _COLUMNS.index("passphrase")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM secrets WHERE "  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO secrets VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})"  # noqa: S608


class SqliteTransaction:
    """See `taina.store.Transaction` for the verbs; the others belong to the store's commit."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        """`folder` is that of the database, on whose disk there has to be room."""
        self._connection = connection
        self._folder = str(folder)
        self.requests = SqliteRequests(connection)
        self._free = deque(
            slot
            for (slot,) in connection.execute(
                "SELECT slot FROM slots WHERE key = ? AND slot NOT IN (SELECT slot FROM litter)", (shred.NO_KEY,)
            )
        )
        self._litter = deque(slot for (slot,) in connection.execute("SELECT slot FROM litter"))
        self._used: int = connection.execute("SELECT bytes FROM usage").fetchone()[0]
        self._used_on_disk = self._used
        self._taken: list[int] = []
        self._freed: list[int] = []
        self._littered: list[int] = []

    # The commit: what is kept in memory (free slots, bytes used) follows the database.

    def prepare(self, jobs: int) -> None:
        """Before a transaction: slots enough for `jobs` new secrets, preallocated and durable."""
        if len(self._free) >= jobs:
            return
        (last,) = self._connection.execute("SELECT coalesce(max(slot), 0) FROM slots").fetchone()
        slots = range(last + 1, last + 1 + _SLOTS_AT_ONCE)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO slots VALUES (?, ?)", ((slot, shred.NO_KEY) for slot in slots))
        self._connection.execute("COMMIT")
        self._free.extend(slots)

    def finish(self) -> None:
        if self._used != self._used_on_disk:
            self._connection.execute("UPDATE usage SET bytes = ?", (self._used,))

    def committed(self) -> None:
        self._used_on_disk = self._used
        self._free.extend(self._freed)
        self._litter.extend(self._littered)
        self._taken.clear()
        self._freed.clear()
        self._littered.clear()

    def rolled_back(self) -> None:
        self.back_to((0, 0, 0, self._used_on_disk))

    def mark(self) -> tuple[int, int, int, int]:
        return len(self._taken), len(self._freed), len(self._littered), self._used

    def back_to(self, mark: tuple[int, int, int, int]) -> None:
        taken, freed, littered, self._used = mark
        self._free.extend(self._taken[taken:])
        del self._taken[taken:], self._freed[freed:], self._littered[littered:]

    # Between commits: the chunks of large secrets, which no key opens any more.

    @property
    def littered(self) -> bool:
        return bool(self._litter)

    def clear_litter(self) -> None:
        """Delete a few such chunks, in a transaction of their own."""
        slot = self._litter[0]
        self._connection.execute("BEGIN IMMEDIATE")
        deleted = self._connection.execute(
            "DELETE FROM chunks WHERE place IN (SELECT place FROM chunks WHERE place BETWEEN ? AND ? LIMIT ?)",
            (*_places(slot), _CHUNKS_AT_ONCE),
        ).rowcount
        if deleted < _CHUNKS_AT_ONCE:
            self._connection.execute("DELETE FROM litter WHERE slot = ?", (slot,))
        self._connection.execute("COMMIT")
        if deleted < _CHUNKS_AT_ONCE:
            self._free.append(self._litter.popleft())

    # The verbs.

    def put(self, secret: Secret) -> None:
        self._check_room(secret.size)
        slot = self._free.popleft()
        self._taken.append(slot)
        try:
            self._connection.execute(_INSERT, (*_values(secret), slot))
        except sqlite3.IntegrityError as error:
            raise _taken(error) from None
        self._connection.execute("UPDATE slots SET key = ? WHERE slot = ?", (shred.new_key(), slot))
        self._used += secret.size

    def find(self, secret_id: bytes) -> Secret | None:
        return self._one("id = ?", secret_id)

    def find_by_receipt(self, receipt_id: bytes) -> Secret | None:
        return self._one("receipt_id = ?", receipt_id)

    def find_by_claim(self, claim_id: bytes) -> Secret | None:
        return self._one("claim_id = ?", claim_id)

    def update(self, secret_id: bytes, **facts: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in facts)
        try:
            self._connection.execute(
                f"UPDATE secrets SET {names} WHERE id = ?",  # noqa: S608 - names of our own
                (*facts.values(), secret_id),
            )
        except sqlite3.IntegrityError as error:
            raise _taken(error) from None

    def put_chunk(self, secret_id: bytes, n: int, sealed: bytes) -> bool:
        slot, key = self._key(secret_id)
        place = slot * CHUNKS_A_SLOT + n
        self._check_room(len(sealed))
        wrapped = shred.wrap(key, secret_id, n, sealed)
        added = self._connection.execute("INSERT INTO chunks VALUES (?, ?) ON CONFLICT DO NOTHING", (place, wrapped))
        if added.rowcount:
            return True
        row = self._connection.execute("SELECT wrapped FROM chunks WHERE place = ?", (place,)).fetchone()
        if shred.unwrap(key, secret_id, n, row[0]) != sealed:
            raise ConflictError("Other bytes were uploaded for this chunk before. Make a new secret with a new key.")
        return False

    def chunks_present(self, secret_id: bytes) -> list[int]:
        slot, _ = self._key(secret_id)
        rows = self._connection.execute("SELECT place FROM chunks WHERE place BETWEEN ? AND ?", _places(slot))
        return [place % CHUNKS_A_SLOT for (place,) in rows]

    def take(self, secret_id: bytes) -> list[bytes]:
        slot, key = self._key(secret_id)
        rows = self._connection.execute(
            "DELETE FROM chunks WHERE place BETWEEN ? AND ? RETURNING place, wrapped", _places(slot)
        ).fetchall()
        self.erase(secret_id)
        return [shred.unwrap(key, secret_id, place % CHUNKS_A_SLOT, wrapped) for place, wrapped in sorted(rows)]

    def lock_to_claim(self, secret_id: bytes, claim_hash: bytes) -> None:
        slot, key = self._key(secret_id)
        self._connection.execute("UPDATE slots SET key = ? WHERE slot = ?", (shred.mask(key, claim_hash), slot))

    def read_claimed(self, secret_id: bytes, n: int, claim_hash: bytes) -> bytes:
        slot, key = self._key(secret_id)
        (wrapped,) = self._connection.execute(
            "SELECT wrapped FROM chunks WHERE place = ?", (slot * CHUNKS_A_SLOT + n,)
        ).fetchone()
        return shred.unwrap(shred.mask(key, claim_hash), secret_id, n, wrapped)

    def erase(self, secret_id: bytes) -> None:
        row = self._connection.execute("SELECT slot, size, chunks FROM secrets WHERE id = ?", (secret_id,)).fetchone()
        if row is None or row[0] is None:
            return
        slot, size, chunks = row
        self._connection.execute("UPDATE slots SET key = ? WHERE slot = ?", (shred.NO_KEY, slot))
        if chunks <= _CHUNKS_AT_ONCE:
            self._connection.execute("DELETE FROM chunks WHERE place BETWEEN ? AND ?", _places(slot))
            self._freed.append(slot)
        else:
            self._connection.execute("INSERT INTO litter VALUES (?)", (slot,))
            self._littered.append(slot)
        self._connection.execute(
            "UPDATE secrets SET slot = NULL, size = 0, chunks = 0, missing = 0, reveal_hash = x'', fingerprint = x''"
            " WHERE id = ?",
            (secret_id,),
        )
        self._used -= size

    def forget(self, secret_id: bytes) -> None:
        self.erase(secret_id)
        self._connection.execute("DELETE FROM secrets WHERE id = ?", (secret_id,))

    def due(self, now: int, limit: int) -> list[Secret]:
        rows = self._connection.execute(_SELECT + "due <= ? ORDER BY due LIMIT ?", (now, limit)).fetchall()
        return [_secret(row) for row in rows]

    def used(self) -> int:
        return self._used

    def _check_room(self, size: int) -> None:
        if _free(self._folder) < size + _ROOM_LEFT:
            raise StorageFullError

    def _one(self, condition: str, value: bytes) -> Secret | None:
        row = self._connection.execute(_SELECT + condition, (value,)).fetchone()
        return None if row is None else _secret(row)

    def _key(self, secret_id: bytes) -> tuple[int, bytes]:
        slot, key = self._connection.execute(
            "SELECT slot, key FROM secrets JOIN slots USING (slot) WHERE id = ?", (secret_id,)
        ).fetchone()
        return slot, key


def _free(folder: str) -> int:
    """Bytes of room on its disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _places(slot: int) -> tuple[int, int]:
    return slot * CHUNKS_A_SLOT, (slot + 1) * CHUNKS_A_SLOT - 1


def _secret(row: tuple[Any, ...]) -> Secret:
    facts = [*row]
    facts[_PASSPHRASE] = bool(facts[_PASSPHRASE])
    return Secret(*facts)


def _taken(error: sqlite3.IntegrityError) -> Exception:
    """A unique column that is taken is the caller's conflict; any other broken constraint is our mistake."""
    if error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return ConflictError()
    return error
