"""Group commit between threads, without a database: who runs whose jobs, and what each is told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from support.waiting import wait_until
from taina.store.group_commit import Job, LeaderCommit


def do(batch: list[Job]) -> None:
    for job in batch:
        try:
            job.result = job.work(None)
        except ValueError as error:
            job.failure = error


class Batches:
    """Does jobs, and notes how many came together; the first batch waits until the others have queued up."""

    def __init__(self, max_batch: int = 100) -> None:
        self.sizes: list[int] = []
        self.group_commit = LeaderCommit(self._do, max_batch)
        self._began, self._go_on = threading.Event(), threading.Event()

    def _do(self, batch: list[Job]) -> None:
        self.sizes.append(len(batch))
        if len(self.sizes) == 1:
            self._began.set()
            assert self._go_on.wait(60)
        do(batch)

    def call_all(self, works: list[Callable[[Any], Any]]) -> list[object]:
        """What came of each; the first is a batch of its own, behind which the others queue up."""
        came: list[object] = [None] * len(works)

        def call(n: int) -> None:
            try:
                came[n] = self.group_commit.call(works[n])
            except BaseException as error:
                came[n] = error

        threads = [threading.Thread(target=call, args=(n,)) for n in range(len(works))]
        threads[0].start()
        assert self._began.wait(60)
        for queued, thread in enumerate(threads[1:], 1):
            thread.start()
            wait_until(lambda queued=queued: len(self.group_commit._queue) == queued)  # type: ignore[misc]
        self._go_on.set()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        return came


def result_of(n: int) -> Callable[[Any], int]:
    return lambda _: n


def test_a_lone_caller_does_its_own_work_in_its_own_thread() -> None:
    group_commit = LeaderCommit(do, 10)
    me = threading.get_ident()
    assert [group_commit.call(lambda _: threading.get_ident()) for _ in range(3)] == [me] * 3


def test_what_queues_up_is_done_together_and_each_gets_its_own_result() -> None:
    batches = Batches()
    assert batches.call_all([result_of(n) for n in range(10)]) == list(range(10))
    assert batches.sizes == [1, 9]


def test_a_batch_has_its_limit() -> None:
    batches = Batches(max_batch=4)
    assert batches.call_all([result_of(n) for n in range(10)]) == list(range(10))
    assert batches.sizes == [1, 4, 4, 1]


def test_a_failure_is_told_to_its_own_caller() -> None:
    def fail(_: object) -> None:
        raise ValueError("mine")

    came = Batches().call_all([result_of(0), fail, result_of(2)])
    assert [came[0], str(came[1]), came[2]] == [0, "mine", 2]


def test_a_batch_that_cannot_be_done_fails_for_all_of_it_and_the_next_is_done() -> None:
    """Whatever goes wrong in a commit, nobody waits for ever."""
    batches = Batches(max_batch=3)

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    came = batches.call_all([result_of(0), *[interrupt] * 3, result_of(4)])
    assert came[0] == 0
    assert [type(each) for each in came[1:4]] == [KeyboardInterrupt] * 3
    assert came[4] == 4
    assert batches.group_commit.call(result_of(5)) == 5


@pytest.mark.parametrize("callers", [2, 16])
def test_many_callers_call_all_the_time(callers: int) -> None:
    together = threading.Lock()

    def do_alone(batch: list[Job]) -> None:
        assert together.acquire(blocking=False), "never twice at once"
        do(batch)
        together.release()

    group_commit = LeaderCommit(do_alone, 5)
    came: list[int] = []

    def call(first: int) -> None:
        came.extend(group_commit.call(result_of(first + n)) for n in range(200))

    threads = [threading.Thread(target=call, args=(n * 200,)) for n in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(came) == list(range(callers * 200))
