"""The clock of the database's machine, so that many hosts need not agree on the time."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

_ASK_SECONDS = 1.0


class ServerTime(threading.Thread):
    """Asks the server once a second; between, and while it does not answer, the time goes on from there.

    In a thread of its own: each request asks for the time first, and none should wait for a server to learn it.
    """

    def __init__(self, ask: Callable[[], float], offset: float) -> None:
        """
        Args:
            ask: what the server's time is less that of our monotonic clock. Raises: psycopg.Error
            offset: what it said first.
        """
        super().__init__(name="taina-time", daemon=True)
        self._ask = ask
        self._offset = offset
        self._end = threading.Event()

    def now(self) -> float:
        """Unix seconds."""
        return time.monotonic() + self._offset

    def run(self) -> None:
        """Ask, until `stop`."""
        while not self._end.wait(_ASK_SECONDS):
            with suppress(psycopg.Error):
                self._offset = self._ask()

    def stop(self) -> None:
        """Ask no more. A server that is frozen may hold the thread; the process does not wait for it."""
        self._end.set()
        self.join(_ASK_SECONDS)
