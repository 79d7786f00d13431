"""Passphrases of six words that can be told on the telephone: about 77 bits."""

import secrets
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

_COUNT = 6


def six_words(choose: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """Six words of the EFF's long list (7,776 words), each drawn independently, with a hyphen between them."""
    return "-".join(choose(_words()) for _ in range(_COUNT))


@cache
def _words() -> tuple[str, ...]:
    text = (resources.files("xkcdpass") / "static" / "eff-long").read_text("ascii")
    return tuple(text.split())
