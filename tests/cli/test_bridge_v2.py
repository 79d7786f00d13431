"""Version 2 of Onetime Secret's API on the bridge: the calls and the names of its source (0.25, apps/api/v2)."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.conftest import COMMAND, TOKEN, Run
from support.hostile_server import HostileServer, problem, says
from support.servers import Server

AUTH = ("user@example.org", TOKEN)
RECORD = {
    "identifier",
    "key",
    "state",
    "secret_ttl",
    "has_passphrase",
    "created",
    "updated",
    "is_burned",
    "is_destroyed",
}
"""What clients read of a receipt."""


class Api:
    def __init__(self, bridge: str) -> None:
        self._url = f"{bridge}/api/v2"

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self._url}/{path}", auth=AUTH, **more)

    def post(self, path: str, body: object = None, **more: Any) -> httpx.Response:
        return httpx.post(f"{self._url}/{path}", auth=AUTH, json={} if body is None else body, **more)

    def conceal(self, **fields: Any) -> Any:
        answer = self.post("secret/conceal", {"secret": {"kind": "conceal", "secret": "тайна", **fields}})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def api(bridge: str) -> Api:
    return Api(bridge)


def test_a_text_is_concealed_looked_at_and_revealed(api: Api, run: Run) -> None:
    made = api.conceal(ttl=600, passphrase="", share_domain="127.0.0.1", recipient="")
    record = made["record"]
    assert made["success"] is True
    assert record["metadata"] == record["receipt"]
    assert record["receipt"].keys() >= RECORD
    assert (record["receipt"]["state"], record["receipt"]["secret_ttl"]) == ("new", 600)
    assert record["receipt"]["has_passphrase"] is False
    assert record["receipt"]["secret_identifier"] == record["secret"]["identifier"] == record["secret"]["key"]
    assert made["details"] == {"kind": "conceal", "recipient": [], "recipient_safe": []}
    key, receipt = record["secret"]["identifier"], record["receipt"]["identifier"]

    seen = api.get(f"secret/{key}", params={"continue": "true"}).json()
    assert (seen["record"]["state"], seen["record"]["has_passphrase"]) == ("new", False)
    assert "secret_value" not in seen["record"]
    state = api.get(f"secret/{key}/status").json()
    assert state["record"]["state"] == "new"
    assert 0 < state["details"]["current_expiration"] <= 600

    kept = api.post(f"secret/{key}/reveal", {"passphrase": ""}).json()
    assert (kept["details"]["show_secret"], kept["record"]["state"]) == (False, "new")
    opened = api.post(f"secret/{key}/reveal", {"continue": True}).json()
    assert opened["record"]["secret_value"] == "тайна"
    assert opened["record"]["state"] == "revealed"
    assert opened["details"]["show_secret"] is True
    assert opened["details"]["one_liner"] is True

    after = api.get(f"receipt/{receipt}").json()
    assert (after["record"]["state"], after["record"]["is_revealed"], after["record"]["is_destroyed"]) == (
        "revealed",
        True,
        True,
    )
    assert after["record"]["revealed"] >= after["record"]["created"]
    assert after["record"]["secret_state"] is None
    assert after["details"]["secret_realttl"] is None
    assert api.get(f"secret/{key}/status").json() == {"record": {"state": "unknown"}}
    gone = api.post(f"secret/{key}/reveal", {"continue": True})
    assert (gone.status_code, gone.json()["error"], gone.json()["error_type"]) == (
        404,
        "Unknown secret",
        "RecordNotFound",
    )
    assert run("receipt", "--json", after["record"]["receipt_url"]).returncode == 0


def test_the_link_to_send_is_in_the_answer_and_nowhere_later(api: Api, run: Run) -> None:
    receipt = api.conceal()["record"]["receipt"]
    told = api.get(f"private/{receipt['key']}").json()["record"]
    assert told["share_url"] is None
    assert told["secret_identifier"] is None
    assert receipt["secret_identifier"] not in api.get("receipt/recent").text
    assert run("open", receipt["share_url"], TAINA_URL=None).stdout.decode() == "тайна"


def test_a_passphrase_is_asked_for_and_a_missing_one_costs_no_try(api: Api) -> None:
    record = api.conceal(passphrase="парола")["record"]
    key = record["secret"]["identifier"]
    assert record["receipt"]["has_passphrase"] is True
    assert api.get(f"secret/{key}").json()["record"]["has_passphrase"] is True
    left = []
    for passphrase in (None, "", "wrong"):
        refused = api.post(f"secret/{key}/reveal", {"continue": True, "passphrase": passphrase})
        assert refused.status_code == 422
        assert refused.json()["error"] == "Incorrect passphrase"
        left.append(refused.json()["attempts_left"])
    assert left[0] == left[1] == left[2] + 1
    opened = api.post(f"secret/{key}/reveal", {"continue": "true", "passphrase": "парола"}).json()
    assert opened["record"]["secret_value"] == "тайна"


def test_a_generated_text_is_in_the_answer(api: Api) -> None:
    made = api.post("secret/generate", {"secret": {"ttl": 600, "length": 40}}).json()
    value = made["record"]["secret"]["secret_value"]
    assert len(value) == 40
    assert made["details"]["kind"] == made["record"]["receipt"]["kind"] == "generate"
    key = made["record"]["secret"]["identifier"]
    assert api.post(f"secret/{key}/reveal", {"continue": True}).json()["record"]["secret_value"] == value
    digits = {"uppercase": False, "lowercase": False, "numbers": True, "symbols": False}
    made = api.post("secret/generate", {"secret": {"character_sets": digits}}).json()
    assert set(made["record"]["secret"]["secret_value"]) <= set("23456789")
    assert len(api.post("secret/generate").json()["record"]["secret"]["secret_value"]) == 16


def test_a_secret_is_burned_if_the_call_means_it(api: Api) -> None:
    receipt = api.conceal()["record"]["receipt"]["identifier"]
    for body in ({}, {"continue": False}):
        kept = api.post(f"receipt/{receipt}/burn", body).json()
        assert (kept["success"], kept["record"]["state"]) == (False, "new")
    burned = api.post(f"receipt/{receipt}/burn", {"continue": True}).json()
    assert (burned["success"], burned["record"]["state"], burned["record"]["is_burned"]) == (True, "burned", True)
    assert burned["record"]["burned"] > 0
    opened = api.conceal()["record"]
    api.post(f"secret/{opened['secret']['key']}/reveal", {"continue": True})
    late = api.post(f"private/{opened['receipt']['key']}/burn", {"continue": "true"}).json()
    assert (late["success"], late["record"]["state"]) == (False, "revealed")


def test_what_was_sent_is_listed_for_its_user_name(api: Api, bridge: str) -> None:
    first, second = (api.conceal()["record"]["receipt"]["key"] for _ in range(2))
    api.post(f"receipt/{first}/burn", {"continue": True})
    listed = api.get("receipt/recent").json()
    assert listed["success"] is True
    assert [one["key"] for one in listed["records"]][:2] == [second, first]
    assert listed["count"] == len(listed["records"])
    assert first in [one["key"] for one in listed["details"]["revealed_receipts"]]
    assert second in [one["key"] for one in listed["details"]["pending_receipts"]]
    other = httpx.get(f"{bridge}/api/v2/private/recent", auth=("somebody.else", TOKEN)).json()
    assert (other["count"], other["records"]) == (0, [])


@pytest.mark.parametrize("way", ["commas", "list"])
def test_several_secrets_are_looked_at_at_once(api: Api, way: str) -> None:
    keys = [api.conceal()["record"]["secret"]["key"] for _ in range(2)]
    asked = [*keys, "nonsense"]
    found = api.post("secret/status", {"identifiers": ",".join(asked) if way == "commas" else asked}).json()
    assert found["count"] == 2
    assert [one["identifier"] for one in found["records"]] == keys


def test_what_it_is_and_how_it_is(api: Api) -> None:
    assert api.get("status").json() == {"success": True, "status": "nominal", "locale": "en"}
    assert api.get("version").json()["version"]
    assert api.get("supported-locales").json()["locales"] == ["en"]


def test_forms_name_the_fields_of_the_secret(api: Api, bridge: str) -> None:
    for form in ({"data": {"secret[secret]": "x", "secret[ttl]": "600"}}, {"files": {"secret[secret]": (None, "x")}}):
        made: Any = httpx.post(f"{bridge}/api/v2/secret/conceal", auth=AUTH, **form).json()
        key = made["record"]["secret"]["key"]
        opened = httpx.post(f"{bridge}/api/v2/secret/{key}/reveal", auth=AUTH, data={"continue": "true"}).json()
        assert opened["record"]["secret_value"] == "x"


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("secret/conceal", {}, 422, "secret"),
        ("secret/conceal", {"secret": "flat"}, 422, "secret"),
        ("secret/conceal", {"secret": {"secret": ""}}, 422, "secret"),
        ("secret/conceal", {"secret": {"secret": {}}}, 422, "secret"),
        ("secret/conceal", {"secret": {"secret": "x", "ttl": "soon"}}, 422, "ttl"),
        ("secret/conceal", {"secret": {"secret": "x", "ttl": -1}}, 422, "ttl"),
        ("secret/conceal", {"secret": {"secret": "x", "recipient": "a@example.org"}}, 422, "recipient"),
        ("secret/conceal", {"secret": {"secret": "x", "recipient": ["a@example.org"]}}, 422, "recipient"),
        ("secret/conceal", {"secret": {"secret": "x", "recipient": {"a": 1}}}, 422, "recipient"),
        ("secret/generate", {"secret": {"length": 1000}}, 422, "length"),
        ("secret/generate", {"secret": {"length": 0}}, 422, "length"),
        ("secret/generate", {"secret": {"character_sets": "all"}}, 422, "character_sets"),
        ("secret/generate", {"secret": {"character_sets": {"numbers": "perhaps"}}}, 422, "numbers"),
        (
            "secret/generate",
            {"secret": {"character_sets": {"numbers": False, "uppercase": False, "lowercase": False}}},
            422,
            "character_sets",
        ),
        ("secret/status", {"identifiers": {"a": 1}}, 422, "identifiers"),
        ("secret/nonsense/reveal", {"continue": True}, 404, None),
        ("receipt/nonsense/burn", {"continue": True}, 404, None),
        ("receipt/nonsense/burn", {"continue": "perhaps"}, 422, "continue"),
    ],
)
def test_bad_input(api: Api, path: str, body: object, status: int, field: str | None) -> None:
    answer = api.post(path, body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert answer.json()["error_type"] == ("RecordNotFound" if status == 404 else "FormError")
    assert answer.json().get("field") == field


def test_guests_call_it_by_another_path_where_only_one_user_can(taina: Server, tmp_path: Path) -> None:
    path = tmp_path / "bridge.sock"
    command = [*COMMAND, "bridge", "--socket", str(path), "--url", taina.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost/api/v2") as guest:
            made = guest.post("/guest/secret/conceal", json={"secret": {"secret": "x"}}).json()["record"]
            assert made["receipt"]["custid"] == "anon"
            assert guest.get(f"/guest/receipt/{made['receipt']['key']}").json()["record"]["state"] == "new"
            opened = guest.post(f"/guest/secret/{made['secret']['key']}/reveal", json={"continue": True}).json()
            assert opened["record"]["secret_value"] == "x"
        process.terminate()


def test_a_server_that_was_away_for_a_moment_is_asked_again() -> None:
    """Calls are made in other threads than the command's; telling there of another try ended in an error."""
    answers = [problem(503, code="unavailable"), says({"version": "0"})]
    with HostileServer(lambda _: answers.pop(0)) as server:
        command = [*COMMAND, "bridge", "--port", "0", "--url", server.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            token = process.stdout.readline().split()[-1]
            status = httpx.get(f"{url}/api/v2/status", auth=("", token), timeout=60).status_code
            process.terminate()
            assert process.stderr
            assert "Trying again for a while" in process.stderr.read()
    assert status == 200
