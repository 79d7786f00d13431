"""Creating and revealing, requests a second, at 1, 8 and 64 connections: beside a constant, and beside SnapPass.

    python -m bench.rates --runs 3

Every answer is durable (SQLite: WAL, synchronous=FULL, secure_delete), and every secret is revealed by a claim, as our
clients do. The runs are interleaved and their medians taken. On a machine that others use, too, look at the processor
time of a request. Run it in scripts/, or with that folder in PYTHONPATH. It needs wrk and redis-server (on Debian: apt
install wrk redis-server).
"""

import os
import secrets
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from bench.wrk import Rate, middle, send
from drills.snappass import create as snappass_create
from drills.snappass import reveal as snappass_reveal
from drills.snappass import snappass
from support import connection
from support.connection import UNBOUND, Connection
from support.secrets import Made
from support.servers import free_port, memory, processor_time, running, serving

CONNECTIONS = (1, 8, 64)
_SIZE = 1024 + 16
_ANSWERS = {"create": 41, "reveal": 1413}
"""Bytes of the answers, for the constant."""

Table = dict[tuple[str, int], list[Rate]]
"""Rates by what was measured and over how many connections."""


@click.command()
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1), help="Of each; their medians count.")
@click.option("--requests", default=4000, show_default=True, help="In each run; a quarter of them over one connection.")
@click.option("--peer/--no-peer", default=True, help="SnapPass, too.")
def main(runs: int, requests: int, peer: bool) -> None:
    """Print a table of rates and ratios."""
    table: Table = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(serving(*UNBOUND))
        constants = {what: stack.enter_context(_constant(size)) for what, size in _ANSWERS.items()}
        other = stack.enter_context(snappass("-k", "gthread", "--threads", "8")) if peer else None
        for run in range(runs):
            for connections in CONNECTIONS:
                count = requests // 4 if connections == 1 else requests
                made = [Made(chunks=(os.urandom(_SIZE),)) for _ in range(count)]
                prepared = {"create": [connection.create(one) for one in made]}
                prepared["reveal"] = [connection.reveal(one) for one in made]
                for what, load in prepared.items():
                    wanted = 201 if what == "create" else 200
                    table["constant, " + what, connections].append(_measure(*constants[what], load, connections, 200))
                    ours = _measure(server.port, server.process.pid, load, connections, wanted)
                    table[what, connections].append(ours)
                if other is not None:
                    _measure_peer(table, other, count // 2, connections)
            click.echo(f"run {run + 1} of {runs}", err=True)
        resident = memory(server.process.pid) / (1 << 20)
    for line in _lines(table):
        click.echo(line)
    click.echo(f"memory of the server at the end: {resident:.0f} MiB")


def _measure(port: int, pid: int, load: list[bytes], connections: int, wanted: int) -> Rate:
    before = processor_time(pid)
    rate = send(port, load, connections, wanted)
    return rate.at_cost((processor_time(pid) - before) / len(load) * 1e6)


def _measure_peer(table: Table, port: int, count: int, connections: int) -> None:
    creating = [snappass_create(secrets.token_urlsafe(768)) for _ in range(count)]
    table["SnapPass, create", connections].append(send(port, creating, connections))
    with Connection(port) as one:
        links = [one.call(request).json()["link"] for request in creating]
    table["SnapPass, reveal", connections].append(send(port, list(map(snappass_reveal, links)), connections))


def _lines(table: Table) -> Iterator[str]:
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
    for what in ("create", "reveal"):
        of_peer = [
            f"{middles[what, c].a_second / middles[f'SnapPass, {what}', c].a_second:.1f}"
            for c in CONNECTIONS
            if (f"SnapPass, {what}", c) in middles
        ]
        if of_peer:
            yield f"{what}, of SnapPass: {', '.join(of_peer)}"


@contextmanager
def _constant(size: int) -> Iterator[tuple[int, int]]:
    """The port and the process of the yardstick."""
    port = free_port()
    with running([sys.executable, "-m", "bench.constant", str(port), str(size)], port) as process:
        yield port, process.pid


if __name__ == "__main__":
    main()
