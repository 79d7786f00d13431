"""What is done for the file between commits: when, by a clock that is set by hand, and how much at a time."""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlite_utils

from support.clocks import Clock
from support.refusing_database import refuse
from support.waiting import wait_until
from taina.store import shred
from taina.store.sqlite_migrations import migrations
from taina.store.sqlite_slots import Slots
from taina.store.sqlite_upkeep import Upkeep, UpkeepThread


class File:
    """A file with its upkeep; pages of 512 bytes, so that few bytes are many pages."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(
            "PRAGMA page_size = 512; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
            "PRAGMA wal_autocheckpoint = 0;"
        )
        migrations.apply(sqlite_utils.Database(self.connection))
        self.clock = Clock(0.0)
        self.failures: list[sqlite3.Error] = []
        self.log = path.with_name(path.name + "-wal")
        self.watch(self.log)

    def watch(self, log: Path) -> None:
        self.slots = Slots(self.connection)
        self.upkeep = Upkeep(self.connection, log, self.slots, self.failures.append, self.clock)

    def at(self, now: float) -> float | None:
        self.clock.now = now
        return self.upkeep.step()

    def change(self) -> None:
        self.connection.execute("UPDATE usage SET bytes = bytes + 1")

    def commit(self, now: float) -> bool:
        self.clock.now = now
        self.change()
        return self.upkeep.note_commit()

    def counted(self) -> int:
        (count,) = self.connection.execute("SELECT bytes FROM usage").fetchone()
        return int(count)

    def moved(self) -> int:
        """What stands in the file itself."""
        return self._read_copy(b"")

    def found_by_another(self) -> int:
        """What another process finds in a copy of file and log, which is whole."""
        return self._read_copy(self.log.read_bytes())

    def _read_copy(self, log: bytes) -> int:
        copy = self.log.with_name("copy.db")
        copy.write_bytes(self.log.with_name("taina.db").read_bytes())
        copy.with_name("copy.db-wal").write_bytes(log)
        with contextlib.closing(sqlite3.connect(copy)) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (count,) = other.execute("SELECT bytes FROM usage").fetchone()
        return int(count)

    def leave_chunks(self, count: int, slot: int = 1) -> None:
        """Those of a secret that has ended, as a process left them that was killed then."""
        self.connection.execute("INSERT INTO slots (slot, key) VALUES (?, ?)", (slot, shred.NO_KEY))
        self.connection.execute("INSERT INTO pending_deletes (slot) VALUES (?)", (slot,))
        self.connection.executemany(
            "INSERT INTO chunks (place, wrapped) VALUES (?, x'00')", [((slot << 20) + n,) for n in range(count)]
        )
        self.watch(self.log)

    def chunks(self) -> int:
        (count,) = self.connection.execute("SELECT count(*) FROM chunks").fetchone()
        return int(count)

    def free_pages(self) -> int:
        (count,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        return int(count)

    def free(self, pages: int) -> None:
        """Give the file so many free pages."""
        self.connection.execute("CREATE TABLE IF NOT EXISTS ballast (bytes BLOB)")
        size = 0
        while (missing := pages - self.free_pages()) > 0:
            size += missing * 508  # what a page holds of a row that goes on
            self.connection.execute("INSERT INTO ballast VALUES (zeroblob(?))", (size,))
            self.connection.execute("DELETE FROM ballast")
        assert self.free_pages() == pages


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    opened = File(tmp_path / "taina.db")
    yield opened
    opened.connection.close()


def test_a_log_that_was_found_is_emptied_after_three_eighths_of_a_second(file: File) -> None:
    assert file.log.stat().st_size > 0
    assert file.at(0.37) == 0.375
    assert file.log.stat().st_size > 0
    assert file.at(0.375) is None, "there is nothing more to do"
    assert file.log.stat().st_size == 0


def test_a_commit_wakes_what_rests_and_is_gone_from_the_log_three_quarters_of_a_second_later(file: File) -> None:
    assert not file.commit(0.25), "it does not rest yet"
    file.at(0.375)
    file.at(0.75)
    assert not file.upkeep.note_commit(), "nothing was changed"
    assert file.commit(100)
    assert file.at(100.125) == 0.375
    assert not file.commit(100.125), "it was woken already"
    assert file.at(100.375) == 0.375, "three eighths of a second from when the change was seen"
    assert file.moved() == 1
    assert file.at(100.5) == 0.375
    assert file.moved() == 3
    assert file.at(100.75) == 0.375
    assert file.log.stat().st_size > 0
    assert file.at(100.875) is None
    assert file.log.stat().st_size == 0
    assert file.at(200) is None
    assert file.commit(300)


def test_a_change_during_the_wait_waits_no_longer_than_the_first(file: File) -> None:
    file.at(0.375)
    file.commit(10)
    file.at(10)
    file.commit(10.25)
    file.at(10.25)
    file.at(10.375)
    assert file.moved() == 2


def test_a_log_that_goes_on_is_written_over_and_cut_behind_that(file: File) -> None:
    """So that commits do not change its size, which takes them as long as all else; and no key stays in it."""
    file.at(0.375)
    needle = b"a key of the first log"
    file.connection.execute("CREATE TABLE keys (key BLOB)")
    file.connection.execute("INSERT INTO keys VALUES (?)", (needle,))
    file.connection.execute("UPDATE keys SET key = zeroblob(22)")
    for _ in range(20):
        file.change()
    file.at(1)
    file.at(1.375)
    size = file.log.stat().st_size
    assert needle in file.log.read_bytes()
    for _ in range(8):
        file.change()
    assert file.log.stat().st_size == size
    assert file.at(1.75) == 0.375
    assert file.log.stat().st_size == 32 + 8 * (24 + 512)
    assert needle not in file.log.read_bytes()
    assert file.at(2.125) is None
    assert file.log.stat().st_size == 0


def test_lost_power_finds_what_was_committed(file: File) -> None:
    """Copies of both files: before a checkpoint, after it, and after commits over what was moved."""
    for now in (0.375, 1, 1.375, 2, 2.375):
        for changes in (2, 1):
            for _ in range(changes):
                file.change()
            assert file.found_by_another() == file.counted()
        file.at(now)
        assert file.found_by_another() == file.counted()


@pytest.mark.parametrize("chunks", [1, 3, 4, 5, 8, 9])
def test_chunks_are_deleted_four_at_a_time_until_none_is_left(file: File, chunks: int) -> None:
    file.leave_chunks(chunks)
    file.leave_chunks(1, slot=2)
    file.slots.prepare(0)
    for step in range(1, chunks // 4 + 2):
        assert file.slots.pending
        assert file.at(step) == 0.005
        assert file.chunks() == max(chunks - 4 * step, 0) + 1
    file.at(100)
    assert file.at(101) is None
    assert file.chunks() == 0
    assert not file.slots.pending
    assert sorted(Slots(file.connection)._free) == sorted(file.slots._free) == [1, 2], "both can be used again"


def test_deleting_waits_for_a_moment_without_commits_but_not_for_long(file: File) -> None:
    file.leave_chunks(80)
    file.commit(0)
    left = []
    for milliseconds in (4, 5, 6, 10, 11, 12, 14, 49, 61, 62):
        if milliseconds in (6, 11, 49, 62):
            file.commit(milliseconds / 1000)
        assert file.at(milliseconds / 1000) == 0.005
        left.append(file.chunks())
    #                 4   5   6*  10  11* 12  14  49* 61  62*
    assert left == [80, 76, 76, 76, 76, 76, 76, 76, 72, 72]
    for milliseconds in range(62, 111):
        file.commit(milliseconds / 1000)
        file.at(milliseconds / 1000)
    assert file.chunks() == 72
    file.commit(0.111)
    file.at(0.111)
    assert file.chunks() == 68, "fifty milliseconds after the last, whatever is committed"


def test_while_chunks_are_left_it_does_not_rest(file: File) -> None:
    file.leave_chunks(9)
    assert file.at(1) == 0.005, "the log was emptied, but chunks are left"
    assert not file.commit(1)
    assert file.at(2) == 0.005
    assert file.at(2.25) == 0.375, "the chunks are gone, but not from the log"
    assert file.at(2.5) == 0.375
    assert file.at(3) is None


@pytest.mark.parametrize(("size", "emptied"), [((16 << 20) - 1, False), (16 << 20, True)])
def test_every_eighth_commit_empties_a_log_of_sixteen_mebibytes(
    file: File, tmp_path: Path, size: int, emptied: bool
) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.truncate(size)
    file.watch(tmp_path / "log")
    for commit in range(1, 25):
        before = file.log.stat().st_size
        file.commit(0)
        assert (file.log.stat().st_size == 0) == (emptied and commit % 8 == 0), commit
        assert before or file.log.stat().st_size, "a new log has begun"


@pytest.mark.parametrize(("free", "left"), [(512, [512]), (513, [1, 1]), (1025, [513, 1, 1])])
def test_free_pages_go_back_to_the_disk_512_at_a_time(file: File, free: int, left: list[int]) -> None:
    file.free(free)
    for n, pages in enumerate(left, 1):
        file.at(n)
        assert file.free_pages() == pages
    assert file.at(9) is None


def test_what_fails_is_told_and_tried_again(file: File) -> None:
    file.leave_chunks(1)
    allow = refuse(file.connection, sqlite3.SQLITE_DELETE, "chunks")
    assert file.at(0.25) == 0.005
    assert (len(file.failures), file.chunks(), file.connection.in_transaction) == (1, 1, False)
    allow()
    assert file.at(0.37) == 0.375
    assert (len(file.failures), file.chunks()) == (1, 0)
    other = sqlite3.connect(file.log.with_name("taina.db"), isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM usage").fetchall()
    allow = refuse(file.connection, sqlite3.SQLITE_PRAGMA, "wal_checkpoint")
    assert file.at(0.5) == 0.375
    assert len(file.failures) == 2
    allow()
    other.close()
    assert file.at(0.87) == 0.375
    assert file.log.stat().st_size > 0
    assert file.at(0.875) is None
    assert file.log.stat().st_size == 0


def test_the_end_empties_the_log_at_once(file: File) -> None:
    file.upkeep.end()
    assert file.log.stat().st_size == 0


def test_the_thread_steps_when_it_is_woken_or_said_to_and_rests_else() -> None:
    steps: queue.SimpleQueue[None] = queue.SimpleQueue()
    answers = [None, 0.0, 0.0, None]

    def step() -> float | None:
        steps.put(None)
        return answers.pop(0)

    thread = UpkeepThread(step)
    assert (thread._thread.name, thread._thread.daemon) == ("taina-store", True), "no process waits for it"
    steps.get(timeout=60)
    wait_until(lambda: len(answers) == 3)
    thread.wake()
    for _ in range(3):
        steps.get(timeout=60)
    with pytest.raises(queue.Empty):
        steps.get(timeout=0.05)
    thread.stop()
    assert (steps.empty(), answers) == (True, [])


def test_the_thread_ends_after_the_step_that_is_under_way() -> None:
    began, go_on, done = threading.Event(), threading.Event(), list[str]()

    def step() -> float | None:
        began.set()
        assert go_on.wait(60)
        done.append("step")
        return 0.0

    thread = UpkeepThread(step)
    assert began.wait(60)

    def let_it_go_on() -> None:
        wait_until(lambda: thread._ending)
        go_on.set()

    other = threading.Thread(target=let_it_go_on)
    other.start()
    thread.stop()
    assert done == ["step"]
    other.join()
