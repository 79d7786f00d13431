"""What many secrets cost: rates, start and memory with so many of them waiting, and while so many expire.

    python -m bench.growth --live 100000 --live 1000000 --expired 100000

Run it in scripts/, or with that folder in PYTHONPATH. It needs wrk (on Debian: apt install wrk).
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from bench.wrk import Rate, send
from support import connection
from support.connection import UNBOUND
from support.secrets import Made
from support.servers import Server, memory, processor_time, start_server, stop_server
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store.sqlite import SqliteStore

_CONNECTIONS = 8
_AT_ONCE = 64
_REQUESTS = 3000
_LIFE = 86400
_SWEPT_WITHIN = 600


@click.command()
@click.option("--live", multiple=True, type=click.IntRange(1), help="Secrets that wait; may be given again.")
@click.option("--expired", default=100_000, show_default=True, help="Secrets that expire at once.")
def main(live: tuple[int, ...], expired: int) -> None:
    """Print a line for each number of secrets, and what a sweep does to those who create meanwhile."""
    click.echo(f"{_CONNECTIONS} connections, {_REQUESTS} secrets of 1 KiB, created and then revealed")
    for count in (0, *live):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            _fill(data, count, time.time())
            server, started = _start(data)
            idle = memory(server.process.pid) >> 20
            creating, revealing = _rates(server)
            stop_server(server)
            click.echo(
                f"{count} live: create {_told(creating)}, reveal {_told(revealing)}; "
                f"{started:.2f} s to start, {idle} MiB idle, {_size(data)} MiB of file"
            )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        _fill(data, expired, time.time() - 2 * _LIFE)
        before = _size(data)
        server, _ = _start(data)
        began = time.monotonic()
        during, _ = _rates(server)
        _wait_until_idle(server)
        took = time.monotonic() - began
        after, _ = _rates(server)
        stop_server(server)
        click.echo(f"{expired} expired, swept in {took:.0f} s under load: create {_told(during)}")
        click.echo(f"and without a sweep: create {_told(after)}; the file had {before} MiB, has {_size(data)} MiB")


def _fill(data: Path, count: int, created: float) -> None:
    store = SqliteStore(data / "taina.db")
    vault = Vault(store, Limits(), lambda: created)

    def create(_: int) -> None:
        made = Made(ttl=_LIFE)
        vault.create(made.id, made.order())

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(create, range(count)):
            pass
    store.close()


def _start(data: Path) -> tuple[Server, float]:
    began = time.monotonic()
    server = start_server(data, *UNBOUND)
    return server, time.monotonic() - began


def _rates(server: Server) -> tuple[Rate, Rate]:
    made = [Made(chunks=(os.urandom(1040),)) for _ in range(_REQUESTS)]
    creating = send(server.port, [connection.create(one) for one in made], _CONNECTIONS, 201)
    return creating, send(server.port, [connection.reveal(one) for one in made], _CONNECTIONS)


def _wait_until_idle(server: Server) -> None:
    """A server that sweeps takes processor time, and one that has done so hardly any."""
    end = time.monotonic() + _SWEPT_WITHIN
    while time.monotonic() < end:
        before = processor_time(server.process.pid)
        time.sleep(3)
        if processor_time(server.process.pid) - before < 0.3:
            return


def _told(rate: Rate) -> str:
    return f"{rate.a_second:.0f}/s (p99 {rate.p99:.0f} ms)"


def _size(data: Path) -> int:
    return sum(file.stat().st_size for file in data.iterdir()) >> 20


if __name__ == "__main__":
    main()
