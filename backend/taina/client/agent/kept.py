"""What an agent keeps of what it made: receipts and inboxes, under names that tell nothing and open nothing."""

import json
import threading
from pathlib import Path

from taina.client.agent.folder import replace
from taina.errors import FileError


class Kept:
    """Addresses by names such as `secret-1`. Thread-safe.

    Args:
        path: a file for its user alone, outside the folder that the assistant sees.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, kind: str, address: str) -> str:
        """The new name of an address, on the disk before this returns. Raises: FileError."""
        with self._lock:
            made, held = self._read()
            name = f"{kind}-{made + 1}"
            self._write(made + 1, {**held, name: address})
        return name

    def find(self, kind: str, name: str) -> str:
        """Raises: FileError: nothing of this kind has the name."""
        with self._lock:
            _, held = self._read()
        if name not in held or not name.startswith(f"{kind}-"):
            known = ", ".join(one for one in held if one.startswith(f"{kind}-")) or "none"
            raise FileError(f"There is no {kind} called {name!r} here. Known: {known}.")
        return held[name]

    def drop(self, name: str) -> None:
        """Raises: FileError."""
        with self._lock:
            made, held = self._read()
            self._write(made, {one: address for one, address in held.items() if one != name})

    def _read(self) -> tuple[int, dict[str, str]]:
        """How many names were given so far, none of them twice, and the addresses by name."""
        try:
            stored = json.loads(self._path.read_text("utf-8"))
            return int(stored["made"]), {str(name): str(address) for name, address in stored["held"].items()}
        except FileNotFoundError:
            return 0, {}
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            raise FileError(f"{self._path} cannot be read. Move it away: the agent then starts a new one.") from None

    def _write(self, made: int, held: dict[str, str]) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self._path.parent} cannot be made: {error.strerror}.") from None
        replace(self._path, json.dumps({"made": made, "held": held}, indent=1).encode())
