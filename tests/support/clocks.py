"""Clocks of tests."""

from dataclasses import dataclass
from pathlib import Path

START = 1_800_000_000
"""Where the clocks of tests begin: unix seconds."""


@dataclass
class Clock:
    """It stands still until a test moves it: unix seconds, or those of a steady clock."""

    now: float

    def __call__(self) -> float:
        return self.now


def other_clock(*settings: str) -> list[str]:
    """The beginning of a command that runs under a clock of its own; its steady clock is as ever.

    Args:
        settings: of libfaketime, such as `FAKETIME=-3600` (seconds).

    Raises:
        FileNotFoundError: libfaketime is missing.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        raise FileNotFoundError("libfaketime is missing. Install it (on Debian: apt install faketime).")
    return ["env", f"LD_PRELOAD={library}", "FAKETIME_DONT_FAKE_MONOTONIC=1", *settings]
