"""`taina bridge`: version 1 of the API as its documentation shows it, and whatever else comes to that port."""

import base64
import hashlib
import html
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.conftest import COMMAND, TOKEN, Run, curl, hangup
from support.servers import Server
from taina import Client, File
from taina.client.bridge.calls import Calls
from taina.client.bridge.fields import Fields

AUTH = ("user@example.org", TOKEN)


def test_curl_as_the_documentation_shows_it(bridge: str) -> None:
    api = f"{bridge}/api/v1"
    account = ("-u", f"USERNAME:{TOKEN}")
    assert curl(*account, f"{api}/status") == (200, {"status": "nominal", "locale": "en"})
    assert curl(*account, f"{api}/authcheck")[0] == 200
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


def test_the_lifetime_is_what_was_asked_for_whatever_the_clock_here_shows(taina: Server) -> None:
    with Client(taina.url) as client:
        calls = Calls(client, clock=lambda: 0)
        made = calls.send("anon", "share", Fields({"ttl": "3600"}), "x")[0]
        other = calls.send("anon", "share", Fields({}), "x")[0]
        assert (made.ttl, other.ttl) == (3600, client.instance()["ttl"]["default"])
        assert made.created == calls.record("anon", made.key).created


def test_a_lifetime_is_brought_into_bounds(bridge: str) -> None:
    assert httpx.post(f"{bridge}/api/v1/share", auth=AUTH, data={"secret": "x", "ttl": "1"}).json()["ttl"] == 300


@pytest.mark.parametrize("path", ["v1/authcheck", "v1/status", "v1/share", "v2/status", "v2/secret/conceal"])
def test_who_shows_no_token_is_asked_for_it(bridge: str, path: str) -> None:
    """PowerShell's -Credential and Python's HTTPBasicAuthHandler show theirs only then."""
    answer = httpx.get(f"{bridge}/api/{path}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.json()["detail"].startswith("Give the password")


@pytest.mark.parametrize("start", ["/", "", "//", "///", "/%2F", "http://127.0.0.1/", "http:///"])
@pytest.mark.parametrize("path", ["api/v1/status", "api/v1/share?secret=x", "api/v2/receipt/recent"])
def test_no_spelling_of_a_path_leads_past_the_token(bridge: str, start: str, path: str) -> None:
    """Without the slash at its beginning no token was asked for, and the call was made."""
    method = "POST" if "share" in path else "GET"
    with socket.create_connection(("127.0.0.1", int(bridge.rpartition(":")[2]))) as calling:
        head = f"{method} {start}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        calling.sendall(head.encode())
        answer = b"".join(iter(lambda: calling.recv(65536), b""))
    assert int(answer.split()[1]) in (400, 401, 404), answer
    assert b"share_url" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth": ("USERNAME", "APITOKEN")},
        {"auth": ("USERNAME", "")},
        {"auth": ("USERNAME", TOKEN + "x")},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"headers": {"Authorization": "Basic %%%"}},
        {"headers": {"Authorization": b"Basic \xff\xfe"}},
        {"headers": {"Authorization": "Basic"}},
    ],
)
def test_a_wrong_token_is_refused_as_that_service_does(bridge: str, wrong: dict[str, Any]) -> None:
    old = httpx.post(f"{bridge}/api/v1/share", data={"secret": "x"}, **wrong)
    assert (old.status_code, old.headers["X-OTS-Intended-Status"]) == (404, "401")
    assert old.json()["message"] == "Not authorized"
    new = httpx.post(f"{bridge}/api/v2/secret/conceal", json={"secret": {"secret": "x"}}, **wrong)
    assert new.status_code == 401
    assert (new.json()["error"], new.json()["error_type"]) == ("Not authorized", "Unauthorized")


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("share", {}, "You did not provide anything to share"),
        ("share", {"secret": "x", "ttl": "soon"}, "ttl is"),
        ("share", {"secret": "x", "ttl": "-60"}, "ttl is"),
        ("share", {"secret": "x", "ttl": "1e3"}, "ttl is"),
        ("share", {"secret": "x", "ttl": "٣٠٠"}, "ttl is"),
        ("share", {"secret": "x", "ttl": "9" * 400}, "ttl is"),
        ("share", {"secret": "x", "recipient": "a@example.org"}, "No mail"),
        ("generate", {"length": "1000"}, "length is"),
        ("generate", {"length": "many"}, "length is"),
        ("secret/nonsense", {}, "Unknown secret"),
        ("secret/3djys3b7tridrcvbiprqjejz0c2g07x", {}, "Unknown secret"),
        ("private/nonsense", {}, "Unknown secret"),
        ("private/nonsense/burn", {}, "Unknown secret"),
        ("nothing", {}, "Not Found"),
    ],
)
def test_bad_input_is_404_and_says_what_is_meant(bridge: str, path: str, fields: dict[str, str], message: str) -> None:
    answer = httpx.post(f"{bridge}/api/v1/{path}", auth=AUTH, data=fields)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json()["message"].startswith(message)
    meant = "400" if message not in ("Unknown secret", "Not Found") else None
    assert answer.headers.get("X-OTS-Intended-Status") == meant


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "evil.example:127.0.0.1"},
        {"Host": "[::1]evil.example"},
        {"Host": ""},
    ],
)
def test_web_pages_are_refused(bridge: str, headers: dict[str, str]) -> None:
    """Even with the token, which a browser may have remembered; and names that were rebound to this machine."""
    for path, said in (("v1/share", "message"), ("v2/secret/conceal", "error")):
        answer = httpx.post(f"{bridge}/api/{path}", auth=AUTH, data={"secret": "x"}, headers=headers)
        assert answer.status_code == 403
        assert "not web pages" in answer.json()[said]
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LocalHost:80", "127.0.0.1", "[::1]", "[::1]:7143"])
def test_the_names_of_this_machine_are_no_web_pages(bridge: str, host: str) -> None:
    assert httpx.get(f"{bridge}/api/v1/authcheck", auth=AUTH, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize(("path", "said"), [("v1/share", "message"), ("v2/secret/conceal", "error")])
def test_another_method_is_told_which(bridge: str, method: str, path: str, said: str) -> None:
    answer = httpx.request(method, f"{bridge}/api/{path}", auth=AUTH)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    if method != "HEAD":
        assert "POST" in answer.json()[said]


def test_what_can_be_done_is_asked_without_a_body(bridge: str) -> None:
    answer = httpx.options(f"{bridge}/api/v1/share", auth=AUTH)
    assert answer.status_code == 200
    assert "POST" in answer.headers["Allow"]
    assert "access-control-allow-origin" not in answer.headers


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


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}


def part(head: bytes, body: bytes = b"x") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + body + b"\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, b"secret=p%E4ss"),
        (FORM, b"secret=p\xe4ss"),
        (FORM, b"secret=%ED%A0%80"),
        (FORM, b"secret=\x00\xff\xfe"),
        (FORM, b"secret=a&passphrase=p&passphrase=q"),
        (FORM, b"secret=a&secret[secret]=b"),
        (FORM, b"secret=a&ttl=600&ttl=300"),
        ({"Content-Type": "application/x-www-form-urlencoded; charset=ISO-8859-1"}, b"secret=p%C3%A4ss"),
        (JSON, b'{"secret": "a", "passphrase": ["p"]}'),
        (JSON, b'{"secret": "a", "passphrase": true}'),
        (JSON, b'{"secret": "a", "passphrase": {"a": 1}}'),
        (JSON, b'{"secret": "a", "passphrase": "p", "passphrase": ""}'),
        (JSON, b'{"secret": "a", "ttl": 1.5}'),
        (JSON, b'{"secret": "a", "ttl": 1e999}'),
        (JSON, b'{"secret": "a", "ttl": NaN}'),
        (JSON, b'{"secret": "a", "ttl": ' + b"9" * 9999 + b"}"),
        (JSON, b'["secret"]'),
        (JSON, b'"secret"'),
        (JSON, b'{"secret": "\xe4"}'),
        (JSON, b'{"secret": "\\ud800"}'),
        (JSON, b'{"secret": "a"'),
        (JSON, b"[" * 100_000),
        (JSON, b'{"secret":' * 100_000),
        ({"Content-Type": "application/json; charset=utf-16"}, '{"secret": "a"}'.encode("utf-16")),
        (PARTS, part(b'name="secret"', b"\xe4") + b"--b--\r\n"),
        (PARTS, part(b'name="secret"') + part(b'name="secret"') + b"--b--\r\n"),
        (PARTS, part(b'name="secret"')),
        (PARTS, part(b'name="secret"\r\nContent-Type: text/plain; charset=iso-8859-1') + b"--b--\r\n"),
        (PARTS, part(b'name="secret"\r\nContent-Transfer-Encoding: base64', b"eA==") + b"--b--\r\n"),
        (PARTS, part(b'name="other"') * 100 + b"--b--\r\n"),
        (PARTS, b"secret=x"),
        (PARTS, b"--b"),
        ({"Content-Type": "multipart/form-data"}, b"secret=x"),
        ({"Content-Type": "multipart/form-data; boundary="}, b"secret=x"),
        ({"Content-Type": "multipart/form-data; boundary=" + "b" * 500}, b"secret=x"),
        ({"Content-Type": "text/plain"}, b"secret=x"),
        ({"Content-Type": ";;;="}, b"secret=x"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00"),
        (FORM, b""),
        (FORM, b"=x"),
        (FORM, b"&" * 1000),
        ({}, b'{"secret": "x"}'),
    ],
)
@pytest.mark.parametrize("path", ["v1/share", "v2/secret/conceal"])
def test_what_cannot_be_kept_as_it_is_is_refused(bridge: str, path: str, headers: dict[str, str], body: bytes) -> None:
    answer = httpx.post(f"{bridge}/api/{path}", headers=headers, content=body, auth=AUTH)
    said = answer.json()
    assert "secret_key" not in answer.text
    if path == "v1/share":
        meant = answer.headers.get("X-OTS-Intended-Status")
        assert (answer.status_code, meant) in ((404, "400"), (415, None))
        assert said["message"]
    else:
        assert answer.status_code in (415, 422)
        assert said["error"]
        assert said["error_type"]


@pytest.mark.parametrize("headers", [FORM, PARTS, JSON])
def test_a_large_secret_goes_and_a_larger_one_is_refused_in_its_words(bridge: str, headers: dict[str, str]) -> None:
    def body(size: int) -> bytes:
        text = b"x" * size
        if headers is FORM:
            return b"secret=" + text
        return part(b'name="secret"', text) + b"--b--\r\n" if headers is PARTS else b'{"secret": "' + text + b'"}'

    shared = httpx.post(f"{bridge}/api/v1/share", headers=headers, content=body(3 << 20), auth=AUTH, timeout=60).json()
    read = httpx.post(f"{bridge}/api/v1/secret/{shared['secret_key']}", auth=AUTH, timeout=60).json()
    assert read["value"] == "x" * (3 << 20)
    for path, said in (("v1/share", "message"), ("v2/secret/conceal", "error")):
        with socket.create_connection(("127.0.0.1", int(bridge.rpartition(":")[2]))) as caller:
            caller.sendall(f"POST /api/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n".encode())
            head, _, told = caller.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert "4 MiB" in json.loads(told)[said]


@pytest.mark.parametrize("body", [b"", b"secret=x"])
def test_who_waits_to_be_told_to_continue_is_answered(bridge: str, body: bytes) -> None:
    """With an empty body both sides waited, and nothing came."""
    with socket.create_connection(("127.0.0.1", int(bridge.rpartition(":")[2])), timeout=20) as caller:
        head = f"POST /api/v1/share HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        caller.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode() + body)
        assert b"HTTP/1.1 401 " in caller.makefile("rb").read()


def test_a_body_without_a_type_is_a_form(bridge: str) -> None:
    """As that service takes it."""
    answer = httpx.post(f"{bridge}/api/v1/share", content=b"secret=x&ttl=600", auth=AUTH)
    assert answer.json()["ttl"] == 600


def test_a_token_is_drawn_and_printed(taina: Server) -> None:
    command = [*COMMAND, "bridge", "--port", "0", "--url", taina.url]
    drawn = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            drawn.append(process.stdout.readline().split()[-1])
            assert httpx.get(f"{url}/api/v1/status", auth=("", drawn[-1])).status_code == 200
            assert httpx.get(f"{url}/api/v2/status", auth=("", "x")).status_code == 401
            process.terminate()
    assert len(set(drawn)) == 2
    assert all(len(token) == 32 for token in drawn)


@pytest.mark.parametrize(("token", "said"), [("short", b"16 characters"), ("x" * 16 + "\udcff", b"text in UTF-8")])
def test_a_token_that_cannot_be_one_is_refused(run: Run, token: str, said: bytes) -> None:
    done = run("bridge", "--port", "0", TAINA_BRIDGE_TOKEN=token)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("kind", ["secret", "private", "receipt", "metadata"])
def test_the_address_that_clients_build_themselves_shows_the_link(bridge: str, run: Run, kind: str) -> None:
    """Libraries of that service print HOST/secret/KEY and HOST/private/KEY, whatever share_url says."""
    shared = httpx.post(f"{bridge}/api/v1/share", auth=AUTH, data={"secret": "x"}).json()
    key = shared["secret_key"] if kind == "secret" else shared["metadata_key"]
    # As a browser comes by a click in a messenger: without the token, and from another site.
    clicked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    page = httpx.get(f"{bridge}/{kind}/{key}", headers=clicked)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", f"style-src 'sha256-{known}'"]
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    link = html.unescape(page.text.partition('<code class="link">')[2].partition("<")[0])
    command = ("open",) if kind == "secret" else ("receipt", "--json")
    assert run(*command, link, TAINA_URL=None).returncode == 0


@pytest.mark.parametrize(
    "path", ["secret/nonsense", "private/nonsense", "secret/", "secret/%3Cscript%3E", "receipt/%FF%00"]
)
def test_an_address_with_no_key_is_a_sentence(bridge: str, path: str) -> None:
    page = httpx.get(f"{bridge}/{path}")
    assert page.status_code == 404
    assert "<script" not in page.text.lower()
    assert "does not contain the whole key" in page.text


def test_the_key_of_a_receipt_is_not_that_of_a_secret(bridge: str) -> None:
    shared = httpx.post(f"{bridge}/api/v1/share", auth=AUTH, data={"secret": "x"}).json()
    page = httpx.get(f"{bridge}/secret/{shared['metadata_key']}")
    assert page.status_code == 404
    assert shared["metadata_key"] not in page.text
    for call in (f"v1/secret/{shared['metadata_key']}", f"v1/private/{shared['secret_key']}/burn"):
        answer = httpx.post(f"{bridge}/api/{call}", auth=AUTH)
        assert (answer.status_code, answer.json()["message"]) == (404, "Unknown secret")


@pytest.mark.parametrize("path", ["favicon.ico", "api", "api/v3/share", "api/v2/share", "%2e%2e/api/v1/share"])
def test_any_other_address_is_not_found(bridge: str, path: str) -> None:
    answer = httpx.get(f"{bridge}/{path}", auth=AUTH)
    assert answer.status_code == 404
    assert (answer.json().get("message") or answer.json().get("error")) == "Not Found"


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


def test_a_bridge_by_nohup_outlives_its_terminal(taina: Server) -> None:
    command = [*COMMAND, "bridge", "--port", "0", "--url", taina.url]
    with hangup(signal.SIG_IGN):
        process = subprocess.Popen(command, env={**os.environ, "TAINA_BRIDGE_TOKEN": TOKEN}, stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        status = f"{process.stdout.readline().decode().split()[-1]}/api/v1/status"
        for _ in range(2):  # the first answer says that it heeds signals
            assert httpx.get(status, auth=AUTH).status_code == 200
            process.send_signal(signal.SIGHUP)
        process.terminate()
    assert process.returncode == 0
