"""Group commit: the first caller becomes the leader and runs all that has queued up; the others wait for their result.

Handing work to a thread of its own costs two switches of threads for each call; a caller that does its own work
needs none, and under load one commit still serves many.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Job:
    """A piece of work, and what came of it: a result or a failure."""

    __slots__ = ("_told", "done", "failure", "result", "work")

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.failure: BaseException | None = None
        self.done = False
        self._told = threading.Lock()
        self._told.acquire()

    def wait(self) -> None:
        """Until `tell`."""
        self._told.acquire()

    def tell(self) -> None:
        self._told.release()


class GroupCommit:
    """Runs jobs in batches, in the threads of their callers."""

    def __init__(self, do: Callable[[list[Job]], None], max_batch: int) -> None:
        """
        Args:
            do: does a batch, leaving in each job what came of it; never called twice at once.
            max_batch: jobs of one batch.
        """
        self._do = do
        self._max_batch = max_batch
        self._queue: deque[Job] = deque()
        self._leader_active = False
        """The caller of the job at the front of the queue does the next batch, or is about to."""
        self._lock = threading.Lock()

    def call(self, work: Callable[[Any], Any]) -> Any:
        """The result of the work, once its batch is done. Raises: its failure."""
        job = Job(work)
        with self._lock:
            self._queue.append(job)
            leads, self._leader_active = not self._leader_active, True
        if not leads:
            job.wait()
        if not job.done:
            self._lead()
        if job.failure is not None:
            raise job.failure
        return job.result

    def _lead(self) -> None:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._max_batch))]
        try:
            self._do(batch)
        except BaseException as error:
            for job in batch:
                job.failure = error
        with self._lock:
            self._leader_active = bool(self._queue)
            following = self._queue[0] if self._queue else None
        if following is not None:
            following.tell()
        for job in batch:
            job.done = True
        for job in batch[1:]:
            job.tell()
