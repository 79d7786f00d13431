"""What pages cost that look by themselves: so many open receipts, each looked at once a minute, beside creates.

    python -m bench.watching --receipts 10000 --seconds 20

Once a minute is the slowest pace of a page, at which it is after five minutes. Looks and creates are sent at a fixed
rate, whatever the answers take, alone and together. Run it in scripts/, or with that folder in PYTHONPATH.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

import click

from support import connection
from support.connection import UNBOUND, Connection
from support.secrets import Made
from support.servers import Server, processor_time, start_server, stop_server

_SENDERS = 8
"""Threads with a connection each, for each kind of request."""


@dataclass(frozen=True, slots=True)
class _Load:
    rate: float
    """Requests a second."""
    make: Callable[[], bytes]
    wanted: int
    """The status of each answer."""


@click.command()
@click.option("--receipts", default=10_000, show_default=True, type=click.IntRange(1), help="Looked at once a minute.")
@click.option("--creates", default=50, show_default=True, type=click.IntRange(1), help="A second, beside them.")
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(1), help="That each part takes.")
def main(receipts: int, creates: int, seconds: int) -> None:
    """Print a line for each load: answers, their times, and the share of one processor that the server took."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder), *UNBOUND)
        turns = cycle([connection.receipt(made) for made in _open(server.port, receipts)])
        looks = _Load(receipts / 60, lambda: next(turns), 200)
        made = _Load(creates, lambda: connection.create(Made()), 201)
        for name, loads in {
            "nothing": {},
            "creates": {"create": made},
            "looks": {"look": looks},
            "both": {"create": made, "look": looks},
        }.items():
            click.echo(f"{name}: {_measure(server, loads, seconds)}")
        stop_server(server)


def _open(port: int, receipts: int) -> list[Made]:
    """So many secrets that wait."""
    made = [Made() for _ in range(receipts)]
    with Connection(port) as one:
        for each in made:
            one.call(connection.create(each))
    return made


def _measure(server: Server, loads: dict[str, _Load], seconds: int) -> str:
    before, began = processor_time(server.process.pid), time.monotonic()
    times: dict[str, list[float]] = {name: [] for name in loads}
    senders = [
        threading.Thread(target=_send, args=(server.port, load, n, began + seconds, times[name]))
        for name, load in loads.items()
        for n in range(_SENDERS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    share = (processor_time(server.process.pid) - before) / (time.monotonic() - began)
    told = [_told(name, found, seconds) for name, found in times.items()]
    return ", ".join([*told, f"{share:.1%} of a processor"])


def _send(port: int, load: _Load, first: int, end: float, times: list[float]) -> None:
    """Every eighth request, from the time at which it was due to its answer: one that waits for its turn has waited."""
    start = time.monotonic()
    with Connection(port) as one:
        for n in count(first, _SENDERS):
            due = start + n / load.rate
            if due > end:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            answer = one.call(load.make())
            if answer.status != load.wanted:
                raise click.ClickException(f"an answer was {answer.status}, not {load.wanted}")
            times.append(time.monotonic() - due)


def _told(name: str, times: list[float], seconds: int) -> str:
    if not times:
        raise click.ClickException(f"no answer to any {name}")
    ordered = sorted(times)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    return f"{len(times) / seconds:.0f} {name}s a second (p50 {p50:.1f} ms, p99 {p99:.1f} ms)"


if __name__ == "__main__":
    main()
