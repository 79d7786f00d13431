"""What the SQLite store keeps in memory follows the file, whatever is done, undone, left for later or broken off."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from support.clocks import START
from support.secrets import new_secret
from taina.errors import ConflictError, StorageFullError, TainaError
from taina.store import ROW, Envelope, Secret, Transaction, Usage, shred
from taina.store.group_commit import Job
from taina.store.sqlite import SqliteStore
from taina.store.sqlite_slots import rows_of
from taina.store.turns import Turns

DEEDS = st.sampled_from(["put", "put", "put", "burn", "burn twice", "forget", "fail", "fail at once", "break"])
CHUNKS = st.sampled_from([1, 2, 4, 5, 8, 9])


def put(tx: Transaction, secret: Secret) -> None:
    tx.put(secret)
    for n in range(secret.chunks):
        tx.put_chunk(secret.id, n, bytes([n]) * 40)


def burn(tx: Transaction, secret_id: bytes) -> None:
    secret = tx.find(secret_id)
    assert secret
    assert secret.passphrase is True
    tx.erase(secret, state="burned", ended=START)


def burn_twice(secret_id: bytes) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        burn(tx, secret_id)
        burn(tx, secret_id)

    return work


class Memory(RuleBasedStateMachine):
    """Its upkeep happens when the machine says so: nobody takes the turns in which it would come by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.live: dict[bytes, int] = {}
        """Chunks of the secrets that can be opened."""
        self.ended: list[bytes] = []
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(Path(self.folder.name) / "taina.db", turns=Turns())

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(plan=st.lists(st.tuples(DEEDS, CHUNKS), min_size=1, max_size=6))
    def commit(self, plan: list[tuple[str, int]]) -> None:
        """Do several jobs in one transaction, or as far as they can share one."""
        jobs = [Job(self.job(deed, chunks)) for deed, chunks in plan]
        with self.store._database:
            self.store._do(jobs)
        for (deed, _), job in zip(plan, jobs, strict=True):
            expected = {"fail": ConflictError, "fail at once": ConflictError, "break": TainaError}
            assert type(job.failure) is expected.get(deed, type(None))

    def job(self, deed: str, chunks: int) -> Callable[[Transaction], object]:
        secret, live = new_secret(chunks=chunks), [*self.live]

        def fail(tx: Transaction) -> None:
            put(tx, secret)
            for known in live:
                burn(tx, known)
            raise ConflictError

        def fail_at_once(tx: Transaction) -> None:
            raise ConflictError

        def break_off(tx: Any) -> None:
            put(tx, secret)
            tx._connection.execute("no such statement")

        if deed in ("fail", "fail at once", "break"):
            return {"fail": fail, "fail at once": fail_at_once, "break": break_off}[deed]
        rows = [*self.ended, *self.live]
        if deed == "forget" and rows:
            known = rows[chunks % len(rows)]
            self.live.pop(known, None)
            self.ended = [other for other in self.ended if other != known]
            return lambda tx: tx.forget(tx.find(known))  # type: ignore[arg-type]
        if deed.startswith("burn") and self.live:
            known = [*self.live][chunks % len(self.live)]
            del self.live[known]
            self.ended.append(known)
            return burn_twice(known) if deed == "burn twice" else lambda tx: burn(tx, known)
        self.live[secret.id] = chunks
        return lambda tx: put(tx, secret)

    @rule()
    def delete_some(self) -> None:
        with self.store._database:
            if self.store.has_pending_deletes:
                self.store._transaction.slots.delete_some()

    @rule()
    def start_afresh(self) -> None:
        self.store.close()
        self.open()

    @invariant()
    def memory_is_as_the_file(self) -> None:
        ask: Callable[..., list[Any]] = lambda question: self.store._connection.execute(question).fetchall()  # noqa: E731
        slots = self.store._transaction.slots
        keys = dict(ask("SELECT slot, key FROM slots"))
        pending = [slot for (slot,) in ask("SELECT slot FROM pending_deletes")]
        used = {secret_id: slot for secret_id, slot in ask("SELECT id, slot FROM secrets") if slot is not None}
        assert used.keys() == self.live.keys()
        assert len(set(used.values())) == len(used), "each has a slot of its own"
        assert sorted(slots._pending) == sorted(pending)
        assert sorted(slots._free) == sorted(set(keys) - set(pending) - set(used.values()))
        assert {slot for slot, key in keys.items() if key != shred.NO_KEY} == set(used.values())
        chunks = dict.fromkeys(used, 0)
        owners = {slot: secret_id for secret_id, slot in used.items()}
        for (place,) in ask("SELECT place FROM chunks"):
            slot = place >> 20
            if slot not in pending:
                chunks[owners[slot]] += 1
        assert chunks == self.live
        counted = Usage(sum(self.live.values()) * 40 + ROW * (len(self.live) + len(self.ended)))
        assert self.store._transaction._usage == counted
        assert Usage(*ask("SELECT bytes, unfinished FROM usage")[0]) == counted
        assert len(self.store._transaction._places) <= 1 + len(used), "of one job, not of all"


Memory.TestCase.settings = settings(max_examples=30, stateful_step_count=15)
TestMemory = Memory.TestCase


def test_a_transaction_that_is_broken_off_is_forgotten_whole() -> None:
    """With all that its jobs had taken, freed and left for later; then each is done by itself."""
    memory = Memory()
    memory.commit([("put", 1), ("put", 1), ("put", 9), ("put", 9)])
    memory.commit([*[("burn", 0)] * 4, ("put", 9), ("put", 1), ("break", 1)])
    memory.memory_is_as_the_file()
    memory.commit([("put", 1)] * 4)
    memory.memory_is_as_the_file()
    memory.teardown()


def test_four_chunks_are_deleted_at_once_and_more_of_them_later() -> None:
    for chunks, later in ((4, False), (5, True)):
        memory = Memory()
        memory.commit([("put", chunks)])
        memory.commit([("burn", 0)])
        assert memory.store.has_pending_deletes is later
        memory.teardown()


def test_the_rows_of_a_slot_are_those_that_no_other_has() -> None:
    assert rows_of(0) == (0, (1 << 20) - 1)
    assert rows_of(3) == (3 << 20, (4 << 20) - 1)


def test_what_breaks_a_constraint_is_not_taken_for_a_conflict(tmp_path: Path) -> None:
    """It is a fault of ours, and told as one."""
    store = SqliteStore(tmp_path / "taina.db", turns=Turns())
    sealed = Envelope(bytes(80), START)  # a byte too short
    wrong: list[Callable[[Transaction], object]] = [
        lambda tx: tx.put(new_secret()._replace(size=-1)),
        lambda tx: tx.requests.put_envelope(bytes(16), 0, sealed),
    ]
    for work in wrong:
        with pytest.raises(TainaError) as caught:
            store.atomically(work)
        assert type(caught.value) is TainaError
    store.close()


def test_the_last_32_mebibytes_of_the_disk_are_for_what_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = (32 << 20) + 2 * 40

    def disk(folder: str) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=free // 8, f_frsize=8)

    monkeypatch.setattr(os, "statvfs", disk)
    store = SqliteStore(tmp_path / "taina.db", turns=Turns())
    one, other = new_secret(), new_secret()
    store.atomically(lambda tx: put(tx, one))  # 40 bytes that are announced, and as many that come
    free -= 40
    with pytest.raises(StorageFullError):
        store.atomically(lambda tx: put(tx, other))
    assert store.atomically(lambda tx: tx.find(other.id)) is None
    free -= 100
    store.atomically(lambda tx: tx.requests.forget(bytes(16)))
    store.atomically(lambda tx: burn(tx, one.id))
    assert store.atomically(lambda tx: tx.usage()) == Usage(ROW)
    store.close()
