"""What is SQLite's own: one process, durable commits, a full disk, jobs that share a transaction."""

import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlite_utils

from support.clocks import START
from support.secrets import SEALED_CHUNK, Made, MadeRequest, envelope, made_of_chunks, new_secret, reveal
from support.waiting import wait_until
from taina.errors import ConflictError, StorageFullError, TainaError
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import ROW, Request, Transaction, UnusableError, Usage, sqlite_transaction
from taina.store.access_keys import KeyFile
from taina.store.group_commit import Job
from taina.store.ownership import keep_private
from taina.store.sqlite import SqliteStore
from taina.store.sqlite_slots import SLOTS_AT_ONCE


def new_vault(store: SqliteStore) -> Vault:
    return Vault(store, Limits(), lambda: START)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    waiting, claimed, burned = Made(), Made(), Made()
    store = SqliteStore(tmp_path / "taina.db")
    vault = new_vault(store)
    for made in (waiting, claimed, burned):
        vault.create(made.id, made.order())
    reveal(vault, claimed)
    vault.burn(burned.receipt_id, burned.receipt_token)
    used = store.atomically(lambda tx: tx.usage().held)
    store.close()

    store = SqliteStore(tmp_path / "taina.db")
    vault = new_vault(store)
    assert store.atomically(lambda tx: tx.usage().held) == used == 2 * 1040 + 3 * ROW
    assert reveal(vault, waiting) == waiting.chunks[0]
    assert reveal(vault, claimed) == claimed.chunks[0]
    assert vault.receipt(burned.receipt_id, burned.receipt_token).state == "burned"
    fresh = Made()
    vault.create(fresh.id, fresh.order())
    assert reveal(vault, fresh) == fresh.chunks[0]
    store.close()


def test_what_was_acknowledged_survives_a_killed_process(tmp_path: Path) -> None:
    made = Made()
    script = (
        "import os, signal, pickle, sys; from pathlib import Path\n"
        "from taina.store.sqlite import SqliteStore\n"
        "from taina.rules.types import Limits; from taina.rules.vault import Vault\n"
        "secret_id, order = pickle.loads(sys.stdin.buffer.read())\n"
        f"vault = Vault(SqliteStore(Path({str(tmp_path / 'taina.db')!r})), Limits(), lambda: {START})\n"
        "vault.create(secret_id, order)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], input=pickle.dumps((made.id, made.order())), check=False)
    assert killed.returncode == -9
    store = SqliteStore(tmp_path / "taina.db")
    assert reveal(new_vault(store), made) == made.chunks[0]
    store.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "taina.db")
    script = (
        "import sys; from pathlib import Path; from taina.store.sqlite import SqliteStore\n"
        "SqliteStore(Path(sys.argv[1]))"
    )
    second = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "taina.db")], capture_output=True, text=True, check=False
    )
    store.close()
    assert second.returncode != 0
    assert "locked" in second.stderr


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "taina.db")
    store.close()
    assert stat.S_IMODE((tmp_path / "taina.db").stat().st_mode) == 0o600


def test_the_connection_is_set_as_the_promises_need_it(tmp_path: Path) -> None:
    """No other test sees most of it: only lost power tells of a commit that nobody has waited for."""
    needed = {"locking_mode": "exclusive", "journal_mode": "wal", "auto_vacuum": 2, "synchronous": 2}
    needed |= {"secure_delete": 1, "temp_store": 2, "wal_autocheckpoint": 0, "mmap_size": 0}
    needed |= {"trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 2000}
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        connection = store._connection
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in needed}
        assert (found, connection.isolation_level) == (needed, None)
        watched, there = os.fstat(store._upkeep._log), (tmp_path / "taina.db-wal").stat()
        assert watched.st_ino == there.st_ino, "the log that it watches is the one that there is"


def test_a_file_of_a_newer_version_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "taina.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        database = sqlite_utils.Database(connection)
        later = sqlite_utils.Migrations("taina")
        later(name="9999_later")(lambda db: None)
        later.apply(database)
    before = path.read_bytes()
    with pytest.raises(UnusableError, match="newer Taina"):
        SqliteStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("user", "mode"), [(0, 0o644), (1000, 0o600)])
def test_root_changes_nothing_that_a_link_in_the_place_of_the_file_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, mode: int
) -> None:
    """Whoever owns the folder could have root hide any file of the system from all others."""
    other = tmp_path / "other"
    other.touch(0o644)
    (tmp_path / "taina.db").symlink_to(other)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    keep_private(tmp_path / "taina.db")
    assert stat.S_IMODE(other.stat().st_mode) == mode


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taina.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteStore(tmp_path / "taina.db")


def test_jobs_of_one_transaction_do_not_undo_each_other(tmp_path: Path) -> None:
    """Jobs that queue up behind a slow one are committed together; the one that fails fails alone."""
    store = SqliteStore(tmp_path / "taina.db")
    vault = new_vault(store)
    made = [Made() for _ in range(20)]
    same_receipt = Made(receipt_id=made[0].receipt_id)
    hold = threading.Event()
    failed: list[Made] = []

    def create(one: Made) -> None:
        try:
            vault.create(one.id, one.order())
        except ConflictError:
            failed.append(one)

    slow = threading.Thread(target=store.atomically, args=(lambda tx: hold.wait(60),))
    slow.start()
    others = [threading.Thread(target=create, args=(one,)) for one in (*made[:10], same_receipt, *made[10:])]
    for thread in others:
        thread.start()
    hold.set()
    for thread in (slow, *others):
        thread.join()
    assert len(failed) == 1
    kept = [one for one in (same_receipt, *made) if one not in failed]
    assert [reveal(vault, one) for one in kept] == [one.chunks[0] for one in kept]
    store.close()


def test_what_a_failed_job_took_is_given_back(tmp_path: Path) -> None:
    """Bytes, rows and slots: one that fails after it has changed something is undone by itself."""
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        secret = None

        def fail(tx: Transaction) -> None:
            assert secret
            tx.put(secret)
            tx.requests.put(request)
            raise ConflictError

        vault, requests = new_vault(store), SecretRequests(store, Limits(), lambda: START)
        made, asked = Made(), MadeRequest()
        vault.create(made.id, made.order())
        requests.create(asked.id, asked.asking())
        secret = store.atomically(lambda tx: tx.find(made.id))
        request = store.atomically(lambda tx: tx.requests.find(asked.id))
        assert secret
        assert request
        secret, request = secret._replace(id=bytes(16), receipt_id=bytes(16)), replace(request, id=bytes(16))
        before = store.atomically(lambda tx: tx.usage())
        free = free_slots(store)
        for _ in range(3):
            with pytest.raises(ConflictError):
                store.atomically(fail)
        with pytest.raises(ConflictError):  # these fail before they have changed anything
            store.atomically(lambda tx: tx.requests.put(replace(request, id=asked.id)))
        with pytest.raises(ConflictError):
            vault.create(Made().id, replace(made.order(), size=1041, content=bytes(1041)))
        assert store.atomically(lambda tx: tx.usage()) == before == Usage(2 * ROW + 1040)
        assert free_slots(store) == free == SLOTS_AT_ONCE - 1
        assert reveal(vault, made) == made.chunks[0]
    with sqlite3.connect(tmp_path / "taina.db") as connection:
        assert connection.execute("SELECT bytes, unfinished FROM usage").fetchall() == [(2 * ROW + 1040, 0)]
    connection.close()


def test_what_shared_a_transaction_with_a_failed_job_is_counted_once(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        made = Made()
        new_vault(store).create(made.id, made.order())
        secret = store.atomically(lambda tx: tx.find(made.id))
        assert secret
        good, bad = (secret._replace(id=os.urandom(16), receipt_id=os.urandom(16)) for _ in range(2))

        def fail(tx: Transaction) -> None:
            tx.put(bad)
            raise ConflictError

        with store._database:
            jobs = [Job(lambda tx: tx.put(good)), Job(fail)]
            store._do(jobs)
        assert [type(job.failure) for job in jobs] == [type(None), ConflictError]
        assert store.atomically(lambda tx: tx.usage()) == Usage(2 * (ROW + 1040))
        assert free_slots(store) == SLOTS_AT_ONCE - 2


def test_what_no_table_takes_is_no_conflict_but_a_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever is told of a conflict makes a new key, and would for ever."""
    secret, request = new_secret()._replace(missing=2), Request(bytes(16), bytes(32), bytes(32), 0, START, START + 1, 0)
    works: list[Callable[[Transaction], None]] = [lambda tx: tx.put(secret), lambda tx: tx.requests.put(request)]
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        for work in works:
            with pytest.raises(TainaError) as caught:
                store.atomically(work)
            assert type(caught.value) is TainaError
        assert store.atomically(lambda tx: tx.usage()) == Usage()
    assert caplog.text.count("the database failed: SQLITE_CONSTRAINT_CHECK") == 2


def free_slots(store: SqliteStore) -> int:
    return store.atomically(lambda tx: len(tx.slots._free))  # type: ignore[attr-defined]


def test_a_full_disk_loses_nothing_and_recovers(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "taina.db")
    vault = new_vault(store)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 60}")
    kept: list[Made] = []
    with pytest.raises(StorageFullError):
        while True:
            made = Made(chunks=(bytes(20_000),))
            vault.create(made.id, made.order())
            kept.append(made)
    assert len(kept) > 3
    # Reading, burning and acknowledging need no room.
    assert reveal(vault, kept[0]) == bytes(20_000)
    assert vault.acknowledge(kept[0].claim_id, kept[0].claim_token, kept[0].opened_proof) == "opened"
    assert vault.burn(kept[1].receipt_id, kept[1].receipt_token) == "burned"
    again = Made(chunks=(bytes(20_000),))
    vault.create(again.id, again.order())
    assert [reveal(vault, made) for made in (*kept[2:], again)] == [bytes(20_000)] * (len(kept) - 1)
    store.close()


def test_nothing_new_takes_the_last_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests and envelopes once did, and left nothing for what ends secrets."""
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        vault, requests = new_vault(store), SecretRequests(store, Limits(), lambda: START)
        made, asked, upload, another = Made(), MadeRequest(answers=2), made_of_chunks(2), made_of_chunks(2)
        vault.create(made.id, made.order())
        vault.create(upload.id, upload.order())
        requests.create(asked.id, asked.asking())
        one_row = (32 << 20) + ROW
        monkeypatch.setattr(sqlite_transaction, "free_bytes", lambda folder: one_row - 1)
        inserts: list[Callable[[], object]] = [
            lambda: vault.create(Made().id, Made().order()),
            lambda: vault.create(another.id, another.order()),
            lambda: vault.put_chunk(upload.id, upload.receipt_token, 0, upload.chunks[0]),
            lambda: requests.create(MadeRequest().id, MadeRequest().asking()),
            lambda: requests.answer(asked.id, asked.answer_token, envelope()),
        ]
        for insert in inserts:
            with pytest.raises(StorageFullError):
                insert()
        monkeypatch.setattr(sqlite_transaction, "free_bytes", lambda folder: 0)
        assert reveal(vault, made) == made.chunks[0]
        vault.burn(upload.receipt_id, upload.receipt_token)
        requests.delete(asked.id, asked.inbox_token)
        monkeypatch.setattr(sqlite_transaction, "free_bytes", lambda folder: one_row)
        assert requests.create(MadeRequest().id, MadeRequest().asking()).new


def test_a_chunk_that_has_arrived_needs_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lost the answer was told that nothing was stored."""
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        vault, made = new_vault(store), made_of_chunks(3)
        vault.create(made.id, made.order())
        for state in ("uploading", "waiting"):
            for n in range(2) if state == "uploading" else [2]:
                vault.put_chunk(made.id, made.receipt_token, n, made.chunks[n])
            used = vault.used()
            with monkeypatch.context() as patch:
                patch.setattr(sqlite_transaction, "free_bytes", lambda folder: 0)
                assert vault.put_chunk(made.id, made.receipt_token, 1, made.chunks[1]) == state
                with pytest.raises(ConflictError):
                    vault.put_chunk(made.id, made.receipt_token, 1, bytes(SEALED_CHUNK))
            assert vault.used() == used


def test_what_shares_a_transaction_shares_the_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        asked: list[str] = []

        def free_bytes(folder: str) -> int:
            asked.append(folder)
            return (32 << 20) + 100

        monkeypatch.setattr(sqlite_transaction, "free_bytes", free_bytes)

        def put(size: int) -> Job:
            return Job(lambda tx: tx.put(new_secret()._replace(size=size)))

        def put_and_fail(tx: Transaction) -> None:
            tx._check_room(40)  # type: ignore[attr-defined] # as those do that fail before they have written
            raise ConflictError

        jobs = [put(60), Job(put_and_fail), put(40), put(1), put(0)]
        with store._database:
            store._do(jobs)
        failures = [type(job.failure) for job in jobs]
        assert failures == [type(None), ConflictError, type(None), StorageFullError, type(None)]
        assert asked == [str(tmp_path)], "the disk is asked once"
        jobs = [put(100), put(1)]
        with store._database:
            store._do(jobs)
        assert [type(job.failure) for job in jobs] == [type(None), StorageFullError]
        assert len(asked) == 2


def test_the_room_on_a_disk_is_what_a_user_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    disks = {"/data": SimpleNamespace(f_bavail=3, f_bfree=5, f_bsize=1 << 20, f_frsize=4096)}
    monkeypatch.setattr(os, "statvfs", disks.__getitem__)
    assert sqlite_transaction.free_bytes("/data") == 12288


def test_a_secret_that_has_ended_frees_its_slot_once(tmp_path: Path) -> None:
    """Freed twice, two secrets would share it."""
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        once, twice, other = new_secret(), new_secret(), new_secret()

        def end(tx: Transaction) -> None:
            for secret in (once, twice):
                tx.put(secret)
                tx.erase(secret, state="burned")
            tx.erase(twice, due=1)

        store.atomically(end)
        assert free_slots(store) == SLOTS_AT_ONCE
        store.atomically(lambda tx: tx.put(other))
        for secret in (once, twice):
            store.atomically(lambda tx, secret=secret: tx.erase(secret, due=2))  # type: ignore[misc]
        assert free_slots(store) == SLOTS_AT_ONCE - 1
        slots = store._connection.execute("SELECT slot FROM secrets ORDER BY slot").fetchall()
        assert slots == [(None,), (None,), (3,)]


def test_what_is_in_use_is_written_down_with_what_changes_it(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        for held in (40, 41):
            store.atomically(lambda tx, held=held: tx.put(new_secret()._replace(state="uploading", held=held)))  # type: ignore[misc]
        assert store._connection.execute("SELECT * FROM usage").fetchall() == [(2 * ROW + 81, 81)]
        changes = store._connection.total_changes
        store.atomically(lambda tx: tx.usage())
        assert store._connection.total_changes == changes, "by nothing else"


def test_room_is_given_back_to_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "taina.db"
    store = SqliteStore(file)
    vault = new_vault(store)
    secrets = [Made(chunks=(bytes(1 << 20),)) for _ in range(12)]
    for made in secrets:
        vault.create(made.id, made.order())
    store.close()
    full = file.stat().st_size
    store = SqliteStore(file)
    vault = new_vault(store)
    for made in secrets:
        vault.burn(made.receipt_id, made.receipt_token)
    wait_until(lambda: file.stat().st_size <= full / 2)
    store.close()


def test_a_commit_wakes_the_upkeep_that_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        rests, woken = [True, False, True], list[None]()
        monkeypatch.setattr(store._upkeep, "note_commit", lambda: rests.pop(0))
        monkeypatch.setattr(store, "_wake", lambda: woken.append(None))
        counted = []
        for _ in range(3):
            store.atomically(lambda tx: tx.usage())
            counted.append(len(woken))
        assert counted == [1, 1, 2]


def count_chunks(path: Path) -> int:
    """Of a closed database."""
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM chunks").fetchone()
    connection.close()
    return int(count)


def upload(vault: Vault, made: Made) -> None:
    vault.create(made.id, made.order())
    for n, chunk in enumerate(made.chunks):
        vault.put_chunk(made.id, made.receipt_token, n, chunk)


def test_many_chunks_are_cleared_little_by_little_across_a_restart(tmp_path: Path) -> None:
    made = Made(chunks=tuple(os.urandom(SEALED_CHUNK) for _ in range(23)))
    store = SqliteStore(tmp_path / "taina.db")
    upload(vault := new_vault(store), made)
    vault.burn(made.receipt_id, made.receipt_token)
    assert store.atomically(lambda tx: tx.usage().held) == ROW
    store.close()  # before it was idle for long enough
    left = count_chunks(tmp_path / "taina.db")
    assert left > 0

    store = SqliteStore(tmp_path / "taina.db")
    vault = new_vault(store)
    fresh = Made(chunks=made.chunks[:6])
    upload(vault, fresh)  # in no slot that still has chunks of another secret
    assert vault.chunks_present(fresh.id, fresh.receipt_token) == list(range(6))
    vault.burn(fresh.receipt_id, fresh.receipt_token)
    deadline = time.monotonic() + 20
    while store.has_pending_deletes and time.monotonic() < deadline:
        vault.sweep()  # litter is cleared under load, too
    store.close()
    assert count_chunks(tmp_path / "taina.db") == 0


def test_a_burn_that_is_undone_leaves_no_litter(tmp_path: Path) -> None:
    made = Made(chunks=tuple(os.urandom(SEALED_CHUNK) for _ in range(5)))
    store = SqliteStore(tmp_path / "taina.db")
    upload(vault := new_vault(store), made)

    def work(tx: Transaction) -> None:
        secret = tx.find(made.id)
        assert secret
        tx.erase(secret)
        raise ConflictError

    with pytest.raises(ConflictError):
        store.atomically(work)
    vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
    assert [vault.claimed_chunk(made.claim_id, made.claim_token, n) for n in range(5)] == list(made.chunks)
    store.close()


def test_every_question_is_answered_by_an_index(tmp_path: Path) -> None:
    """Among a million of them as among ten."""
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        asked: list[str] = []
        store._connection.set_trace_callback(asked.append)
        vault = new_vault(store)
        for made in (Made(), made_of_chunks(2)):
            vault.create(made.id, made.order())
            for n, chunk in enumerate(made.chunks if len(made.chunks) > 1 else ()):
                vault.put_chunk(made.id, made.receipt_token, n, chunk)
            vault.status(made.id, made.link_proof)
            reveal(vault, made)
            vault.claimed_chunk(made.claim_id, made.claim_token, 0)
            vault.acknowledge(made.claim_id, made.claim_token, made.opened_proof)
            vault.receipt(made.receipt_id, made.receipt_token)
        vault.sweep()
        store._connection.set_trace_callback(None)
        statements = {one for one in asked if one.startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))}
        assert len(statements) > 10
        for statement in statements - {one for one in statements if " usage " in one}:
            for *_, detail in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                assert "SCAN" not in detail, (statement, detail)
                assert "TEMP B-TREE" not in detail, (statement, detail)


def test_few_statements_make_a_secret_and_end_it(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        vault, made = new_vault(store), Made()
        counted: list[int] = []

        def count(call: Callable[[], object]) -> None:
            asked: list[str] = []
            store._connection.set_trace_callback(asked.append)
            call()
            store._connection.set_trace_callback(None)
            own = ("BEGIN", "COMMIT", "UPDATE usage")
            counted.append(len([one for one in asked if not one.startswith(own)]))

        first = Made()
        vault.create(first.id, first.order())  # the slots are made with it
        count(lambda: vault.create(made.id, made.order()))
        count(lambda: reveal(vault, made))
        count(lambda: vault.claimed_chunk(made.claim_id, made.claim_token, 0))
        count(lambda: vault.claimed_chunk(made.claim_id, made.claim_token, 0))  # in the same second: nothing is renewed
        count(lambda: vault.acknowledge(made.claim_id, made.claim_token, made.opened_proof))
        count(lambda: vault.take_down(made.id))  # nothing is left to take down
        assert counted == [4, 4, 3, 2, 4, 1]


def test_every_connection_that_it_opens_is_closed_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 warns of one that is not; what reads the versions opens one of its own."""
    connect, opened = sqlite3.connect, list[sqlite3.Connection]()

    def recorded(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", recorded)
    SqliteStore(tmp_path / "taina.db").close()
    KeyFile(tmp_path / "keys.db")
    assert len(opened) >= 3
    before = len(opened)
    (tmp_path / "else.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteStore(tmp_path / "else.db")
    assert len(opened) > before
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
