"""Many requests in one thread: who waits holds nobody, all who wait share a commit, and each fails alone."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from greenlet import getcurrent, greenlet

from support.clocks import START
from support.listeners import in_thread
from support.secrets import Made
from support.waiting import wait_until
from taina.errors import ConflictError
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.server.listener import Listener
from taina.store import turns as turns_module
from taina.store.group_commit import Job, TurnCommit
from taina.store.sqlite import SqliteStore
from taina.store.turns import Turns, elsewhere


@contextmanager
def running(turns: Turns) -> Iterator[None]:
    """A loop in a thread of its own, as the listener's."""
    woken, end = threading.Event(), threading.Event()

    def loop() -> None:
        with turns.running(woken.set):
            while not end.is_set():
                woken.wait(turns.patience(10))
                woken.clear()
                turns.run()

    thread = threading.Thread(target=loop)
    thread.start()
    wait_until(lambda: turns._wake)
    try:
        yield
    finally:
        end.set()
        woken.set()
        thread.join()


def together(turns: Turns, works: list[Callable[[], object]]) -> None:
    """Have all begin in one turn, and wait until each is done or has failed."""
    left = len(works)
    done = threading.Event()

    def one(work: Callable[[], object]) -> None:
        nonlocal left
        try:
            work()
        finally:
            left -= 1
            if not left:
                done.set()

    def begin_all() -> None:
        for work in works:
            turns.begin(lambda work=work: one(work))  # type: ignore[misc]

    assert turns.post(begin_all)
    assert done.wait(60)


def test_all_who_wait_in_a_turn_share_a_batch() -> None:
    batches: list[list[int]] = []

    def do(jobs: list[Job]) -> None:
        batches.append([job.work(None) for job in jobs])
        for job, result in zip(jobs, batches[-1], strict=True):
            job.result = result

    turns = Turns()
    commit = TurnCommit(do, 4, turns)
    got: list[int] = []
    with running(turns):
        together(turns, [lambda n=n: got.append(commit.call(lambda _: n)) for n in range(10)])  # type: ignore[misc]
        assert commit.call(lambda _: 10) == 10  # from another thread
    assert got == list(range(10))
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [10]]
    assert commit.call(lambda _: 11) == 11  # there is no loop any more


def test_one_thread_alone_does_the_work_of_all_while_it_runs() -> None:
    turns = Turns()

    def do(jobs: list[Job]) -> None:
        for job in jobs:
            job.result = job.work(None)

    commit = TurnCommit(do, 4, turns)
    told: list[bool] = []
    called = threading.Event()

    def call() -> None:
        told.append(commit.call(lambda _: turns.is_here()))
        called.set()

    with running(turns):
        call()
        assert told == [True]
        called.clear()
        assert turns.post(call)  # of the loop itself, which must not wait for itself
        assert called.wait(60)
    call()
    assert told == [True, True, False]


def test_a_batch_that_fails_fails_for_each_and_for_no_other() -> None:
    class _NoMemoryError(MemoryError):
        pass

    fails = True

    def do(jobs: list[Job]) -> None:
        if fails:
            raise _NoMemoryError

    turns = Turns()
    commit = TurnCommit(do, 256, turns)
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            commit.call(lambda _: None)
        except _NoMemoryError as error:
            failed.append(error)

    with running(turns):
        together(turns, [ask] * 5)
        assert len(failed) == 5
        fails = False
        together(turns, [ask] * 5)
        assert len(failed) == 5


def test_what_fails_in_one_turn_is_its_own_affair(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("0123456789abcdef")

    turns, done = Turns(), []
    with running(turns):
        together(turns, [fail, lambda: done.append(1), fail, lambda: done.append(2)])
    assert done == [1, 2]
    assert caplog.text.count("a turn failed: ValueError") == 2
    assert "0123456789abcdef" not in caplog.text


def test_a_chore_goes_on_after_a_fault(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("taina.store.turns._RETRY_SECONDS", 0.01)
    turns, outcomes = Turns(), iter([OSError("0123456789abcdef"), 0.01, None])
    ended = threading.Event()

    def chore() -> float | None:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        if outcome is None:
            ended.set()
        return outcome

    turns.schedule(chore)
    with running(turns):
        assert ended.wait(60)
    assert not turns._chores
    assert caplog.text.count("a chore failed and is tried again: OSError") == 1
    assert "0123456789abcdef" not in caplog.text


def test_each_chore_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, done, turns = 100.0, [], Turns()
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def fail() -> None:
        done.append("fails")
        raise ValueError

    assert turns.patience(10) == 10
    turns.schedule(lambda: done.append("late"), 5)
    turns.schedule(fail)
    assert turns.patience(10) == 0
    turns.run()
    assert (done, turns.patience(10)) == (["fails"], 1), "it is tried again a second later"
    now = 106.0
    assert turns.patience(10) == 0
    turns.run()
    assert (done, turns.patience(0.5)) == (["fails", "late", "fails"], 0.5)
    turns.begin(int)
    assert turns.patience(10) == 0, "whoever has begun waits for no chore"


def test_who_sleeps_holds_nobody_and_wakes_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, order, turns = 100.0, [], Turns()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    resumes: list[Callable[[], None]] = []

    def sleep() -> None:
        resumes.append(turns.resume())
        turns.sleep(5)
        order.append("slept")

    with turns.running(lambda: None):
        turns.begin(sleep)
        turns.begin(lambda: order.append("other"))
        turns.run()
        assert (order, turns.patience(10)) == (["other"], 5)
        resumes[0]()  # too early, by whoever it had waited for before
        now = 104.0
        turns.run()
        assert (order, turns.patience(10)) == (["other"], 1)
        now = 105.0
        turns.run()
        assert turns.patience(10) == 0, "whoever wakes waits for no chore"
        turns.run()
        assert order == ["other", "slept"]


def test_what_may_wait_holds_nobody() -> None:
    turns, release, order = Turns(), threading.Event(), []

    @elsewhere
    def waits(value: int) -> int:
        assert not turns.is_here()
        assert release.wait(60)
        if value < 0:
            raise ConflictError
        return value

    def ask(value: int) -> None:
        try:
            order.append(waits(value))
        except ConflictError:
            order.append(value)

    def quick() -> None:
        order.append(0)
        release.set()

    with running(turns):
        together(turns, [lambda: ask(1), lambda: ask(-1), quick])
    assert (order[0], sorted(order)) == (0, [-1, 0, 1])


def test_what_is_posted_before_the_end_is_called_and_nothing_after_it() -> None:
    """In the loop itself, which hands nothing to others: it would wait for itself."""
    turns = Turns()
    told: list[bool] = []
    here = elsewhere(turns.is_here)
    with turns.running(lambda: None):
        assert turns.post(lambda: told.append(here()))
    assert (told, turns.is_here()) == ([True], False)
    assert not turns.post(lambda: told.append(here()))
    assert told == [True]


def test_a_store_in_turns(tmp_path: Path) -> None:
    """Before the loop, in it, from beside it, and after it: all is kept, and upkeep empties the log."""
    turns = Turns()
    path = tmp_path / "taina.db"
    with closing(SqliteStore(path, turns=turns)) as store:
        vault = Vault(store, Limits(), lambda: START)
        made = [Made() for _ in range(40)]
        same_receipt = Made(receipt_id=made[2].receipt_id)
        refused: list[Made] = []

        def create(one: Made) -> None:
            try:
                vault.create(one.id, one.order())
            except ConflictError:
                refused.append(one)

        create(made[0])
        assert "taina-store" not in {thread.name for thread in threading.enumerate()}
        with running(turns):
            create(made[1])
            commits = store._upkeep._commits
            both = [*made[2:30], same_receipt, *made[30:]]
            together(turns, [lambda one=one: create(one) for one in both])  # type: ignore[misc]
            assert store._upkeep._commits == commits + 1
            wait_until(lambda: not path.with_name("taina.db-wal").stat().st_size)
        vault.burn(made[0].receipt_id, made[0].receipt_token)
        assert refused == [same_receipt]
        for one in made[1:]:
            assert vault.reveal(one.id, one.link_proof, one.reveal_proof).content == one.chunks[0]


# Of the listener, with an application that waits.


@contextmanager
def listening(app: Callable[..., Any]) -> Iterator[Listener]:
    turns = Turns()
    served = Listener(app, "127.0.0.1", 0, turns=turns)
    with in_thread(served):
        yield served


def ask(path: bytes) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path


class Waits:
    """An application whose answers to /wait come when `release` is set; /fail raises."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.waiting = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == "/wait":
            self.waiting += 1
            elsewhere(self.release.wait)(60)
        if path == "/fail":
            raise ValueError("0123456789abcdef")
        start_response("200 OK", [("Content-Length", str(len(path)))])
        return [path.encode()]


def test_a_request_that_waits_holds_nobody_and_is_answered_though_the_server_stops() -> None:
    app = Waits()
    with (
        listening(app) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as slow,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as quick,
    ):
        slow.sendall(ask(b"/wait") + ask(b"/next"))
        wait_until(lambda: app.waiting)
        quick.sendall(ask(b"/quick"))
        assert quick.recv(65536).endswith(b"/quick")
        served.stop()
        wait_until(lambda: not served._servers[0].accepting)
        app.release.set()
        answers = b"".join(iter(lambda: slow.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b"/wait") < answers.index(b"/next")


def test_who_goes_away_while_it_waits_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    app = Waits()
    with listening(app) as served:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", served.port), timeout=20) as gone:
                gone.sendall(ask(b"/wait") + ask(b"/next"))
                wait_until(lambda: app.waiting)
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            app.waiting = 0
        app.release.set()
        wait_until(lambda: not served._servers[0].active_channels)
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as other:
            other.sendall(ask(b"/quick"))
            assert other.recv(65536).endswith(b"/quick")
    assert not caplog.records


def test_an_application_that_fails_fails_for_one_request() -> None:
    app = Waits()
    with listening(app) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as one:
            one.sendall(ask(b"/fail"))
            answer = b"".join(iter(lambda: one.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 500 ")
            assert b"0123456789abcdef" not in answer
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as other:
            other.sendall(ask(b"/quick"))
            assert other.recv(65536).endswith(b"/quick")


def test_who_sends_many_requests_at_once_keeps_nobody_waiting_for_all_of_them() -> None:
    turns, order = Turns(), []

    def many(left: int) -> None:
        order.append("many")
        if left:
            turns.begin(lambda: many(left - 1))

    def begin_both() -> None:
        turns.begin(lambda: many(5))
        turns.begin(lambda: turns.begin(lambda: order.append("other")))

    with running(turns):
        assert turns.post(begin_both)
        wait_until(lambda: len(order) == 7)
    assert order.index("other") <= 2


def test_more_may_wait_than_there_are_helpers_and_idle_turns() -> None:
    """Nobody is lost: whoever has no thread of his own has the next that is free."""
    turns = Turns()
    held: list[str] = []
    many, waiting = turns_module._MAX_IDLE + 20, turns_module.HELPERS + 5
    before = {*threading.enumerate()}
    with running(turns):
        together(turns, [lambda: held.append(turns.elsewhere(lambda: "waited")) for _ in range(waiting)])
        together(turns, [lambda: held.append(turns.elsewhere(lambda: "turn")) for _ in range(many)])
        wait_until(lambda: len(turns._idle) == turns_module._MAX_IDLE)
    helpers = [thread for thread in {*threading.enumerate()} - before if thread.name == "taina-elsewhere"]
    assert len(helpers) == turns_module.HELPERS
    assert all(thread.daemon for thread in helpers), "no process waits for them"
    assert held == ["waited"] * waiting + ["turn"] * many


def test_only_so_many_begin_in_one_turn() -> None:
    """Each takes memory until its commit; who came first begins first, and nobody is left out."""
    turns, begun = Turns(), list[int]()
    alive = most = 0

    def work(n: int) -> None:
        nonlocal alive, most
        begun.append(n)
        alive += 1
        most = max(most, alive)
        turns.at_end(turns.resume())
        turns.wait()
        alive -= 1

    count = 3 * turns_module._AT_ONCE + 1
    with running(turns):
        together(turns, [lambda n=n: work(n) for n in range(count)])  # type: ignore[misc]
    assert begun == [*range(count)]
    assert most == turns_module._AT_ONCE


def test_the_last_turn_begins_all() -> None:
    turns, begun = Turns(), list[int]()
    count = 3 * turns_module._AT_ONCE + 1
    with turns.running(lambda: None):
        for n in range(count):
            turns.begin(lambda n=n: begun.append(n))  # type: ignore[misc]
    assert begun == [*range(count)]


def test_whose_work_is_done_takes_the_next() -> None:
    """A greenlet of its own for each request costs as much as reading it."""
    turns = Turns()
    workers: list[greenlet] = []
    with running(turns):
        for _ in range(3):
            together(turns, [lambda: workers.append(getcurrent())])
    assert workers == [workers[0]] * 3


class NoThreads:
    """Stands for a system that allows no more threads while `refused`; started ones are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refused, self.started = False, 0
        start = threading.Thread.start

        def start_or_not(thread: threading.Thread) -> None:
            if self.refused:
                raise RuntimeError("can't start new thread")
            self.started += 1
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_or_not)


def test_without_any_thread_what_may_wait_fails_alone_and_is_never_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was done later all the same, by the first thread there was, and others were handed what came of it."""
    turns, threads = Turns(), NoThreads(monkeypatch)
    failed: list[str] = []
    done: list[str] = []

    def fail() -> None:
        try:
            turns.elsewhere(lambda: done.append("nobody waits for this"))
        except RuntimeError as error:
            failed.append(str(error))

    with running(turns):
        threads.refused = True
        together(turns, [fail] * (turns_module.HELPERS + 1))
        threads.refused, threads.started = False, 0
        for _ in range(2):
            together(turns, [lambda n=n: done.append(turns.elsewhere(lambda: f"{n}")) for n in range(50)])  # type: ignore[misc]
    assert failed == ["can't start new thread"] * (turns_module.HELPERS + 1)
    assert sorted(done) == sorted([f"{n}" for n in range(50)] * 2)
    assert threads.started == turns_module.HELPERS, "those that were refused are not missed"


def test_where_no_more_threads_can_be_had_those_that_there_are_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, threads, done = Turns(), NoThreads(monkeypatch), []
    with running(turns):
        together(turns, [lambda: done.append(turns.elsewhere(lambda: 0))])
        threads.refused = True
        together(turns, [lambda n=n: done.append(turns.elsewhere(lambda: n)) for n in range(1, 50)])  # type: ignore[misc]
        threads.refused = False
        together(turns, [lambda: done.append(turns.elsewhere(lambda: 50))])
    assert sorted(done) == list(range(51))
    assert threads.started == 3, "of which the first is the loop's"


@pytest.mark.parametrize("idle", [turns_module._MAX_IDLE, 0])
def test_who_is_resumed_too_often_goes_on_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, idle: int
) -> None:
    """Whether it waits for a thread, for the store or for its next work, or is no more."""
    monkeypatch.setattr(turns_module, "_MAX_IDLE", idle)
    turns, release, got = Turns(), threading.Event(), []

    def do(jobs: list[Job]) -> None:
        for job in jobs:
            job.result = job.work(None)

    commit = TurnCommit(do, 2, turns)
    resumes: list[Callable[[], object]] = []

    def resume_all() -> None:
        for resume in resumes * 2:
            resume()

    def work(n: int) -> None:
        resumes.append(turns.resume())
        turns.at_end(resume_all)
        got.append(turns.elsewhere(lambda: release.wait(60) and n))
        turns.at_end(resume_all)
        got.append(commit.call(lambda _: n))

    with running(turns):
        turns.post(lambda: turns.at_end(lambda: turns.at_end(release.set)))
        together(turns, [lambda n=n: work(n) for n in range(5)])  # type: ignore[misc]
        turns.post(resume_all)
        together(turns, [lambda: got.append(5)])
    assert sorted(got) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert not caplog.records
