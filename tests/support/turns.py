"""How long the turns of servers are, and what blocks in them: told by the servers themselves while they are watched."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.watches import watched


class Watched:
    """What was told by the servers that were started meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def blocking(self) -> list[str]:
        """Calls in a turn that can block, and where."""
        return [line for file in self._folder.glob("*.blocks") for line in file.read_text("utf-8").splitlines()]

    @property
    def longest(self) -> dict[str, tuple[float, str]]:
        """The seconds of the longest turn, commit and chores, and of processor time of the longest part of a request,
        with its name.
        """
        longest: dict[str, tuple[float, str]] = {}
        for file in self._folder.glob("*.json"):
            for what, (seconds, name) in json.loads(file.read_text("utf-8") or "{}").items():
                longest[what] = max(longest.get(what, (0.0, "")), (seconds, name))
        return longest

    def __str__(self) -> str:
        return ", ".join(
            f"{what} {seconds * 1000:.0f} ms {name}".strip() for what, (seconds, name) in self.longest.items()
        )


@contextmanager
def watching(folder: Path) -> Iterator[Watched]:
    """Every server that is started meanwhile is watched."""
    with watched("WATCH_TURNS", folder):
        yield Watched(folder)
