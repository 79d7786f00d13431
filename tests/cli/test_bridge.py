"""`taina bridge`, as clients of Onetime Secret use it: somebody else's library, and curl as its documentation says."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.conftest import COMMAND, Run
from support.javascript import find_node
from support.servers import Server
from taina import Client, File

TOKEN = "the-token-of-this-bridge"
AUTH = ("user@example.org", TOKEN)
CLIENT = Path(__file__).parents[1] / "js" / "onetimesecret.cjs"


@pytest.fixture(scope="module")
def bridge(taina: Server) -> Iterator[str]:
    process = subprocess.Popen(
        [*COMMAND, "bridge", "--port", "0", "--url", taina.url],
        env={**os.environ, "TAINA_BRIDGE_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    first = process.stdout.readline()
    yield first.split()[-1].removesuffix("/api/v1")
    process.terminate()
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == 0


def call(bridge: str, method: str, *arguments: Any) -> Any:
    command = [find_node(), str(CLIENT), bridge, TOKEN, method, *(json.dumps(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def curl(*arguments: str) -> tuple[int, Any]:
    command = shutil.which("curl")
    assert command, "these tests need curl"
    done = subprocess.run(
        [command, "-s", "-w", "\n%{http_code}", *arguments], capture_output=True, text=True, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_a_client_library_shares_and_reads(bridge: str, taina: Server) -> None:
    assert call(bridge, "status")["answer"]
    shared = call(bridge, "share", "тайна & hunter2", {"ttl": 600, "passphrase": "p"})["answer"]
    assert (shared["state"], shared["ttl"], shared["passphrase_required"]) == ("new", 600, True)
    assert shared["custid"] == "user@example.org"
    metadata = call(bridge, "retrieveMetadata", shared["metadata_key"])["answer"]
    assert metadata["state"] == "new"
    assert not {"secret_key", "share_url"} & metadata.keys()
    assert call(bridge, "retrieveSecret", shared["secret_key"], {"passphrase": "wrong"}) == {
        "error": "UnknownSecretError"
    }
    secret = call(bridge, "retrieveSecret", shared["secret_key"], {"passphrase": "p"})["answer"]
    assert secret == {"value": "тайна & hunter2", "secret_key": shared["secret_key"]}
    assert call(bridge, "retrieveSecret", shared["secret_key"], {"passphrase": "p"}) == {"error": "UnknownSecretError"}
    received = call(bridge, "retrieveMetadata", shared["metadata_key"])["answer"]
    assert (received["state"], received["secret_ttl"]) == ("received", 0)
    assert received["received"] >= received["created"]


def test_a_client_library_generates_burns_and_lists(bridge: str) -> None:
    made = call(bridge, "generate", {"ttl": 600})["answer"]
    assert len(made["value"]) == 16
    burned = call(bridge, "burn", made["metadata_key"])["answer"]
    assert burned["state"]["state"] == "burned"
    assert call(bridge, "retrieveSecret", made["secret_key"]) == {"error": "UnknownSecretError"}
    recent = call(bridge, "recentMetadata")["answer"]
    assert recent[0]["metadata_key"] == made["metadata_key"]
    assert not [one for one in recent if "secret_key" in one or "share_url" in one]


def test_curl_as_the_documentation_shows_it(bridge: str) -> None:
    api = f"{bridge}/api/v1"
    account = ("-u", f"USERNAME:{TOKEN}")
    assert curl(*account, f"{api}/status") == (200, {"status": "nominal", "locale": "en"})
    assert curl(*account, f"{api}/authcheck")[0] == 200
    for wrong in ((), ("-u", "USERNAME:APITOKEN"), ("-u", "USERNAME:"), ("-H", f"Authorization: Bearer {TOKEN}")):
        for path in ("authcheck", "status", "private/recent"):
            assert curl(*wrong, f"{api}/{path}")[0] == 401
        assert curl("-X", "POST", *wrong, "-d", "secret=x", f"{api}/share")[0] == 401
    status, shared = curl("-X", "POST", *account, "-d", "secret=SECRET&ttl=3600", f"{api}/share")
    assert (status, shared["ttl"]) == (200, 3600)
    assert curl("-X", "POST", *account, f"{api}/private/{shared['metadata_key']}")[1]["state"] == "new"
    assert curl("-X", "POST", *account, f"{api}/secret/{shared['secret_key']}")[1]["value"] == "SECRET"
    assert curl("-X", "POST", *account, f"{api}/private/{shared['metadata_key']}/burn")[0] == 404
    made = curl("-X", "POST", *account, "-d", "ttl=3600", f"{api}/generate")[1]
    assert curl("-X", "POST", *account, f"{api}/private/{made['metadata_key']}/burn")[1]["state"]["state"] == "burned"
    assert curl(*account, f"{api}/private/recent")[1][0]["custid"] == "USERNAME"


def test_json_bodies_and_the_command_line_read_the_same_secrets(bridge: str, run: Run) -> None:
    shared = httpx.post(f"{bridge}/api/v1/share", auth=AUTH, json={"secret": "x", "ttl": 600}).json()
    assert run("open", shared["share_url"]).stdout == b"x"
    link = run("send", "-", given=b"y").stdout.decode().strip()
    assert httpx.post(f"{bridge}/api/v1/secret/{link.partition('#')[2]}", auth=AUTH).json()["value"] == "y"


def test_files_are_not_lost(bridge: str, taina: Server) -> None:
    with Client(taina.url) as client:
        link = client.send(File("a.bin", b"\xff")).link
    answer = httpx.post(f"{bridge}/api/v1/secret/{link.partition('#')[2]}", auth=AUTH).json()
    assert answer["files"] == [{"name": "a.bin", "content_base64": "/w=="}]


def test_a_lifetime_is_brought_into_bounds(bridge: str) -> None:
    assert httpx.post(f"{bridge}/api/v1/share", auth=AUTH, data={"secret": "x", "ttl": "1"}).json()["ttl"] == 300


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("share", {}, 404),
        ("share", {"secret": "x", "ttl": "soon"}, 400),
        ("share", {"secret": "x", "recipient": "a@example.org"}, 400),
        ("secret/nonsense", {}, 404),
        ("private/nonsense", {}, 404),
        ("private/nonsense/burn", {}, 404),
        ("nothing", {}, 404),
    ],
)
def test_bad_input(bridge: str, path: str, fields: dict[str, str], status: int) -> None:
    answer = httpx.post(f"{bridge}/api/v1/{path}", auth=AUTH, data=fields)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_web_pages_are_refused(bridge: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        answer = httpx.post(f"{bridge}/api/v1/share", auth=AUTH, data={"secret": "x"}, headers=headers)
        assert answer.status_code == 403


def test_it_needs_an_instance(run: Run) -> None:
    assert run("bridge", TAINA_URL=None).returncode == 2


@pytest.mark.parametrize("form", ["urlencoded", "raw", "multipart", "json", "query"])
def test_letters_of_every_language_arrive_as_they_are(bridge: str, form: str) -> None:
    """What curl -d sends is UTF-8 without percent signs; others send forms in parts, or JSON."""
    text = "däöüre & тайна + 100 %"
    url = f"{bridge}/api/v1/share"
    account = ("-u", f"u:{TOKEN}", "-X", "POST")
    plain = "däöüre тайна"
    sent = {
        "urlencoded": lambda: httpx.post(url, data={"secret": text}, auth=AUTH).json(),
        "raw": lambda: curl(*account, "-d", f"secret={plain}", url)[1],
        "multipart": lambda: curl(*account, "-F", f"secret={text}", "-F", "passphrase=п", url)[1],
        "json": lambda: httpx.post(url, json={"secret": text, "passphrase": None}, auth=AUTH).json(),
        "query": lambda: httpx.post(url, params={"secret": text}, auth=AUTH).json(),
    }[form]()
    fields = {"passphrase": "п"} if form == "multipart" else {}
    read = httpx.post(f"{bridge}/api/v1/secret/{sent['secret_key']}", json=fields, auth=AUTH).json()
    assert read["value"] == (plain if form == "raw" else text)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"secret=p%E4ss"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"secret=p\xe4ss"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"secret=a&passphrase=p&passphrase=q"),
        ({"Content-Type": "application/json"}, b'{"secret": "a", "passphrase": ["p"]}'),
        ({"Content-Type": "application/json"}, b'{"secret": "a", "passphrase": true}'),
        ({"Content-Type": "application/json"}, b'{"secret": "a", "ttl": 1.5}'),
        ({"Content-Type": "application/json"}, b'["secret"]'),
        ({"Content-Type": "application/json"}, b'{"secret": "\xe4"}'),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="secret"\r\n\r\n\xe4\r\n--b--\r\n',
        ),
        ({"Content-Type": "multipart/form-data"}, b"secret=x"),
        ({"Content-Type": "text/plain"}, b"secret=x"),
    ],
)
def test_what_cannot_be_kept_as_it_is_is_refused(bridge: str, headers: dict[str, str], body: bytes) -> None:
    answer = httpx.post(f"{bridge}/api/v1/share", headers=headers, content=body, auth=AUTH)
    assert answer.status_code in (400, 415)
    assert answer.json()["message"]
    assert "secret_key" not in answer.text


def test_a_token_is_drawn_and_printed(taina: Server) -> None:
    command = [*COMMAND, "bridge", "--port", "0", "--url", taina.url]
    drawn = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            drawn.append(process.stdout.readline().split()[-1])
            assert httpx.get(f"{url}/status", auth=("", drawn[-1])).status_code == 200
            assert httpx.get(f"{url}/status", auth=("", "x")).status_code == 401
            process.terminate()
    assert len(set(drawn)) == 2
    assert all(len(token) == 32 for token in drawn)


@pytest.mark.parametrize("kind", ["secret", "private"])
def test_the_address_that_clients_build_themselves_shows_the_link(bridge: str, run: Run, kind: str) -> None:
    """Libraries of that service print HOST/secret/KEY and HOST/private/KEY, whatever share_url says."""
    shared = httpx.post(f"{bridge}/api/v1/share", auth=AUTH, data={"secret": "x"}).json()
    key = shared["secret_key"] if kind == "secret" else shared["metadata_key"]
    # As a browser comes by a click in a messenger: without the token, and from another site.
    clicked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    page = httpx.get(f"{bridge}/{kind}/{key}", headers=clicked)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    link = page.text.partition('<textarea readonly rows="3" cols="80">')[2].partition("<")[0]
    command = ("open",) if kind == "secret" else ("receipt", "--json")
    assert run(*command, link, TAINA_URL=None).returncode == 0


@pytest.mark.parametrize("path", ["secret/nonsense", "private/nonsense", "secret/%3Cscript%3E", "secret/", "v2/share"])
def test_an_address_with_no_key_is_a_sentence(bridge: str, path: str) -> None:
    page = httpx.get(f"{bridge}/{path}", auth=AUTH)
    assert page.status_code == 404
    assert "<script" not in page.text.lower()
    assert page.json()["message"]


def test_the_root_says_what_this_is(bridge: str) -> None:
    page = httpx.get(f"{bridge}/", headers={"Sec-Fetch-Site": "none"})
    assert page.status_code == 200
    assert "/api/v1" in page.text
    assert httpx.get(f"{bridge}/", headers={"Host": "evil.example"}).status_code == 403


def test_a_socket_is_for_its_user_alone(taina: Server, tmp_path: Path) -> None:
    """No other user can open the file, so no token is wanted. It goes when the bridge ends."""
    path = tmp_path / "bridge.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # as one that was killed leaves it behind
    command = [*COMMAND, "bridge", "--socket", str(path), "--url", taina.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"Taina's bridge is ready: {path} (for its owner alone)\n"
        assert path.stat().st_mode & 0o777 == 0o600
        api = ["--unix-socket", str(path), "http://localhost/api/v1/share", "-d", "secret=x"]
        status, shared = curl("-X", "POST", "-u", "me:", *api)
        assert (status, shared["custid"]) == (200, "me")
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (second.returncode, second.stdout) == (1, "")
        assert "listens there already" in second.stderr
        process.terminate()
        assert process.stdout.read() == ""
    assert process.returncode == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--socket", "a" * 120), "a shorter path"),
        (("--socket", "missing/bridge.sock"), "No such file or directory"),
        (("--socket", "there"), "not a socket"),
        (("--socket", "s", "--port", "0"), "either --socket or --port"),
    ],
)
def test_where_no_socket_can_be(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "there").write_text("a diary")
    done = run("bridge", *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr.decode()
    assert (tmp_path / "there").read_text() == "a diary"
