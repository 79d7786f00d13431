"""Clocks of tests."""

from dataclasses import dataclass

START = 1_800_000_000
"""Where the clocks of the rules' tests begin: unix seconds."""


@dataclass
class Clock:
    """It stands still until a test moves it: unix seconds, or those of a steady clock."""

    now: float

    def __call__(self) -> float:
        return self.now
