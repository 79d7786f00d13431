"""A database of an older version: it is brought up to date, keeps its secrets, and is counted as it would be today."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlite_utils

from support.clocks import START
from support.secrets import SEALED_CHUNK, Made, MadeRequest, envelope, made_of_chunks
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.uploads import UPLOAD_AHEAD
from taina.rules.vault import Vault
from taina.store import ROW, Store, Usage, postgres_migrations, shred, sqlite_migrations
from taina.store.postgres import PostgresStore
from taina.store.sqlite import SqliteStore
from taina.store.sqlite_migrations import CHUNKS_A_SLOT, migrations
from taina.store.sqlite_transaction import NAMES

Insert = Callable[[str, Mapping[str, Any]], object]
"""Adds a row to a table."""


def apply_before(database: sqlite_utils.Database, step: str) -> None:
    """What a version knew that had not yet this step. They are numbered as they were written, and taken otherwise."""
    known = sqlite_utils.Migrations(migrations.name)
    for one in migrations.pending(database):
        if one.name < step:
            known(name=one.name, transactional=one.transactional)(one.fn)
    known.apply(database)


def old_row(made: Made, *, missing: int = 0, ended: bool = False) -> dict[str, Any]:
    """A secret as the first version kept it."""
    order = made.order()
    return {
        "id": made.id,
        "link_hash": order.link_hash,
        "reveal_hash": b"" if ended else order.reveal_hash,
        "receipt_id": order.receipt_id,
        "receipt_hash": order.receipt_hash,
        "fingerprint": b"" if ended else order.fingerprint(),
        "passphrase": False,
        "size": 0 if ended else order.size,
        "chunks": 0 if ended else order.chunks,
        "missing": missing,
        "state": "burned" if ended else "uploading" if missing else "waiting",
        "created": START,
        "expires": START + 3600,
        "due": START + 3600,
        "ended": START if ended else None,
        "failed_attempts": 0,
    }


def old_request(made: MadeRequest) -> dict[str, Any]:
    asking = made.asking()
    hashes = {"inbox_hash": asking.inbox_hash, "answer_hash": asking.answer_hash}
    times = {"created": START, "expires": START + 3600, "due": START + 7200}
    return {"id": made.id, "answers": asking.answers, **hashes, **times}


class Old:
    """What stands in the old database: a secret, an upload of which one chunk has come, a receipt, a request."""

    def __init__(self) -> None:
        self.waiting, self.uploading, self.burned = Made(), made_of_chunks(8), Made()
        self.request, self.envelope = MadeRequest(answers=2), envelope()

    def fill_sqlite(self, path: Path, before: str) -> None:
        with closing(sqlite3.connect(path)) as connection:
            database = sqlite_utils.Database(connection)
            apply_before(database, before)

            def insert(table: str, row: Mapping[str, Any]) -> None:
                database.table(table).insert(dict(row))

            for slot, (made, n) in enumerate([(self.waiting, 0), (self.uploading, 7)], 1):
                key = shred.new_key()
                insert("slots", {"slot": slot, "key": key})
                wrapped = shred.wrap(key, made.id, n, made.chunks[n])
                insert("chunks", {"place": slot * CHUNKS_A_SLOT + n, "wrapped": wrapped})
            counted = before > "0007"
            upload = old_row(self.uploading, missing=7) | {"slot": 2}
            insert("secrets", old_row(self.waiting) | {"slot": 1} | ({"held": 1040} if counted else {}))
            insert("secrets", upload | ({"held": (1 + UPLOAD_AHEAD) * SEALED_CHUNK} if counted else {}))
            self._fill(insert, before > "0004")
            if counted:
                held = (1 + UPLOAD_AHEAD) * SEALED_CHUNK
                database.execute("UPDATE usage SET bytes = ?, unfinished = ?", (5 * ROW + 1040 + held, held))
            else:
                database.execute("UPDATE usage SET bytes = ?", (1040 + 7 * SEALED_CHUNK + 40,))
            connection.commit()

    def fill_postgres(self, url: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            with monkeypatch.context() as patch:
                patch.setattr(postgres_migrations, "STEPS", postgres_migrations.STEPS[:steps])
                postgres_migrations.migrate(connection)

            def insert(table: str, row: Mapping[str, Any]) -> None:
                marks = ", ".join(["%s"] * len(row))
                statement = f"INSERT INTO taina.{table} ({', '.join(row)}) VALUES ({marks})"
                connection.execute(statement.encode(), [*row.values()])

            for made, n, row in [
                (self.waiting, 0, old_row(self.waiting)),
                (self.uploading, 7, old_row(self.uploading, missing=7)),
            ]:
                key = shred.new_key()
                insert("secrets", row)
                insert("keys", {"secret": made.id, "key": key, "size": row["size"]})
                insert("chunks", {"secret": made.id, "n": n, "wrapped": shred.wrap(key, made.id, n, made.chunks[n])})
            self._fill(insert, steps > 1)
            connection.execute("UPDATE taina.usage SET bytes = 7 WHERE shard = 3")

    def _fill(self, insert: Insert, requests: bool) -> None:
        insert("secrets", old_row(self.burned, ended=True))
        if requests:
            insert("requests", old_request(self.request))
            place = {"request": self.request.id, "n": 0}
            insert("envelopes", place | {"sealed": self.envelope, "received": START})

    def check(self, store: Store, requests: bool) -> None:
        """Each goes on where it was, and all is counted."""
        held = (1 + UPLOAD_AHEAD) * SEALED_CHUNK
        rows = (5 if requests else 3) * ROW
        assert store.atomically(lambda tx: tx.usage()) == Usage(rows + 1040 + held, held)
        vault, asked = Vault(store, Limits(), lambda: START), SecretRequests(store, Limits(), lambda: START)
        fresh = MadeRequest()
        if requests:
            (found,) = asked.inbox(self.request.id, self.request.inbox_token).envelopes
            assert found.sealed == self.envelope
            answer = Made()
            vault.create(answer.id, answer.order(), asked.start_answer(self.request.id, self.request.answer_token))
            vault.burn(answer.receipt_id, answer.receipt_token)
            rows += ROW
        assert asked.create(fresh.id, fresh.asking()).new
        assert vault.receipt(self.burned.receipt_id, self.burned.receipt_token).state == "burned"
        made = self.waiting
        assert vault.reveal(made.id, made.link_proof, made.reveal_proof).content == made.chunks[0]
        for n in range(7):
            vault.put_chunk(self.uploading.id, self.uploading.receipt_token, n, self.uploading.chunks[n])
        made = self.uploading
        vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
        assert vault.claimed_chunk(made.claim_id, made.claim_token, 7) == made.chunks[7]
        vault.acknowledge(made.claim_id, made.claim_token, made.opened_proof)
        assert store.atomically(lambda tx: tx.usage()) == Usage(rows + ROW, 0)


@pytest.mark.parametrize("before", ["0003_requests", "0005_answers", "0006_usage", "0008_order"])
def test_an_older_file(tmp_path: Path, before: str) -> None:
    old = Old()
    old.fill_sqlite(tmp_path / "taina.db", before)
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        old.check(store, requests=before > "0004")


def test_a_step_keeps_the_name_by_which_files_know_it() -> None:
    """Under another it would be taken once more, on files that have it behind them."""
    database = sqlite_utils.Database(memory=True)
    migrations.apply(database)
    found = database.execute("SELECT migration_set, name FROM _sqlite_migrations ORDER BY id").fetchall()
    database.close()
    first = "0001_secrets 0002_sealed_bytes 0003_requests 0004_litter 0009_refuses_0_1"
    names = f"{first} 0005_answers 0006_usage 0007_clock 0008_order"
    assert found == [("taina", name) for name in names.split()]


class _Noting(sqlite_utils.Database):
    """Notes each statement, without the spaces that mean nothing."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        super().__init__(memory=True)

    def execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        self.noted.append(" ".join(sql.split()))
        return super().execute(sql, *args, **kwargs)


STEPS = {
    "secrets": "aa9fb55258e832f2",
    "sealed_bytes": "472603dd57d0e210",
    "requests": "772f48dc0499354f",
    "litter": "aae55989d5b6a8b3",
    "refuses_0_1": "47f50b2f11015b2e",
    "answers": "71b44cb3f810c3ba",
    "usage": "a9fa727b3e5a69a6",
    "clock": "7bb78d90fd755562",
    "order": "f0b79736227053ab",
}
"""The first digits of the SHA-256 of what each says to the database."""


def test_a_step_that_was_released_is_never_changed() -> None:
    """Files that have it behind them would differ from new ones: with what they check, too."""
    said, database = {}, _Noting()
    for step in STEPS:
        database.noted.clear()
        getattr(sqlite_migrations, step)(database)
        own = [one for one in database.noted if not one.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]
        said[step] = hashlib.sha256("\n".join(own).encode()).hexdigest()[:16]
    database.close()
    assert said == STEPS


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_older_schema(database: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Old()
    old.fill_postgres(database, steps, monkeypatch)
    with closing(PostgresStore(database)) as store:
        old.check(store, requests=steps > 1)


class _BrokenOffError(Exception):
    pass


class _Breaking(sqlite_utils.Database):
    """Breaks off at its `left`th statement."""

    left = 0

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        if not self.left:
            raise _BrokenOffError
        return super().execute(*args, **kwargs)


def in_order(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {NAMES}, slot FROM secrets ORDER BY due, id").fetchall()


def many(path: Path, before: str) -> None:
    """A file of an older version, of rows whose copy takes several rounds."""
    with closing(sqlite3.connect(path)) as connection:
        database = sqlite_utils.Database(connection)
        apply_before(database, before)
        for n, one in enumerate(Made() for _ in range(25)):
            row = old_row(one) | {"slot": n, "due": START + n // 10, "claim_id": one.claim_id if n % 3 else None}
            database.table("secrets").insert(row | ({"held": 1040} if before > "0007" else {}))
        connection.commit()


def breaks_off(path: Path, after: int, upgrade: Callable[[sqlite_utils.Database], None]) -> bool:
    """Whether it did, at that statement."""
    with closing(sqlite3.connect(path)) as connection:
        breaking = _Breaking(connection)
        breaking.left = after
        try:
            upgrade(breaking)
        except _BrokenOffError:
            return True
    return False


def test_the_new_order_may_be_broken_off_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on where it was, and every row is there once."""
    monkeypatch.setattr(sqlite_migrations, "COPIED_AT_ONCE", 7)
    old, path = tmp_path / "old.db", tmp_path / "taina.db"
    many(old, "0008_order")
    before, breaks = in_order(old), 0
    broken = True
    while broken:
        breaks += 1
        path.write_bytes(old.read_bytes())
        broken = breaks_off(path, breaks, migrations.apply)
        with closing(sqlite3.connect(path)) as connection:
            migrations.apply(sqlite_utils.Database(connection))
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT wr FROM pragma_table_list WHERE name = 'secrets'").fetchone() == (0,)
            left = "SELECT 1 FROM sqlite_master WHERE tbl_name IN ('secrets_in_order', 'secrets_before')"
            assert not connection.execute(left).fetchall()
        assert in_order(path) == before
    assert breaks > 20


def starts_0_1(database: sqlite_utils.Database) -> bool:
    """Whether version 0.1.0 does on this file: it compares nothing, but reads this table."""
    return bool(database["litter"].exists())


def starts_0_2(database: sqlite_utils.Database) -> bool:
    """Whether version 0.2.0 does: it refuses steps that it does not know."""
    return all(step.name < "0008" for step in migrations.applied(database))


def old_program(path: Path, starts: Callable[[sqlite_utils.Database], bool], held: Mapping[str, int]) -> None:
    """Put back after an upgrade that broke off: where it starts, it opens a secret, and keeps one due in between."""
    with closing(sqlite3.connect(path)) as connection:
        database = sqlite_utils.Database(connection)
        if starts(database):
            first = "(SELECT id FROM secrets ORDER BY due, id LIMIT 1)"
            connection.execute(f"UPDATE secrets SET state = 'revealed', due = due + 7 WHERE id = {first}")
            database.table("secrets").insert({**old_row(Made()), "slot": 99, "due": START + 1, **held})
            connection.commit()


def told(path: Path, what: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {what} FROM secrets ORDER BY id").fetchall()


@pytest.mark.parametrize(
    ("before", "starts", "held", "upgrade"),
    [
        pytest.param("0005_answers", starts_0_1, {}, migrations.apply, id="0.1.0"),
        pytest.param("0008_order", starts_0_2, {"held": 1040}, migrations.apply, id="0.2.0"),
        # Checkouts between 0.2.0 and the next version refused old programs after the copy.
        pytest.param("0008_order", starts_0_2, {"held": 1040}, sqlite_migrations.order, id="unreleased"),
    ],
)
def test_an_old_program_is_put_back_after_an_upgrade_that_broke_off(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    starts: Callable[[sqlite_utils.Database], bool],
    held: Mapping[str, int],
    upgrade: Callable[[sqlite_utils.Database], None],
) -> None:
    """It starts on its own file or on none, and the next upgrade keeps what it did, and counts it."""
    monkeypatch.setattr(sqlite_migrations, "COPIED_AT_ONCE", 7)
    old, path = tmp_path / "old.db", tmp_path / "taina.db"
    many(old, before)
    breaks, broken = 0, True
    while broken:
        breaks += 1
        path.write_bytes(old.read_bytes())
        broken = breaks_off(path, breaks, upgrade)
        old_program(path, starts, held)
        what = "id, state, due, slot, claim_id"
        left = told(path, what)
        with closing(sqlite3.connect(path)) as connection:
            migrations.apply(sqlite_utils.Database(connection))
        assert told(path, what) == left
        assert {row for (row,) in told(path, "held")} == {1040}
    assert breaks > 10
