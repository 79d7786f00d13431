"""What the loop waits for. The kernel remembers it (epoll): a round costs nothing for whoever is idle."""

import select
from typing import Any

from waitress import wasyncore

_READ = select.EPOLLIN | select.EPOLLPRI
_EVENTS = 256
"""Of one round, at the most."""


class Watched(dict[int, Any]):
    """Waitress's map of what it watches, by file number.

    Whoever was called may wait for something else afterwards, and is asked again; the others do not change by
    themselves. Whoever changes one from outside says so by `touch`.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wanted: dict[int, int] = {}
        self._touched: set[int] = set()

    def __setitem__(self, number: int, watched: Any) -> None:
        super().__setitem__(number, watched)
        self._touched.add(number)

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        # It is still open: Waitress takes it from its map before it closes it.
        if self._wanted.pop(number, 0):
            self._epoll.unregister(number)

    def clear(self) -> None:
        super().clear()
        self._epoll.close()

    def touch(self, number: int | None) -> None:
        """One may wait for something else from now on; None is one that has been closed."""
        if number is not None:
            self._touched.add(number)

    def poll(self, patience: float) -> None:
        """Wait, so many seconds at the most; then let each read and write what it can."""
        while self._touched:  # asking one may touch others
            number = self._touched.pop()
            watched = self.get(number)
            if watched is not None:
                self._ask(number, watched)
        for number, events, watched in [(*one, self[one[0]]) for one in self._epoll.poll(patience, _EVENTS)]:
            # Another may have been closed meanwhile, and its number given to a new one.
            if self.get(number) is watched:
                self._touched.add(number)
                wasyncore.readwrite(watched, events)

    def _ask(self, number: int, watched: Any) -> None:
        wanted = _READ if watched.readable() else 0
        if watched.writable() and not watched.accepting:
            wanted |= select.EPOLLOUT
        if number not in self or wanted == self._wanted.get(number, 0):
            return
        if not wanted:
            self._epoll.unregister(number)
        elif self._wanted.get(number):
            self._epoll.modify(number, wanted)
        else:
            self._epoll.register(number, wanted)
        self._wanted[number] = wanted
