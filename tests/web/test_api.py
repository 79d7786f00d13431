"""Every call of the specification, over real sockets."""

import os
import threading

import httpx
import pytest

from support.api import bearer, claim_path, create, receipt_path, request_path, reveal, secret_path, upload
from support.secrets import Made, MadeRequest, made_of_chunks
from taina import base64url


def test_the_whole_story(api: httpx.Client) -> None:
    made = Made(passphrase=True)
    created = api.put(secret_path(made), json=made.body())
    assert created.status_code == 201
    assert created.json() == {"state": "waiting", "expires": created.json()["expires"]}
    assert api.put(secret_path(made), json=made.body()).status_code == 200

    status = api.get(secret_path(made), headers=bearer(made.link_proof))
    assert status.json() == {
        "state": "waiting",
        "passphrase": True,
        "size": 1040,
        "chunks": 1,
        "expires": created.json()["expires"],
        "attempts_left": 10,
    }
    first, second = reveal(api, made), reveal(api, made)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json() == {"chunks": 1, "content": base64url.encode(made.chunks[0])}

    lease = api.get(claim_path(made), headers=bearer(made.claim_token)).json()
    assert (lease["chunks"], lease["size"]) == (1, 1040)
    chunk = api.get(f"{claim_path(made)}/chunks/0", headers=bearer(made.claim_token))
    assert chunk.headers["content-type"] == "application/octet-stream"
    assert chunk.content == made.chunks[0]

    opened = base64url.encode(made.opened_proof)
    for _ in range(2):
        acknowledged = api.post(f"{claim_path(made)}/ack", headers=bearer(made.claim_token), json={"opened": opened})
        assert acknowledged.json() == {"state": "opened"}
    receipt = api.get(receipt_path(made), headers=bearer(made.receipt_token)).json()
    assert set(receipt) == {"state", "created", "expires", "ended", "failed_attempts", "opened"}
    assert (receipt["state"], receipt["opened"]) == ("opened", opened)

    gone = api.get(secret_path(made), headers=bearer(made.link_proof))
    assert gone.status_code == 410
    assert gone.headers["content-type"] == "application/problem+json"
    assert gone.json() == {
        "title": "Gone",
        "status": 410,
        "detail": gone.json()["detail"],
        "code": "gone",
        "state": "opened",
        "ended": receipt["ended"],
    }


def test_a_reveal_without_a_claim(api: httpx.Client) -> None:
    made = create(api, Made())
    assert reveal(api, made, claim=False).json()["content"] == base64url.encode(made.chunks[0])
    assert reveal(api, made, claim=False).status_code == 410


def test_many_chunks_in_parallel_both_ways(api: httpx.Client) -> None:
    made = create(api, made_of_chunks(4))
    assert reveal(api, made).json()["code"] == "not_ready"
    threads = [threading.Thread(target=upload, args=(api, made, n)) for n in (3, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    present = api.get(f"{secret_path(made)}/chunks", headers=bearer(made.receipt_token))
    assert present.json() == {"present": [1, 3]}
    assert [upload(api, made, n).status_code for n in (0, 2, 2)] == [204, 204, 204]
    assert reveal(api, made).json() == {"chunks": 4}
    chunks = [api.get(f"{claim_path(made)}/chunks/{n}", headers=bearer(made.claim_token)).content for n in range(4)]
    assert tuple(chunks) == made.chunks


def test_one_chunk_may_be_uploaded_too(api: httpx.Client) -> None:
    made = Made()
    assert api.put(secret_path(made), json=made.body(inline=False)).json()["state"] == "uploading"
    assert upload(api, made, 0).status_code == 204
    assert reveal(api, made).json()["content"] == base64url.encode(made.chunks[0])


def test_a_chunk_of_a_whole_mebibyte_fits_inline(api: httpx.Client) -> None:
    made = create(api, Made(chunks=(os.urandom((1 << 20) + 16),)))
    assert base64url.decode(reveal(api, made).json()["content"]) == made.chunks[0]


def test_wrong_proofs_are_counted_and_the_last_locks(api: httpx.Client) -> None:
    made = create(api, Made(passphrase=True))
    wrong = {"proof": base64url.encode(bytes(32))}
    for left in range(9, -1, -1):
        answer = api.post(f"{secret_path(made)}/reveal", headers=bearer(made.link_proof), json=wrong)
        assert (answer.status_code, answer.json()["code"], answer.json()["attempts_left"]) == (
            403,
            "wrong_passphrase",
            left,
        )
    locked = reveal(api, made)
    assert (locked.status_code, locked.json()["state"]) == (410, "locked")


def test_burning(api: httpx.Client) -> None:
    made = create(api, Made())
    for _ in range(2):
        burned = api.post(f"{receipt_path(made)}/burn", headers=bearer(made.receipt_token))
        assert (burned.status_code, burned.json()) == (200, {"state": "burned"})
    assert reveal(api, made).json()["state"] == "burned"


@pytest.mark.parametrize("proof", [None, bytes(32)])
def test_unknown_and_unproved_look_the_same(api: httpx.Client, proof: bytes | None) -> None:
    made, unknown = create(api, Made()), Made()
    headers = {} if proof is None else bearer(proof)
    calls = [
        ("GET", secret_path, ""),
        ("POST", secret_path, "/reveal"),
        ("GET", secret_path, "/chunks"),
        ("PUT", secret_path, "/chunks/0"),
        ("GET", claim_path, ""),
        ("GET", claim_path, "/chunks/0"),
        ("POST", claim_path, "/ack"),
        ("GET", receipt_path, ""),
        ("POST", receipt_path, "/burn"),
    ]
    bodies = {"/reveal": made.reveal_body(), "/ack": {"opened": base64url.encode(made.opened_proof)}}
    for method, path, rest in calls:
        answers = []
        for one in (made, unknown):
            sent = dict(headers)
            if rest == "/chunks/0" and method == "PUT":
                sent["Content-Type"] = "application/octet-stream"
                answers.append(api.request(method, path(one) + rest, headers=sent, content=b"x"))
            else:
                answers.append(api.request(method, path(one) + rest, headers=sent, json=bodies.get(rest)))
        assert [answer.status_code for answer in answers] == [404, 404], (method, rest)
        assert answers[0].content == answers[1].content
    assert reveal(api, made).status_code == 200


def test_sixty_four_readers_race_over_http(api: httpx.Client) -> None:
    for _ in range(5):
        made = create(api, Made())
        gate = threading.Barrier(64)
        answers: list[int] = []

        def read(made: Made = made, gate: threading.Barrier = gate, answers: list[int] = answers) -> None:
            with httpx.Client(base_url=api.base_url, verify=False) as reader:
                gate.wait(60)
                answers.append(reveal(reader, made.another_reader()).status_code)

        threads = [threading.Thread(target=read) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200] + [410] * 63


def test_status_tells_limits(api: httpx.Client) -> None:
    status = api.get("/status").json()
    assert set(status) == {"version", "protocol", "limits", "ttl", "lease", "options"}
    assert status["limits"]["chunk"] == (1 << 20) + 16
    assert status["ttl"] == {"min": 300, "max": 2592000, "default": 604800}


def test_every_answer_has_the_headers_of_the_api(api: httpx.Client) -> None:
    made = create(api, Made())
    answers = [api.get("/status"), api.get("/nothing"), api.delete("/status"), reveal(api, made), reveal(api, made)]
    for answer in [*answers, api.get("/secrets/x"), api.put(secret_path(made), content=b"{")]:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, False),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"}, False),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_pages_of_other_sites_are_refused(api: httpx.Client, headers: dict[str, str], allowed: bool) -> None:
    made = create(api, Made())
    answer = api.get(secret_path(made), headers={**bearer(made.link_proof), **headers})
    assert answer.status_code == (200 if allowed else 403)
    assert allowed or answer.json()["code"] == "cross_site"


def test_its_own_origin_is_no_other_site(api: httpx.Client) -> None:
    made = create(api, Made())
    origin = str(api.base_url).removesuffix("/api/v1/")
    assert api.get(secret_path(made), headers={**bearer(made.link_proof), "Origin": origin}).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/status"])
def test_watchers_may_ask_for_the_head_alone(api: httpx.Client, path: str) -> None:
    answer = api.head(path)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["Cache-Control"] == "no-store"


def test_whatever_answers_get_answers_head(api: httpx.Client) -> None:
    """Monitors and caches ask by HEAD: the same status and headers as GET gives, and no body."""
    made = create(api, Made())
    reveal(api, made)
    asked = MadeRequest()
    assert api.put(request_path(asked), json=asked.body()).status_code == 201
    calls = {
        "/status": b"",
        "/health": b"",
        "/ready": b"",
        "/openapi.json": b"",
        receipt_path(made): made.receipt_token,
        claim_path(made): made.claim_token,
        f"{claim_path(made)}/chunks/0": made.claim_token,
        request_path(asked): asked.answer_token,
        f"{request_path(asked)}/envelopes": asked.inbox_token,
        secret_path(made): made.link_proof,  # 410
        "/nothing": b"",
    }
    for path, token in calls.items():
        headers = bearer(token) if token else {}
        get, head = api.get(path, headers=headers), api.head(path, headers=headers)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers["Content-Length"] == str(len(get.content)), path
        assert head.headers["Content-Type"] == get.headers["Content-Type"], path
