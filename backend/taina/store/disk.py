"""Whether a write failed because there is no room for it, or because the disk fails."""

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PAGES = 4
_PAGE = 4096


def is_full(path: Path, error: sqlite3.Error) -> bool:
    """Whether SQLite had no room: on the disk, in a quota, or under the limit on the size of a file.

    Of these it knows only the disk; the others look like a disk that fails. So another file is written to, at the end
    that the database or its log has reached.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return True
    return code == sqlite3.SQLITE_IOERR_WRITE and not _takes_more(path)


def _takes_more(path: Path) -> bool:
    """False only where the system says that there is no room."""
    try:
        end = max(_size(path.with_name(path.name + more)) for more in ("", "-wal", "-journal"))
        with tempfile.TemporaryFile(dir=path.parent) as scratch:
            for place in range(end, end + _PAGES * _PAGE, _PAGE):
                # Bytes that no file system makes smaller. At a limit, a part is written first.
                if os.pwrite(scratch.fileno(), os.urandom(_PAGE), place) < _PAGE:
                    return False
            os.fsync(scratch.fileno())  # a quota of a network's disk may show only here
    except OSError as failure:
        return failure.errno not in _NO_ROOM
    return True


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
