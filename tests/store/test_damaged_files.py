"""A file that a disk has damaged: whoever meets it is told, and the process learns that it must end."""

import errno
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from support.clocks import START
from support.refusing_database import refuse
from support.secrets import SEALED_CHUNK, Made, MadeRequest
from taina.errors import StorageFullError, TainaError
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import Transaction
from taina.store.sqlite import SqliteStore


def new_vault(store: SqliteStore) -> Vault:
    return Vault(store, Limits(), lambda: START)


def upload(vault: Vault, chunks: int) -> Made:
    made = Made(chunks=(bytes(SEALED_CHUNK),) * chunks)
    vault.create(made.id, made.order())
    for n, chunk in enumerate(made.chunks):
        vault.put_chunk(made.id, made.receipt_token, n, chunk)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taina.db"


def overwrite(path: Path, page: int, data: bytes) -> None:
    """The beginning of a page, counted from 1."""
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(data)


def damage_chunks(path: Path) -> None:
    """Of a closed database: zeros where the table begins."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'chunks'").fetchone()
    overwrite(path, page, bytes(4096))


def damage_free_pages(path: Path) -> None:
    """Of a closed database: a list of more free pages than a page can name."""
    with path.open("rb") as file:
        trunk = int.from_bytes(file.read(36)[32:], "big")
    assert trunk
    overwrite(path, trunk, b"\xff" * 8)


def test_who_meets_it_is_told_and_others_go_on(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteStore(path)) as store:
        vault = new_vault(store)
        made, burned = Made(), Made()
        for one in (made, burned):
            vault.create(one.id, one.order())
        vault.burn(burned.receipt_id, burned.receipt_token)
    damage_chunks(path)
    ruined: list[str] = []
    with closing(SqliteStore(path, on_ruin=lambda: ruined.append("told"))) as store:
        vault = new_vault(store)
        assert (vault.status(made.id, made.link_proof).state, ruined) == ("waiting", [])
        with pytest.raises(TainaError) as caught:
            vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
        assert (caught.value.code, ruined) == ("internal", ["told"])
        assert vault.status(made.id, made.link_proof).state == "waiting", "the reveal is undone"
        assert vault.receipt(burned.receipt_id, burned.receipt_token).state == "burned"
    assert "the database failed: SQLITE_CORRUPT" in caplog.text


def test_without_anybody_to_tell_the_caller_is_told_all_the_same(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        made = Made()
        new_vault(store).create(made.id, made.order())
    damage_chunks(path)
    with closing(SqliteStore(path)) as store, pytest.raises(TainaError):
        new_vault(store).reveal(made.id, made.link_proof, made.reveal_proof)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("SQLITE_IOERR", True),
        ("SQLITE_IOERR_FSYNC", True),
        ("SQLITE_IOERR_WRITE", True),
        ("SQLITE_CORRUPT", True),
        ("SQLITE_NOTADB", True),
        ("SQLITE_BUSY", False),
        ("SQLITE_CONSTRAINT_CHECK", False),
        ("SQLITE_FULL", False),
    ],
)
def test_what_the_disk_did_not_keep_ends_the_process(
    path: Path, caplog: pytest.LogCaptureFixture, name: str, ends: bool
) -> None:
    error = sqlite3.OperationalError()
    error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)
    ruined: list[str] = []
    with closing(SqliteStore(path, on_ruin=lambda: ruined.append("told"))) as store:
        answer = store._explain(error)
    assert ruined == (["told"] if ends else [])
    full = name == "SQLITE_FULL"
    assert type(answer) is (StorageFullError if full else TainaError)
    assert caplog.messages == ([] if full else [f"the database failed: {name}"])


@pytest.mark.parametrize("step", ["open", "write", "fsync"])
@pytest.mark.parametrize(
    ("number", "full"),
    [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EFBIG, True), (errno.EIO, False), (errno.EROFS, False)],
)
def test_a_write_that_failed_for_want_of_room_ends_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str, number: int, full: bool
) -> None:
    """A quota and a limit, of which SQLite says no more than of a disk that fails."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    error = sqlite3.OperationalError()
    error.sqlite_errorname, error.sqlite_errorcode = "SQLITE_IOERR_WRITE", sqlite3.SQLITE_IOERR_WRITE
    ruined: list[str] = []
    with closing(SqliteStore(path, on_ruin=lambda: ruined.append("told"))) as store, monkeypatch.context() as patch:
        patch.setattr(
            *{"open": (tempfile, "TemporaryFile"), "write": (os, "pwrite"), "fsync": (os, "fsync")}[step], fail
        )
        answer = store._explain(error)
    assert type(answer) is (StorageFullError if full else TainaError)
    assert (ruined, caplog.messages) == (([], []) if full else (["told"], ["the database failed: SQLITE_IOERR_WRITE"]))
    assert sorted(each.name for each in path.parent.iterdir()) == ["taina.db"]


def test_a_write_that_stops_at_a_limit_ends_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    with closing(SqliteStore(path)) as store, monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda *_: 100)
        assert type(store._explain(error)) is StorageFullError


def test_a_failure_without_a_code_is_told_by_its_kind(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ruined: list[str] = []
    with closing(SqliteStore(path, on_ruin=lambda: ruined.append("told"))) as store:
        assert type(store._explain(sqlite3.ProgrammingError("secret words"))) is TainaError
    assert (ruined, caplog.messages) == ([], ["the database failed: ProgrammingError"])


def left_to_delete(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        made = upload(vault := new_vault(store), 12)
        vault.burn(made.receipt_id, made.receipt_token)
    damage_chunks(path)


def left_to_give_back(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        made = [upload(vault := new_vault(store), 4) for _ in range(3)]
        for one in made:
            vault.burn(one.receipt_id, one.receipt_token)
    damage_free_pages(path)


@pytest.mark.parametrize("leave", [left_to_delete, left_to_give_back])
def test_what_the_store_meets_by_itself_is_told_too(path: Path, leave: Callable[[Path], None]) -> None:
    """Between the commits nobody waits for an answer."""
    leave(path)
    ruined = threading.Event()
    with closing(SqliteStore(path, on_ruin=ruined.set)) as store:
        assert ruined.wait(60)
        assert new_vault(store).used() > 0


def test_a_log_that_cannot_be_emptied_at_the_end_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite would close the file without a word."""
    store = SqliteStore(path)
    assert store._thread
    store._thread.stop()
    refuse(store._connection, sqlite3.SQLITE_PRAGMA, "wal_checkpoint")
    assert caplog.messages == []
    store.close()
    assert caplog.messages == ["the database failed: SQLITE_AUTH"]


def test_a_log_that_somebody_took_away_fails_nobody(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        path.with_name("taina.db-wal").unlink(missing_ok=True)
        assert [new_vault(store).used() for _ in range(20)] == [0] * 20


def test_a_row_that_the_tables_refuse_is_a_fault_of_ours_and_no_conflict(path: Path) -> None:
    ruined: list[str] = []
    with closing(SqliteStore(path, on_ruin=lambda: ruined.append("told"))) as store:
        made, asked = Made(), MadeRequest()
        new_vault(store).create(made.id, made.order())
        SecretRequests(store, Limits(), lambda: START).create(asked.id, asked.asking())
        secret = store.atomically(lambda tx: tx.find(made.id))
        request = store.atomically(lambda tx: tx.requests.find(asked.id))
        assert secret
        assert request
        before = store.atomically(lambda tx: tx.usage())
        faults: list[Callable[[Transaction], None]] = [
            lambda tx: tx.put(secret._replace(id=bytes(16), receipt_id=bytes(16), chunks=-1)),
            lambda tx: tx.update(secret, chunks=-1),
            lambda tx: tx.requests.put(replace(request, id=bytes(16), answers=0)),
        ]
        for fault in faults:
            with pytest.raises(TainaError) as caught:
                store.atomically(fault)
            assert (caught.value.code, ruined) == ("internal", [])
        assert store.atomically(lambda tx: tx.usage()) == before
        assert store.atomically(lambda tx: tx.find(made.id)) == secret
