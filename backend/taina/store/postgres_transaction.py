"""The small verbs of a transaction, in PostgreSQL's SQL.

Whoever finds a row locks it. So others wait their turn, and what is found is what stands there in the end. A lock
is written to the log besides: a transaction that answers from what it found commits only when that is replicated too,
even where the commit that made it was never confirmed.
"""

from typing import Unpack

from psycopg import Cursor, sql

from taina.errors import ConflictError
from taina.store import COLUMNS, ERASED, Changes, Secret, Usage, growth, shred, usage_of, usage_of_rows
from taina.store.postgres_migrations import USAGE_SHARDS
from taina.store.postgres_requests import PostgresRequests

_SELECT = sql.SQL("SELECT {} FROM secrets WHERE ").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))
_INSERT = sql.SQL("INSERT INTO secrets ({}) VALUES ({})").format(
    sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS))
)
_BY_ID = _SELECT + sql.SQL("id = %s FOR UPDATE")
_BY_RECEIPT = _SELECT + sql.SQL("receipt_id = %s FOR UPDATE")
_BY_CLAIM = _SELECT + sql.SQL("claim_id = %s FOR UPDATE")
_DUE = _SELECT + sql.SQL("due <= %s ORDER BY due LIMIT %s FOR UPDATE SKIP LOCKED")


class PostgresTransaction:
    """See `taina.store.Transaction`; `finish` belongs to the store, before its commit."""

    def __init__(self, cursor: Cursor) -> None:
        """`cursor` is a binary one, in a transaction that has begun."""
        self._cursor = cursor
        self.requests = PostgresRequests(cursor, self._count_rows)
        self._growth = Usage()

    def finish(self) -> None:
        """Note what the bytes in use grew by: last of all, for others may have to wait for this row."""
        if self._growth != Usage():
            shard = self._cursor.connection.info.backend_pid % USAGE_SHARDS
            self._cursor.execute(
                "UPDATE usage SET bytes = bytes + %s, unfinished = unfinished + %s WHERE shard = %s",
                (self._growth.held, self._growth.unfinished, shard),
            )

    def put(self, secret: Secret) -> None:
        self._cursor.execute(_INSERT, secret)
        self._cursor.execute("INSERT INTO keys (secret, key) VALUES (%s, %s)", (secret.id, shred.new_key()))
        self._growth += usage_of(secret) + usage_of_rows(1)

    def find(self, secret_id: bytes) -> Secret | None:
        return self._one(_BY_ID, secret_id)

    def find_by_receipt(self, receipt_id: bytes) -> Secret | None:
        return self._one(_BY_RECEIPT, receipt_id)

    def find_by_claim(self, claim_id: bytes) -> Secret | None:
        return self._one(_BY_CLAIM, claim_id)

    def update(self, secret: Secret, **changes: Unpack[Changes]) -> None:
        settings = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
        self._cursor.execute(
            sql.SQL("UPDATE secrets SET {} WHERE id = %s").format(settings), (*changes.values(), secret.id)
        )
        self._growth += growth(secret, changes)

    def put_chunk(self, secret_id: bytes, n: int, sealed: bytes) -> bool:
        key, kept = self._chunk(secret_id, n)
        if kept is None:
            wrapped = shred.wrap(key, secret_id, n, sealed)
            self._cursor.execute("INSERT INTO chunks (secret, n, wrapped) VALUES (%s, %s, %s)", (secret_id, n, wrapped))
            return True
        if shred.unwrap(key, secret_id, n, kept) != sealed:
            raise ConflictError("Other bytes were uploaded for this chunk before. Make a new secret with a new key.")
        return False

    def chunks_present(self, secret_id: bytes) -> list[int]:
        self._cursor.execute("SELECT n FROM chunks WHERE secret = %s ORDER BY n", (secret_id,))
        return [n for (n,) in self._cursor]

    def take(self, secret: Secret, **changes: Unpack[Changes]) -> list[bytes]:
        ((key,),) = self._cursor.execute("SELECT key FROM keys WHERE secret = %s", (secret.id,)).fetchall()
        self._cursor.execute("DELETE FROM chunks WHERE secret = %s RETURNING n, wrapped", (secret.id,))
        taken = sorted(self._cursor.fetchall())
        self.erase(secret, **changes)
        return [shred.unwrap(key, secret.id, n, wrapped) for n, wrapped in taken]

    def lock_to_claim(self, secret_id: bytes, claim_hash: bytes) -> None:
        ((key,),) = self._cursor.execute("SELECT key FROM keys WHERE secret = %s", (secret_id,)).fetchall()
        masked = shred.mask(key, claim_hash)
        self._cursor.execute("UPDATE keys SET key = %s WHERE secret = %s", (masked, secret_id))

    def read_claimed(self, secret_id: bytes, n: int, claim_hash: bytes) -> bytes:
        masked, wrapped = self._chunk(secret_id, n)
        assert wrapped is not None  # noqa: S101 - the vault asks for chunks that have arrived
        return shred.unwrap(shred.mask(masked, claim_hash), secret_id, n, wrapped)

    def erase(self, secret: Secret, **changes: Unpack[Changes]) -> None:
        if secret.chunks:
            self._cursor.execute("DELETE FROM keys WHERE secret = %s", (secret.id,))
            self._cursor.execute("DELETE FROM chunks WHERE secret = %s", (secret.id,))
        self.update(secret, **ERASED | changes)

    def forget(self, secret: Secret) -> None:
        self.erase(secret)
        self._cursor.execute("DELETE FROM secrets WHERE id = %s", (secret.id,))
        self._growth -= usage_of_rows(1)

    def due(self, now: int, limit: int) -> list[Secret]:
        return [Secret(*row) for row in self._cursor.execute(_DUE, (now, limit)).fetchall()]

    def clock_mark(self) -> int | None:
        row = self._cursor.execute("SELECT mark FROM clock").fetchone()
        return None if row is None else row[0]

    def set_clock_mark(self, mark: int) -> None:
        self._cursor.execute(
            "INSERT INTO clock (one, mark) VALUES (1, %s) ON CONFLICT (one) DO UPDATE SET mark = excluded.mark",
            (mark,),
        )

    def usage(self) -> Usage:
        """Without what other transactions are just adding: the limit may be passed by that much."""
        ((held, unfinished),) = self._cursor.execute(
            "SELECT sum(bytes)::bigint, sum(unfinished)::bigint FROM usage"
        ).fetchall()
        return Usage(held, unfinished) + self._growth

    def _count_rows(self, count: int) -> None:
        self._growth += usage_of_rows(count)

    def _one(self, query: sql.Composed, value: bytes) -> Secret | None:
        row = self._cursor.execute(query, (value,)).fetchone()
        return None if row is None else Secret(*row)

    def _chunk(self, secret_id: bytes, n: int) -> tuple[bytes, bytes | None]:
        """The secret's key, and its chunk `n` if that is there."""
        ((key, wrapped),) = self._cursor.execute(
            "SELECT key, wrapped FROM keys LEFT JOIN chunks ON chunks.secret = keys.secret AND n = %s"
            " WHERE keys.secret = %s",
            (n, secret_id),
        ).fetchall()
        return key, wrapped
