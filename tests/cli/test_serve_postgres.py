"""`taina serve --store`: how it starts on PostgreSQL, and says why it does not."""

from pathlib import Path

from cli.conftest import Run
from support.postgres_cluster import PASSWORD, Cluster, Node
from support.servers import start_server, stop_server
from support.waiting import wait_until
from taina import Client


def test_what_cannot_be_is_said_at_the_start(run: Run, postgres: Node) -> None:
    done = run("serve", "--port", "0", TAINA_STORE=postgres.url.replace(PASSWORD, "guess"))
    assert done.returncode == 1
    assert "authentication failed" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert "guess" not in done.stderr.decode()


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
