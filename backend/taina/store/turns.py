"""Many requests in one thread: each runs in a greenlet until it has to wait, and then the next has its turn.

Threads would fight for the interpreter, which SQLite lets go of at every statement. Here a request goes on without a
switch until it asks the store. When nobody can go on any more, the store does for all of them what they wait for, in
one transaction, and they go on with its results.

Nothing in the loop's thread may wait for anything else: what does is marked by `elsewhere`.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from greenlet import getcurrent, greenlet

from taina.errors import describe

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Call = Callable[[], object]
Chore = Callable[[], float | None]
"""Does a little of its work; tells after how many seconds it wants to be called again, or None."""

HELPERS = 16
"""Threads for what waits; they are started when they are needed."""
_AT_ONCE = 128
"""Pieces of work that a turn begins: until its commit, each takes some 30 KiB."""
_MAX_IDLE = _AT_ONCE
_RETRY_SECONDS = 1.0

_here = threading.local()
_log = logging.getLogger(__name__)


class Turns:
    """Belongs to the thread that is in `running`. Others may call `post` and nothing else."""

    def __init__(self) -> None:
        self._begun: deque[Call] = deque()
        self._ready: deque[greenlet] = deque()
        self._ends: list[Call] = []
        self._posted: deque[Call] = deque()
        self._chores: dict[Chore, float] = {}
        self._idle: list[greenlet] = []
        """Greenlets whose work is done: a new one costs as much as reading a request."""
        self._loop: greenlet | None = None
        self._wake: Call | None = None
        self._lock = threading.Lock()
        self._helpers = _Helpers()

    @contextmanager
    def running(self, wake: Call) -> Iterator[None]:
        """While it lasts, this thread calls `run` whenever `wake` was called, and at the latest after `patience`."""
        self._loop = getcurrent()
        _here.turns = self
        with self._lock:
            self._wake = wake
        try:
            yield
        finally:
            with self._lock:
                self._wake = None
            for _ in range(len(self._begun) // _AT_ONCE + 1):
                self.run()  # also what was posted before
            _here.turns = None

    def begin(self, work: Call) -> None:
        """Have `work` run in a greenlet of its own, at the next `run`."""
        self._begun.append(work)

    def run(self) -> None:
        """Let everybody go on until nobody can any more; then do the chores that are due.

        Who begins meanwhile has a turn at the next `run`: one connection that sends many requests at once must not
        keep the others waiting for all of them. So do those who come when `_AT_ONCE` have begun.
        """
        begun, ready, posted = self._begun, self._ready, self._posted
        for _ in range(min(len(begun), _AT_ONCE)):
            (self._idle.pop() if self._idle else greenlet(self._work, self._loop)).switch(begun.popleft())
        while ready or posted or self._ends:
            while posted:
                posted.popleft()()
            while ready:
                ready.popleft().switch()
            ends, self._ends = self._ends, []
            for end in ends:
                end()
        self._do_chores()

    def patience(self, longest: float) -> float:
        """Seconds until somebody wants a turn or a chore is due, `longest` at the most."""
        if self._begun or self._ready:
            return 0
        due = min([*self._chores.values()], default=None)
        return longest if due is None else min(max(due - time.monotonic(), 0), longest)

    def schedule(self, chore: Chore, seconds: float = 0) -> None:
        """Have a chore done between turns; if it waits already, then not later than now."""
        due = time.monotonic() + seconds
        self._chores[chore] = min(self._chores.get(chore, due), due)

    def post(self, call: Call) -> bool:
        """From any thread: have `call` called in the loop's. False if there is no loop, and it never will be."""
        with self._lock:
            if self._wake is None:
                return False
            self._posted.append(call)
            self._wake()
            return True

    def at_end(self, call: Call) -> None:
        """Call this once, when nobody can go on any more."""
        self._ends.append(call)

    def resume(self) -> Callable[[], None]:
        """What lets the greenlet that calls this go on after its `wait`, called in the loop's thread.

        Called too often, or too late, it does no harm: whoever goes on looks whether there is what it waited for.
        """
        return partial(self._ready.append, getcurrent())

    def wait(self) -> None:
        """Let the others have their turn, until this greenlet is resumed: maybe for what it does not wait for."""
        assert self._loop is not None  # noqa: S101 - it runs in ours
        self._loop.switch()

    def sleep(self, seconds: float) -> None:
        """Let the others have their turns for so long."""
        end = time.monotonic() + seconds
        self.schedule(self.resume(), seconds)
        while time.monotonic() < end:
            self.wait()

    def elsewhere(self, work: Callable[[], Result]) -> Result:
        """The result of what may wait, from a thread of its own; the greenlet that calls waits meanwhile."""
        outcome: list[Result] = []
        failure: list[BaseException] = []
        resume = self.resume()

        def do() -> None:
            try:
                outcome.append(work())
            except BaseException as error:
                failure.append(error)
            self.post(resume)

        self._helpers.do(do)
        while not (outcome or failure):
            self.wait()
        if failure:
            raise failure[0]
        return outcome[0]

    def is_here(self) -> bool:
        """Whether the caller is in the loop's thread."""
        return getattr(_here, "turns", None) is self

    def may_wait(self) -> bool:
        """Whether the caller is in one of its greenlets."""
        return self.is_here() and getcurrent() is not self._loop

    def _work(self, work: Call) -> None:
        me = getcurrent()
        while True:
            try:
                work()
            except Exception as error:  # of this one alone; those of requests are answered before
                _log.error("a turn failed: %s", describe(error))
            if len(self._idle) >= _MAX_IDLE:
                return
            self._idle.append(me)
            assert self._loop is not None  # noqa: S101 - it began us
            given: Call | None = None
            while not given:  # resumed, where there is nothing to go on with
                given = self._loop.switch()
            work = given

    def _do_chores(self) -> None:
        now = time.monotonic()
        for chore, due in [*self._chores.items()]:
            if due > now:
                continue
            del self._chores[chore]
            seconds: float | None = _RETRY_SECONDS
            try:
                seconds = chore()
            except Exception as error:
                _log.error("a chore failed and is tried again: %s", describe(error))
            if seconds is not None:
                self.schedule(chore, seconds)


class _Helpers:
    """A few threads that work off a queue. The process does not wait for them when it ends."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._count = 0

    def do(self, work: Call) -> None:
        """Have it done, once. Raises: RuntimeError: there is no thread and none can be had; it is never done."""
        if self._count < HELPERS:
            try:
                threading.Thread(target=self._run, name="taina-elsewhere", daemon=True).start()
                self._count += 1
            except RuntimeError:  # the system allows no more: those that there are do it
                if not self._count:
                    raise
        self._queue.put(work)

    def _run(self) -> None:
        while True:
            self._queue.get()()


def elsewhere(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Mark what may wait for something other than the store: called in a turn, it runs in another thread."""

    @wraps(work)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        turns: Turns | None = getattr(_here, "turns", None)
        if turns is None or not turns.may_wait():
            return work(*args, **kwargs)
        return turns.elsewhere(lambda: work(*args, **kwargs))

    return run
