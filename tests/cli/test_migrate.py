"""`taina migrate`: it says what it did, the source stays until told, and a server goes on with either."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Run
from support.every_state import EveryState
from support.postgres_cluster import PASSWORD, Node
from support.servers import start_server, stop_server
from taina import Client
from taina.store import UnusableError
from taina.store.migration import Move
from taina.store.postgres import PostgresStore
from taina.store.sqlite import SqliteStore


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "taina.db"


@pytest.fixture
def filled(source: Path) -> EveryState:
    with closing(SqliteStore(source)) as store:
        return EveryState(store)


def test_everything_arrives_and_goes_on(source: Path, filled: EveryState, database: str, run: Run) -> None:
    done = run("migrate", "--from", f"sqlite:{source}", TAINA_STORE=database)
    assert done.returncode == 0, done.stderr
    assert b"6 secrets (6 of them new there) and 1 requests are in the target, and equal." in done.stdout
    with closing(PostgresStore(database)) as store:
        filled.check(store)
    with pytest.raises(UnusableError, match="was moved to another database"):
        SqliteStore(source)


def test_no_server_starts_on_a_file_that_was_moved(tmp_path: Path, database: str, run: Run) -> None:
    """What was opened in the new place would be opened a second time from the old one."""
    stop_server(start_server(tmp_path))
    source = f"sqlite:{tmp_path / 'taina.db'}"
    first = run("migrate", "--from", source, "--to", database)
    assert b"no server starts on it again" in first.stdout
    with pytest.raises(RuntimeError, match="never served again"):
        start_server(tmp_path)
    assert run("migrate", "--from", source, "--to", database).returncode == 0, "a move may be said again"
    assert run("migrate", "--from", source, "--to", database, "--delete-source").returncode == 0
    stop_server(start_server(tmp_path))


@pytest.mark.usefixtures("filled")
def test_the_source_is_deleted_when_told_and_not_before(source: Path, database: str, run: Run) -> None:
    first = run("migrate", "--from", f"sqlite:{source}", "--to", database)
    assert b"no server starts on it again" in first.stdout
    again = run("migrate", "--from", f"sqlite:{source}", "--to", database, "--delete-source")
    assert b"was moved before" in again.stdout
    assert list(source.parent.iterdir()) == []


def test_the_source_is_deleted_once_the_target_has_served(
    source: Path, filled: EveryState, database: str, run: Run
) -> None:
    assert run("migrate", "--from", f"sqlite:{source}", "--to", database).returncode == 0
    with closing(PostgresStore(database)) as store:
        filled.check(store)
    done = run("migrate", "--from", f"sqlite:{source}", "--to", database, "--delete-source")
    assert (done.returncode, done.stderr) == (0, b"")
    assert not source.exists()


@pytest.mark.usefixtures("filled")
def test_a_source_that_differs_is_not_deleted(source: Path, database: str, postgres: Node, run: Run) -> None:
    with Move(source, database) as move:
        move.copy()
    postgres.execute("DELETE FROM taina.envelopes", database="taina")
    done = run("migrate", "--from", f"sqlite:{source}", "--to", database, "--delete-source")
    assert done.returncode == 1
    assert b"Nothing was deleted" in done.stderr
    SqliteStore(source).close()


_REFUSE = (
    "CREATE FUNCTION taina.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {} RETURN NEW; END $$;"
    "CREATE TRIGGER fail BEFORE INSERT ON taina.chunks FOR EACH ROW EXECUTE FUNCTION taina.fail()"
)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1);", "connection"),
        ("RAISE disk_full USING MESSAGE = 'no space left', DETAIL = 'in\nlines';", "no space left"),
        ("RAISE read_only_sql_transaction USING MESSAGE = 'cannot execute INSERT';", "cannot execute INSERT"),
    ],
)
def test_a_target_that_fails_is_told_and_the_move_goes_on(
    source: Path, filled: EveryState, database: str, postgres: Node, run: Run, fault: str, why: str
) -> None:
    PostgresStore(database).close()
    postgres.execute(_REFUSE.format(fault), database="taina")
    command = ("migrate", "--from", f"sqlite:{source}", "--to", database, "--delete-source")
    done = run(*command)
    said = done.stderr.decode()
    assert done.returncode == 1
    for part in ("The target failed", why, "Nothing was deleted", "the same command"):
        assert part in said
    for part in (PASSWORD, "127.0.0.1", str(postgres.port), "nobody foresaw", "Traceback"):
        assert part not in said
    assert said.count("\n") == 1 + said.count("so far")
    postgres.execute("DROP FUNCTION taina.fail CASCADE", database="taina")
    assert run(*command).returncode == 0
    with closing(PostgresStore(database)) as store:
        filled.check(store)


def test_a_source_that_fails_is_told(source: Path, filled: EveryState, database: str, run: Run) -> None:
    assert filled
    with closing(sqlite3.connect(source)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'chunks'").fetchone()
    with source.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    done = run("migrate", "--from", f"sqlite:{source}", "--to", database)
    said = done.stderr.decode()
    assert (done.returncode, "nobody foresaw" in said) == (1, False)
    assert f"{source} failed (database disk image is malformed)" in said
    assert source.exists()


def test_a_source_that_cannot_be_moved(tmp_path: Path, database: str, run: Run) -> None:
    (tmp_path / "note").write_text("no database" * 100)
    for source, said in [
        ("mysql:x", "Write it like sqlite:"),
        ("sqlite:missing.db", "The file missing.db does not exist"),
        ("sqlite:note", "note cannot be read"),
    ]:
        done = run("migrate", "--from", source, "--to", database)
        assert done.returncode in (1, 2)
        assert said in done.stderr.decode()
        assert b"Traceback" not in done.stderr


def test_a_source_that_is_served_is_refused(tmp_path: Path, database: str, run: Run) -> None:
    server = start_server(tmp_path)
    with Client(server.url) as client:
        link = client.send("kept").link
    done = run("migrate", "--from", f"sqlite:{tmp_path / 'taina.db'}", "--to", database)
    assert done.returncode == 1
    assert b"Is a server still running on it?" in done.stderr
    stop_server(server)
    assert run("migrate", "--from", f"sqlite:{tmp_path / 'taina.db'}", "--to", database).returncode == 0
    server = start_server(tmp_path / "none", "--store", database)
    with Client(server.url) as client:
        assert client.open(link.partition("#")[2]).text == "kept"
    stop_server(server)
