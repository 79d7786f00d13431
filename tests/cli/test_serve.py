"""`taina serve`: how it starts, refuses to start, and stops."""

import signal
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cli.conftest import COMMAND, Run, hangup
from support.servers import free_port, start_server, stop_server
from taina import Client
from taina.errors import UnavailableError
from taina.server import serve as serving
from taina.server.sweeper import Sweeper


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "--port is '70000', but has to be a whole number from 0 to 65535"),
        (["--port", "http"], "a whole number"),
        (["--site", "missing"], "holds no built site"),
        (["--site", "."], "holds no built site"),
        (["--host", "203.0.113.1"], "Choose another with --host and --port"),
        (["--host", "no such host"], "without a scheme or a port"),
        (["--host", "http://127.0.0.1"], "without a scheme or a port"),
        (["--host", "127.0.0.1:8080"], "without a scheme or a port"),
        (["--host", "[::1]:8080"], "without a scheme or a port"),
        (["--mail-host", "smtp.example:587"], "--mail-host is 'smtp.example:587', but has to be the name or address"),
        (["--host", "nowhere.invalid"], "Cannot listen on nowhere.invalid: no address of this machine has that name."),
        (["--data", "file"], "file"),
        (["--max-size", "much"], "write it like 500MiB"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = run("serve", "--port", "0", *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("file", ["taina.db", "keys.db"])
def test_a_file_of_a_newer_version_is_refused(run: Run, tmp_path: Path, file: str) -> None:
    """An older program opened it without a word, as PostgreSQL's schema it never did."""
    stop_server(start_server(tmp_path / "data", "--create", "keys"))
    with closing(sqlite3.connect(tmp_path / "data" / file)) as connection, connection:
        set_name = "taina" if file == "taina.db" else "keys"
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, '0099_from_the_future', '')",
            (set_name,),
        )
    before = (tmp_path / "data" / file).read_bytes()
    commands = [["serve", "--port", "0", "--data", "data", "--create", "keys"]]
    if file == "keys.db":
        commands.append(["keys", "list", "--data", "data"])
    for command in commands:
        done = run(*command)
        assert done.returncode != 0
        assert b"was set up by a newer Taina (schema 0099_from_the_future" in done.stderr
    assert (tmp_path / "data" / file).read_bytes() == before


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_a_port_that_is_taken(run: Run, host: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--host", host, "--port", str(port))
    said = f"taina: Cannot listen on {host} port {port}: Address already in use. Choose another with --host and --port."
    assert (done.returncode, done.stderr.decode()) == (1, f"{said}\n")


def test_a_disk_that_is_full_is_no_question_of_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_FULL

    def open_full(*_: object, **__: object) -> None:
        raise Full("database or disk is full")

    monkeypatch.setattr(serving, "SqliteStore", open_full)
    with pytest.raises(serving.StartError, match=r"\(database or disk is full\)\. Make room on that disk\."):
        serving._open_file(tmp_path, None)


def test_a_second_process_on_the_same_folder_is_refused(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        done = run("serve", "--port", "0", "--data", "data")
        assert done.returncode == 1
        assert b"Is another Taina running on it?" in done.stderr
    finally:
        stop_server(server)


def test_a_database_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/taina.db").write_bytes(b"this is no database" * 100)
    done = run("serve", "--port", "0", "--data", "data")
    assert done.returncode == 1
    assert b"cannot hold the database" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_secrets_stay(tmp_path: Path, number: signal.Signals) -> None:
    with hangup(signal.SIG_DFL):
        first = start_server(tmp_path)
    with Client(first.url) as client:
        link = client.send("kept").link
    first.process.send_signal(number)
    assert first.process.communicate(timeout=20)[0].strip() == ""
    assert first.process.returncode == 0
    second = start_server(tmp_path)
    with Client(second.url) as client:
        assert client.open(link.partition("#")[2]).text == "kept"
    assert stop_server(second).strip() == ""


def test_a_server_by_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    with hangup(signal.SIG_IGN):
        server = start_server(tmp_path)
    server.process.send_signal(signal.SIGHUP)
    with Client(server.url) as client:
        assert client.open(client.send("kept").link).text == "kept"
    assert stop_server(server).strip() == ""


def test_the_index_of_the_log_is_in_no_file(tmp_path: Path) -> None:
    stop_server(start_server(tmp_path))
    server = start_server(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    stop_server(server)
    assert names == {"taina.db", "taina.db-wal", "takedowns"}


def test_the_database_is_for_its_user_alone(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    modes = {path.name: path.stat().st_mode & 0o077 for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]}
    stop_server(server)
    assert set(modes.values()) == {0}


def test_the_version_is_told() -> None:
    said = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("taina ")


def test_sweeping_goes_on_after_an_outage() -> None:
    again = threading.Event()
    calls: list[int] = []

    def sweep(limit: int) -> int:
        calls.append(limit)
        if len(calls) == 1:
            raise UnavailableError
        again.set()
        return 0

    with Sweeper(sweep):
        assert again.wait(30)


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_every_address_of_the_machine_is_served(tmp_path: Path, host: str) -> None:
    server = start_server(tmp_path, "--host", host)
    assert server.url.startswith("http://[::]:")
    for address in (f"http://127.0.0.1:{server.port}", f"http://[::1]:{server.port}"):
        assert httpx.get(f"{address}/api/v1/health").json() == {"state": "up"}
    stop_server(server)


def test_the_first_line_says_which_options_hold(tmp_path: Path) -> None:
    """A stray taina.toml changes a start; it was silent."""
    file = tmp_path / "other.toml"
    file.write_text(f'data = "{tmp_path / "data"}"\nport = 0\n')
    command = [*COMMAND, "serve", "--config", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = "the API alone; for pages: taina site build --out FOLDER, then --site FOLDER"
        assert process.stdout.readline().partition("/ ")[2] == f"(options of {file}; {said})\n"
        process.terminate()


def test_a_full_log_stops_no_server(tmp_path: Path) -> None:
    """It ended at its first line, and said that nobody foresaw that."""
    port = free_port()
    command = [*COMMAND, "serve", "--port", str(port), "--data", str(tmp_path / "data")]
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(command, stdout=full, stderr=full) as process,
        Client(f"http://127.0.0.1:{port}") as client,
    ):
        assert client.instance()["protocol"] == 1
        process.terminate()
    assert process.returncode == 0
