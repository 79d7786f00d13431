"""Ending what is abused, at the word of an operator who was shown its link.

The database belongs to the serving process alone. So a note is left in a folder beside it, an empty file that is named
by the identifier, and the sweeper of the server does what it says and takes it away.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from taina.errors import describe
from taina.store.ownership import give_to_owner_of_folder

_log = logging.getLogger(__name__)
_ASK_AGAIN = 0.1
_NAME = re.compile("[0-9a-f]{32}")


class Takedowns:
    """The notes of one instance."""

    def __init__(self, data: Path, endings: Sequence[Callable[[bytes], object]] = ()) -> None:
        """
        Args:
            data: the folder of the instance's data.
            endings: are called with each identifier.
        """
        self._folder = data / "takedowns"
        self._endings = endings

    def leave(self, identifier: bytes, seconds: float) -> bool:
        """Leave a note; whether the server has seen to it within so many seconds.

        Raises:
            OSError: no server has ever run here, or this user may not write to its folder.
        """
        note = self._folder / identifier.hex()
        note.touch(mode=0o600)
        end = time.monotonic() + seconds
        while note.exists() and time.monotonic() < end:
            time.sleep(_ASK_AGAIN)
        return not note.exists()

    def open(self) -> None:
        """Make the place for notes; the server does, so that it may take away what another user leaves there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        give_to_owner_of_folder(self._folder)

    def sweep(self, limit: int = 200) -> int:
        """See to at most `limit` notes. Returns to how many."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - each second; `glob` takes nearly twice as long
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return 0  # as where a database is elsewhere and no folder here
        paths = (self._folder / name for name in sorted(names) if _NAME.fullmatch(name))
        notes = [path for path in paths if path.is_file()][:limit]
        for note in notes:
            for end in self._endings:
                end(bytes.fromhex(note.name))
        # What cannot be taken away is done again a second later, which changes nothing, and keeps nobody waiting.
        return sum(_removed(note) for note in notes)


def _removed(note: Path) -> bool:
    try:
        note.unlink(missing_ok=True)
    except OSError as error:
        _log.error("a note about a takedown was seen to and cannot be taken away: %s", describe(error))
        return False
    return True
