"""`taina bridge`, as clients of Onetime Secret use it: somebody else's library, and curl as its documentation says."""

import json
import shutil
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

CLIENT = Path(__file__).parents[1] / "js" / "onetimesecret.cjs"


@pytest.fixture(scope="module")
def bridge(taina: Server) -> Iterator[str]:
    process = subprocess.Popen(
        [*COMMAND, "bridge", "--port", "0", "--url", taina.url],
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
    command = [find_node(), str(CLIENT), bridge, method, *(json.dumps(argument) for argument in arguments)]
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
    assert (metadata["state"], metadata["secret_key"]) == ("new", shared["secret_key"])
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
    assert burned["secret_shortkey"] == made["secret_key"][:8]
    assert call(bridge, "retrieveSecret", made["secret_key"]) == {"error": "UnknownSecretError"}
    recent = call(bridge, "recentMetadata")["answer"]
    assert recent[0]["metadata_key"] == made["metadata_key"]
    assert not [one for one in recent if "secret_key" in one or "share_url" in one]


def test_curl_as_the_documentation_shows_it(bridge: str) -> None:
    api = f"{bridge}/api/v1"
    account = ("-u", "USERNAME:APITOKEN")
    assert curl(*account, f"{api}/status") == (200, {"status": "nominal", "locale": "en"})
    assert curl(*account, f"{api}/authcheck")[0] == 200
    assert curl(f"{api}/authcheck")[0] == 401
    status, shared = curl("-X", "POST", *account, "-d", "secret=SECRET&ttl=3600", f"{api}/share")
    assert (status, shared["ttl"]) == (200, 3600)
    assert curl("-X", "POST", *account, f"{api}/private/{shared['metadata_key']}")[1]["state"] == "new"
    assert curl("-X", "POST", f"{api}/secret/{shared['secret_key']}")[1]["value"] == "SECRET"
    assert curl("-X", "POST", *account, f"{api}/private/{shared['metadata_key']}/burn")[0] == 404
    made = curl("-X", "POST", *account, "-d", "ttl=3600", f"{api}/generate")[1]
    assert curl("-X", "POST", f"{api}/private/{made['metadata_key']}/burn")[1]["state"]["state"] == "burned"
    assert curl(*account, f"{api}/private/recent")[1][0]["custid"] == "USERNAME"


def test_json_bodies_and_the_command_line_read_the_same_secrets(bridge: str, run: Run) -> None:
    shared = httpx.post(f"{bridge}/api/v1/share", json={"secret": "x", "ttl": 600}).json()
    assert run("open", shared["share_url"]).stdout == b"x"
    link = run("send", "-", given=b"y").stdout.decode().strip()
    assert httpx.post(f"{bridge}/api/v1/secret/{link.partition('#')[2]}").json()["value"] == "y"


def test_files_are_not_lost(bridge: str, taina: Server) -> None:
    with Client(taina.url) as client:
        link = client.send(File("a.bin", b"\xff")).link
    answer = httpx.post(f"{bridge}/api/v1/secret/{link.partition('#')[2]}").json()
    assert answer["files"] == [{"name": "a.bin", "content_base64": "/w=="}]


def test_a_lifetime_is_brought_into_bounds(bridge: str) -> None:
    assert httpx.post(f"{bridge}/api/v1/share", data={"secret": "x", "ttl": "1"}).json()["ttl"] == 300


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
    answer = httpx.post(f"{bridge}/api/v1/{path}", data=fields)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_web_pages_are_refused(bridge: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        answer = httpx.post(f"{bridge}/api/v1/share", data={"secret": "x"}, headers=headers)
        assert answer.status_code == 403


def test_it_needs_an_instance(run: Run) -> None:
    assert run("bridge", TAINA_URL=None).returncode == 2
