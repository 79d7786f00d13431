"""Where the one-file program begins: sweep what killed ones left behind, then be `taina`.

The program unpacks itself into a folder of its own beside others' and removes it at its end. One that is killed cannot,
so each holds a lock in its folder, and whoever finds a folder without a holder removes it.
"""

import fcntl
import os
import shutil
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
        try:
            found = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # another user's, or just gone
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            pass  # it lives
        finally:
            os.close(found)


if __name__ == "__main__":
    folder = Path(getattr(sys, "_MEIPASS"))  # noqa: B009 - PyInstaller's, unknown to type checkers
    held = hold(folder)
    sweep(folder)
    from taina.cli import main

    main(prog_name="taina")
