"""Whose the files of an instance are, whoever made them."""

import os
import stat
from pathlib import Path

_PRIVATE = 0o600


def give_to_owner_of_folder(path: Path) -> None:
    """What root makes in the folder of a service is the service's, which could not open it otherwise."""
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0:
        # Not what a link leads to: whoever owns the folder could have root give away any file.
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def keep_private(path: Path) -> None:
    """For its owner alone to read, and given to the owner of its folder."""
    if stat.S_IMODE(path.stat().st_mode) != _PRIVATE and (os.geteuid() != 0 or not path.is_symlink()):
        path.chmod(_PRIVATE)
    give_to_owner_of_folder(path)
