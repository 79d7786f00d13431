"""What makes another try the same reader's: the claim of each secret whose opening was begun.

A claim opens nothing by itself; with the link, it lets its reader go on for as long as the server's lease lasts.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

_SIZE = 32
_OLD = 2 * 86400
"""Seconds, more than any lease lasts."""


class Claims:
    """Seeds of claims (32 bytes) by the identifiers of their secrets. Thread-safe.

    Args:
        folder: where they outlive this program, each in a file for its user alone; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def begun(self, identifier: bytes) -> bool:
        """Whether the opening of this secret was begun, and did not end."""
        with self._lock:
            return identifier in self._held or self._read(identifier) is not None

    def take(self, identifier: bytes, make: Callable[[], bytes]) -> bytes:
        """The seed of this secret's claim; a new one at the first time, on the disk before it is used."""
        with self._lock:
            seed = self._held.get(identifier) or self._read(identifier)
            if seed is None:
                seed = make()
                self._write(identifier, seed)
            return self._held.setdefault(identifier, seed)

    def forget(self, identifier: bytes) -> None:
        """It has ended."""
        with self._lock:
            self._held.pop(identifier, None)
            if self._folder is not None:
                with contextlib.suppress(OSError):
                    self._file(self._folder, identifier).unlink(missing_ok=True)

    def _read(self, identifier: bytes) -> bytes | None:
        if self._folder is None:
            return None
        try:
            seed = self._file(self._folder, identifier).read_bytes()
        except OSError:
            return None
        return seed if len(seed) == _SIZE else None

    def _write(self, identifier: bytes, seed: bytes) -> None:
        if self._folder is None:
            return
        # Where there is no such folder the opening goes on, as it would without.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._drop_old(self._folder)
            number = os.open(self._file(self._folder, identifier), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(seed)
                file.flush()
                os.fsync(number)

    @staticmethod
    def _file(folder: Path, identifier: bytes) -> Path:
        return folder / f"{identifier.hex()}.claim"

    @staticmethod
    def _drop_old(folder: Path) -> None:
        for file in folder.glob("*.claim"):
            # Another program may have dropped it, and what cannot be dropped is no reason to keep no claim.
            with contextlib.suppress(OSError):
                if file.lstat().st_mtime < time.time() - _OLD:
                    file.unlink()


def state_folder() -> Path | None:
    """Where programs of this user keep what outlives them (XDG Base Directory Specification); None if nowhere."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    else:
        base = os.environ.get("XDG_STATE_HOME", "")
    try:
        folder = Path(base) if base and Path(base).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:  # nobody's home
        return None
    return folder / "taina"
