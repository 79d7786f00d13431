"""`taina request|answer|inbox`."""

import json
import threading
import time
from typing import Any

import httpx
import pytest

from cli.conftest import Run, RunHere
from support.hostile_server import HostileServer, problem, says, whole
from support.servers import Server
from taina import base64url
from taina.client.answers import Json
from taina.client.transport import Transport
from taina.format.derive import derive_request
from taina.format.links import Link, decode_link, encode_link


def test_ask_answer_read(run: Run) -> None:
    asked = json.loads(run("request", "--json", "--answers", "2", "--ttl", "1h").stdout)
    nothing = run("inbox", asked["inbox"])
    assert (nothing.stdout, nothing.returncode) == (b"", 0)
    assert b"No answer yet" in nothing.stderr
    assert b"Only the person who asked can open it" in run("answer", asked["link"], "-", given=b"hunter2").stderr
    receipt = json.loads(run("answer", asked["link"], "-", "--json", given=b"two").stdout)["receipt"]
    first, second = run("inbox", asked["inbox"]).stdout.decode().split()
    assert run("open", first).stdout == b"hunter2"
    assert run("open", second).stdout == b"two"
    assert json.loads(run("receipt", receipt, "--json").stdout)["proved"] is True
    full = run("answer", asked["link"], "-", given=b"late")
    assert full.returncode == 6
    assert b"takes no more answers" in full.stderr
    assert run("inbox", asked["inbox"], "--delete").returncode == 0
    assert run("inbox", asked["inbox"]).returncode == 3


@pytest.mark.parametrize("ended", ["GET /api/v1/requests", "PUT /api/v1/secrets", "POST /api/v1/requests"])
def test_a_request_that_is_over_is_no_secret_that_is_gone(run: Run, taina: Server, ended: str) -> None:
    """Before anything is sent, while it is sent, and once it has been."""
    over = problem(410, code="gone", state="expired", ended=1)
    status = {"state": "open", "answers_left": 1, "expires": 4_000_000_000, "size": 1 << 20}
    answers = {
        "GET /api/v1/requests": says(status),
        "GET /api/v1/status": whole(httpx.get(f"{taina.url}/api/v1/status").content),
        "PUT /api/v1/secrets": says({"state": "waiting", "expires": 4_000_000_000}, "201 Created"),
        "POST /api/v1/requests": says({"answers_left": 0}, "201 Created"),
        "POST /api/v1/receipts": says({"state": "burned"}),
    }
    link = encode_link(Link("request", bytes(range(32))))

    def answer(asked: str) -> list[bytes]:
        begins = next(begins for begins in answers if asked.startswith(begins))
        if begins == ended:
            answers["GET /api/v1/requests"] = over
            return over
        return answers[begins]

    with HostileServer(answer) as server:
        said = run("answer", f"{server.url}/r/#{link}", "-", given=b"late")
    assert said.returncode == 3
    assert b"This request has expired. Ask for a new link." in said.stderr


def test_waiting_for_an_answer(run: Run) -> None:
    asked = json.loads(run("request", "--json").stdout)
    assert run("inbox", asked["inbox"], "--wait", "--delete").returncode == 2
    said: list[bytes] = []
    waiting = threading.Thread(target=lambda: said.append(run("inbox", asked["inbox"], "--wait").stdout))
    waiting.start()
    run("answer", asked["link"], "-", given=b"hunter2")
    waiting.join(timeout=30)
    assert run("open", said[0].decode().strip()).stdout == b"hunter2"


def test_nobody_waits_for_an_answer_that_cannot_come_any_more(run: Run, run_here: RunHere) -> None:
    asked = json.loads(run("request", "--json", "--ttl", "1h").stdout)
    late = time.time() + 7200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: late)
        code, said, told = run_here("inbox", asked["inbox"], "--wait")
    assert (code, said) == (0, "")
    assert "No answer came. It could come until" in told


def test_whoever_interrupts_an_answer_is_told_that_it_may_have_arrived(run: Run, run_here: RunHere) -> None:
    asked = json.loads(run("request", "--json").stdout)
    call = Transport.json

    def interrupted(self: Transport, method: str, path: str, **more: Any) -> Json:
        answer = call(self, method, path, **more)
        if path.endswith("/envelopes"):
            raise KeyboardInterrupt
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "json", interrupted)
        code, _, told = run_here("answer", asked["link"], "hunter2")
    assert code == 130
    assert "Interrupted. It may have arrived: ask whoever wanted it before you answer again." in told
    assert run("open", "-", given=run("inbox", asked["inbox"]).stdout).stdout == b"hunter2"


def test_an_answer_with_a_passphrase_when_the_asker_wants_one(run: Run) -> None:
    asked = json.loads(run("request", "--json", "--passphrase").stdout)
    assert run("answer", asked["link"], "text").returncode == 2
    assert run("answer", asked["link"], "text", TAINA_PASSPHRASE="p").returncode == 0
    document = json.loads(run("inbox", asked["inbox"], "--json").stdout)
    assert run("open", document["answers"][0], TAINA_PASSPHRASE="p").stdout == b"text"


def test_the_inbox_in_place_of_the_link(run: Run) -> None:
    asked = json.loads(run("request", "--json").stdout)
    done = run("answer", asked["inbox"], "text")
    assert done.returncode == 2
    assert b"inbox of a request" in done.stderr
    assert run("open", asked["link"]).returncode == 2


def leave_garbage(taina: Server, link: str) -> None:
    request = derive_request(decode_link(link, "request").body)
    garbage = {"envelope": base64url.encode(bytes(81))}
    token = {"Authorization": f"Bearer {base64url.encode(request.token)}"}
    url = f"{taina.url}/api/v1/requests/{base64url.encode(request.id)}/envelopes"
    assert httpx.post(url, headers=token, json=garbage).status_code == 201


def test_nobody_waits_for_an_answer_to_a_request_that_junk_has_filled(
    run: Run, run_here: RunHere, taina: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = json.loads(run("request", "--json").stdout)
    leave_garbage(taina, asked["link"])
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    code, said, told = run_here("inbox", asked["inbox"], "--wait")
    assert (code, said) == (0, "")
    assert "Someone left something that is not an answer to you." in told
    assert "This request takes no more answers. Make a new one: taina request" in told


def test_what_is_no_answer_is_told_and_the_others_are_read(run: Run, taina: Server) -> None:
    asked = json.loads(run("request", "--json", "--answers", "2").stdout)
    leave_garbage(taina, asked["link"])
    run("answer", asked["link"], "-", given=b"an answer")
    inbox = run("inbox", asked["inbox"])
    assert b"Someone left something that is not an answer to you." in inbox.stderr
    (link,) = inbox.stdout.decode().split()
    assert run("open", link).stdout == b"an answer"
    assert json.loads(run("inbox", asked["inbox"], "--delete", "--json").stdout) == {"state": "deleted"}
