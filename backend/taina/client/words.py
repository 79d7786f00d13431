"""Passphrases: six words that can be told on the telephone (about 77 bits), or what a file begins with."""

import secrets
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from taina.errors import FileError

_COUNT = 6
MAX_LINE = 64 << 10
"""Bytes, far more than a passphrase or a link has."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def six_words(choose: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """Six words of the EFF's long list (7,776 words), each drawn independently, with a hyphen between them."""
    return "-".join(choose(_words()) for _ in range(_COUNT))


@cache
def _words() -> tuple[str, ...]:
    text = (resources.files("xkcdpass") / "static" / "eff-long").read_text("ascii")
    return tuple(text.split())


def read_first_line(file: Path, what: str) -> str:
    """`first_line` of a file. Raises: FileError."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_LINE)
    except OSError as error:
        raise FileError(f"The {what} file cannot be read: {error.strerror}.") from None
    return first_line(data, what)


def first_line(data: bytes, what: str) -> str:
    """Understood or refused, and never altered: another passphrase would cost one of ten attempts.

    UTF-8, with a byte order mark or without, and UTF-16 with one, as Windows writes it.

    Args:
        what: the file is called so: `passphrase`, `key`.

    Raises:
        FileError: it is none.
    """
    encoding = "utf-16" if data.startswith(UTF16_MARKS) else "utf-8-sig"
    if encoding == "utf-8-sig":
        data = data.partition(b"\n")[0]
    try:
        line = data.decode(encoding).partition("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        raise FileError(f"The {what} file is not text in UTF-8. Save it as UTF-8 and try again.") from None
    if "\0" in line:
        raise FileError(
            f"The {what} file holds zero bytes: it is UTF-16 without its mark, or no text. Save it as UTF-8."
        )
    if not line:
        raise FileError(f"The first line of the {what} file is empty.")
    return line
