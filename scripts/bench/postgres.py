"""What PostgreSQL costs and holds: rates with one and two web processes, bytes a secret, bloat under constant deletion.

    python -m bench.postgres

Prints tables. SQLite stands beside it, measured in the same run by the same clients. Everything runs on one machine,
clients included: ratios tell more than rates. Run it in scripts/, or with that folder in PYTHONPATH.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path

import click

from support import connection
from support.connection import UNBOUND, Connection
from support.postgres_cluster import Cluster, Node
from support.secrets import Made
from support.servers import start_server

_PROCESSES = 2
_TABLES = ("secrets", "keys", "chunks", "usage")
_SYNCHRONOUS = "ANY 1 (s0, s1, s2)"


@click.command()
@click.option("--secrets", default=3000, show_default=True, help="How many of each measurement of a rate.")
@click.option("--connections", default=16, show_default=True)
@click.option("--runs", default=3, show_default=True, help="Of each rate, in turn; the median is told.")
@click.option("--held", default=20_000, show_default=True, help="Secrets kept at once, for the sizes.")
@click.option("--churn", default=120, show_default=True, help="Seconds of constant creation and deletion.")
def main(secrets: int, connections: int, runs: int, held: int, churn: int) -> None:
    """Measure everything, one after the other."""
    with get_context("spawn").Pool(_PROCESSES) as pool:
        rates(pool, secrets, connections, runs)
        sizes(pool, held, connections)
        bloat(pool, churn, connections)


def rates(pool: Pool, secrets: int, connections: int, runs: int) -> None:
    """Creates and reveals a second of each set-up, the runs interleaved."""
    click.echo(f"requests a second, {connections} connections, medians of {runs}")
    with ExitStack() as stack:
        set_ups: dict[str, list[int]] = {"SQLite, 1 web process": stack.enter_context(_web())}
        for title, standbys in (("PostgreSQL", ()), ("PostgreSQL and two standbys (ANY 1)", ("s1", "s2"))):
            cluster = stack.enter_context(Cluster(*standbys))
            if standbys:
                cluster.primary.configure(synchronous_standby_names=_SYNCHRONOUS)
            for number in (1, 2):
                set_ups[f"{title}, {number} web process{'es' * (number - 1)}"] = stack.enter_context(
                    _web("--store", cluster.url, number=number)
                )
        figures: dict[str, list[tuple[float, float]]] = {title: [] for title in set_ups}
        for _ in range(runs):
            for title, ports in set_ups.items():
                made = [Made() for _ in range(secrets)]
                created = _timed(pool, ports, connections, [connection.create(one) for one in made])
                revealed = _timed(pool, ports, connections, [connection.reveal(one, claim=False) for one in made])
                figures[title].append((secrets / created, secrets / revealed))
    for title, found in figures.items():
        creates, reveals = (statistics.median(column) for column in zip(*found, strict=True))
        click.echo(f"  {title:55} {creates:6.0f} creates  {reveals:6.0f} reveals")


def sizes(pool: Pool, held: int, connections: int) -> None:
    """Bytes in tables and log of secrets of 1 KiB, while they wait and when only their receipts are left."""
    with Cluster() as cluster, _web("--store", cluster.url, number=2) as ports:
        node = cluster.primary
        made = [Made() for _ in range(held)]
        before = _log_position(node)
        _timed(pool, ports, connections, [connection.create(one) for one in made])
        created = _log_position(node)
        click.echo(f"bytes of one secret of 1 KiB, {held} held at once")
        _tell_sizes(node, "waiting", held)
        _timed(pool, ports, connections, [connection.reveal(one) for one in made])
        revealed = _log_position(node)
        _timed(pool, ports, connections, [connection.acknowledge(one) for one in made])
        acknowledged = _log_position(node)
        node.execute("VACUUM FULL", database="taina")
        _tell_sizes(node, "opened, after VACUUM FULL", held)
        click.echo(
            f"  log: {(created - before) // held} bytes a create, {(revealed - created) // held} a reveal by a claim, "
            f"{(acknowledged - revealed) // held} an acknowledgement"
        )


def bloat(pool: Pool, churn: int, connections: int) -> None:
    """Sizes of the tables while secrets are created and revealed without pause."""
    with Cluster() as cluster, _web("--store", cluster.url, number=2) as ports:
        node = cluster.primary
        node.execute("ALTER SYSTEM SET autovacuum_naptime = '15s'")
        node.execute("SELECT pg_reload_conf()")
        end = threading.Event()
        done = [0]

        def work() -> None:
            while not end.is_set():
                made = [Made() for _ in range(500)]
                _timed(pool, ports, connections, [connection.create(one) for one in made])
                _timed(pool, ports, connections, [connection.reveal(one, claim=False) for one in made])
                done[0] += len(made)

        worker = threading.Thread(target=work)
        worker.start()
        click.echo("MiB of the tables (with indexes) while secrets come and go")
        for _ in range(6):
            end.wait(churn / 6)
            told = ", ".join(f"{table} {_size(node, table) / (1 << 20):.1f}" for table in _TABLES)
            ((dead,),) = node.execute(
                "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'keys'", database="taina"
            )
            click.echo(f"  after {done[0]:6} secrets: {told}; dead rows in keys {dead}")
        end.set()
        worker.join()


@contextmanager
def _web(*arguments: str, number: int = 1) -> Iterator[list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        servers = [start_server(Path(folder) / str(n), *UNBOUND, *arguments) for n in range(number)]
        try:
            yield [server.port for server in servers]
        finally:
            for server in servers:
                server.process.terminate()
                server.process.communicate()


def _timed(pool: Pool, ports: list[int], connections: int, requests: list[bytes]) -> float:
    """Seconds for all requests, by several processes with several connections each."""
    shares = [(ports, connections // _PROCESSES, requests[n::_PROCESSES]) for n in range(_PROCESSES)]
    began = time.monotonic()
    pool.starmap(_send, shares)
    return time.monotonic() - began


def _send(ports: list[int], connections: int, requests: list[bytes]) -> None:
    def run(n: int) -> None:
        with Connection(ports[n % len(ports)]) as one:
            for request in requests[n::connections]:
                answer = one.call(request)
                if answer.status >= 300:
                    failures.append(answer.status)

    failures: list[int] = []
    threads = [threading.Thread(target=run, args=(n,)) for n in range(connections)]
    _all(threads, threading.Thread.start)
    _all(threads, threading.Thread.join)
    if failures:
        raise RuntimeError(f"{len(failures)} calls failed, the first with {failures[0]}")


def _all(threads: list[threading.Thread], do: Callable[[threading.Thread], None]) -> None:
    for thread in threads:
        do(thread)


def _size(node: Node, table: str) -> int:
    ((size,),) = node.execute("SELECT pg_total_relation_size(%s::regclass)", f"taina.{table}", database="taina")
    return int(size)


def _tell_sizes(node: Node, title: str, held: int) -> None:
    told = {table: _size(node, table) / held for table in _TABLES}
    click.echo(f"  {title}: {sum(told.values()):.0f} = " + " + ".join(f"{t} {n:.0f}" for t, n in told.items()))


def _log_position(node: Node) -> int:
    ((position,),) = node.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
    return int(position)


if __name__ == "__main__":
    main()
