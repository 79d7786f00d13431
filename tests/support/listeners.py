"""Listeners of a test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from taina.server.listener import Listener


@contextmanager
def in_thread(listener: Listener) -> Iterator[Listener]:
    """It serves in a thread, and is stopped at the end."""
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        yield listener
    finally:
        listener.stop()
        thread.join()
