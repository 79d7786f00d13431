"""Waiting for what happens elsewhere: in a thread, a process or a browser."""

import time
from collections.abc import Callable


def wait_until(reached: Callable[[], object], seconds: float = 60) -> None:
    """Ask again and again until the answer is yes.

    Args:
        seconds: far more than it should take, even on a busy machine.
    Raises:
        TimeoutError: it did not come.
    """
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError(f"still not so after {seconds} seconds")
        time.sleep(0.01)
