"""Access keys: issued and revoked at the command line, while the server of a private instance runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cli.conftest import Run
from support.api import bearer, create, receipt_path, secret_path
from support.secrets import Made
from support.servers import Server, free_port, start_server, stop_server
from support.sites import write_site
from support.waiting import wait_until
from taina import Client, base64url
from taina.errors import InvalidError, KeyNeededError, KeyRefusedError, QuotaError
from taina.format.derive import derive_request
from taina.format.links import decode_link
from taina.site.branding import Looks

Add = Callable[..., str]


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Server]:
    server = start_server(tmp_path / "data", "--create", "keys", port=free_port())
    yield server
    stop_server(server)


@pytest.fixture
def add(run: Run, private: Server) -> Add:
    def add(name: str, *arguments: str) -> str:
        done = run("keys", "add", name, "--data", "data", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    return add


def test_only_holders_of_a_key_make_secrets_and_requests(private: Server, add: Add) -> None:
    key = add("ann")
    with Client(private.url) as stranger, Client(private.url, key=key) as holder:
        assert stranger.instance()["options"]["create"] == "keys"
        for make in (lambda: stranger.send("no"), lambda: stranger.request()):
            with pytest.raises(KeyNeededError):
                make()
        sent = holder.send("yes")
        holder.request()
        assert stranger.open(sent.link).text == "yes"
        with Client(private.url, key=base64url.encode(bytes(32))) as guesser, pytest.raises(KeyRefusedError):
            guesser.send("no")


def test_a_contact_page_takes_messages_and_no_uploads(private: Server, add: Add, run: Run, tmp_path: Path) -> None:
    """Told before anything is sent, by the command that sends it."""
    asked = json.loads(run("request", "--json", "--answers", "9", TAINA_URL=private.url, TAINA_KEY=add("op")).stdout)
    stop_server(private)
    looks = Looks(contact=asked["link"].partition("#")[2])
    write_site(tmp_path / "site", looks)
    (tmp_path / "big").write_bytes(bytes(2 << 20))
    again = start_server(private.data, "--create", "keys", "--site", str(tmp_path / "site"), port=private.port)
    try:
        refused = run("answer", asked["link"], "big")
        assert (refused.returncode, refused.stdout) == (6, b"")
        assert refused.stderr.endswith(b"An answer to this request may hold at most 1 MiB. Nothing was sent.\n")
        assert run("answer", asked["link"], "The colours are lovely.").returncode == 0
        assert run("open", "-", given=run("inbox", asked["inbox"]).stdout).stdout == b"The colours are lovely."
    finally:
        stop_server(again)


def test_where_anybody_may_create_a_contact_page_takes_what_secrets_take(run: Run, tmp_path: Path) -> None:
    """Clients were told of a bound that was not enforced there, and kept to it."""
    anyone = start_server(tmp_path / "data")
    asked = json.loads(run("request", "--json", TAINA_URL=anyone.url).stdout)
    stop_server(anyone)
    write_site(tmp_path / "site", Looks(contact=asked["link"].partition("#")[2]))
    (tmp_path / "big").write_bytes(bytes(2 << 20))
    again = start_server(anyone.data, "--site", str(tmp_path / "site"), port=anyone.port)
    try:
        assert run("answer", asked["link"], "big").returncode == 0
    finally:
        stop_server(again)


def test_whoever_was_asked_needs_no_key(private: Server, add: Add) -> None:
    with Client(private.url, key=add("ann")) as holder, Client(private.url) as stranger:
        asked = holder.request()
        stranger.answer(asked.link, "here it is")
        (answer,) = holder.inbox(asked.inbox).answers
        assert answer is not None
        assert holder.open(answer).text == "here it is"


def test_whoever_answers_is_told_of_no_key_of_their_own(private: Server, add: Add, run: Run) -> None:
    """They were told that their access key was mistyped, has expired or was revoked: they never had one."""
    with Client(private.url, key=add("ann")) as holder, Client(private.url) as stranger:
        asked = holder.request()
        assert run("keys", "revoke", "ann", "--data", "data").returncode == 0
        with pytest.raises(KeyRefusedError, match="whoever asked") as refused:
            stranger.answer(asked.link, "here it is")
    assert "Ask for a new link." in refused.value.detail
    assert "This access key" not in refused.value.detail


def test_an_answer_is_charged_to_the_key_that_asked(private: Server, add: Add, run: Run) -> None:
    """A request link on a private instance is not a licence to create: it is worth its answers, and its key pays."""
    key = add("ann", "--quota", "4")
    with Client(private.url, key=key) as holder:
        asked = holder.request(answers=50)  # the first of four
    token = derive_request(decode_link(asked.link, "request").body)
    with httpx.Client(base_url=f"{private.url}/api/v1") as api:

        def create(made: Made) -> httpx.Response:
            body = {**made.body(), "request": base64url.encode(token.id)}
            return api.put(secret_path(made), json=body, headers=bearer(token.token))

        first = Made()
        assert [create(made).status_code for made in (first, first, Made(), Made())] == [201, 200, 201, 201]
        refused = create(Made())
        assert (refused.status_code, refused.json()["code"]) == (403, "quota")
        assert run("keys", "revoke", "ann", "--data", "data").returncode == 0
        refused = create(Made())
        assert (refused.status_code, refused.json()["code"]) == (401, "key_refused")


def test_a_full_request_lets_in_nobody_more(private: Server, add: Add) -> None:
    with Client(private.url, key=add("ann")) as holder, Client(private.url) as stranger:
        asked = holder.request()
        stranger.answer(asked.link, "first")
    token = derive_request(decode_link(asked.link, "request").body)
    made = Made()
    with httpx.Client(base_url=f"{private.url}/api/v1") as api:
        body = {**made.body(), "request": base64url.encode(token.id)}
        refused = api.put(secret_path(made), json=body, headers=bearer(token.token))
        assert (refused.status_code, refused.json()["code"]) == (409, "answered")
        wrong = api.put(secret_path(made), json=body, headers=bearer(bytes(32)))
        assert wrong.status_code == 404


def test_a_revoked_key_makes_nothing_more(private: Server, add: Add, run: Run) -> None:
    with Client(private.url, key=add("ann")) as holder:
        sent = holder.send("before")
        assert run("keys", "revoke", "ann", "--data", "data").returncode == 0
        with pytest.raises(KeyRefusedError):
            holder.send("after")
        assert holder.receipt(sent.receipt).state == "waiting"
    done = run("keys", "revoke", "ann", "--data", "data")
    assert done.returncode == 1
    assert b"No key named 'ann' is in force" in done.stderr


def test_an_expired_key_makes_nothing_more(private: Server, add: Add) -> None:
    with Client(private.url, key=add("ann", "--ttl", "1s")) as holder:

        def refused() -> bool:
            try:
                holder.send("until it is too late")
            except KeyRefusedError:
                return True
            return False

        wait_until(refused)


def test_a_quota_counts_what_was_made_and_nothing_else(private: Server, add: Add) -> None:
    key = add("ann", "--quota", "3")
    with httpx.Client(base_url=f"{private.url}/api/v1", headers=bearer(base64url.decode(key))) as api:
        made = create(api, Made())
        assert api.put(secret_path(made), json=made.body()).status_code == 200
        assert api.put(secret_path(made), json=Made().body()).status_code == 409
        assert api.put(secret_path(Made()), json={**Made().body(), "ttl": 1}).status_code == 422
        assert api.get(receipt_path(made), headers=bearer(made.receipt_token)).status_code == 200
    with Client(private.url, key=key) as holder:
        holder.send("second")
        holder.request()
        with pytest.raises(QuotaError):
            holder.send("fourth")


def test_what_is_kept_is_a_hash(add: Add, tmp_path: Path) -> None:
    key = add("ann", "--contact", "ann@example.org")
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert b"ann@example.org" in kept
    assert key.encode() not in kept
    assert base64url.decode(key) not in kept
    assert (tmp_path / "data/keys.db").stat().st_mode & 0o077 == 0


def test_the_list_tells_how_it_stands(run: Run, add: Add) -> None:
    add("ann", "--quota", "5")
    add("bob", "--ttl", "90d")
    run("keys", "revoke", "ann", "--data", "data")
    lines = run("keys", "list", "--data", "data").stdout.decode().splitlines()
    assert [line.split()[:2] for line in lines] == [["ann", "revoked"], ["bob", "in"]]
    told = [json.loads(line) for line in run("keys", "list", "--data", "data", "--json").stdout.splitlines()]
    assert [(key["name"], key["state"], key["quota"]) for key in told] == [
        ("ann", "revoked", 5),
        ("bob", "in force", None),
    ]


def test_what_is_wrong_is_said(run: Run, add: Add) -> None:
    add("ann")
    for arguments, said in [
        (["add", "ann"], "a key named 'ann' already"),
        (["add", "a\nb"], "1 to 64 letters"),
        (["add", "bob", "--contact", "nobody"], "an email address"),
        (["add", "bob", "--contact", "=?utf-8?q?v=25evil.net?=@relay.example"], "an email address"),
        (["add", "bob", "--quota", "0"], "0 is not in the range"),
        (["add", "bob", "--quota", "9999999999999999999"], "is not in the range"),
    ]:
        done = run("keys", *arguments, "--data", "data")
        assert done.returncode != 0
        assert said in done.stderr.decode()


def test_the_command_reads_the_key_from_a_file_or_the_environment(
    run: Run, private: Server, add: Add, tmp_path: Path
) -> None:
    key = add("ann")
    (tmp_path / "key").write_text(key + "\n")
    assert run("send", "x", "--url", private.url).returncode == 6
    assert run("send", "x", "--url", private.url, TAINA_KEY=key).returncode == 0
    assert run("send", "x", "--url", private.url, "--key-file", "key").returncode == 0
    assert run("request", "--url", private.url, "--key-file", "key").returncode == 0
    assert b"This is not an access key" in run("send", "x", "--url", private.url, TAINA_KEY="short").stderr


def test_a_key_that_is_none_is_told_before_anything_is_sent() -> None:
    with pytest.raises(InvalidError):
        Client("http://127.0.0.1:1", key="short")


@pytest.mark.parametrize(
    "arguments", [("revoke", "\udcff"), ("add", "\udcff"), ("add", "x", "--language", "\udcff"), ("revoke", "")]
)
def test_what_is_no_text_names_no_key(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "data").mkdir()
    done = run("keys", *arguments, "--data", "data")
    assert done.returncode in (1, 2, 6)
    assert b"nobody foresaw" not in done.stderr


def test_where_there_may_be_other_hosts_their_keys_are_spoken_of(run: Run, tmp_path: Path) -> None:
    """Each has a file of its own: a key that was revoked on one goes on working on the others, and nobody said so."""
    database = {"TAINA_STORE": "postgresql://nobody@127.0.0.1:1/taina", "TAINA_DATA": "data"}
    for command in (("add", "ann"), ("revoke", "ann")):
        alone = run("keys", *command, "--data", "alone")
        assert b"other host" not in alone.stderr
        assert b"copy data/keys.db to every other host" in run("keys", *command, **database).stderr
