"""A move from a file to PostgreSQL: everything arrives, nothing comes back, and what differs is found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlite_utils

from support.clocks import START
from support.every_state import EveryState
from support.postgres_cluster import PASSWORD, Node
from support.refusing_database import refuse
from support.secrets import Made, MadeRequest, envelope
from support.servers import free_port
from taina.errors import GoneError
from taina.rules.clock import WatchedClock
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import RECEIPT_KEPT, Vault
from taina.store import ROW, Transaction, UnusableError
from taina.store.migration import Move, Moved, _told
from taina.store.postgres import PostgresStore
from taina.store.sqlite import SqliteStore
from taina.store.sqlite_migrations import migrations


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "taina.db"


@pytest.fixture
def filled(source: Path) -> EveryState:
    with closing(SqliteStore(source)) as store:
        return EveryState(store)


def test_everything_arrives_and_goes_on(source: Path, filled: EveryState, database: str) -> None:
    told: list[int] = []
    with Move(source, database) as move:
        assert move.copy(lambda moved: told.append(moved.secrets)) == Moved(secrets=6, new=6, requests=1)
        move.verify()
    assert told == [6]
    with closing(PostgresStore(database)) as store:
        filled.check(store)
    with closing(SqliteStore(source)) as file:
        filled.check(file)


def test_a_move_that_was_broken_off_goes_on(source: Path, database: str) -> None:
    made = [Made() for _ in range(1200)]
    with closing(SqliteStore(source)) as store:
        for one in made:
            Vault(store, Limits(), lambda: START).create(one.id, one.order())

    def break_off(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Move(source, database) as move:
        move.copy(break_off)
    with Move(source, database) as move:
        with pytest.raises(UnusableError, match="700 entries of the target differ"):
            move.verify()
        moved = move.copy()
        assert (moved.secrets, moved.new) == (1200, 700)
        move.verify()
    with closing(PostgresStore(database)) as target:
        assert target.atomically(lambda tx: tx.usage().held) == 1200 * (1040 + ROW)


def test_what_was_revealed_at_the_target_does_not_come_back(source: Path, filled: EveryState, database: str) -> None:
    with Move(source, database) as move:
        move.copy()
    with closing(PostgresStore(database)) as store:
        filled.check(store)
    with Move(source, database) as move:
        assert move.copy().new == 0
    with closing(PostgresStore(database)) as store, pytest.raises(GoneError):
        reader = filled.waiting.another_reader()
        Vault(store, Limits(), lambda: START).reveal(reader.id, reader.link_proof, reader.reveal_proof, reader.claim)


def test_no_answer_comes_back_to_a_request_that_has_ended_at_the_target(source: Path, database: str) -> None:
    """Nor is an answer waited for that has come there."""
    ended, settled = MadeRequest(), MadeRequest()
    answers = {asked: Made() for asked in (ended, settled)}
    with closing(SqliteStore(source)) as store:
        requests = SecretRequests(store, Limits(), lambda: START)
        for asked, made in answers.items():
            requests.create(asked.id, asked.asking())
            admit = requests.start_answer(asked.id, asked.answer_token)
            Vault(store, Limits(), lambda: START).create(made.id, made.order(), admit)
        requests.answer(ended.id, ended.answer_token, envelope())
    with Move(source, database) as move:
        move.copy()
    with closing(PostgresStore(database)) as target:
        requests = SecretRequests(target, Limits(), lambda: START)
        requests.delete(ended.id, ended.inbox_token)
        requests.answer(settled.id, settled.answer_token, envelope())
        held = target.atomically(lambda tx: tx.usage().held)
    with Move(source, database) as move:
        move.copy()

    def kept(tx: Transaction) -> tuple[int, ...]:
        envelopes = (len(tx.requests.envelopes(asked.id)) for asked in (ended, settled))
        return (*envelopes, tx.requests.is_started(answers[settled].id), tx.usage().held)

    with closing(PostgresStore(database)) as target:
        assert target.atomically(kept) == (0, 1, False, held)


@pytest.fixture
def moved(source: Path, filled: EveryState, database: str) -> EveryState:
    """What stands in a source that was compared and marked."""
    with Move(source, database) as move:
        move.copy()
        move.verify()
        move.mark_source()
    return filled


def test_a_source_that_was_moved_is_deleted_whatever_has_happened_since(
    source: Path, moved: EveryState, database: str
) -> None:
    """Revealed, answered, deleted, forgotten: nothing of it comes back, and nothing hinders the deletion."""
    later = START + 3600 + RECEIPT_KEPT
    with closing(PostgresStore(database)) as store:
        moved.check(store)
        requests = SecretRequests(store, Limits(), lambda: START)
        requests.answer(moved.request.id, moved.request.answer_token, envelope())
        requests.delete(moved.request.id, moved.request.inbox_token)
        vault = Vault(store, Limits(), lambda: later)
        while vault.sweep():
            pass
        assert store.atomically(lambda tx: tx.find(moved.burned.id)) is None
        held = store.atomically(lambda tx: tx.usage().held)
    with Move(source, database, lambda: later) as move:
        assert move.copy() == Moved(secrets=6, new=0, requests=1)
        move.verify()
        move.delete_source()
    assert list(source.parent.iterdir()) == []
    with closing(PostgresStore(database)) as store:
        assert store.atomically(lambda tx: tx.usage().held) == held


def test_a_deletion_that_was_broken_off_goes_on(source: Path, moved: EveryState, database: str) -> None:
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("UPDATE slots SET key = zeroblob(32)")
    with Move(source, database) as move:
        move.copy()
        move.verify()
        move.delete_source()
    assert not source.exists()
    with closing(PostgresStore(database)) as store:
        moved.check(store)


def test_a_log_that_cannot_be_emptied_keeps_the_file_and_is_told(
    source: Path, moved: EveryState, database: str
) -> None:
    """Its keys may still stand in the log; the same command goes on where it was."""
    with Move(source, database) as move:
        move.copy()
        move.verify()
        refuse(move._source, sqlite3.SQLITE_PRAGMA, "wal_checkpoint")
        with pytest.raises(UnusableError, match="It is not deleted, but nothing in it can be opened any more"):
            move.delete_source()
    with closing(sqlite3.connect(source)) as connection:
        assert not any(any(key) for (key,) in connection.execute("SELECT key FROM slots"))
    with Move(source, database) as move:
        move.copy()
        move.delete_source()
    assert list(source.parent.iterdir()) == []
    with closing(PostgresStore(database)) as store:
        moved.check(store)


@pytest.mark.parametrize(
    ("lost", "count"),
    [("SCHEMA taina", 7), ("secrets", 6), ("secrets WHERE state = 'burned'", 1), ("requests", 1)],
)
@pytest.mark.usefixtures("moved")
def test_what_is_missing_in_its_time_was_moved_to_another_target(
    source: Path, database: str, postgres: Node, lost: str, count: int
) -> None:
    """Rows outlast all that is in them: none is forgotten before it would have expired."""
    if lost == "SCHEMA taina":
        postgres.execute("DROP SCHEMA taina CASCADE", database="taina")
    else:
        postgres.execute(f"DELETE FROM taina.{lost}", database="taina")
    with Move(source, database, lambda: START) as move:
        assert move.copy().new == 0
        with pytest.raises(UnusableError, match=f"^{count} entries of .* Nothing was copied or deleted"):
            move.verify()
    far_off = START + Limits().ttl_max + 3600
    with Move(source, database, lambda: far_off) as move:
        move.verify()


@pytest.mark.usefixtures("filled")
def test_nobody_is_told_to_empty_a_target_that_has_served(source: Path, database: str, postgres: Node) -> None:
    with Move(source, database) as move:
        move.copy()
        postgres.execute("DELETE FROM taina.envelopes", database="taina")
        with pytest.raises(UnusableError, match="empty the target"):
            move.verify()
    with closing(PostgresStore(database)) as store:
        WatchedClock(store).note(1)
    with Move(source, database) as move, pytest.raises(UnusableError, match="has run on the target") as caught:
        move.verify()
    assert "empty" not in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE taina.chunks SET wrapped = wrapped || 'x' WHERE n = 2",
        "DELETE FROM taina.chunks WHERE n = 1",
        "UPDATE taina.keys SET key = sha256(key)",
        "UPDATE taina.secrets SET expires = expires + 1 WHERE state = 'burned'",
        "DELETE FROM taina.envelopes",
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_difference_is_found(source: Path, database: str, postgres: Node, damage: str) -> None:
    with Move(source, database) as move:
        move.copy()
        move.verify()
        postgres.execute(damage, database="taina")
        with pytest.raises(UnusableError, match="differ from the source"):
            move.verify()


@pytest.mark.usefixtures("filled")
def test_no_key_stays_where_the_source_was(source: Path, database: str) -> None:
    """A second name of the file shows what stood in it at the end."""
    with closing(sqlite3.connect(source)) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM slots") if any(key)]
    copy = source.with_name("still")
    copy.hardlink_to(source)
    assert keys
    assert all(key in copy.read_bytes() for key in keys)
    with Move(source, database) as move:
        move.copy()
        move.delete_source()
    assert list(source.parent.iterdir()) == [copy]
    assert not any(key in copy.read_bytes() for key in keys)


@pytest.mark.usefixtures("filled")
def test_a_source_that_was_moved_is_never_served_again(source: Path, database: str) -> None:
    """But the move itself may go on, and mark it twice."""
    for _ in range(2):
        with Move(source, database) as move:
            move.copy()
            move.verify()
            move.mark_source()
        with pytest.raises(UnusableError, match="moved to another database"):
            SqliteStore(source)


def test_a_database_that_fails_is_told_without_its_address(source: Path, filled: EveryState, postgres: Node) -> None:
    assert filled
    closed = free_port()
    with pytest.raises(UnusableError, match=r"^The target failed \(.*refused") as caught, _told(source):
        psycopg.connect(postgres.url.replace(str(postgres.port), str(closed)))
    assert not [part for part in (PASSWORD, "127.0.0.1", str(closed), "\n") if part in str(caught.value)]
    with (
        pytest.raises(UnusableError, match=r"taina\.db failed \(no such table: none\)\. Nothing was deleted"),
        closing(sqlite3.connect(source)) as connection,
        _told(source),
    ):
        connection.execute("SELECT * FROM none")


def test_a_target_that_goes_away_is_told(source: Path, filled: EveryState, database: str, postgres: Node) -> None:
    assert filled

    def end(_: object) -> None:
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'taina'")

    with pytest.raises(UnusableError, match=r"^The target failed \("), Move(source, database) as move:
        move.copy(end)
    with Move(source, database) as move:
        assert move.copy().new == 0
        move.verify()


def test_a_source_that_is_not_there_or_not_one(tmp_path: Path, database: str) -> None:
    with pytest.raises(UnusableError, match=r"The file .*missing\.db does not exist"):
        Move(tmp_path / "missing.db", database)
    (tmp_path / "note").write_text("no database" * 100)
    with pytest.raises(UnusableError, match="note cannot be read"):
        Move(tmp_path / "note", database)


def test_a_source_that_is_in_use_is_refused(source: Path, database: str) -> None:
    with closing(SqliteStore(source)), pytest.raises(UnusableError, match="Is a server still running on it"):
        Move(source, database)


def test_a_source_of_a_newer_version_is_refused(source: Path, database: str) -> None:
    SqliteStore(source).close()
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('taina', '0099_new', '')"
        )
    with pytest.raises(UnusableError, match="newer Taina"):
        Move(source, database)


def test_a_source_of_an_older_version_is_refused_unchanged(source: Path, database: str) -> None:
    with closing(sqlite3.connect(source)) as connection:
        migrations.apply(sqlite_utils.Database(connection), stop_before="0006_usage")
        connection.commit()
    before = source.read_bytes()
    with pytest.raises(UnusableError, match="of an older version"):
        Move(source, database)
    assert source.read_bytes() == before


def test_no_table_is_forgotten(source: Path) -> None:
    """Whoever adds a table to the file has to say here that it is moved, or need not be."""
    SqliteStore(source).close()
    with closing(sqlite3.connect(source)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    moved = {"secrets", "slots", "chunks", "requests", "envelopes", "started"}
    counted_anew, gone_anyway, of_another_clock = {"usage", "_sqlite_migrations"}, {"pending_deletes"}, {"clock"}
    assert tables == moved | counted_anew | gone_anyway | of_another_clock
