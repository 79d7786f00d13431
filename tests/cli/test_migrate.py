"""`taina migrate`: everything arrives, nothing comes back, the source stays until told."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Run
from support.postgres_cluster import Node
from support.secrets import Made, MadeRequest, envelope, made_of_chunks
from support.servers import start_server, stop_server
from taina import Client
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import ROW, Store, UnusableError, Usage
from taina.store.migration import Move
from taina.store.postgres import PostgresStore
from taina.store.sqlite import SqliteStore

START = 1_800_000_000


class Everything:
    """Secrets in every state, and a request with an answer."""

    def __init__(self, store: Store) -> None:
        vault = Vault(store, Limits(), lambda: START)
        self.waiting, self.claimed, self.opened, self.burned = Made(passphrase=True), Made(), Made(), Made()
        self.large, self.uploading = made_of_chunks(3), made_of_chunks(2)
        for made in (self.waiting, self.claimed, self.opened, self.burned, self.large, self.uploading):
            vault.create(made.id, made.order())
        for n, chunk in enumerate(self.large.chunks):
            vault.put_chunk(self.large.id, self.large.receipt_token, n, chunk)
        vault.put_chunk(self.uploading.id, self.uploading.receipt_token, 1, self.uploading.chunks[1])
        for made in (self.claimed, self.opened):
            vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
        vault.acknowledge(self.opened.claim_id, self.opened.claim_token, self.opened.opened_proof)
        vault.burn(self.burned.receipt_id, self.burned.receipt_token)
        requests = SecretRequests(store, Limits(), lambda: START)
        self.request, self.envelope = MadeRequest(answers=2), envelope()
        requests.create(self.request.id, self.request.asking())
        requests.answer(self.request.id, self.request.answer_token, self.envelope)

    def check(self, store: Store) -> None:
        """Each goes on where it was."""
        vault = Vault(store, Limits(), lambda: START)
        usage = store.atomically(lambda tx: tx.usage())
        uploading = sum(map(len, self.uploading.chunks))
        assert usage == Usage(8 * ROW + 2 * 1040 + sum(map(len, self.large.chunks)) + uploading, uploading)
        vault.put_chunk(self.uploading.id, self.uploading.receipt_token, 0, self.uploading.chunks[0])
        for made in (self.large, self.uploading):
            vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
            read = tuple(vault.claimed_chunk(made.claim_id, made.claim_token, n) for n in range(len(made.chunks)))
            assert read == made.chunks
        for made in (self.waiting, self.claimed):
            assert vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim).content == made.chunks[0]
        assert vault.receipt(self.opened.receipt_id, self.opened.receipt_token).opened == self.opened.opened_proof
        assert vault.receipt(self.burned.receipt_id, self.burned.receipt_token).state == "burned"
        requests = SecretRequests(store, Limits(), lambda: START)
        (kept,) = requests.inbox(self.request.id, self.request.inbox_token).envelopes
        assert (kept.sealed, kept.received) == (self.envelope, START)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "taina.db"


def filled(source: Path, fill: Callable[[Store], Everything]) -> Everything:
    with closing(SqliteStore(source)) as store:
        return fill(store)


def test_everything_arrives_and_goes_on(source: Path, database: str, run: Run) -> None:
    there = filled(source, Everything)
    done = run("migrate", "--from", f"sqlite:{source}", TAINA_STORE=database)
    assert done.returncode == 0, done.stderr
    assert b"6 secrets (6 of them new there) and 1 requests are in the target, and equal." in done.stdout
    with closing(PostgresStore(database)) as store:
        there.check(store)
    with closing(SqliteStore(source)) as file:
        there.check(file)


def test_the_source_is_deleted_when_told_and_not_before(source: Path, database: str, run: Run) -> None:
    filled(source, Everything)
    first = run("migrate", "--from", f"sqlite:{source}", "--to", database)
    assert b"Start no server on it again" in first.stdout
    again = run("migrate", "--from", f"sqlite:{source}", "--to", database, "--delete-source")
    assert b"6 secrets (0 of them new there)" in again.stdout
    assert list(source.parent.iterdir()) == []


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


def test_what_was_revealed_at_the_target_does_not_come_back(source: Path, database: str, run: Run) -> None:
    there = filled(source, Everything)
    with Move(source, database) as move:
        move.copy()
    with closing(PostgresStore(database)) as store:
        there.check(store)
    done = run("migrate", "--from", f"sqlite:{source}", "--to", database, "--delete-source")
    assert done.returncode == 1
    assert b"Nothing was deleted" in done.stderr
    with closing(PostgresStore(database)) as store, pytest.raises(Exception, match="gone"):
        reader = there.waiting.another_reader()
        Vault(store, Limits(), lambda: START).reveal(reader.id, reader.link_proof, reader.reveal_proof, reader.claim)


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
def test_a_difference_is_found(source: Path, database: str, postgres: Node, damage: str) -> None:
    filled(source, Everything)
    with Move(source, database) as move:
        move.copy()
        move.verify()
        postgres.execute(damage, database="taina")
        with pytest.raises(UnusableError, match="differ from the source"):
            move.verify()


def test_a_source_that_cannot_be_moved(tmp_path: Path, database: str, run: Run) -> None:
    (tmp_path / "note").write_text("no database" * 100)
    for source, said in [
        ("mysql:x", "Write it like sqlite:"),
        ("sqlite:missing.db", "There is no file missing.db"),
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


def test_a_source_of_a_newer_version_is_refused(source: Path, database: str) -> None:
    SqliteStore(source).close()
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('taina', '0099_new', '')"
        )
    with pytest.raises(UnusableError, match="newer Taina"):
        Move(source, database)


def test_no_table_is_forgotten(source: Path) -> None:
    """Whoever adds a table to the file has to say here that it is moved, or need not be."""
    SqliteStore(source).close()
    with closing(sqlite3.connect(source)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    moved = {"secrets", "slots", "chunks", "requests", "envelopes", "started"}
    counted_anew, gone_anyway, of_another_clock = {"usage", "_sqlite_migrations"}, {"litter"}, {"clock"}
    assert tables == moved | counted_anew | gone_anyway | of_another_clock
