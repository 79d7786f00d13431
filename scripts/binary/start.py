"""Where the one-file program begins: sweep what killed ones left behind, then be `taina`.

The program unpacks itself into a folder of its own beside others' and removes it at its end. One that is killed cannot,
so each holds a lock in its folder, and whoever finds a folder without a holder removes it.
"""

import fcntl
import os
import shutil
import stat
import sys
from pathlib import Path

_LOCK = "taina.lock"


def hold(unpacked: Path) -> int:
    """Hold the folder while this process lives; returns the descriptor that does it."""
    new = unpacked / f"{_LOCK}.new"
    lock = os.open(new, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(unpacked / _LOCK)  # no other sees it before it is held
    return lock


def sweep(unpacked: Path) -> None:
    """Remove the folders of ours beside this one that nobody holds."""
    for lock in unpacked.parent.glob(f"_MEI*/{_LOCK}"):
        if not _is_ours(lock.parent):
            continue
        try:
            found = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue  # just gone, or not what it seems
        try:
            facts = os.fstat(found)
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
                continue
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            pass  # it lives
        finally:
            os.close(found)


def _is_ours(folder: Path) -> bool:
    """A real folder of this user that nobody else can write to: in /tmp, names are anybody's."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o077


if __name__ == "__main__":
    folder = Path(getattr(sys, "_MEIPASS"))  # noqa: B009 - PyInstaller's, unknown to type checkers
    held = hold(folder)
    sweep(folder)
    from taina.cli import main

    main(prog_name="taina")
