"""Files of variables, such as `.env`: NAME=value in lines, quoted as a POSIX shell quotes.

Nothing is run or expanded: `$`, `&` and the like stand for themselves, as for other programs that read such files.
"""

import re
import shlex
from collections.abc import Iterator

from taina.errors import FileError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SETTING = re.compile(r"[ \t]*(?:export[ \t]+)?(([A-Za-z_][A-Za-z0-9_]*)=.*)", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(?:\n|(.))""", re.DOTALL)
_PART = re.compile(rf"""(?:[ \t\n]|\\\n)+|#[^\n]*|((?:{_QUOTED.pattern}|[^'"\\ \t\n])+)""", re.DOTALL)
"""Blanks, a comment or, as the first group, a word: a number sign inside a word begins no comment."""
_ESCAPED = re.compile(r'\\(?:\n|([$`"\\]))')
"""In double quotes; any other backslash stands for itself."""
_MAX_SPAN = 200
"""Lines; those of a private key are about 50."""


def read_variable(text: str, name: str) -> str:
    """The value of a variable; of several of that name the last, as for a shell. Raises: FileError."""
    found = None
    for part in _settings(text):
        if (match := _SETTING.fullmatch(part)) and match[2] == name:
            found = match[1]
    if found is None:
        raise FileError(f"There is no variable {name!r} in that file.")
    words = _words(found)
    if words is None or len(words) > 1:
        raise FileError(f"The value of {name} is not one word. Put it in quotes.")
    return words[0].removeprefix(f"{name}=")


def with_variable(text: str, name: str, value: str) -> str:
    """The file's text with this variable in place of those of its name, at the end. Raises: FileError.

    At the beginning, where a quote is not closed: one in the value would close it, and be no part of the value.
    """
    check_name(name)
    if any(mark in value for mark in "\n\r\0"):
        raise FileError("It has several lines, which such a file cannot hold. Save it as a file of its own.")
    kept = [part for part in _settings(text) if not ((match := _SETTING.fullmatch(part)) and match[2] == name)]
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
    """As a shell splits and unquotes them; None where a quote is not closed."""
    words, at = [], 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        if part[1] is not None:
            words.append(_QUOTED.sub(_unquoted, part[1]))
        at = part.end()
    return words


def _unquoted(quoted: re.Match[str]) -> str:
    if quoted[2] is not None:
        return _ESCAPED.sub(r"\1", quoted[2])
    return quoted[1] or quoted[3] or ""
