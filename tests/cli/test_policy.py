"""What an operator lays down: said by the commands before anything is entered, and held by the server where it can."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.conftest import Run
from support.api import request_path, secret_path
from support.secrets import Made, MadeRequest
from support.servers import Server, serving
from taina import Client, File
from taina.errors import InvalidError, KeyNeededError, LoginNeededError

STRICT = [
    *("--ttl-min", "10m", "--ttl-max", "2d", "--ttl-default", "3h", "--passphrases", "required"),
    *("--files", "false", "--max-recipients", "2", "--max-answers", "3"),
]
PROXY = ["--create", "proxy", "--login-url", "/login", "--trusted-proxy", "192.0.2.1"]


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with serving(*STRICT) as server:
        yield server


@pytest.fixture(scope="module")
def generated() -> Iterator[Server]:
    with serving("--passphrases", "generated") as server:
        yield server


def test_status_tells_it(strict: Server) -> None:
    with Client(strict.url) as client:
        told = client.instance()
    assert told["ttl"] == {"min": 600, "max": 172800, "default": 10800}
    assert told["limits"]["answers"] == 3
    assert told["options"] == {
        "create": "anyone",
        "mail": False,
        "passphrases": "required",
        "files": False,
        "recipients": 2,
    }


def test_the_api_document_has_it(strict: Server) -> None:
    paths = httpx.get(f"{strict.url}/api/v1/openapi.json").json()["paths"]
    body = paths["/secrets/{secret_id}"]["put"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert body["passphrase"] == {"type": "boolean", "const": True}
    assert (body["ttl"]["minimum"], body["ttl"]["maximum"]) == (600, 172800)


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (Made(), "passphrase"),
        (Made(passphrase=True, ttl=599), "ttl"),
        (Made(passphrase=True, ttl=172801), "ttl"),
        (MadeRequest(answers=4), "answers"),
        (MadeRequest(ttl=172801), "ttl"),
        (Made(passphrase=True, ttl=600), None),
        (MadeRequest(answers=3), None),
    ],
)
def test_the_server_holds_what_it_can(strict: Server, made: Made | MadeRequest, field: str | None) -> None:
    path = request_path(made) if isinstance(made, MadeRequest) else secret_path(made)
    answer = httpx.put(f"{strict.url}/api/v1{path}", json=made.body())
    assert answer.status_code == (422 if field else 201)
    assert answer.json().get("field") == field


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["send"], "requires a passphrase: use --words, or one of your own"),
        (["send", "--words", "--recipients", "3"], "at most 2 recipients"),
        (["request", "--answers", "4"], "at most 3 answers"),
    ],
)
def test_commands_say_it_before_anything_is_entered(run: Run, strict: Server, arguments: list[str], said: str) -> None:
    """Nothing stands on standard input, which they would complain of if they had looked there first."""
    done = run(*arguments, TAINA_URL=strict.url)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_files_are_refused_by_our_commands(run: Run, strict: Server, tmp_path: Path) -> None:
    (tmp_path / "plan.pdf").write_bytes(b"%PDF")
    for arguments in (["send", "--words", "plan.pdf"], ["send", "--words", "--name", "plan.pdf"]):
        done = run(*arguments, given=b"%PDF", TAINA_URL=strict.url)
        assert done.stdout == b""
        assert "accepts text only, no files. Nothing was sent" in done.stderr.decode()
    with Client(strict.url) as client, pytest.raises(InvalidError, match="text only"):
        client.send(File("plan.pdf", b"%PDF"), passphrase="abc", ttl=3600)


def test_what_is_allowed_goes_through(run: Run, strict: Server) -> None:
    asked = json.loads(run("request", "--json", TAINA_URL=strict.url).stdout)
    sent = json.loads(run("send", "--words", "--json", given=b"text", TAINA_URL=strict.url).stdout)
    with Client(strict.url) as client:
        assert client.request_status(asked["link"]).passphrase
        status = client.status(sent["secrets"][0]["link"])
        assert status.passphrase
        assert (
            client.receipt(sent["secrets"][0]["receipt"]).expires
            - client.receipt(sent["secrets"][0]["receipt"]).created
            == 10800
        )


def test_where_passphrases_are_generated_no_other_is_taken(run: Run, generated: Server, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("hunter2\n")
    for own in ([], ["--passphrase-file", "own"]):
        done = run("send", *own, given=b"text", TAINA_URL=generated.url)
        assert done.returncode == 2
        assert b"requires a generated passphrase: use --words" in done.stderr
    asked = json.loads(run("request", "--json", TAINA_URL=generated.url).stdout)
    refused = run("answer", asked["link"], "--passphrase-file", "own", given=b"text")
    assert b"use --words" in refused.stderr
    answered = json.loads(run("answer", asked["link"], "--words", "--json", given=b"text").stdout)
    assert len(answered["passphrase"].split("-")) >= 6
    with Client(generated.url) as client:
        (link,) = client.inbox(asked["inbox"]).answers
        assert link is not None
        assert client.open(link, answered["passphrase"]).text == "text"


def test_whoever_needs_a_key_or_a_login_hears_it_first(run: Run) -> None:
    with serving("--create", "keys") as server:
        done = run("send", TAINA_URL=server.url)
        assert b"Only people with an access key" in done.stderr
        with Client(server.url) as client, pytest.raises(KeyNeededError):
            client.rules()
    with serving(*PROXY) as server:
        for command in ("send", "request"):
            done = run(command, TAINA_URL=server.url)
            assert (done.returncode, done.stdout) == (6, b"")
            assert "Only people who have logged in can create secrets here: in a browser" in done.stderr.decode()
        with Client(server.url) as client, pytest.raises(LoginNeededError):
            client.send("to nobody")


def test_the_doctor_lists_the_policy_and_notices_another(run: Run, strict: Server) -> None:
    data = ["--data", str(strict.data), "--url", strict.url]
    told = run("doctor", *data, *STRICT).stdout.decode()
    assert "ok    Policy: create anyone, passphrases required, files false, max_recipients 2, max_answers 3" in told
    told = run("doctor", *data, *STRICT, "--files", "true", "--ttl-default", "4h").stdout.decode()
    assert "LOOK  The server follows other options than these: files, ttl_default. Restart it." in told


def test_an_instance_of_an_earlier_release_asks_for_nothing_more() -> None:
    """Its status has none of this."""
    old = {
        "limits": {"size": 1 << 20},
        "ttl": {"min": 300, "max": 3600, "default": 600},
        "options": {"create": "anyone"},
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=old))
    with Client("https://old.example", transport=transport) as client:
        rules = client.rules()
    assert (rules.passphrases, rules.files, rules.recipients, rules.answers) == ("optional", True, None, None)


def test_a_login_is_not_believed_on_a_unix_socket(tmp_path: Path) -> None:
    """As systemd hands one over: nobody can be told apart there, so the server does not start."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        serve = f"LISTEN_FDS=1 LISTEN_PID=$$ exec {sys.executable} -m taina serve {' '.join(PROXY)} 3<&0 </dev/null"
        done = subprocess.run(
            ["sh", "-c", serve], cwd=tmp_path, stdin=listening.fileno(), capture_output=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert b"Nobody is told apart on a Unix socket" in done.stderr
    assert b"Traceback" not in done.stderr
