"""The proof of work that an operator may ask for: by the API, by our client, and what refuses it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.api import bearer, request_path, secret_path
from support.secrets import Made, MadeRequest
from support.servers import Server, start_server, stop_server
from taina import Client
from taina.errors import InvalidError, TooLargeError, WorkNeededError
from taina.proof_of_work import find, proves

BITS = 10


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Server]:
    server = start_server(tmp_path / "data", "--work", str(BITS))
    yield server
    stop_server(server)


def test_work_begins_with_zeros_and_serves_one_id_only() -> None:
    one, other = bytes(range(16)), bytes(16)
    n = find(one, 12)
    assert n == 9195
    assert proves(one, n, 12)
    assert not proves(one, n, 24)
    assert not proves(other, n, 12)


def test_without_work_nothing_is_kept(asking: Server) -> None:
    made, wanted = Made(), MadeRequest()
    with httpx.Client(base_url=f"{asking.url}/api/v1") as api:
        for path, identifier, body in (
            (secret_path(made), made.id, made.body()),
            (request_path(wanted), wanted.id, wanted.body()),
        ):
            wrong = next(n for n in range(10_000) if not proves(identifier, n, BITS))
            for shown in ({}, {"work": wrong}):
                answer = api.put(path, json={**body, **shown})
                assert answer.status_code == 403
                assert (answer.json()["code"], answer.json()["bits"]) == ("work_needed", BITS)
            assert api.put(path, json={**body, "work": find(identifier, BITS)}).status_code == 201
        assert api.get(secret_path(made), headers=bearer(made.link_proof)).status_code == 200


def test_our_client_does_it_by_itself(asking: Server) -> None:
    with Client(asking.url) as client:
        assert client.open(client.send("paid for").link).text == "paid for"
        asked = client.request()
        client.answer(asked.link, "paid for as well")
        (link,) = client.inbox(asked.inbox).answers
        assert link is not None
        assert client.open(link).text == "paid for as well"


def test_what_is_refused_after_the_work_is_explained(tmp_path: Path) -> None:
    """Only what was refused without it was: here the program said that a field is wrong, and where limits are."""
    server = start_server(tmp_path / "data", "--work", str(BITS), "--max-size", "1MiB")
    try:
        (tmp_path / "large").write_bytes(bytes(2 << 20))
        with Client(server.url) as client:
            for make in (lambda: client.send("x", ttl=1), lambda: client.request(ttl=1)):
                with pytest.raises(InvalidError, match="A lifetime is"):
                    make()
            with pytest.raises(TooLargeError, match="1 MiB, sealed"):
                client.send(tmp_path / "large")
    finally:
        stop_server(server)


def test_more_than_is_reasonable_is_done_for_nobody(monkeypatch: pytest.MonkeyPatch, asking: Server) -> None:
    monkeypatch.setattr("taina.client.transport.MAX_BITS", BITS - 1)
    with Client(asking.url) as client, pytest.raises(WorkNeededError):
        client.send("too dear")


def test_who_asks_for_none_takes_any(taina: Server) -> None:
    made = Made()
    with httpx.Client(base_url=f"{taina.url}/api/v1") as api:
        assert api.put(secret_path(made), json={**made.body(), "work": 1}).status_code == 201
        assert api.put(secret_path(made), json=made.body()).status_code == 200, "the same order"
        assert api.put(secret_path(Made()), json={**made.body(), "work": "1"}).status_code == 422
