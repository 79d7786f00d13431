"""`taina serve --store`: how it starts on PostgreSQL, and says why it does not."""

from pathlib import Path

import pytest

from cli.conftest import Run
from support.postgres_cluster import PASSWORD, Cluster, Node, free_port
from support.servers import start_server, stop_server
from support.waiting import wait_until
from taina import Client


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("127.0.0.1:{port}", "127.0.0.1:{closed}"), "Connection refused"),
        (("taina:", "nobody:"), "authentication failed"),
        ((PASSWORD, "guess"), "authentication failed"),
        (("/taina", "/elsewhere"), 'database "elsewhere" does not exist'),
        (("/taina", "/postgres"), "GRANT CREATE ON DATABASE"),
        (("/taina", "/taina?nonsense=1"), "address of the database cannot be read"),
        (("127.0.0.1", "no.such.host.invalid"), "Is PostgreSQL running there"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(run: Run, postgres: Node, change: tuple[str, str], said: str) -> None:
    old, new = (part.format(port=postgres.port, closed=free_port()) for part in change)
    done = run("serve", "--port", "0", TAINA_STORE=new.join(postgres.url.rsplit(old, 1)))
    assert done.returncode == 1
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert PASSWORD not in done.stderr.decode()


def test_an_address_of_something_else(run: Run) -> None:
    done = run("serve", "--port", "0", "--store", "mysql://root@localhost/taina")
    assert done.returncode == 2
    assert b"begins with postgresql://" in done.stderr


def test_standbys_are_told_apart_and_asynchronous_ones_warned_of(tmp_path: Path, run: Run) -> None:
    with Cluster("s1") as cluster:
        primary, standby = cluster.nodes
        done = run("serve", "--port", "0", TAINA_STORE=standby.url)
        assert done.returncode == 1
        assert b"target_session_attrs=read-write" in done.stderr
        server = start_server(tmp_path, "--store", primary.url)
        assert server.process.stdout
        assert "replicates asynchronously" in server.process.stdout.readline()
        with Client(server.url) as client:
            assert client.open(client.send("kept").link).text == "kept"
        stop_server(server)
        primary.configure(synchronous_standby_names="s1")
        wait_until(lambda: primary.execute("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        server = start_server(tmp_path, "--store", cluster.url)
        assert stop_server(server).strip() == ""
        assert not (tmp_path / "taina.db").exists()
