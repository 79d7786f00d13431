"""The load: wrk sends prepared requests, in C, so that it is never what is measured."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from statistics import median

import click

_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast it went: answers a second, and what share of them came within how many milliseconds."""

    a_second: float
    p50: float
    p99: float
    cost: float = 0
    """Microseconds of the server's processor time for each, where that was measured."""

    def at_cost(self, cost: float) -> "Rate":
        return replace(self, cost=cost)


def send(port: int, requests: list[bytes], connections: int, wanted: int = 200) -> Rate:
    """All requests, each once, over so many connections that are kept open.

    Raises:
        click.ClickException: wrk is missing, or an answer has another status than `wanted`.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise click.ClickException("wrk is missing. Install it (on Debian: apt install wrk).")
    with tempfile.NamedTemporaryFile() as file:
        for request in requests:
            file.write(b"%010d" % len(request) + request)
        file.flush()
        command = [wrk, "-t", "1", "-c", str(connections), "-d", "60", "-s", str(_SCRIPT)]
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{port}", "--", file.name, str(wanted)],
            capture_output=True,
            text=True,
            timeout=90,
        )
    found = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        raise click.ClickException(f"wrk failed: {done.stdout}{done.stderr}")
    told = json.loads(found[0])
    if told["got"] < len(requests):
        raise click.ClickException(f"only {told['got']} of {len(requests)} answers were {wanted}")
    return Rate(told["got"] / told["seconds"], told["p50"], told["p99"])


def middle(rates: list[Rate]) -> Rate:
    """The median of each."""
    return Rate(*(median(values) for values in zip(*map(astuple, rates), strict=True)))
