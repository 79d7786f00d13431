"""An API whose pages are on another host: what browsers are told, and who may ask."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from falcon import testing

from support.api import bearer, secret_path
from support.secrets import Made
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store.sqlite import SqliteStore
from taina.web.app import create_app

PAGES = "https://pages.example"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[testing.TestClient]:
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        vault = Vault(store, Limits())
        yield testing.TestClient(create_app(vault, SecretRequests(store, Limits()), origins=(PAGES,)))


def test_its_pages_may_ask_before_they_send(api: testing.TestClient) -> None:
    path = f"/api/v1{secret_path(Made())}"
    asked = api.simulate_options(path, headers={"Origin": PAGES, "Access-Control-Request-Method": "PUT"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == PAGES
    assert "PUT" in asked.headers["access-control-allow-methods"].split(", ")
    assert asked.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert asked.headers["vary"] == "Origin"
    assert asked.headers["cache-control"] == "no-store"


def test_its_pages_use_it_and_others_do_not(api: testing.TestClient) -> None:
    made = Made()
    path = f"/api/v1{secret_path(made)}"
    there = {"Origin": PAGES, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    put = api.simulate_put(path, json=made.body(), headers=there)
    assert (put.status_code, put.headers["access-control-allow-origin"]) == (201, PAGES)
    assert put.headers["access-control-expose-headers"] == "Retry-After"
    for origin in ("https://pages.example.evil.example", "http://pages.example", "https://PAGES.example", "null"):
        elsewhere = there | {"Origin": origin}
        for answer in (
            api.simulate_get(path, headers=elsewhere | bearer(made.link_proof)),
            api.simulate_options(path, headers=elsewhere | {"Access-Control-Request-Method": "GET"}),
        ):
            assert "access-control-allow-origin" not in answer.headers
            assert (answer.status_code, answer.json["code"]) == (403, "cross_site")
            assert answer.headers["vary"] == "Origin", "no cache hands this answer to the pages"


def test_what_it_offers_is_for_everybody(api: testing.TestClient) -> None:
    for origin in (PAGES, "https://elsewhere.example"):
        answer = api.simulate_get("/api/v1/status", headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert ("access-control-allow-origin" in answer.headers) == (origin == PAGES)
