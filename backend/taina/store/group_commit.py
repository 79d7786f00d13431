"""Group commit: what many callers ask for at the same time is done in one transaction, and each gets its own result.

Handing work to a thread of its own costs two switches of threads for each call. There are two ways without: in the
turns of one thread (`taina.store.turns`), and between threads, one of which does the work of all that wait.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from taina.store.turns import Turns

Work = Callable[[Any], Any]


class Job:
    """A piece of work, and what came of it: a result or a failure."""

    __slots__ = ("done", "failure", "result", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.result: Any = None
        self.failure: BaseException | None = None
        self.done = False

    def outcome(self) -> Any:
        """The result. Raises: the failure."""
        if self.failure is not None:
            raise self.failure
        return self.result


Do = Callable[[list[Job]], None]
"""Does a batch, leaving in each job what came of it; never called twice at once."""


class GroupCommit(Protocol):
    """Collects work that comes at the same time, and has it done in one commit."""

    def call(self, work: Work) -> Any:
        """The result of the work, once its batch is done. Raises: its failure."""


class TurnCommit:
    """In the turns of one thread: when no request can go on any more, all that wait are a batch.

    Other threads hand their work to that one. While it does not run yet, or no longer, they do it themselves.
    """

    def __init__(self, do: Do, max_batch: int, turns: Turns) -> None:
        """`max_batch`: jobs of one batch."""
        self._do = do
        self._max_batch = max_batch
        self._turns = turns
        self._waiting: deque[tuple[Job, Callable[[], object]]] = deque()
        self._alone = threading.Lock()

    def call(self, work: Work) -> Any:
        job = Job(work)
        turns = self._turns
        if turns.may_wait():
            self._add(job, turns.resume())
            while not job.done:
                turns.wait()
        else:
            told = threading.Lock()
            told.acquire()
            if not turns.is_here() and turns.post(lambda: self._add(job, told.release)):
                told.acquire()
            else:
                with self._alone:
                    do_all(self._do, [job])
        return job.outcome()

    def _add(self, job: Job, done: Callable[[], object]) -> None:
        if not self._waiting:
            self._turns.at_end(self._commit)
        self._waiting.append((job, done))

    def _commit(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_batch))]
        if self._waiting:
            self._turns.at_end(self._commit)
        do_all(self._do, [job for job, _ in batch])
        for job, done in batch:
            job.done = True
            done()


class LeaderCommit:
    """Between threads: the first caller becomes the leader and does what has queued up; the others wait for it.

    Under load one commit serves many, and a caller that does its own work needs no switch.
    """

    def __init__(self, do: Do, max_batch: int) -> None:
        """`max_batch`: jobs of one batch."""
        self._do = do
        self._max_batch = max_batch
        self._queue: deque[tuple[Job, threading.Lock]] = deque()
        self._leader_active = False
        """The caller of the job at the front of the queue does the next batch, or is about to."""
        self._lock = threading.Lock()

    def call(self, work: Work) -> Any:
        job, told = Job(work), threading.Lock()
        told.acquire()
        with self._lock:
            self._queue.append((job, told))
            leads, self._leader_active = not self._leader_active, True
        if not leads:
            told.acquire()
        if not job.done:
            self._lead()
        return job.outcome()

    def _lead(self) -> None:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._max_batch))]
        do_all(self._do, [job for job, _ in batch])
        with self._lock:
            self._leader_active = bool(self._queue)
            following = self._queue[0][1] if self._queue else None
        if following is not None:
            following.release()
        for job, _ in batch:
            job.done = True
        for _, told in batch[1:]:
            told.release()


def do_all(do: Do, jobs: list[Job]) -> None:
    """Do a batch; what goes wrong with all of it is the failure of each."""
    try:
        do(jobs)
    except BaseException as error:
        for job in jobs:
            job.failure = error
