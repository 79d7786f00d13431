"""What every drill is: a run of some rounds that tells its figures, and ends where a promise is broken."""

import sys
import time
from collections.abc import Callable, Iterator

import click

Run = Callable[[int], Iterator[str]]


class BrokenPromiseError(Exception):
    """The service did what it says it never does."""


def promise(kept: bool, otherwise: str) -> None:
    """Raises: BrokenPromiseError: it was not kept; `otherwise` says what happened."""
    if not kept:
        raise BrokenPromiseError(otherwise)


def command(run: Run, rounds: int, of: str) -> click.Command:
    """A drill as a command that takes --rounds and prints what `run` tells; `of` says what a round is."""

    @click.command(help=(run.__doc__ or "").partition("\n")[0])
    @click.option("--rounds", default=rounds, show_default=True, type=click.IntRange(1), help=of)
    def drill(rounds: int) -> None:
        began = time.monotonic()
        try:
            for line in run(rounds):
                click.echo(line)
        except BrokenPromiseError as broken:
            sys.exit(f"A PROMISE WAS BROKEN: {broken}")
        click.echo(f"Every promise was kept; {time.monotonic() - began:.0f} s.")

    return drill


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
