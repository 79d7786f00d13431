"""Several calls under way at a time, and none of them in the way of whoever no longer wants its result."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_IN_FLIGHT = 3
"""Chunks on their way at a time: enough to fill a line, few enough to bound the memory."""


def ahead(work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """The results in order, with a few calls under way at a time. Raises: what a call raised."""
    pending: deque[Future[R]] = deque()
    for thing in things:
        pending.append(_begin(work, thing))
        if len(pending) == _IN_FLIGHT:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _begin(work: Callable[[T], R], thing: T) -> "Future[R]":
    """A call in a thread of its own: for those of a ThreadPoolExecutor the interpreter waits at its end."""
    from concurrent.futures import Future  # a text that is one chunk is sent without, and starts sooner

    begun: Future[R] = Future()

    def run() -> None:
        try:
            begun.set_result(work(thing))
        except BaseException as error:
            begun.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return begun
