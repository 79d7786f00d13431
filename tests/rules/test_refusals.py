"""What the rules say where they refuse: users read these sentences, and programs the members beside them."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from support.clocks import START
from support.secrets import SEALED_CHUNK, Made, MadeRequest, envelope, made_of_chunks
from taina.errors import NotFoundError, TainaError
from taina.rules.access_keys import open_keys
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import Store


@dataclass
class Case:
    """A secret of one chunk that was opened, an upload of two, and a request."""

    vault: Vault
    requests: SecretRequests
    opened: Made
    upload: Made
    asked: MadeRequest
    now: list[int]
    """Unix seconds; one number."""


@pytest.fixture
def case(store: Store) -> Case:
    now = [START]
    vault = Vault(store, Limits(), lambda: now[0])
    requests = SecretRequests(store, Limits(), lambda: now[0])
    case = Case(vault, requests, Made(), made_of_chunks(2), MadeRequest(), now)
    for made in (case.opened, case.upload):
        vault.create(made.id, made.order())
    made = case.opened
    vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
    requests.create(case.asked.id, case.asked.asking())
    return case


def create(case: Case, **changes: object) -> object:
    return case.vault.create(Made().id, replace(Made().order(), **changes))  # type: ignore[arg-type]


def put_chunk(case: Case, n: int, size: int) -> object:
    return case.vault.put_chunk(case.upload.id, case.upload.receipt_token, n, bytes(size))


def reveal_without_a_claim(case: Case) -> object:
    for n, chunk in enumerate(case.upload.chunks):
        case.vault.put_chunk(case.upload.id, case.upload.receipt_token, n, chunk)
    return case.vault.reveal(case.upload.id, case.upload.link_proof, case.upload.reveal_proof)


def acknowledge_twice(case: Case) -> object:
    for proof in (bytes(32), bytes(31) + b"x"):
        case.vault.acknowledge(case.opened.claim_id, case.opened.claim_token, proof)
    return None


def answer_too_late(case: Case) -> object:
    case.now[0] += 3600
    return case.requests.answer(case.asked.id, case.asked.answer_token, envelope())


TAKEN = "This identifier is taken or was used up. Make a new request with a new key."
REFUSALS: list[tuple[Callable[[Case], object], str, str, dict[str, object]]] = [
    (lambda case: create(case, ttl=1), "invalid", "A lifetime is 300 to 2592000 seconds.", {"field": "ttl"}),
    (lambda case: create(case, chunks=0), "invalid", "A secret has at least one chunk.", {"field": "chunks"}),
    (
        lambda case: create(case, chunks=2),
        "invalid",
        f"2 chunks hold more than {SEALED_CHUNK + 16} and at most {2 * SEALED_CHUNK} bytes.",
        {"field": "size"},
    ),
    (
        lambda case: create(case, chunks=2, size=SEALED_CHUNK + 17),
        "invalid",
        "Only a secret of one chunk comes inline.",
        {"field": "content"},
    ),
    (lambda case: create(case, size=99), "invalid", "The content has 1040 bytes, not `size`.", {"field": "content"}),
    (lambda case: create(case, size=(100 << 20) + 1), "too_large", "", {"field": "size"}),
    (lambda case: put_chunk(case, 2, 40), "invalid", "This secret has 2 chunks, counted from 0.", {"field": "n"}),
    (lambda case: put_chunk(case, 1, 41), "invalid", "Chunk 1 of this secret has 40 bytes.", {"field": "body"}),
    (
        reveal_without_a_claim,
        "invalid",
        "A secret of more than one chunk is revealed with a claim.",
        {"field": "claim"},
    ),
    (
        lambda case: case.vault.claimed_chunk(case.opened.claim_id, case.opened.claim_token, 1),
        "invalid",
        "This secret has 1 chunks, counted from 0.",
        {"field": "n"},
    ),
    (acknowledge_twice, "conflict", "This secret was acknowledged with another proof.", {}),
    (
        lambda case: case.requests.create(Made().id, MadeRequest(answers=101).asking()),
        "invalid",
        "A request takes 1 to 100 answers.",
        {"field": "answers"},
    ),
    (lambda case: case.requests.create(case.asked.id, MadeRequest().asking()), "conflict", TAKEN, {}),
    (
        lambda case: case.requests.answer(case.asked.id, case.asked.answer_token, bytes(80)),
        "invalid",
        "An envelope has 81 bytes.",
        {"field": "envelope"},
    ),
    (answer_too_late, "gone", "This request has expired.", {"state": "expired", "ended": START + 3600}),
]


@pytest.mark.parametrize(("call", "code", "sentence", "members"), REFUSALS)
def test_a_refusal_says_what_is_wrong(
    case: Case, call: Callable[[Case], object], code: str, sentence: str, members: dict[str, object]
) -> None:
    with pytest.raises(TainaError) as caught:
        call(case)
    error = caught.value
    assert (error.code, error.detail, error.members) == (code, sentence or error.sentence, members)


def test_what_is_not_there_is_compared_for_as_long_as_what_is(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever shows a wrong proof must not learn by the time it takes whether there is what he asks for."""
    lengths: list[tuple[int, int]] = []

    def compare(kept: bytes, shown: bytes) -> bool:
        lengths.append((len(kept), len(shown)))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    vault, requests, wrong = case.vault, case.requests, bytes(32)
    calls: list[Callable[[bytes], object]] = [
        lambda secret_id: vault.status(secret_id, wrong),
        lambda secret_id: vault.chunks_present(secret_id, wrong),
        lambda receipt_id: vault.receipt(receipt_id, wrong),
        lambda claim_id: vault.claimed(claim_id, wrong),
        lambda request_id: requests.status(request_id, wrong),
        lambda request_id: requests.inbox(request_id, wrong),
    ]
    made, asked = case.opened, case.asked
    there = [made.id, made.id, made.receipt_id, made.claim_id, asked.id, asked.id]
    for call, identifier in zip(calls, there, strict=True):
        for shown in (identifier, Made().id):
            with pytest.raises(NotFoundError):
                call(shown)
    assert lengths == [(32, 32)] * 12


def test_a_refused_name_of_a_key_says_what_is_one(tmp_path: Path) -> None:
    keys = open_keys(tmp_path)
    with pytest.raises(TainaError) as caught:
        keys.issue("")
    assert caught.value.detail == "A key's name has 1 to 64 letters, digits, spaces or .@_-"
    with pytest.raises(TainaError) as caught:
        keys.revoke("ann")
    assert caught.value.detail == "No key named 'ann' is in force; see taina keys list."
