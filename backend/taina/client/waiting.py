"""How often to look again for what somebody else has to do."""

from collections.abc import Iterator

_FIRST, _LONGEST, _GROWTH = 5.0, 60.0, 1.25


def pauses() -> Iterator[float]:
    """Seconds from one look to the next, without end: five at first, and longer and longer up to a minute."""
    pause = _FIRST
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST)
