"""How commands show what they have: JSON, progress, a point in time."""

import contextlib
import datetime
import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from taina.client import OnProgress


def say_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False))


@contextlib.contextmanager
def progress(label: str) -> Iterator[OnProgress | None]:
    """A bar on standard error, where that is a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = click.progressbar(length=1, label=label, file=sys.stderr)

    def advance(done: int, total: int) -> None:
        bar.length = max(total, 1)
        bar.update(done - bar.pos)

    with bar:
        yield advance


def when(seconds: int) -> str:
    """A point in time, in the local zone."""
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %Z")
