"""What an upload takes while it is not finished: sealed chunks, room, and time."""

from taina.rules.types import Limits
from taina.store import Usage

SEALED_CHUNK = (1 << 20) + 16
"""Bytes of a sealed chunk that is not the last: 1 MiB and its tag."""
TAG = 16
UPLOAD_IDLE = 3600
"""Seconds without progress after which an unfinished upload is swept, as long as half of the room is free."""
MIN_UPLOAD_IDLE = 300
"""The same where no room is left. A slow line takes minutes for its first chunks."""
UPLOAD_AHEAD = 4
"""Chunks that an upload holds room for, beyond those that have arrived."""


def idle_seconds(usage: Usage, limits: Limits) -> int:
    """Seconds that an upload may make no progress: the fewer, the less room there is, once half is taken."""
    free = min(1 - usage.held / limits.storage, (limits.unfinished - usage.unfinished) / limits.unfinished)
    return min(max(int(UPLOAD_IDLE * 2 * free), MIN_UPLOAD_IDLE), UPLOAD_IDLE)


def held_by_upload(size: int, arrived: int) -> int:
    """Bytes that count for an upload of which so many chunks have arrived."""
    return min(size, (arrived + UPLOAD_AHEAD) * SEALED_CHUNK)
