"""The verbs of requests for secrets, in PostgreSQL's SQL; see sqlite_requests.py for why envelopes need no key."""

from dataclasses import astuple

from psycopg import Cursor

from taina.store import Envelope, Request


class PostgresRequests:
    """See `taina.store.RequestVerbs`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def put(self, request: Request) -> None:
        self._cursor.execute("INSERT INTO requests VALUES (%s, %s, %s, %s, %s, %s, %s)", astuple(request))

    def find(self, request_id: bytes) -> Request | None:
        row = self._cursor.execute("SELECT * FROM requests WHERE id = %s FOR UPDATE", (request_id,)).fetchone()
        return None if row is None else Request(*row)

    def put_envelope(self, request_id: bytes, n: int, envelope: Envelope) -> None:
        self._cursor.execute("INSERT INTO envelopes VALUES (%s, %s, %s, %s)", (request_id, n, *astuple(envelope)))

    def envelopes(self, request_id: bytes) -> list[Envelope]:
        self._cursor.execute("SELECT sealed, received FROM envelopes WHERE request = %s ORDER BY n", (request_id,))
        return [Envelope(*row) for row in self._cursor]

    def forget(self, request_id: bytes) -> None:
        self._cursor.execute("DELETE FROM envelopes WHERE request = %s", (request_id,))
        self._cursor.execute("DELETE FROM requests WHERE id = %s", (request_id,))

    def due(self, now: int, limit: int) -> list[bytes]:
        self._cursor.execute(
            "SELECT id FROM requests WHERE due <= %s ORDER BY due LIMIT %s FOR UPDATE SKIP LOCKED", (now, limit)
        )
        return [request_id for (request_id,) in self._cursor]
