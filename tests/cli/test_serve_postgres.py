"""`taina serve --store`: how it starts on PostgreSQL, and says why it does not."""

import re
from pathlib import Path

import pytest

from cli.conftest import Run
from support.postgres_cluster import PASSWORD, Cluster, Node
from support.servers import start_server, stop_server
from support.waiting import wait_until
from taina import Client
from taina.store.postgres_migrations import STEPS


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
        assert any("LOOK  The database replicates asynchronously" in said for said in findings(run, cluster.url))
        primary.configure(synchronous_standby_names="s1")
        wait_until(lambda: primary.execute("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        server = start_server(tmp_path, "--store", cluster.url)
        assert any("waits for a standby, of 1" in said for said in findings(run, cluster.url))
        assert "LOOK  This PostgreSQL is a standby" in "".join(findings(run, standby.url))
        assert stop_server(server).strip() == ""
        assert not (tmp_path / "taina.db").exists()


def findings(run: Run, url: str) -> list[str]:
    """What the doctor says of a database, without what it says of everything else."""
    lines = run("doctor", TAINA_STORE=url, TAINA_URL=None).stdout.decode().splitlines()
    return [line for line in lines if re.search("PostgreSQL|tables|commit|replicates|database", line)]


def test_the_doctor_looks_at_the_database(run: Run, postgres: Node, database: str, tmp_path: Path) -> None:
    """It once said nothing of it, whether it answered or not."""
    answers, empty, waits = findings(run, database)
    assert answers.startswith("ok    PostgreSQL ")
    assert empty.startswith("LOOK  It has no tables of Taina yet")
    assert waits == "ok    A commit waits for its disk; it has no standbys. synchronous_commit is on."
    stop_server(start_server(tmp_path, "--store", database))
    assert findings(run, database)[1] == f"ok    Its tables are of schema {len(STEPS)}."
    postgres.execute("DELETE FROM taina.versions WHERE version > 2", database="taina")
    assert "schema 2 of" in findings(run, database)[1]
    postgres.execute("INSERT INTO taina.versions (version) VALUES (99)", database="taina")
    assert findings(run, database)[1].startswith("LOOK  Its tables are of a newer Taina (schema 99")
    postgres.execute("ALTER DATABASE taina SET synchronous_commit = off")
    assert findings(run, database)[2].endswith(
        "synchronous_commit is on (there it is off; this program sets it for itself)."
    )
    postgres.execute("ALTER DATABASE taina RESET synchronous_commit")


@pytest.mark.parametrize("change", [(PASSWORD, "guess"), ("/taina", "/nothing"), ("127.0.0.1", "127.0.0.9")])
def test_the_doctor_says_why_a_database_cannot_be_used(run: Run, postgres: Node, change: tuple[str, str]) -> None:
    (said,) = findings(run, postgres.url.replace(*change))
    assert said.startswith("LOOK  The database cannot be used: ")
    assert "guess" not in said
