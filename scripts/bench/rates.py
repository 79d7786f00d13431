"""Creating and revealing, requests a second, at 1, 8, 64 and 256 connections: beside a constant, and beside others.

    python -m bench.rates --runs 5 --privatebin FOLDER

Every answer is durable (SQLite: WAL, synchronous=FULL, secure_delete), and every secret is revealed by a claim, as our
clients do. The runs are interleaved and their medians taken. On a machine that others use, too, look at the processor
time of a request. Run it in scripts/, or with that folder in PYTHONPATH. It needs wrk, for SnapPass redis-server too
(on Debian: apt install wrk redis-server), for PrivateBin a checkout of it (see bench.privatebin), and for an earlier
Taina a checkout of that.
"""

import os
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import click

from bench import privatebin
from bench.wrk import Rate, middle, send
from drills.snappass import create as snappass_create
from drills.snappass import reveal as snappass_reveal
from drills.snappass import snappass
from support import connection
from support.connection import UNBOUND, Connection
from support.secrets import Made
from support.servers import free_port, memory, processor_time, running, serving
from taina import base64url

CONNECTIONS = (1, 8, 64, 256)
_SEAL = 16
"""Bytes that sealing adds."""
_DELETED_WITHIN = 5
"""Seconds: PrivateBin deletes after it has answered."""


@dataclass(frozen=True, slots=True)
class _Peer:
    name: str
    port: int
    create: Callable[[], bytes]
    reveals: Callable[[int], list[bytes]]
    """Requests for so many secrets that wait there."""
    processor_time: Callable[[], float] = lambda: 0.0
    created: int = 200
    """The status of an answer to a create."""
    waiting: Callable[[], int] | None = None
    """How many secrets it has stored, if its answers do not say whether they failed."""


Table = dict[tuple[str, int], list[Rate]]
"""Rates by what was measured and over how many connections."""


@click.command()
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1), help="Of each; their medians count.")
@click.option("--requests", default=4000, show_default=True, help="In each run; a quarter of them over one connection.")
@click.option("--size", default=1024, show_default=True, type=click.IntRange(1), help="Bytes of each secret.")
@click.option("--snappass/--no-snappass", "with_snappass", default=True, help="SnapPass, too.")
@click.option(
    "--privatebin",
    "checkout",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A checkout of PrivateBin: that, too.",
)
@click.option(
    "--earlier",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A checkout of an earlier Taina: that, too.",
)
def main(runs: int, requests: int, size: int, with_snappass: bool, checkout: Path | None, earlier: Path | None) -> None:
    """Print a table of rates and ratios."""
    table: Table = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(serving(*UNBOUND))
        answers = {"create": 41, "reveal": 26 + len(base64url.encode(bytes(size + _SEAL)))}
        constants = {what: stack.enter_context(_constant(size)) for what, size in answers.items()}
        peers = list(_peers(stack, size, with_snappass, checkout))
        if earlier is not None:
            peers.append(stack.enter_context(_earlier(earlier, size)))
        for run in range(runs):
            for connections in CONNECTIONS:
                count = requests // 4 if connections == 1 else requests
                made = [Made(chunks=(os.urandom(size + _SEAL),)) for _ in range(count)]
                prepared = {"create": [connection.create(one) for one in made]}
                prepared["reveal"] = [connection.reveal(one) for one in made]
                for what, load in prepared.items():
                    wanted = 201 if what == "create" else 200
                    table["constant, " + what, connections].append(_measure(*constants[what], load, connections, 200))
                    ours = _measure(server.port, server.process.pid, load, connections, wanted)
                    table[what, connections].append(ours)
                for peer in peers:
                    _measure_peer(table, peer, count // 2, connections)
            click.echo(f"run {run + 1} of {runs}", err=True)
        resident = memory(server.process.pid) / (1 << 20)
    for line in _lines(table, [peer.name for peer in peers]):
        click.echo(line)
    click.echo(f"memory of the server at the end: {resident:.0f} MiB")


def _peers(stack: ExitStack, size: int, with_snappass: bool, checkout: Path | None) -> Iterator[_Peer]:
    if with_snappass:
        port = stack.enter_context(snappass("-k", "gthread", "--threads", "8"))
        yield _Peer(
            "SnapPass",
            port,
            create=lambda: _snappass_create(size),
            reveals=lambda count: _snappass_reveals(port, size, count),
        )
    if checkout is not None:
        other = stack.enter_context(privatebin.privatebin(checkout))
        yield _Peer(
            "PrivateBin",
            other.port,
            create=lambda: privatebin.create(size + _SEAL),
            reveals=lambda count: list(map(privatebin.reveal, other.ids()[:count])),
            processor_time=other.processor_time,
            waiting=lambda: len(other.ids()),
        )


@contextmanager
def _earlier(checkout: Path, size: int) -> Iterator[_Peer]:
    made: list[Made] = []

    def create() -> bytes:
        made.append(Made(chunks=(os.urandom(size + _SEAL),)))
        return connection.create(made[-1])

    def reveals(count: int) -> list[bytes]:
        return [connection.reveal(made.pop()) for _ in range(count)]

    with serving(*UNBOUND, wrapper=["env", f"PYTHONPATH={checkout.absolute() / 'backend'}"]) as server:
        cost = partial(processor_time, server.process.pid)
        yield _Peer("earlier Taina", server.port, create, reveals, cost, created=201)


def _snappass_create(size: int) -> bytes:
    return snappass_create(secrets.token_urlsafe(size * 3 // 4))


def _snappass_reveals(port: int, size: int, count: int) -> list[bytes]:
    with Connection(port) as one:
        return [snappass_reveal(one.call(_snappass_create(size)).json()["link"]) for _ in range(count)]


def _measure(port: int, pid: int, load: list[bytes], connections: int, wanted: int) -> Rate:
    before = processor_time(pid)
    rate = send(port, load, connections, wanted)
    return rate.at_cost((processor_time(pid) - before) / len(load) * 1e6)


def _measure_peer(table: Table, peer: _Peer, count: int, connections: int) -> None:
    creating = [peer.create() for _ in range(count)]
    table[f"{peer.name}, create", connections].append(_send_to(peer, creating, connections, peer.created, count))
    table[f"{peer.name}, reveal", connections].append(_send_to(peer, peer.reveals(count), connections, 200, -count))


def _send_to(peer: _Peer, load: list[bytes], connections: int, wanted: int, added: int) -> Rate:
    """A load of the peer, after which so many more secrets wait there.

    Raises:
        click.ClickException: it is another number, so some of its answers told of a failure.
    """
    stored = peer.waiting() if peer.waiting else 0
    before = peer.processor_time()
    rate = send(peer.port, load, connections, wanted)
    cost = (peer.processor_time() - before) / len(load) * 1e6
    end = time.monotonic() + _DELETED_WITHIN
    while peer.waiting and (changed := peer.waiting() - stored) != added:
        if time.monotonic() > end:
            raise click.ClickException(f"{peer.name} has {changed} more secrets, not {added}.")
    return rate.at_cost(cost)


def _lines(table: Table, peers: list[str]) -> Iterator[str]:
    middles = {what: middle(rates) for what, rates in table.items()}
    yield "| | connections | a second | of the constant | µs of processor | of the constant | p50 ms | p99 ms |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for (what, connections), rate in middles.items():
        compared = middles[("" if "," in what else "constant, ") + what, connections]
        speed, cost = rate.a_second / compared.a_second, compared.cost / rate.cost if rate.cost else 0
        yield (
            f"| {what} | {connections} | {rate.a_second:.0f} | {speed:.2f} | {rate.cost:.0f} | {cost:.2f} "
            f"| {rate.p50:.1f} | {rate.p99:.1f} |"
        )
    for peer in peers:
        for what in ("create", "reveal"):
            ratios = [
                median(
                    ours.a_second / theirs.a_second
                    for ours, theirs in zip(table[what, c], table[f"{peer}, {what}", c], strict=True)
                )
                for c in CONNECTIONS
            ]
            yield f"{what}, of {peer}: {', '.join(f'{ratio:.2f}' for ratio in ratios)}"


@contextmanager
def _constant(size: int) -> Iterator[tuple[int, int]]:
    """The port and the process of the yardstick."""
    port = free_port()
    with running([sys.executable, "-m", "bench.constant", str(port), str(size)], port) as process:
        yield port, process.pid


if __name__ == "__main__":
    main()
