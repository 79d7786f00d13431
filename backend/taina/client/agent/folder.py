"""The folder that an assistant works in: nothing outside it is read or written."""

import contextlib
import os
from pathlib import Path

from taina.client.receiving import for_owner, sync
from taina.errors import FileError


class Folder:
    """
    Args:
        root: exists; what is named below it is named relative to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve(strict=True)

    def find(self, name: str) -> Path:
        """The path of a file or folder below the root, which need not be there. Raises: FileError."""
        try:
            path = (self.root / name).resolve()
            with contextlib.suppress(FileNotFoundError):
                path.lstat()
        except (OSError, ValueError, RuntimeError):  # too long, a null character, a loop of links
            raise FileError(f"{name[:40]!r} is not a name that a file here can have.") from None
        if path == self.root or not path.is_relative_to(self.root):
            raise FileError(f"{name} is not inside the folder that this program may use. Name a file below it.")
        return path

    def existing(self, name: str) -> Path:
        """A file that is there. Raises: FileError."""
        path = self.find(name)
        if not path.is_file():
            raise FileError(f"{name} is not a file in the folder that this program may use.")
        return path

    def free(self, name: str) -> Path:
        """A path at which nothing is yet, in a folder that can be written to. Raises: FileError."""
        path = self.find(name)
        if os.path.lexists(path):
            raise FileError(f"{name} is there already, and was left as it is. Choose another name.")
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise FileError(f"The folder of {name} is not there, or cannot be written to.")
        return path


def write_new(path: Path, data: bytes) -> None:
    """A file for its owner alone, on the disk when this returns. Raises: FileError: one is there, or no room."""
    try:
        with open(path, "xb", opener=for_owner) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                path.unlink()  # half of it would stand in the way of another try
                raise
        sync(path.parent)
    except OSError as error:
        raise FileError(f"{path.name} cannot be written: {error.strerror}.") from None


def replace(path: Path, data: bytes) -> None:
    """The same in place of what is there: the old file or the new one, never half of either. Raises: FileError."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    write_new(part, data)
    try:
        part.replace(path)
        sync(path.parent)
    except OSError as error:
        raise FileError(f"{path.name} cannot be written: {error.strerror}.") from None
