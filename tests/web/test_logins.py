"""Creating by the login of a proxy: whose word is taken, what is counted, and that the rest stays open."""

import re
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import falcon.testing
import httpx
import pytest

from conftest import ROOT
from support.api import bearer, receipt_path, request_path, reveal, secret_path
from support.secrets import Made, MadeRequest
from support.servers import Server, serving
from taina import base64url
from taina.rules.access_keys import open_keys
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store.sqlite import SqliteStore
from taina.web import openapi
from taina.web.admission import Admission
from taina.web.app import Application, create_app
from taina.web.logins import MAX_NAME, Logins
from taina.web.policy import CALLS, Policy

PROXY = ["--create", "proxy", "--login-url", "/login", "--log", "events"]
NEEDED = (401, "login_needed")
MADE = (201, None)


@pytest.fixture(scope="module")
def taina() -> Iterator[Server]:
    with serving(*PROXY, "--trusted-proxy", "127.0.0.1") as server:
        yield server


@pytest.fixture
def api(taina: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{taina.url}/api/v1") as client:
        yield client


def put(api: httpx.Client, *headers: tuple[bytes, bytes], made: Made | MadeRequest | None = None) -> tuple[int, object]:
    made = made or Made()
    path = request_path(made) if isinstance(made, MadeRequest) else secret_path(made)
    answer = api.put(path, json=made.body(), headers=list(headers))
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize("kind", [Made, MadeRequest])
def test_who_has_logged_in_creates(api: httpx.Client, kind: type[Made] | type[MadeRequest]) -> None:
    assert put(api, made=kind()) == NEEDED
    assert put(api, (b"Remote-User", b"ann"), made=kind()) == MADE
    assert put(api, (b"X-Remote-User", b"ann"), made=kind()) == NEEDED


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ([(b"remote-user", b"ann")], MADE),
        ([(b"Remote-User", "Иван Петров".encode())], MADE),
        ([(b"Remote-User", b"cn=ann,ou=people")], MADE),
        ([(b"Remote-User", b"x" * MAX_NAME)], MADE),
        ([(b"Remote-User", b"ann"), (b"Authorization", b"Basic YTpi")], MADE),
        ([(b"Remote-User", b"")], NEEDED),
        ([(b"Remote-User", b"x" * (MAX_NAME + 1))], NEEDED),
        ([(b"Authorization", b"Basic YTpi")], NEEDED),
        ([(b"Remote-User", b"ann"), (b"Remote-User", b"bob")], (400, "malformed")),
        ([(b"Remote-User", b"ann"), (b"remote-user", b"")], (400, "malformed")),
        ([(b"Remote_User", b"ann")], (400, "malformed")),
        ([(b"Remote-User", b"ann"), (b"REMOTE_USER", b"bob")], (400, "malformed")),
        ([(b"Remote-User", b"ann"), (b"Authorization", b"Bearer " + b"A" * 43)], (401, "key_refused")),
    ],
)
def test_what_a_proxy_says(
    api: httpx.Client, headers: list[tuple[bytes, bytes]], answer: tuple[int, str | None]
) -> None:
    assert put(api, *headers) == answer


def test_nobody_else_is_believed() -> None:
    """A client that reaches the port itself, or comes through another proxy than ours."""
    with (
        serving(*PROXY, "--trusted-proxy", "192.0.2.1") as server,
        httpx.Client(base_url=f"{server.url}/api/v1") as api,
    ):
        assert put(api, (b"Remote-User", b"ann")) == NEEDED
        assert put(api, (b"Remote-User", b"ann"), (b"X-Forwarded-For", b"192.0.2.1")) == NEEDED


def test_no_name_is_logged_and_none_is_kept(tmp_path: Path) -> None:
    with serving(*PROXY, "--trusted-proxy", "127.0.0.1", "--login-creates", "1") as server:
        with httpx.Client(base_url=f"{server.url}/api/v1") as api:
            assert put(api, (b"Remote-User", b"ann-of-accounts")) == MADE
            assert put(api, (b"Remote-User", b"ann-of-accounts")) == (403, "quota")
        server.process.terminate()
        said, _ = server.process.communicate(timeout=20)
        assert said.count('"method": "PUT"') == 2
        assert "ann-of" not in said
        kept = b"".join(file.read_bytes() for file in server.data.iterdir() if file.is_file())
    assert b"ann-of" not in kept


class Instance:
    """The application behind proxies at 192.0.2.1 and in 198.51.100.0/24, called with any address of a peer."""

    def __init__(self, store: SqliteStore, folder: Path, per_day: int = 0) -> None:
        keys = open_keys(folder)
        _, self.key = keys.issue("robot", quota=1)
        proxies = (ip_network("192.0.2.1"), ip_network("198.51.100.0/24"))
        vault, requests = Vault(store, Limits()), SecretRequests(store, Limits())
        admission = Admission(keys, requests, Logins("X-Login", proxies, per_day))
        self.app: Application = create_app(vault, requests, admission=admission, policy=Policy(login_url="/in"))

    def put(self, peer: str, headers: dict[str, str], made: Made | MadeRequest | None = None) -> tuple[int, object]:
        made = made or Made()
        path = request_path(made) if isinstance(made, MadeRequest) else secret_path(made)
        environ = {"REMOTE_ADDR": peer}
        result = falcon.testing.simulate_put(
            self.app, f"/api/v1{path}", json=made.body(), headers=headers, extras=environ
        )
        return result.status_code, result.json.get("code")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        yield store


@pytest.mark.parametrize(
    ("peer", "answer"),
    [
        ("192.0.2.1", MADE),
        ("::ffff:192.0.2.1", MADE),
        ("198.51.100.77", MADE),
        ("192.0.2.2", NEEDED),
        ("2001:db8::1", NEEDED),
        ("localhost", NEEDED),  # as the listener calls whoever comes by a Unix socket
        ("", NEEDED),
        ("192.0.2.1, 10.0.0.1", NEEDED),
    ],
)
def test_the_last_hop_alone_is_believed(
    store: SqliteStore, tmp_path: Path, peer: str, answer: tuple[int, str | None]
) -> None:
    """In a chain of proxies the one before us sets the header; what is said of the others is no proof."""
    instance = Instance(store, tmp_path)
    assert instance.put(peer, {"X-Login": "ann"}) == answer
    assert instance.put(peer, {"X-Login": "ann", "X-Forwarded-For": "10.1.1.1, 192.0.2.1"}) == answer
    assert instance.put(peer, {"Remote-User": "ann"}) == NEEDED


def test_a_login_has_a_quota_of_its_own(store: SqliteStore, tmp_path: Path) -> None:
    instance = Instance(store, tmp_path, per_day=2)
    made = Made()
    assert instance.put("192.0.2.1", {"X-Login": "ann"}, made) == MADE
    assert instance.put("192.0.2.1", {"X-Login": "ann"}, made) == (200, None)  # lost on the way: costs nothing
    assert instance.put("198.51.100.1", {"X-Login": "ann"}, MadeRequest()) == MADE
    assert instance.put("192.0.2.1", {"X-Login": "ann"}) == (403, "quota")
    assert instance.put("192.0.2.1", {"X-Login": "ann"}, made) == (200, None)
    assert instance.put("192.0.2.1", {"X-Login": "Ann"}) == MADE
    # What is refused for another reason costs nothing.
    assert instance.put("192.0.2.1", {"X-Login": "bob"}, Made(ttl=1)) == (422, "invalid")
    assert [instance.put("192.0.2.1", {"X-Login": "bob"}) for _ in range(3)] == [MADE, MADE, (403, "quota")]


def test_machines_get_in_by_their_key(store: SqliteStore, tmp_path: Path) -> None:
    instance = Instance(store, tmp_path)
    assert instance.put("203.0.113.5", bearer(instance.key)) == MADE
    assert instance.put("203.0.113.5", bearer(instance.key)) == (403, "quota")
    assert instance.put("192.0.2.1", {**bearer(bytes(32)), "X-Login": "ann"}) == (401, "key_refused")


def test_whoever_was_asked_answers_and_the_reader_reads(api: httpx.Client) -> None:
    """None of these has logged in."""
    asked, answer = MadeRequest(), Made()
    assert put(api, (b"Remote-User", b"ann"), made=asked) == MADE
    body = {**answer.body(), "request": base64url.encode(asked.id)}
    assert api.put(secret_path(answer), json=body).status_code == 404
    assert api.put(secret_path(answer), json=body, headers=bearer(asked.answer_token)).status_code == 201
    assert api.get(receipt_path(answer), headers=bearer(answer.receipt_token)).json()["state"] == "waiting"
    assert reveal(api, answer).status_code == 200


def test_status_says_what_a_page_has_to_know(api: httpx.Client) -> None:
    options = api.get("/status").json()["options"]
    assert (options["create"], options["login_url"]) == ("proxy", "/login")
    refusal = api.put(secret_path(made := Made()), json=made.body())
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.headers["www-authenticate"] == "Bearer"


def test_the_list_of_calls_is_whole() -> None:
    """As OpenAPI has them; guarded are those that take an access key, but mail, which takes nothing else."""
    paths = openapi.document(Limits())["paths"]
    told = {
        (method.upper(), f"/api/v1{path}"): {"accessKey": []} in call.get("security", []) and path != "/mail"
        for path, calls in paths.items()
        for method, call in calls.items()
        if method != "parameters"
    }
    told[("GET", "/api/v1/openapi.json")] = False
    assert {(call.method, call.path): call.guarded for call in CALLS} == told


@pytest.mark.parametrize("language", ["en", "bg"])
def test_the_examples_guard_these_calls_and_no_others(language: str) -> None:
    text = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
    (caddy,) = re.findall(r"path_regexp (\S+)", text)
    (nginx,) = re.findall(r'"~(\^PUT .+)" 1;', text)
    for call in CALLS:
        path = re.sub(r"\{\w+\}", "4fzzzxjylrx4Cg-_AAAAAA", call.path)
        assert bool(re.search(caddy, path)) <= (call.guarded or call.method != "PUT")
        assert bool(re.search(nginx, f"{call.method} {path} ")) == call.guarded
        assert bool(re.search(nginx, f"{call.method} {path}?a=b ")) == call.guarded
        assert not re.search(nginx, f"{call.method} {path} Bearer abc")
        assert re.fullmatch(call.pattern, path)
        if call.guarded:
            assert re.search(caddy, path)
