"""Files of variables, such as `.env`: NAME=value in lines, quoted as a POSIX shell quotes."""

import re
import shlex
from collections.abc import Iterator

from taina.errors import FileError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SETTING = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_MAX_SPAN = 200
"""Lines; those of a private key are about 50."""


def read_variable(text: str, name: str) -> str:
    """The value of a variable; of several of that name the last, as for a shell. Raises: FileError."""
    found = None
    for part in _settings(text):
        if (match := _SETTING.fullmatch(part)) and match[1] == name:
            found = match[2]
    if found is None:
        raise FileError(f"There is no variable {name!r} in that file.")
    words = _words(found)
    if words is None or len(words) > 1:
        raise FileError(f"The value of {name} is not one word. Put it in quotes.")
    return "".join(words)


def with_variable(text: str, name: str, value: str) -> str:
    """The file's text with this variable in place of those of its name, at the end. Raises: FileError.

    At the beginning, where a quote is not closed: one in the value would close it, and be no part of the value.
    """
    check_name(name)
    if any(mark in value for mark in "\n\r\0"):
        raise FileError("It has several lines, which such a file cannot hold. Save it as a file of its own.")
    kept = [part for part in _settings(text) if not ((match := _SETTING.fullmatch(part)) and match[1] == name)]
    own = f"{name}={shlex.quote(value)}"
    is_closed = all(_words(part) is not None for part in kept)
    return "\n".join([*kept, own] if is_closed else [own, *kept]) + "\n"


def check_name(name: str) -> None:
    """Raises: FileError: no variable can be called that."""
    if not _NAME.fullmatch(name):
        raise FileError(f"{name!r} is not a name of a variable: letters, digits and underscores.")


def _settings(text: str) -> Iterator[str]:
    """The lines; those that one pair of quotes spans together."""
    lines = text.removesuffix("\n").split("\n") if text else []
    while lines:
        spans = range(1, min(len(lines), _MAX_SPAN) + 1)
        end = next((n for n in spans if _words("\n".join(lines[:n])) is not None), 1)
        yield "\n".join(lines[:end])
        del lines[:end]


def _words(text: str) -> list[str] | None:
    """As a shell splits them; None where a quote is not closed."""
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return None
