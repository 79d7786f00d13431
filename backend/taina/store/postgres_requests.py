"""The verbs of requests for secrets, in PostgreSQL's SQL; see sqlite_requests.py for why envelopes need no key."""

from collections.abc import Callable
from dataclasses import astuple, fields
from typing import LiteralString

from psycopg import Cursor, sql

from taina.store import Envelope, Request

_COLUMNS = [field.name for field in fields(Request)]
_NAMES = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
_SELECT = sql.SQL("SELECT {} FROM requests WHERE id = %s FOR UPDATE").format(_NAMES)
_INSERT = sql.SQL("INSERT INTO requests ({}) VALUES ({})").format(
    _NAMES, sql.SQL(", ").join([sql.Placeholder()] * len(_COLUMNS))
)


class PostgresRequests:
    """See `taina.store.RequestVerbs`."""

    def __init__(self, cursor: Cursor, count_rows: Callable[[int], None]) -> None:
        """`count_rows` is told of rows that come and go."""
        self._cursor = cursor
        self._count_rows = count_rows

    def put(self, request: Request) -> None:
        self._count_rows(1)
        self._cursor.execute(_INSERT, astuple(request))

    def find(self, request_id: bytes) -> Request | None:
        row = self._cursor.execute(_SELECT, (request_id,)).fetchone()
        return None if row is None else Request(*row)

    def put_envelope(self, request_id: bytes, n: int, envelope: Envelope) -> None:
        self._count_rows(1)
        self._cursor.execute(
            "INSERT INTO envelopes (request, n, sealed, received) VALUES (%s, %s, %s, %s)",
            (request_id, n, envelope.sealed, envelope.received),
        )

    def envelopes(self, request_id: bytes) -> list[Envelope]:
        self._cursor.execute("SELECT sealed, received FROM envelopes WHERE request = %s ORDER BY n", (request_id,))
        return [Envelope(*row) for row in self._cursor]

    def start(self, request_id: bytes, secret_id: bytes) -> None:
        self._cursor.execute("UPDATE requests SET started = started + 1 WHERE id = %s", (request_id,))
        self._cursor.execute("INSERT INTO started (secret, request) VALUES (%s, %s)", (secret_id, request_id))

    def is_started(self, secret_id: bytes) -> bool:
        self._cursor.execute("SELECT 1 FROM started WHERE secret = %s", (secret_id,))
        return self._cursor.fetchone() is not None

    def settle(self, request_id: bytes) -> list[bytes]:
        self._cursor.execute("DELETE FROM started WHERE request = %s RETURNING secret", (request_id,))
        return [secret_id for (secret_id,) in self._cursor]

    def end(self, request_id: bytes, now: int) -> None:
        self._delete("DELETE FROM envelopes WHERE request = %s", request_id)
        self._cursor.execute("UPDATE requests SET ended = %s WHERE id = %s", (now, request_id))

    def forget(self, request_id: bytes) -> None:
        self._delete("DELETE FROM envelopes WHERE request = %s", request_id)
        self._cursor.execute("DELETE FROM started WHERE request = %s", (request_id,))
        self._delete("DELETE FROM requests WHERE id = %s", request_id)

    def due(self, now: int, limit: int) -> list[bytes]:
        self._cursor.execute(
            "SELECT id FROM requests WHERE due <= %s ORDER BY due LIMIT %s FOR UPDATE SKIP LOCKED", (now, limit)
        )
        return [request_id for (request_id,) in self._cursor]

    def _delete(self, statement: LiteralString, request_id: bytes) -> None:
        self._count_rows(-self._cursor.execute(statement, (request_id,)).rowcount)
