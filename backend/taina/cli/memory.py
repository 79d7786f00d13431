"""What a command holds in memory stays there."""

import contextlib
import sys

_PR_SET_DUMPABLE = 4


def keep_out_of_dumps() -> None:
    """No core file of this process, and no other process of this user that reads its memory, where systems know how."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
