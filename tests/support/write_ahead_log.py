"""The log of a SQLite store, as it lies on the disk."""

from pathlib import Path


def is_empty(log: Path) -> bool:
    """Not there, or nothing but zeros: room for what comes."""
    return not log.exists() or not log.read_bytes().strip(b"\0")
