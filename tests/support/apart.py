"""Coroutines in synchronous tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(story: Coroutine[Any, Any, T], seconds: float = 120) -> T:
    """What a coroutine returns, run in a thread of its own: in that of the tests, Playwright keeps a loop running.

    Raises: TimeoutError: it took longer.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asyncio.wait_for(story, seconds)).result()
