"""Clocks of tests."""

from dataclasses import dataclass


@dataclass
class Clock:
    """It stands still until a test moves it: unix seconds, or those of a steady clock."""

    now: float

    def __call__(self) -> float:
        return self.now
