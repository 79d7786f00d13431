"""Whatever comes in wrong gets a 4xx problem that names the field, and is never a 5xx."""

import json
import socket
from typing import Any

import httpx
import pytest

from support.api import bearer, create, receipt_path, reveal, secret_path
from support.secrets import Made
from taina import base64url

NUMBERS = ("ttl", "chunks", "size")
BYTES = ("link_hash", "reveal_hash", "receipt_id", "receipt_hash")


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem.get("field"), problem["status"]) == (code, field, status)
    assert problem["detail"]
    assert problem["title"]


@pytest.mark.parametrize("field", [*BYTES, *NUMBERS, "passphrase"])
def test_every_field_is_needed(api: httpx.Client, field: str) -> None:
    made = Made()
    body = made.body()
    del body[field]
    refused(api.put(secret_path(made), json=body), 422, "invalid", field)


WRONG_BYTES: list[Any] = [1, None, [], {}, "", "A", "====", "a" * 1000, "ä", "+/+/", True]
WRONG_NUMBERS: list[Any] = ["3600", None, 1.5, -1, True, [], 2**53, 10**400, 0]
WRONG_FLAGS: list[Any] = [0, 1, "true", None, []]
WRONG_CONTENT: list[Any] = [None, 5, "=", "A", "AB", base64url.encode(bytes(1039))]


@pytest.mark.parametrize(
    ("field", "value"),
    [(name, value) for name in BYTES for value in WRONG_BYTES]
    + [(name, value) for name in NUMBERS for value in WRONG_NUMBERS]
    + [("passphrase", value) for value in WRONG_FLAGS]
    + [("content", value) for value in WRONG_CONTENT],
)
def test_every_field_has_its_type_and_range(api: httpx.Client, field: str, value: Any) -> None:
    made = Made()
    refused(api.put(secret_path(made), json={**made.body(), field: value}), 422, "invalid", field)


def test_stray_bits_are_another_spelling_and_refused(api: httpx.Client) -> None:
    made = Made()
    whole = base64url.encode(bytes(32))
    refused(
        api.put(secret_path(made), json={**made.body(), "link_hash": whole[:-1] + "B"}), 422, "invalid", "link_hash"
    )


def test_unknown_fields_are_named(api: httpx.Client) -> None:
    made = create(api, Made())
    new = Made()
    refused(api.put(secret_path(new), json={**new.body(), "text": "oops"}), 422, "invalid", "text")
    path, headers = f"{secret_path(made)}/reveal", bearer(made.link_proof)
    refused(api.post(path, headers=headers, json={**made.reveal_body(), "x": 1}), 422, "invalid", "x")
    body = made.reveal_body()
    body["claim"]["token"] = "x"
    refused(api.post(path, headers=headers, json=body), 422, "invalid", "claim.token")
    body = made.reveal_body()
    body["claim"] = "x"
    refused(api.post(path, headers=headers, json=body), 422, "invalid", "claim")
    body["claim"] = {"id": "AAAA", "hash": base64url.encode(bytes(32))}
    refused(api.post(path, headers=headers, json=body), 422, "invalid", "claim.id")
    assert reveal(api, made).status_code == 200


@pytest.mark.parametrize("secret_id", ["x", "A" * 21, "A" * 23, "A" * 21 + "B", "~" * 22, "%00", "A" * 4000, "é"])
def test_an_identifier_has_sixteen_bytes(api: httpx.Client, secret_id: str) -> None:
    refused(api.put(f"/secrets/{secret_id}", json=Made().body()), 422, "invalid", "id")
    refused(api.get(f"/secrets/{secret_id}", headers=bearer(bytes(32))), 422, "invalid", "id")
    refused(api.get(f"/receipts/{secret_id}", headers=bearer(bytes(32))), 422, "invalid", "id")
    refused(api.get(f"/claims/{secret_id}", headers=bearer(bytes(32))), 422, "invalid", "id")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "Basic " + "A" * 43,
        "Token " + "A" * 43,
        "Bearer " + "A" * 44,
        "Bearer  " + "A" * 43,
    ],
)
def test_a_token_has_thirty_two_bytes(api: httpx.Client, header: str) -> None:
    made = create(api, Made())
    refused(api.get(secret_path(made), headers={"Authorization": header}), 422, "invalid", "Authorization")


@pytest.mark.parametrize("n", ["-1", "+1", "x", "1.0", "01", "1e3", "٣", "99999999999", "%20"])
def test_a_chunk_has_a_plain_number(api: httpx.Client, n: str) -> None:
    made = create(api, Made())
    headers = {**bearer(made.receipt_token), "Content-Type": "application/octet-stream"}
    refused(api.put(f"{secret_path(made)}/chunks/{n}", headers=headers, content=b"x"), 422, "invalid", "n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}{}",
        b"\xff\xfe",
        b'{"ttl": NaN}',
        b'{"ttl": 1, "ttl": 2}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":' + b"1" * 100_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_malformed(api: httpx.Client, body: bytes) -> None:
    answer = api.put(secret_path(Made()), content=body, headers={"Content-Type": "application/json"})
    refused(answer, 400, "malformed")


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_the_content_type_has_to_be_json(api: httpx.Client, content_type: str | None) -> None:
    made = Made()
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = api.put(secret_path(made), content=json.dumps(made.body()).encode(), headers=headers)
    refused(answer, 415, "unsupported_media_type", "Content-Type")


def test_a_charset_beside_the_content_type_is_fine(api: httpx.Client) -> None:
    made = Made()
    headers = {"Content-Type": "application/JSON; charset=utf-8"}
    assert api.put(secret_path(made), content=json.dumps(made.body()).encode(), headers=headers).status_code == 201


@pytest.mark.parametrize("size", [2 << 20, 5 << 20])
def test_a_body_has_its_limit(api: httpx.Client, size: int) -> None:
    made = Made()
    body = json.dumps({**made.body(), "content": "A" * size}).encode()
    refused(
        api.put(secret_path(made), content=body, headers={"Content-Type": "application/json"}), 413, "too_large", "body"
    )
    chunk = {**bearer(made.receipt_token), "Content-Type": "application/octet-stream"}
    refused(api.put(f"{secret_path(made)}/chunks/0", content=bytes(size), headers=chunk), 413, "too_large", "body")


def test_a_secret_has_its_limit(api: httpx.Client) -> None:
    made = Made()
    body = {**made.body(inline=False), "size": 200 << 20, "chunks": 200}
    refused(api.put(secret_path(made), json=body), 413, "too_large", "size")


def test_wrong_methods_say_which_are_right(api: httpx.Client) -> None:
    made = Made()
    for method, path, allowed in [
        ("POST", secret_path(made), "GET, HEAD, PUT"),
        ("DELETE", secret_path(made), "GET, HEAD, PUT"),
        ("GET", f"{secret_path(made)}/reveal", "POST"),
        ("PATCH", receipt_path(made), "GET, HEAD"),
        ("DELETE", "/status", "GET, HEAD"),
    ]:
        answer = api.request(method, path)
        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == set(allowed.split(", "))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/../../etc/passwd",
        "/api/v1/%2e%2e/%2e%2e/taina.db",
        "/assets/../headers.json",
        "/%2e%2e/taina.db",
        "//etc/passwd",
        "/headers.json",
        "/en/..%2f..%2fdata",
        "/api//",
        "/api/v2/status",
        "/api/v1",
        "/en/index.html%00.png",
        "/\\..\\taina.db",
    ],
)
def test_path_tricks_lead_nowhere(api: httpx.Client, path: str) -> None:
    """Sent as it is written: a client library would tidy it up."""
    host, port = api.base_url.host, api.base_url.port
    assert port is not None
    with socket.create_connection((host, port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 404 "), answer[:200]
    assert b"rules" not in answer
