"""Every run of a small model of the protocol, by `spin`: protocol.pml says what it models and what it leaves out.

    python -m drills.model              # all of it: a gigabyte or two, and some minutes
    python -m drills.model --short

Run it in scripts/, or with that folder in PYTHONPATH. It needs `spin` and `gcc`. Two mutants of the model, of which one
reads before its transaction and the other answers before its commit, have to break a property.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from drills.promises import BrokenPromiseError, promise

PROPERTIES = {
    "one_reader": "at most one reader is ever handed the ciphertext",
    "kept_until_called_for": "a secret that was acknowledged waits, whole, until something ends it",
    "reveal_is_final": "after an acknowledged reveal it never waits again, nor ends in any other way",
    "claim_is_good": "within the lease the claim finds the ciphertext, and is told nothing else",
    "erased": "what was opened, burned, expired or locked is erased in the same commit",
    "got_or_told": "a reader who asks gets it or is told, at the end of every run",
}
MUTANTS = {
    "READ_THEN_DELETE": {"one_reader", "kept_until_called_for", "reveal_is_final"},
    "RELEASE_BEFORE_COMMIT": {"one_reader", "kept_until_called_for", "reveal_is_final"},
}
"""Each with the properties of which it has to break one."""
SHORT = ((1, 0),)
LONG = (*SHORT, (0, 1), (1, 1), (0, 2))
"""Faults and meddling of each search; the model's head says what they are."""
DEPTH = 10_000
TIMEOUT = 3600
_MODEL = Path(__file__).with_name("protocol.pml")


@dataclass(frozen=True, slots=True)
class Search:
    """What one exhaustive search found: how much there was, and the property that broke, if one did."""

    states: int
    depth: int
    seconds: float
    broken: str | None
    unreached: frozenset[str]
    """Lines of the model that no run came to."""


def run(searches: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Search the model itself, which has to keep every property, then its mutants, which must not.

    Raises:
        BrokenPromiseError: a property broke, a mutant passed, or a part of the model was never reached.
    """
    unreached: frozenset[str] | None = None
    for faults, meddling in searches:
        found = search(f"-DFAULTS={faults}", f"-DMEDDLING={meddling}")
        promise(found.broken is None, f"{found.broken}: {PROPERTIES.get(found.broken or '', 'the model is stuck')}")
        unreached = found.unreached if unreached is None else unreached & found.unreached
        yield (
            f"faults {faults}, meddling {meddling}: {found.states} states, depth {found.depth}, {found.seconds:.1f} s"
        )
    if any(meddling for _, meddling in searches):  # without, nobody burns
        promise(not unreached, f"no run came to {', '.join(sorted(unreached or ()))}")
    for name, meaning in PROPERTIES.items():
        yield f"holds: {name}: {meaning}"
    for mutant, expected in MUTANTS.items():
        found = search("-DFAULTS=1", "-DMEDDLING=1", f"-D{mutant}")
        promise(
            found.broken in expected, f"the mutant {mutant} broke {found.broken}, and should have one of {expected}"
        )
        yield f"fails as it should: {mutant} breaks {found.broken}"


def search(*defined: str) -> Search:
    """Try every run of the model with these definitions (`-DNAME=value`).

    Raises:
        BrokenPromiseError: spin or gcc is missing or failed, or the search was not exhaustive.
    """
    for program in ("spin", "gcc"):
        promise(
            shutil.which(program) is not None, f"{program} is missing. Install it (on Debian: apt install {program})."
        )
    with tempfile.TemporaryDirectory() as folder:
        _call(folder, "spin", *defined, "-a", str(_MODEL))
        _call(folder, "gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
        told = _call(folder, "./pan", f"-m{DEPTH}", "-w22")
        broken = None
        if _number(r"errors: (\d+)", told):
            trail = _call(folder, "spin", *defined, "-t", "-k", f"{_MODEL.name}.trail", str(_MODEL))
            named = re.search(r"broken = (\w+)", trail)
            broken = named[1] if named and named[1] != "0" else "stuck"
        else:
            promise("not completed" not in told and "too small" not in told, f"the search was cut short:\n{told}")
    return Search(
        states=int(_number(r"(\d+) states, stored", told)),
        depth=int(_number(r"depth reached (\d+)", told)),
        seconds=_number(r"elapsed time ([\d.]+)", told),
        broken=broken,
        unreached=frozenset(re.findall(r"protocol\.pml:(\d+), state \d+, \"(?!-end-)", told)),
    )


def _call(folder: str, *command: str) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise BrokenPromiseError(f"{command[0]} did not end within {TIMEOUT} s") from None
    promise(done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise BrokenPromiseError(f"spin did not say {pattern!r}:\n{text[-2000:]}")
    return float(found[1])


@click.command(help=(run.__doc__ or "").partition("\n")[0])
@click.option("--short", is_flag=True, help="One fault a run, and nobody who burns, takes down or guesses.")
def main(short: bool) -> None:
    try:
        for line in run(SHORT if short else LONG):
            click.echo(line)
    except BrokenPromiseError as broken:
        sys.exit(f"A PROMISE WAS BROKEN: {broken}")


if __name__ == "__main__":
    main()
