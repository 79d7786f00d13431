"""Names for files that somebody else named: a name is never trusted, only made harmless.

The pages have the same rules (site/js/client/names.js), and both keep tests/vectors/names.json.
"""

import re

_FORBIDDEN = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f'
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffc\U000e0000-\U000e0fff]"
)
"""Separators, what Windows refuses, control characters, marks that turn `exe.fdp` around, and what is not seen."""
_ENDS = " .\u200c\u200d" + "".join(map(chr, range(0xFE00, 0xFE10)))
"""Not seen at a name's ends; within, joiners and variants are needed."""
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³]) *(\.|$)", re.IGNORECASE | re.ASCII)
_MAX_LENGTH = 200
"""Bytes of UTF-8; file systems take 255, and a number may have to fit in."""
_MAX_EXTENSION = 20


def clean_name(name: str, *, hidden: bool = False) -> str:
    """A name that any file system takes, that hides nothing and leaves no folder; `file` where nothing is left.

    Args:
        hidden: a name such as `.env` keeps its dot.
    """
    fit = _FORBIDDEN.sub("_", name)
    name = fit.strip(_ENDS)
    if hidden and name and fit.startswith("."):
        return "." + clean_name(name)
    if _DEVICE.match(name):
        name = "_" + name
    return _shorten(name) or "file"


def with_number(name: str, n: int) -> str:
    """`report.pdf`, 2 → `report (2).pdf`, for when the name is taken."""
    stem, dot, extension = name.rpartition(".")
    return f"{stem} ({n}).{extension}" if dot and stem else f"{name} ({n})"


def _shorten(name: str) -> str:
    if len(name.encode("utf-8")) <= _MAX_LENGTH:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = dot + extension
    if not stem or len(tail.encode("utf-8")) > _MAX_EXTENSION:
        stem, tail = name, ""
    room = _MAX_LENGTH - len(tail.encode("utf-8"))
    cut = stem.encode("utf-8")[:room].decode("utf-8", "ignore")
    return cut.rstrip(_ENDS) + tail
