"""The verbs of requests for secrets, in SQL.

Envelopes need no shred key: what is in one is sealed to its asker and opens a secret that is shredded by itself.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import astuple, fields

from taina.errors import ConflictError
from taina.store import Envelope, Request

_COLUMNS = ", ".join(field.name for field in fields(Request))
_SELECT = f"SELECT {_COLUMNS} FROM requests WHERE id = ?"  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO requests ({_COLUMNS}) VALUES ({', '.join('?' * len(fields(Request)))})"  # noqa: S608


class SqliteRequests:
    """See `taina.store.RequestVerbs`."""

    def __init__(self, connection: sqlite3.Connection, count_rows: Callable[[int], None]) -> None:
        """`count_rows` is told of rows that are about to come (it refuses where there is no room) or that have gone."""
        self._connection = connection
        self._count_rows = count_rows

    def put(self, request: Request) -> None:
        self._count_rows(1)
        self._insert(_INSERT, astuple(request))

    def find(self, request_id: bytes) -> Request | None:
        row = self._connection.execute(_SELECT, (request_id,)).fetchone()
        return None if row is None else Request(*row)

    def put_envelope(self, request_id: bytes, n: int, envelope: Envelope) -> None:
        self._count_rows(1)
        self._insert(
            "INSERT INTO envelopes (request, n, sealed, received) VALUES (?, ?, ?, ?)",
            (request_id, n, envelope.sealed, envelope.received),
        )

    def envelopes(self, request_id: bytes) -> list[Envelope]:
        rows = self._connection.execute(
            "SELECT sealed, received FROM envelopes WHERE request = ? ORDER BY n", (request_id,)
        )
        return [Envelope(*row) for row in rows]

    def start(self, request_id: bytes, secret_id: bytes) -> None:
        self._connection.execute("UPDATE requests SET started = started + 1 WHERE id = ?", (request_id,))
        self._insert("INSERT INTO started (secret, request) VALUES (?, ?)", (secret_id, request_id))

    def is_started(self, secret_id: bytes) -> bool:
        row = self._connection.execute("SELECT 1 FROM started WHERE secret = ?", (secret_id,)).fetchone()
        return row is not None

    def settle(self, request_id: bytes) -> list[bytes]:
        rows = self._connection.execute("SELECT secret FROM started WHERE request = ?", (request_id,)).fetchall()
        self._connection.execute("DELETE FROM started WHERE request = ?", (request_id,))
        return [secret_id for (secret_id,) in rows]

    def end(self, request_id: bytes, now: int) -> None:
        self._delete("DELETE FROM envelopes WHERE request = ?", request_id)
        self._connection.execute("UPDATE requests SET ended = ? WHERE id = ?", (now, request_id))

    def forget(self, request_id: bytes) -> None:
        self._delete("DELETE FROM envelopes WHERE request = ?", request_id)
        self._connection.execute("DELETE FROM started WHERE request = ?", (request_id,))
        self._delete("DELETE FROM requests WHERE id = ?", request_id)

    def due(self, now: int, limit: int) -> list[bytes]:
        rows = self._connection.execute("SELECT id FROM requests WHERE due <= ? ORDER BY due LIMIT ?", (now, limit))
        return [request_id for (request_id,) in rows]

    def _delete(self, statement: str, request_id: bytes) -> None:
        self._count_rows(-self._connection.execute(statement, (request_id,)).rowcount)

    def _insert(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise ConflictError from None
            raise
