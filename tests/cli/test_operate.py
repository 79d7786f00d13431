"""`taina doctor` finds what is wrong with an instance; `taina backup` saves what may be saved."""

import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.conftest import COMMAND, Run, RunHere, like_others, uncovered
from support.bundles import sign_for_webcat
from support.http_server import HttpServer
from support.servers import start_server, stop_server
from support.sigsum import DAY
from support.sites import write_site
from taina import Client
from taina.site import signing


def test_a_healthy_instance(run: Run, tmp_path: Path, built_site: Path) -> None:
    server = start_server(tmp_path / "data", "--site", str(built_site))
    done = run("doctor", "--data", "data", "--url", server.url, "--max-storage", "1MiB", "--trusted-proxy", "127.0.0.1")
    stop_server(server)
    said = done.stdout.decode()
    assert done.returncode == 0, said
    for expected in ("keeps a write-ahead log", "is for its user alone", "MiB free", "answers", "s apart"):
        assert expected in said
    assert "LOOK" not in said


def test_how_long_browsers_with_webcat_go_on_is_said(run: Run, tmp_path: Path) -> None:
    pages, key, now = tmp_path / "pages", Ed25519PrivateKey.generate(), int(time.time())
    write_site(pages, webcat="7")
    signing.sign(pages, key)

    def said() -> list[str]:
        server = start_server(tmp_path / "data", "--site", str(pages))
        done = run("doctor", "--data", "data", "--url", server.url)
        stop_server(server)
        return [line for line in done.stdout.decode().splitlines() if "webcat" in line.lower()]

    (line,) = said()
    assert line.startswith("LOOK  .well-known/webcat/bundle.json is missing: ")
    sign_for_webcat(pages, key, now - DAY // 2)
    (line,) = said()
    assert line.startswith("ok    WEBCAT: version 7, good for 179 more days, until ")
    sign_for_webcat(pages, key, now - 120 * DAY - DAY // 2)
    (line,) = said()
    assert line.startswith("LOOK  WEBCAT: version 7, good for 59 more days, until ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "missing"], "is not there yet"),
        (["--max-storage", "900T"], "less than max_storage"),
        (["--url", "http://127.0.0.1:1"], "does not answer"),
        (["--url", "http://secrets.invalid"], "url is not https"),
        (["--url", "http://127.0.0.1:1"], "trusted_proxies is empty"),
        ([], "url is not set"),
    ],
)
def test_what_is_wrong_is_found(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run("doctor", "--data", str(tmp_path), *arguments, TAINA_URL=None)
    assert done.returncode == 1
    assert any(line.startswith("LOOK") and said in line for line in done.stdout.decode().splitlines())


def test_the_disk_of_this_machine_is_not_weighed_where_another_keeps_the_secrets(run: Run, tmp_path: Path) -> None:
    elsewhere = "postgresql://taina@127.0.0.1:1/taina"
    said = run("doctor", "--data", str(tmp_path), "--max-storage", "900T", "--store", elsewhere).stdout.decode()
    assert "Connection refused. Is PostgreSQL running there" in said
    assert "MiB free" not in said


def test_files_that_others_can_read_are_found(run: Run, tmp_path: Path) -> None:
    stop_server(start_server(tmp_path / "data"))
    (tmp_path / "data/taina.db").chmod(0o644)
    assert "taina.db can be read by others" in run("doctor", "--data", "data").stdout.decode()


def test_another_server_at_the_address_is_found(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")  # an API without pages
    done = run("doctor", "--data", "data", "--url", server.url)
    stop_server(server)
    assert "taina verify" not in done.stdout.decode()


def test_a_server_that_deletes_nothing_any_more_is_found(run: Run, tmp_path: Path) -> None:
    answers = {
        "/api/v1/status": (200, b'{"protocol": 1}'),
        "/api/v1/ready": (503, b'{"code": "unavailable"}'),
    }

    class Stalled(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = answers.get(self.path, (404, b""))
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HttpServer(("127.0.0.1", 0), Stalled) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        stalled = run("doctor", "--data", str(tmp_path), "--url", url).stdout.decode()
        answers["/api/v1/ready"] = (200, b'{"state": "ready"}')
        well = run("doctor", "--data", str(tmp_path), "--url", url).stdout.decode()
        server.shutdown()
    assert "LOOK  The server cannot reach its database, or has not deleted what is due" in stalled
    assert "ok    The server is ready" in well


def test_pages_on_another_host_than_the_api_are_well(run: Run, tmp_path: Path) -> None:
    """The API was asked at the host of the pages, where nobody has it."""
    named = {
        "/en/": b"<!doctype html>",
        "/manifest.json": b'{"headers": {"rules": {"page": {}}}}',
        "/api.json": b"",
    }

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = named.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"<p>Not found")

        def log_message(self, *_: object) -> None:
            pass

    def look() -> tuple[int, str]:
        done = run("doctor", "--data", "data", "--url", url, "--max-storage", "1MiB", "--trusted-proxy", "127.0.0.1")
        return done.returncode, done.stdout.decode()

    with HttpServer(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever).start()
        url = f"http://127.0.0.1:{pages.server_port}"
        server = start_server(tmp_path / "data", "--origins", url)
        named["/api.json"] = json.dumps({"api": server.url}).encode()
        well, closed = look(), f"LOOK  {server.url} does not let the pages of {url} in: add that address to origins."
        stop_server(server)
        away = look()
        unheard = start_server(tmp_path / "data", "--port", str(server.port))
        refused = look()
        stop_server(unheard)
        pages.shutdown()
    assert well[0] == 0, well[1]
    for line in (
        f"ok    {server.url} answers.",
        "ok    The server is ready",
        "ok    Policy: ",
        "ok    Pages were looked",
    ):
        assert line in well[1]
    assert f"LOOK  {server.url} does not answer (" in away[1]
    assert "ok    Pages were looked at" in away[1]
    assert "kept nowhere" not in away[1]
    assert closed in refused[1] and closed not in well[1]
    assert "ok    The server is ready" in refused[1]


@pytest.mark.parametrize(
    ("allowed", "options", "said"),
    [
        ("127.0.0.0/8 ::1/128", ["--mail-host", "smtp.example"], "keeps the server from reaching smtp.example"),
        (
            "127.0.0.0/8",
            ["--store", "postgresql://u:hunter2@db1,db2:5433/taina"],
            "keeps the server from reaching db1, db2",
        ),
        ("", ["--store", "postgresql:///taina?host=db.example"], "keeps the server from reaching db.example"),
        ("", ["--store", "postgresql://u:hunter2#tail@db1:1/taina"], "keeps the server from reaching db1:"),
        ("", ["--store", "postgresql://u:hun[ter2@db1:1/taina"], "keeps the server from reaching db1:"),
        ("", ["--store", "postgresql://u:[hunter2]tail@db1:1/taina"], "keeps the server from reaching db1:"),
        ("", ["--store", "postgresql://u:tail@hunter2,x@db1:1/taina"], "keeps the server from reaching db1:"),
        ("", ["--store", "postgresql://[2001:db8::5]:1,db2/taina"], "keeps the server from reaching 2001:db8::5, db2:"),
        ("", ["--store", "postgresql://db1:1/taina?hostaddr=192.0.2.5"], "keeps the server from reaching 192.0.2.5:"),
        ("", ["--store", "postgresql://u:hunter2@127.0.0.1:1/taina"], None),
        ("", ["--store", "postgresql://u:hunter2%zz@db1:1/taina"], None),
        ("127.0.0.0/8 192.0.2.25/32", ["--mail-host", "smtp.example"], "ok    taina.service lets the server reach"),
        ("127.0.0.0/8", ["--mail-host", "127.0.0.1"], None),
        ("127.0.0.0/8", ["--store", "postgresql:///taina?host=/run/postgresql"], None),
        (None, ["--mail-host", "smtp.example"], None),
    ],
)
def test_an_address_filter_that_keeps_mail_or_database_away_is_found(
    run: Run, tmp_path: Path, allowed: str | None, options: list[str], said: str | None
) -> None:
    """A `systemctl` of our own tells what systemd would; None stands for a unit without a filter."""
    denied = "" if allowed is None else "::/0 0.0.0.0/0"
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'IPAddressAllow={allowed or ''}'\necho 'IPAddressDeny={denied}'\n")
    program.chmod(0o755)
    mail = ["--mail-from", "taina@a.example", "--url", "http://127.0.0.1:1"] if "--mail-host" in options else []
    path = f"{program.parent}:{os.environ['PATH']}"
    told = run("doctor", "--data", str(tmp_path), *options, *mail, PATH=path).stdout.decode()
    assert "hunter2" not in told
    if said is None:
        assert "taina.service" not in told
    else:
        assert said in told


def test_options_that_only_the_service_is_given_are_found(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    """Without the address of the database, another instance was looked at, and found well."""
    file, other, program = tmp_path / "store.env", tmp_path / "other.env", tmp_path / "bin" / "systemctl"
    address = "postgresql://u:hunter2@127.0.0.1:1/taina?connect_timeout=1&target_session_attrs=read-write"
    file.write_text(f"# TAINA_PORT=1\n TAINA_STORE='{address}'\nTAINA_KEY=of no server\n")
    other.write_text("TAINA_PORT=8080\n")
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\necho 'EnvironmentFiles={file} (ignore_errors=no)'\n"
        f"echo 'EnvironmentFiles={tmp_path}/gone.env (ignore_errors=yes)'\n"
        f"echo 'EnvironmentFiles={other} (ignore_errors=no)'\n"
    )
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    said = run("doctor", "--data", "data", PATH=path, TAINA_PORT="8080").stdout.decode()
    assert f"LOOK  taina.service has TAINA_STORE from {file}, and this command has not" in said
    (advised,) = re.findall(r"\(set -a; .*; taina doctor\)", said)
    assert "hunter2" not in said
    assert "gone.env" not in said
    assert "other.env" not in said
    assert "has TAINA_STORE" not in run("doctor", "--data", "data", "--store", address, PATH=path).stdout.decode()

    again = advised.replace("taina doctor", f"{sys.executable} -m taina doctor --data data")
    env = {**environment, "PATH": path, "TAINA_PORT": "8080"}
    done = subprocess.run(["sh", "-c", again], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "The database cannot be used" in done.stdout
    assert "this command has not" not in done.stdout


def test_a_password_that_the_service_cannot_read_is_found(run: Run, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder to another user")
    data, password = tmp_path / "data", tmp_path / "password"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, -1)
    password.write_text("hunter2\n")
    password.chmod(0o600)
    assert (
        b"password cannot be read by the owner of"
        in run("doctor", "--data", "data", "--mail-password-file", "password").stdout
    )
    os.chown(password, 65534, -1)
    assert b"cannot be read by" not in run("doctor", "--data", "data", "--mail-password-file", "password").stdout


def test_what_systemd_hands_over_is_the_service_s_own(
    run_here: RunHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer releases leave it to root and add an access list: by its mode the group could read it, and no service."""
    data, handed = tmp_path / "data", tmp_path / "credentials"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, 65534, -1)
    handed.mkdir()
    (handed / "mail-password").write_text("hunter2\n")
    (handed / "mail-password").chmod(0o440)
    monkeypatch.setattr("taina.server.doctor.CREDENTIALS", handed)
    mail = ["--url", "http://127.0.0.1:1", "--mail-host", "127.0.0.1", "--mail-from", "a@b.example"]
    mail += ["--mail-user", "u", "--mail-password-file", str(handed / "mail-password")]
    assert "mail-password" not in run_here("doctor", "--data", str(data), *mail)[1]
    (handed / "mail-password").unlink()
    assert "mail-password cannot be read (No such file" in run_here("doctor", "--data", str(data), *mail)[1]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<h1>Welcome</h1>"),
        ("application/json", b"{}"),
        ("application/json", b"[]"),
        ("application/json", b'"\xff'),
        ("application/json", b'{"headers": {"rules": []}, "protocol": "1"}'),
        ("application/json", b'{"headers": {"rules": {"page": 5}}}'),
    ],
)
def test_a_host_that_answers_everything_is_a_finding(run: Run, tmp_path: Path, kind: str, body: bytes) -> None:
    class Everything(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HttpServer(("127.0.0.1", 0), Everything) as server:
        threading.Thread(target=server.serve_forever).start()
        done = run("doctor", "--data", str(tmp_path), "--url", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert done.returncode == 1
    assert done.stderr == b""
    assert b"does not answer as this API does" in done.stdout
    assert b"kept nowhere" not in done.stdout
    assert b"does not give the list of its pages" in done.stdout


def test_what_root_makes_is_the_service_s_own(run: Run, tmp_path: Path) -> None:
    """Made by root, for root alone, the file of access keys once kept the service from starting."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(data, owner, -1)
    assert run("keys", "add", "ann", "--data", "data").returncode == 0
    assert (data / "keys.db").stat().st_uid == owner
    assert b"not owned by the owner" not in run("doctor", "--data", "data").stdout
    if os.geteuid() == 0:
        os.chown(data / "keys.db", 0, 0)
        assert b"keys.db is not owned by the owner of its folder" in run("doctor", "--data", "data").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_server_that_root_tried_leaves_the_folder_to_its_service(run: Run, tmp_path: Path) -> None:
    """Its file and its place for notes were root's, and the service did not start any more."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, 65534)
    server = start_server(data, "--create", "keys")
    assert run("keys", "add", "ann", "--data", "data").returncode == 0
    here = [data, *data.rglob("*")]
    stop_server(server)
    assert {"taina.db", "taina.db-wal", "keys.db", "takedowns"} <= {path.name for path in here}
    assert {path.stat().st_uid for path in [data, *data.rglob("*")]} == {65534}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_root_gives_away_nothing_that_a_link_leads_to(run: Run, tmp_path: Path) -> None:
    """Whoever owns the folder could have put a link to any file there."""
    data, theirs = tmp_path / "data", tmp_path / "theirs"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, 65534)
    theirs.write_bytes(b"")
    theirs.chmod(0o644)
    for name in ("keys.db", "taina.db"):
        (data / name).symlink_to(theirs)
    run("keys", "add", "ann", "--data", "data")
    stop_server(start_server(data))
    assert (theirs.stat().st_uid, theirs.stat().st_mode & 0o777) == (0, 0o644)


def test_keys_are_not_made_where_there_is_no_instance(run: Run, tmp_path: Path) -> None:
    done = run("keys", "add", "ann")
    assert done.returncode == 2
    assert b"There is no instance in" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_backup_has_options_and_keys_and_no_secret(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text('create = "keys"\n')
    key = run("keys", "add", "ann").stdout.decode().strip()
    server = start_server(tmp_path / "data", "--create", "keys")
    with Client(server.url, key=key) as client:
        client.send("not to be kept")
        done = run("backup", "--out", "taina.tar")
    stop_server(server)
    assert done.returncode == 0
    assert (tmp_path / "taina.tar").stat().st_mode & 0o077 == 0
    with tarfile.open(tmp_path / "taina.tar") as archive:
        assert archive.getnames() == ["README.txt", "taina.toml", "keys.db"]
        archive.extractall(tmp_path / "restored", filter="data")
    with sqlite3.connect(tmp_path / "restored/keys.db") as keys:
        assert keys.execute("SELECT name FROM keys").fetchall() == [("ann",)]
    keys.close()
    assert run("backup", "--out", "taina.tar").returncode == 1


def test_a_backup_holds_what_links_lead_to(run: Run, tmp_path: Path) -> None:
    """As Kubernetes puts a file where it is mounted; on another machine the link leads nowhere."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "taina.toml").write_text('create = "keys"\n')
    (tmp_path / "taina.toml").symlink_to("kept/taina.toml")
    assert run("keys", "add", "ann").returncode == 0
    (tmp_path / "data/keys.db").rename(kept / "keys.db")
    (tmp_path / "data/keys.db").symlink_to("../kept/keys.db")
    os.link(kept / "taina.toml", kept / "another name")
    assert run("backup", "--out", "taina.tar").returncode == 0
    with tarfile.open(tmp_path / "taina.tar") as archive:
        assert archive.getnames() == ["README.txt", "taina.toml", "keys.db"]
        assert all(member.isreg() for member in archive)
        archive.extractall(tmp_path / "restored", filter="data")
    assert (tmp_path / "restored/taina.toml").read_text() == 'create = "keys"\n'
    with sqlite3.connect(tmp_path / "restored/keys.db") as keys:
        assert keys.execute("SELECT name FROM keys").fetchall() == [("ann",)]
    keys.close()


def test_options_that_can_be_read_but_once_are_in_no_backup(run: Run, tmp_path: Path) -> None:
    done = run("backup", "--out", "taina.tar", "--config", "/dev/stdin", given=b'create = "keys"\n')
    assert done.returncode == 1
    assert b"/dev/stdin is not a file, so it cannot be saved." in done.stderr
    assert not (tmp_path / "taina.tar").exists()


def test_no_file_on_purpose_is_no_loss_to_a_backup(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert run("keys", "add", "ann").returncode == 0
    done = run("backup", "--out", "taina.tar", "--config", "/dev/null")
    assert (done.returncode, done.stderr) == (0, b"taina.tar: README.txt, keys.db\n")


def test_half_a_backup_is_none(run: Run, tmp_path: Path) -> None:
    """It looked like one, stood in the way of the next, and standard output was said to be full."""
    (tmp_path / "taina.toml").write_text('create = "keys"\n' + "#" * 100_000)
    assert run("keys", "add", "ann").returncode == 0

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    command = [*COMMAND, "backup", "--out", "taina.tar"]
    done = subprocess.run(command, cwd=tmp_path, env=uncovered(), capture_output=True, preexec_fn=limit, check=False)
    assert (done.returncode, done.stderr) == (1, b"taina: taina.tar cannot be written: File too large.\n")
    assert not (tmp_path / "taina.tar").exists()
    assert run("backup", "--out", "taina.tar").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can restore what is another user's")
def test_a_backup_gives_the_keys_back_to_their_owner(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, 65534)
    assert run("keys", "add", "ann", "--data", "data").returncode == 0
    assert run("backup", "--out", "taina.tar", "--data", "data").returncode == 0
    with tarfile.open(tmp_path / "taina.tar") as archive:
        keys = archive.getmember("keys.db")
    assert (keys.uid, keys.gid, keys.mode) == (65534, 65534, 0o600)


UNSEEN = "x" * 300
"""A folder that cannot be looked at, whoever looks: its name is too long."""


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["keys", "list", "--data", UNSEEN], 2),
        (["backup", "--out", "taina.tar", "--data", UNSEEN], 2),
        (["doctor", "--data", UNSEEN], 1),
        (["migrate", "--from", f"sqlite:{UNSEEN}/taina.db", "--to", "postgresql://x/y"], 2),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_what_cannot_be_looked_at_is_named(run: Run, arguments: list[str], where: int) -> None:
    """As what belongs to the service's user, for whoever is not root."""
    done = run(*arguments)
    told = (done.stdout, done.stderr)[where - 1].decode()
    assert done.returncode == 1
    assert UNSEEN in told
    assert "File name too long" in told
    assert b"nobody foresaw" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be where it may not look")
def test_a_folder_in_which_nothing_can_be_seen_holds_no_options(environment: dict[str, str], tmp_path: Path) -> None:
    """As for the user of the service, whom root becomes in its own home."""
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 65534, 65534)
    done = subprocess.run(
        [*like_others(), *COMMAND, "config"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.count(b"default") > 20) == (0, True), done.stderr


def test_there_is_no_backup_of_nothing(run: Run, tmp_path: Path) -> None:
    for arguments in ((), ("--data", "elsewhere")):
        done = run("backup", "--out", "taina.tar", *arguments)
        assert done.returncode == 1
        assert b"Is this the instance?" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("keys add bob --data data", b"keys.db cannot be used"),
        ("keys revoke ann --data data", b"keys.db cannot be used"),
        ("backup --data data --out saved.tar", b"saved.tar cannot be written"),
    ],
)
def test_a_full_disk_is_said_and_leaves_all_as_it_was(
    run: Run, environment: dict[str, str], tmp_path: Path, arguments: str, said: bytes
) -> None:
    """It was an error that nobody foresaw, or standard output was blamed, and half a file was left."""
    assert run("keys", "add", "ann", "--data", "data").returncode == 0
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *COMMAND, *arguments.split()],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == b""
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    listed = run("keys", "list", "--data", "data", "--json").stdout.splitlines()
    assert [(one["name"], one["state"]) for one in map(json.loads, listed)] == [("ann", "in force")]


def damage(keys: Path) -> None:
    keys.write_bytes(b"something else entirely" * 400)


def come_from_the_future(keys: Path) -> None:
    with closing(sqlite3.connect(keys)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('keys', '0099_new', '')"
        )


def hide(keys: Path) -> None:
    """As a file of another user, whoever looks."""
    keys.unlink()
    keys.mkdir()


@pytest.mark.parametrize(
    "command",
    [
        "backup --out saved.tar",
        "keys list",
        "keys add bob",
        "keys revoke ann",
        "serve --port 0 --create keys",
    ],
    ids=lambda command: "_".join(command.split()[:2]),
)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage, "cannot be used (file is not a database). Check its permissions, or restore it from a backup."),
        (come_from_the_future, "which this one does not know). Nothing was changed. Update this program."),
        (hide, "cannot be used (unable to open database file). Check its permissions, or restore it from a backup."),
    ],
    ids=lambda one: "" if isinstance(one, str) else one.__name__,
)
def test_keys_that_cannot_be_used_are_named(
    run: Run, tmp_path: Path, change: Callable[[Path], None], command: str, said: str
) -> None:
    """By what is wrong with them, with what to do and nothing else."""
    keys = tmp_path / "data/keys.db"
    assert run("keys", "add", "ann", "--data", "data").returncode == 0
    change(keys)
    (tmp_path / "data/taina.db").touch()
    (tmp_path / "taina.toml").touch()
    done = run(*command.split(), "--data", "data")
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("taina: data/keys.db ")
    assert line.endswith(said) or (change is hide and line.endswith("keys.db is not a file, so it cannot be saved."))
    assert not (tmp_path / "saved.tar").exists()


def test_looking_at_keys_makes_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for arguments in (("list",), ("revoke", "ann")):
        done = run("keys", *arguments, "--data", "data")
        assert done.returncode == 1
        assert b"No key was ever issued" in done.stderr
    assert list((tmp_path / "data").iterdir()) == []
