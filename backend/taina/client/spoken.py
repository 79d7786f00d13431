"""Limits of an instance as sentences say them."""

from taina.errors import TooLargeError


def too_large(most: int) -> TooLargeError:
    """What is said of more than these bytes, sealed."""
    return TooLargeError(f"This is larger than this instance accepts: {spoken_size(most)}, sealed. Nothing was stored.")


def spoken_time(seconds: int) -> str:
    """`7 days`, `90 minutes`: the largest unit that leaves nothing over."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:,} {unit}{'s' if seconds != size else ''}"
    return f"{seconds:,} second{'s' if seconds != 1 else ''}"


def spoken_size(size: int) -> str:
    """`100 MiB`: in the largest unit of which there is one."""
    for unit, bytes_in in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= bytes_in:
            return f"{size / bytes_in:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{size:,} bytes"
