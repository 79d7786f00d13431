"""The slots in which the keys of secrets stand: rows of one size, overwritten in place, so that no copy stays behind.

They are made in advance, taken by new secrets, and free again once a secret has ended and its chunks are deleted. What
is kept of them in memory follows the database: each transaction ends by `committed` or `rolled_back`.
"""

import sqlite3
from collections import deque
from typing import NamedTuple

from taina.store import shred
from taina.store.sqlite_migrations import CHUNKS_A_SLOT

SLOTS_AT_ONCE = 1024
CHUNKS_AT_ONCE = 4
"""Chunks deleted in one transaction: SQLite keeps in memory what a savepoint may have to bring back."""


class Mark(NamedTuple):
    """How far a transaction had come: slots taken, freed, and left for later by then."""

    taken: int = 0
    freed: int = 0
    pending: int = 0


class Slots:
    """Gives out slots and takes them back. Only the thread that has the connection calls it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._free = deque(
            slot
            for (slot,) in connection.execute(
                "SELECT slot FROM slots WHERE key = ? AND slot NOT IN (SELECT slot FROM pending_deletes)",
                (shred.NO_KEY,),
            )
        )
        self._pending = deque(slot for (slot,) in connection.execute("SELECT slot FROM pending_deletes"))
        # Of the transaction that is under way:
        self._taken: list[int] = []
        self._freed: list[int] = []
        self._left: list[int] = []

    @property
    def pending(self) -> bool:
        """Chunks of ended secrets are still to be deleted; nothing opens them."""
        return bool(self._pending)

    def prepare(self, count: int) -> None:
        """Before a transaction: free slots enough for `count` new secrets, preallocated and durable."""
        if len(self._free) >= count:
            return
        (last,) = self._connection.execute("SELECT coalesce(max(slot), 0) FROM slots").fetchone()
        slots = range(last + 1, last + 1 + SLOTS_AT_ONCE)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO slots (slot, key) VALUES (?, ?)", ((slot, shred.NO_KEY) for slot in slots)
        )
        self._connection.execute("COMMIT")
        self._free.extend(slots)

    def take(self) -> int:
        """A free slot; there is one for each job that `prepare` was told of."""
        slot: int = self._free.popleft()
        self._taken.append(slot)
        return slot

    def set_key(self, slot: int, key: bytes) -> None:
        """Overwrite the key (32 bytes) that stands there."""
        self._connection.execute("UPDATE slots SET key = ? WHERE slot = ?", (key, slot))

    def free(self, slot: int, chunks: int) -> None:
        """Overwrite the key and delete the chunks: at once where they are few, else by `delete_some` later."""
        self.set_key(slot, shred.NO_KEY)
        if chunks <= CHUNKS_AT_ONCE:
            self._connection.execute("DELETE FROM chunks WHERE place BETWEEN ? AND ?", rows_of(slot))
            self._freed.append(slot)
        else:
            self._connection.execute("INSERT INTO pending_deletes (slot) VALUES (?)", (slot,))
            self._left.append(slot)

    def delete_some(self) -> None:
        """Delete a few of the chunks that no key opens any more, in a transaction of their own."""
        slot = self._pending[0]
        self._connection.execute("BEGIN IMMEDIATE")
        deleted = self._connection.execute(
            "DELETE FROM chunks WHERE place IN (SELECT place FROM chunks WHERE place BETWEEN ? AND ? LIMIT ?)",
            (*rows_of(slot), CHUNKS_AT_ONCE),
        ).rowcount
        if deleted < CHUNKS_AT_ONCE:
            self._connection.execute("DELETE FROM pending_deletes WHERE slot = ?", (slot,))
        self._connection.execute("COMMIT")
        if deleted < CHUNKS_AT_ONCE:
            self._free.append(self._pending.popleft())

    def committed(self) -> None:
        """What the transaction freed can be taken, and what it left is pending."""
        self._free.extend(self._freed)
        self._pending.extend(self._left)
        self._taken.clear()
        self._freed.clear()
        self._left.clear()

    def rolled_back(self) -> None:
        """What the transaction took is free again."""
        self.back_to(Mark())

    def mark(self) -> Mark:
        """How far the transaction has come."""
        return Mark(len(self._taken), len(self._freed), len(self._left))

    def back_to(self, mark: Mark) -> None:
        """Forget what was done since the mark, which the database has undone."""
        self._free.extend(self._taken[mark.taken :])
        del self._taken[mark.taken :], self._freed[mark.freed :], self._left[mark.pending :]


def rows_of(slot: int) -> tuple[int, int]:
    """The first and the last row number that the slot's chunks may have."""
    return slot * CHUNKS_A_SLOT, (slot + 1) * CHUNKS_A_SLOT - 1
