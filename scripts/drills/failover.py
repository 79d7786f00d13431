"""The primary is killed in the middle of creates and reveals, and a standby takes over: is every promise kept?

    python -m drills.failover --rounds 50
    python -m drills.failover --rounds 50 --asynchronous

Three PostgreSQL nodes that replicate to a quorum (ANY 1), two web processes, eight clients that alternate between
these and keep a log of what they were told. Each round kills the primary with SIGKILL, every other one after its
replication has stood still for a moment, and promotes the standby that has received most. Ends with an error where a
secret was lost or revealed twice. The second command is the control: with asynchronous replication the same drill
finds both. Run it in scripts/, or with that folder in PYTHONPATH.
"""

import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import click

from support import connection
from support.connection import UNBOUND, Answer, Connection
from support.postgres_cluster import Cluster, Node
from support.secrets import Made
from support.servers import start_server
from taina import base64url

CLIENTS = 8
QUORUM = "ANY 1 (s0, s1, s2)"
STILL_SECONDS = 0.3
_PAUSE = 0.02


@dataclass
class Log:
    """What the clients were told in one round."""

    left: list[Made] = field(default_factory=list)
    """Acknowledged, and revealed by nobody yet."""
    revealed: list[Made] = field(default_factory=list)
    lost: int = 0
    twice: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds from asking to the answer that counted, of each call."""


class Network:
    """Calls to the web hosts in turn, again until the answer is final: a 5xx or a lost connection tells nothing."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = itertools.cycle(ports)
        self._open: dict[int, Connection] = {}

    def create(self, made: Made, log: Log) -> None:
        """Returns when it is acknowledged."""
        answer = self._until_told(connection.create(made), log)
        if answer.status not in (200, 201):
            raise RuntimeError(f"a create was answered by {answer.status}")

    def reveal(self, made: Made, log: Log) -> bool:
        """Whether this reader gets what was sent; the other answer is that it is gone, or unknown."""
        answer = self._until_told(connection.reveal(made), log)
        if answer.status in (404, 410):
            return False
        return base64url.decode(answer.json()["content"]) == made.chunks[0]

    def _until_told(self, request: bytes, log: Log) -> Answer:
        began = time.monotonic()
        while True:
            port = next(self._ports)
            try:
                if port not in self._open:
                    self._open[port] = Connection(port)
                answer = self._open[port].call(request)
            except OSError:
                if port in self._open:
                    self._open.pop(port).close()
            else:
                if answer.status < 500:
                    log.waits.append(time.monotonic() - began)
                    return answer
            time.sleep(_PAUSE)


@click.command()
@click.option("--rounds", default=50, show_default=True, type=click.IntRange(1))
@click.option("--asynchronous", is_flag=True, help="The control: commits wait for no standby.")
def main(rounds: int, asynchronous: bool) -> None:
    """Kill the primary again and again; print what became of the secrets."""
    lost = twice = calls = 0
    longest: list[float] = []
    with Cluster("s1", "s2") as cluster, tempfile.TemporaryDirectory() as folder:
        # On every node: a standby that is promoted keeps its own settings.
        for node in cluster.nodes:
            node.configure(synchronous_standby_names="" if asynchronous else QUORUM)
        servers = [start_server(Path(folder), "--store", cluster.url, *UNBOUND) for _ in range(2)]
        networks = [Network([server.port for server in servers]) for _ in range(CLIENTS)]
        try:
            primary = cluster.primary
            for number in range(1, rounds + 1):
                log = Log()
                primary = play(cluster, primary, networks, log, still=number % 2 == 0, last=number == rounds)
                lost, twice, calls = lost + log.lost, twice + log.twice, calls + len(log.waits)
                longest.append(max(log.waits))
                click.echo(
                    f"round {number}: {len(log.waits)} calls, {log.lost} lost, {log.twice} revealed twice, "
                    f"longest wait {longest[-1]:.2f} s, now {primary.name}"
                )
        finally:
            for server in servers:
                server.process.kill()
                server.process.communicate()
    click.echo(
        f"{rounds} failovers, {calls} calls, {'asynchronous' if asynchronous else QUORUM}: {lost} lost, "
        f"{twice} revealed twice; the longest wait of a round {statistics.median(longest):.2f} s in the median, "
        f"{max(longest):.2f} s at most"
    )
    if lost or twice:
        sys.exit("A promise was broken: see above.")


def play(cluster: Cluster, primary: Node, networks: list[Network], log: Log, *, still: bool, last: bool) -> Node:
    """One round; returns the new primary, with both others following it but for the last time."""
    end = threading.Event()
    threads = [threading.Thread(target=live, args=(network, log, end)) for network in networks]
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(0.5, 1.5))
    if still:
        primary.hold_replication()
        time.sleep(STILL_SECONDS)
    primary.kill()
    standbys = [node for node in cluster.nodes if node is not primary]
    # Only who has received most has everything that was confirmed; so both have to be asked.
    new = max(standbys, key=Node.received)
    new.promote()
    (other,) = (node for node in standbys if node is not new)
    other.follow(new)
    time.sleep(0.5)
    end.set()
    for thread in threads:
        thread.join()
    check(networks[0], log)
    if not last:
        primary.copy_from(new)
        primary.start()
        primary.wait_until_followed(new)
    return new


def live(network: Network, log: Log, end: threading.Event) -> None:
    """Create secrets and reveal every other one, until the end."""
    while not end.is_set():
        left, revealed = Made(), Made()
        network.create(left, log)
        log.left.append(left)
        network.create(revealed, log)
        if network.reveal(revealed, log):
            log.revealed.append(revealed)
        else:
            log.lost += 1


def check(network: Network, log: Log) -> None:
    """With the new primary: what was left opens, and what was revealed opens for nobody else."""
    log.lost += sum(not network.reveal(made, log) for made in log.left)
    log.twice += sum(network.reveal(made.another_reader(), log) for made in (*log.left, *log.revealed))


if __name__ == "__main__":
    main()
