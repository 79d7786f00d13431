"""The OpenAPI document and the running server agree."""

import ast
from pathlib import Path

import httpx
import pytest
import schemathesis

import taina
from support.api import bearer, create, secret_path
from support.openapi_fuzzing import calls_of, fuzz_call
from support.secrets import Made
from support.servers import Server
from taina import errors
from taina.rules.types import Limits
from taina.web.openapi import document
from taina.web.problems import STATUSES

DOCUMENT = document(Limits())
CALLS = calls_of(DOCUMENT["paths"])

PLAIN = ("/status", "/health", "/ready")
"""These take nothing that could be wrong."""


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_right_requests_get_documented_answers(taina: Server, method: str, path: str) -> None:
    fuzz(taina, method, path, schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call[1] not in PLAIN])
def test_wrong_requests_get_documented_refusals(taina: Server, method: str, path: str) -> None:
    fuzz(taina, method, path, schemathesis.GenerationMode.NEGATIVE)


def fuzz(taina: Server, method: str, path: str, mode: schemathesis.GenerationMode) -> None:
    fuzz_call(taina.url, method, path, mode, examples=30, derandomize=True)


def test_the_document_is_the_one_that_the_server_gives(api: httpx.Client) -> None:
    assert api.get("/openapi.json").json() == DOCUMENT


def test_every_call_is_documented(api: httpx.Client) -> None:
    """Each path of the document is served, and takes just the methods that are documented for it."""
    made = create(api, Made())
    for path, calls in DOCUMENT["paths"].items():
        real = path.replace("{secret_id}", secret_path(made).split("/")[2]).replace("{n}", "0")
        real = real.replace("{claim_id}", "A" * 22).replace("{receipt_id}", "A" * 22).replace("{request_id}", "A" * 22)
        allowed = api.options(real).headers["allow"].lower().split(", ")
        head = {"head"} if "get" in calls else set()
        assert set(allowed) - {"options"} == set(calls) - {"parameters"} | head
    assert api.get(secret_path(made), headers=bearer(made.link_proof)).status_code == 200


def test_the_document_has_each_code_that_a_server_sends_once_and_no_other() -> None:
    codes = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert len(codes) == len(set(codes))
    assert {"internal", "gone", "wrong_passphrase", "rate_limited", "storage_full"} <= set(codes)
    found_by_clients = {"bad_format", "incomplete_link", "wrong_link", "newer_link", "tampered", "unreachable"}
    assert not (found_by_clients | {"unreadable"}) & set(codes)


def test_the_calls_that_an_instance_may_open_to_anyone_are_those_that_create() -> None:
    calls = [call for path in DOCUMENT["paths"].values() for name, call in path.items() if name != "parameters"]
    assert {call["operationId"] for call in calls if {} in call.get("security", [])} == {"createSecret", "ask"}


def test_every_error_that_the_server_s_own_rooms_raise_has_a_status() -> None:
    """By the syntax tree: `raise XError` and `return XError(…)` in rules, store, web, server and mail."""
    package = Path(taina.__file__).parent
    raised = {
        node.id
        for room in ("rules", "store", "web", "server", "mail")
        for file in (package / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Name) and hasattr(errors, node.id) and node.id.endswith("Error")
    }
    assert "GoneError" in raised
    # It is what a damaged copy of a page is called, before the server has started.
    assert raised - {kind.__name__ for kind in STATUSES} <= {"TamperedError"}
