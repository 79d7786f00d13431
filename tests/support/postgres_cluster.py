"""A real PostgreSQL in a folder of its own, on a free port: for tests, drills and benchmarks.

PostgreSQL refuses to run as root, so root runs it as the user that Debian's package made for it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psycopg

from support.servers import free_port
from support.waiting import wait_until

PASSWORD = "loopback-only"
_AS_ROOT: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
_START_SECONDS = 60


def binaries() -> Path:
    """The folder of the newest PostgreSQL here. Raises: FileNotFoundError."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise FileNotFoundError("PostgreSQL is missing (on Debian: apt install postgresql)")
    return Path(on_path).resolve().parent


class Node:
    """One server of a cluster. Its user `postgres` may do everything, `taina` owns the database `taina`."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self._settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "wal_retrieve_retry_interval": "200ms",  # how soon a standby looks for the new primary
            "dynamic_shared_memory_type": "mmap",  # in the folder, so that a killed server leaves nothing elsewhere
            **(settings or {}),
        }
        self._log = folder.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def url(self) -> str:
        return f"postgresql://taina:{PASSWORD}@127.0.0.1:{self.port}/taina"

    def initialise(self) -> None:
        password = self.folder.parent / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run("initdb", "-D", self.folder, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "-N")

    def copy_from(self, primary: "Node") -> None:
        """Begin anew as a standby of `primary`; to be started then."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        source = self._source(primary)
        self._run("pg_basebackup", "-D", self.folder, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", source)

    def follow(self, primary: "Node") -> None:
        """Another primary from now on."""
        self.configure(primary_conninfo=self._source(primary))
        self.wait_until_followed(primary)

    def wait_until_followed(self, primary: "Node") -> None:
        question = "SELECT state FROM pg_stat_replication WHERE application_name = %s"
        wait_until(lambda: primary.execute(question, self.name) == [("streaming",)])

    def received(self) -> int:
        """How far a standby has the log of its primary, in bytes, once that is gone and all has come in."""
        wait_until(lambda: not self.execute("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
        ((position,),) = self.execute("SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint")
        return int(position)

    def start(self) -> None:
        """Returns when it answers, read-only or not."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [binaries() / "postgres", "-D", self.folder, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **_as_other(),
            )
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise RuntimeError(f"{self.name} does not start: {self._log.read_text()[-2000:]}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """At once but tidily: no checkpoint, nothing left behind in memory."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """As a power failure would: all its processes."""
        memory = (self.folder / "postmaster.pid").read_text().split("\n")[6].split()[1]
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._end(signal.SIGKILL)
        subprocess.run(["ipcrm", "-m", memory], check=True, **_as_other())

    def hold_replication(self) -> None:
        """Send nothing more to standbys, as a network does that fails before the server."""
        for (pid,) in self.execute("SELECT pid FROM pg_stat_replication"):
            os.kill(pid, signal.SIGSTOP)

    def promote(self) -> None:
        self.execute("SELECT pg_promote(true, 60)")

    def configure(self, **settings: str) -> None:
        """Settings that need no restart."""
        for name, value in settings.items():
            self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """As the superuser, committing each statement."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=PASSWORD,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def execute(self, statement: str, *values: object, database: str = "postgres") -> list[Any]:
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _source(self, primary: "Node") -> str:
        return f"host=127.0.0.1 port={primary.port} user=postgres password={PASSWORD} application_name={self.name}"

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def _processes(self) -> list[int]:
        """The postmaster first, so that it starts no others."""
        if self._process is None:
            return []
        pid = self._process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def _run(self, program: str, *arguments: str | Path) -> None:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        done = subprocess.run(
            [binaries() / program, *arguments],
            capture_output=True,
            cwd="/",
            env=environment,
            check=False,
            **_as_other(),
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode()}")


class Cluster:
    """A primary, and standbys where asked for; all is gone at the end of the `with` statement.

    Args:
        standbys: their names; the first primary's is `s0`.
        settings: of postgresql.conf, for every node.
    """

    def __init__(self, *standbys: str, settings: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._names = standbys
        self.nodes: list[Node] = []
        """The primary of the beginning first."""

    @property
    def primary(self) -> Node:
        return self.nodes[0]

    @property
    def url(self) -> str:
        """Of whichever node takes writes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://taina:{PASSWORD}@{hosts}/taina?target_session_attrs=read-write"

    def __enter__(self) -> Self:
        # Not pytest's folder: the other user may not enter that.
        self.folder = Path(tempfile.mkdtemp(prefix="taina-postgres-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.folder)

    def _begin(self) -> None:
        self.nodes.append(Node(self.folder / "s0", self._settings))
        self.primary.initialise()
        self.primary.start()
        self.primary.execute(f"CREATE ROLE taina LOGIN PASSWORD '{PASSWORD}'")
        self.primary.execute("CREATE DATABASE taina OWNER taina")
        for name in self._names:
            self.add_standby(name, self.primary)

    def add_standby(self, name: str, primary: Node) -> Node:
        node = Node(self.folder / name, self._settings)
        self.nodes.append(node)
        node.copy_from(primary)
        node.start()
        node.wait_until_followed(primary)
        return node


def _as_other() -> dict[str, Any]:
    return _AS_ROOT if os.geteuid() == 0 else {}
