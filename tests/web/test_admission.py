"""What a create costs: one of the quota, and its bytes of the budget, for each new thing and for nothing else."""

import errno
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import falcon.testing
import pytest

from support.api import bearer, request_path, secret_path
from support.secrets import Made, MadeRequest, made_of_chunks
from taina import base64url
from taina.rules.access_keys import open_keys
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Created, Limits, NewSecret
from taina.rules.vault import Admit, Vault
from taina.store import InDoubtError
from taina.store.access_keys import KeyFile
from taina.store.sqlite import SqliteStore
from taina.web.admission import Admission
from taina.web.app import create_app
from taina.web.limits import Rates


class Doubtful(Vault):
    """A vault whose database keeps what it is given, and then may not confirm it."""

    in_doubt = False

    def create(self, secret_id: bytes, order: NewSecret, admit: Admit | None = None) -> Created:
        created = super().create(secret_id, order, admit)
        if self.in_doubt:
            raise InDoubtError
        return created


class Instance:
    """A private instance with a key of this quota, which stores so many bytes of one client a day."""

    def __init__(
        self,
        store: SqliteStore,
        folder: Path,
        quota: int | None = None,
        storage: int = 0,
        misses: int = 0,
        contact: bytes | None = None,
    ) -> None:
        keys = open_keys(folder)
        _, self.token = keys.issue("ann", quota=quota)
        self.vault = Doubtful(store, Limits())
        requests = SecretRequests(store, Limits(), contact=contact)
        rates = Rates(storage=storage, misses=misses)
        self.app = create_app(self.vault, requests, rates=rates, admission=Admission(keys, requests))

    def answer(self, asked: MadeRequest, made: Made) -> tuple[int, str | None]:
        """The status and the code of a create that shows the request instead of a key."""
        body = {**made.body(), "request": base64url.encode(asked.id)}
        path, headers = f"/api/v1{secret_path(made)}", bearer(asked.answer_token)
        result = falcon.testing.simulate_put(self.app, path, json=body, headers=headers)
        return result.status_code, result.json.get("code")

    def most(self, asked: MadeRequest) -> int:
        """Bytes of an answer, by the request's status."""
        headers = bearer(asked.answer_token)
        size = falcon.testing.simulate_get(self.app, f"/api/v1{request_path(asked)}", headers=headers).json["size"]
        return int(size)

    def put(self, made: Made | MadeRequest) -> int:
        path = request_path(made) if isinstance(made, MadeRequest) else secret_path(made)
        result = falcon.testing.simulate_put(self.app, f"/api/v1{path}", json=made.body(), headers=bearer(self.token))
        return result.status_code


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        yield store


@pytest.mark.parametrize("kind", [Made, MadeRequest])
def test_the_same_again_costs_nothing_at_the_end_of_a_quota(
    store: SqliteStore, tmp_path: Path, kind: type[Made | MadeRequest]
) -> None:
    """Whoever lost the answer asks again; once the last of the quota was refused to him."""
    instance = Instance(store, tmp_path, quota=1)
    made = kind()
    assert [instance.put(made), instance.put(made), instance.put(kind()), instance.put(made)] == [201, 200, 403, 200]


@pytest.mark.parametrize("kind", [Made, MadeRequest])
def test_what_cannot_be_counted_for_want_of_room_is_refused_and_what_is_there_is_told(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Made | MadeRequest]
) -> None:
    instance, made = Instance(store, tmp_path, quota=9), kind()
    assert instance.put(made) == 201

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "database or disk is full", "keys.db")

    with monkeypatch.context() as patch:
        patch.setattr(KeyFile, "_change", full)
        assert [instance.put(kind()), instance.put(made)] == [507, 200]
    assert instance.put(kind()) == 201


def test_the_same_again_costs_nothing_at_the_end_of_a_budget(store: SqliteStore, tmp_path: Path) -> None:
    instance = Instance(store, tmp_path, storage=1100)
    made = Made()
    assert [instance.put(made), instance.put(made), instance.put(Made()), instance.put(made)] == [201, 200, 429, 200]


def test_guessing_access_keys_has_a_budget(store: SqliteStore, tmp_path: Path) -> None:
    instance = Instance(store, tmp_path, misses=1)
    right, instance.token = instance.token, bytes(32)
    assert [instance.put(Made()) for _ in range(10)] == [401] * 10
    instance.token = right
    assert instance.put(Made()) == 429


@pytest.mark.parametrize(("quota", "storage", "refused"), [(2, 0, 403), (None, 2100, 429)])
def test_a_commit_in_doubt_is_counted_once(
    store: SqliteStore, tmp_path: Path, quota: int | None, storage: int, refused: int
) -> None:
    """It was given back twice, by the doubt and by the repetition, so that the secret was kept for nothing."""
    instance = Instance(store, tmp_path, quota=quota, storage=storage)
    made = Made()
    instance.vault.in_doubt = True
    assert instance.put(made) == 503
    instance.vault.in_doubt = False
    assert [instance.put(made), instance.put(Made()), instance.put(Made())] == [200, 201, refused]


def test_the_public_request_of_a_contact_page_takes_no_more_than_a_message(store: SqliteStore, tmp_path: Path) -> None:
    """Its link stands on a page: without a bound of its own it let anybody store 100 times the largest secret."""
    usual, contact = MadeRequest(answers=100), MadeRequest(answers=100)
    instance = Instance(store, tmp_path, contact=contact.id)
    assert [instance.put(usual), instance.put(contact)] == [201, 201]
    message, upload = made_of_chunks(1, 1 << 20), made_of_chunks(2)
    assert instance.answer(contact, message) == (201, None)
    assert instance.answer(contact, upload) == (413, "too_large")
    assert instance.answer(usual, upload) == (201, None)
    assert instance.most(contact) == (1 << 20) + 16
    assert instance.most(usual) == Limits().size
