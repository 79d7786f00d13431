"""The verbs of requests for secrets, in SQL.

Envelopes need no shred key: what is in one is sealed to its asker and opens a secret that is shredded by itself.
"""

import sqlite3
from dataclasses import astuple

from taina.errors import ConflictError
from taina.store import Envelope, Request


class SqliteRequests:
    """See `taina.store.RequestVerbs`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, request: Request) -> None:
        self._insert("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(request))

    def find(self, request_id: bytes) -> Request | None:
        row = self._connection.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
        return None if row is None else Request(*row)

    def put_envelope(self, request_id: bytes, n: int, envelope: Envelope) -> None:
        self._insert("INSERT INTO envelopes VALUES (?, ?, ?, ?)", (request_id, n, *astuple(envelope)))

    def envelopes(self, request_id: bytes) -> list[Envelope]:
        rows = self._connection.execute(
            "SELECT sealed, received FROM envelopes WHERE request = ? ORDER BY n", (request_id,)
        )
        return [Envelope(*row) for row in rows]

    def forget(self, request_id: bytes) -> None:
        self._connection.execute("DELETE FROM envelopes WHERE request = ?", (request_id,))
        self._connection.execute("DELETE FROM requests WHERE id = ?", (request_id,))

    def due(self, now: int, limit: int) -> list[bytes]:
        rows = self._connection.execute("SELECT id FROM requests WHERE due <= ? ORDER BY due LIMIT ?", (now, limit))
        return [request_id for (request_id,) in rows]

    def _insert(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise ConflictError from None
            raise
