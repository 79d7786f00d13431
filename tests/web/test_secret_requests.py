"""The calls of requests for secrets, over real sockets."""

import threading
from typing import Any

import httpx
import pytest

from support.api import answer, ask, bearer, inbox, request_path
from support.secrets import MadeRequest, envelope
from taina import base64url


def test_the_whole_story(api: httpx.Client) -> None:
    made = MadeRequest(answers=2)
    asked = api.put(request_path(made), json=made.body())
    assert (asked.status_code, set(asked.json())) == (201, {"expires"})
    assert api.put(request_path(made), json=made.body()).status_code == 200
    expires = asked.json()["expires"]

    status = api.get(request_path(made), headers=bearer(made.answer_token))
    assert status.json() == {"state": "open", "answers_left": 2, "expires": expires, "size": 100 << 20}
    first, second = envelope(), envelope()
    answers = [answer(api, made, sealed) for sealed in (first, first, second)]
    assert [(each.status_code, each.json()) for each in answers] == [
        (201, {"answers_left": 1}),
        (200, {"answers_left": 1}),
        (201, {"answers_left": 0}),
    ]
    refused = answer(api, made, envelope())
    assert (refused.status_code, refused.json()["code"]) == (409, "answered")
    assert api.get(request_path(made), headers=bearer(made.answer_token)).json()["state"] == "full"

    found = inbox(api, made).json()
    assert (found["answers"], found["expires"]) == (2, expires)
    assert [base64url.decode(each["envelope"]) for each in found["envelopes"]] == [first, second]
    assert all(expires - 3600 <= each["received"] <= expires for each in found["envelopes"])

    deleted = api.delete(request_path(made), headers=bearer(made.inbox_token))
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert inbox(api, made).status_code == 404


def test_thirty_two_answers_race_over_http(api: httpx.Client) -> None:
    for _ in range(3):
        made = ask(api, MadeRequest(answers=3))
        gate = threading.Barrier(32)
        answers: list[int] = []

        def leave(made: MadeRequest = made, gate: threading.Barrier = gate, answers: list[int] = answers) -> None:
            with httpx.Client(base_url=api.base_url, verify=False) as answerer:
                gate.wait(60)
                answers.append(answer(answerer, made, envelope()).status_code)

        threads = [threading.Thread(target=leave) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [201] * 3 + [409] * 29
        assert len(inbox(api, made).json()["envelopes"]) == 3


@pytest.mark.parametrize("token", [None, bytes(32)])
def test_unknown_and_unproved_look_the_same(api: httpx.Client, token: bytes | None) -> None:
    made, unknown = ask(api, MadeRequest()), MadeRequest()
    headers = {} if token is None else bearer(token)
    body = {"envelope": base64url.encode(envelope())}
    calls = [("GET", "", None), ("DELETE", "", None), ("GET", "/envelopes", None), ("POST", "/envelopes", body)]
    for method, rest, sent in calls:
        answers = [
            api.request(method, request_path(each) + rest, headers=headers, json=sent) for each in (made, unknown)
        ]
        assert [each.status_code for each in answers] == [404, 404], (method, rest)
        assert answers[0].content == answers[1].content
    assert inbox(api, made).json()["envelopes"] == []


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("inbox_hash", [1, None, "", "A", "=" * 43, "a" * 1000]),
        ("answer_hash", [[], "A" * 42, "A" * 44]),
        ("ttl", ["3600", None, 299, 30 * 86400 + 1, -1, True, 1.5]),
        ("answers", ["1", None, 0, 101, -1, True, 1.5]),
        ("text", ["oops"]),
    ],
)
def test_every_field_has_its_type_and_range(api: httpx.Client, field: str, values: list[Any]) -> None:
    made = MadeRequest()
    for value in values:
        refused(api.put(request_path(made), json={**made.body(), field: value}), field)
    assert inbox(api, made).status_code == 404


@pytest.mark.parametrize("field", ["inbox_hash", "answer_hash", "ttl", "answers"])
def test_every_field_is_needed(api: httpx.Client, field: str) -> None:
    made = MadeRequest()
    body = made.body()
    del body[field]
    refused(api.put(request_path(made), json=body), field)


@pytest.mark.parametrize("sealed", [b"", bytes(80), bytes(82)])
def test_an_envelope_has_its_size(api: httpx.Client, sealed: bytes) -> None:
    made = ask(api, MadeRequest())
    refused(answer(api, made, sealed), "envelope")
    path, headers = f"{request_path(made)}/envelopes", bearer(made.answer_token)
    refused(api.post(path, headers=headers, json={}), "envelope")
    refused(api.post(path, headers=headers, json={"envelope": base64url.encode(envelope()), "x": 1}), "x")


@pytest.mark.parametrize("request_id", ["x", "A" * 21, "A" * 23, "A" * 21 + "B"])
def test_an_identifier_has_sixteen_bytes(api: httpx.Client, request_id: str) -> None:
    token = bearer(bytes(32))
    refused(api.put(f"/requests/{request_id}", json=MadeRequest().body()), "id")
    refused(api.get(f"/requests/{request_id}", headers=token), "id")
    refused(api.delete(f"/requests/{request_id}", headers=token), "id")
    refused(api.get(f"/requests/{request_id}/envelopes", headers=token), "id")


def refused(answer: httpx.Response, field: str) -> None:
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid", field)
