"""What servers connect to and which names they look up: told by the servers themselves while they are watched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.watches import watched


class Outgoing:
    """What was told by the servers that were started meanwhile.

    All that run on Python with our environment: not the one-file program, which reads no PYTHONPATH, nor one in a
    container or a machine of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: dict[str, int] = {}

    def take(self, *, mail: bool = False) -> list[str]:
        """A line for each that is new, and its place: but for what goes to the mail server that is named to it, unless
        asked for.
        """
        found: list[str] = []
        for file in self._folder.iterdir():
            lines = file.read_text("utf-8").splitlines()
            found += lines[self._taken.get(file.name, 0) :]
            self._taken[file.name] = len(lines)
        return [line for line in found if mail or not line.startswith("mail ")]


@contextmanager
def watching_connections(folder: Path) -> Iterator[Outgoing]:
    with watched("WATCH_CONNECTIONS", folder):
        yield Outgoing(folder)
