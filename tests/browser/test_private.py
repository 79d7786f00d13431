"""A private instance: pages ask for an access key, and keep it only where they are told to."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.engines import Browsers, Tab, reach
from support.servers import Server, start_server, stop_server
from taina import Client, base64url
from taina.rules.access_keys import open_keys

KEPT = "Object.keys(localStorage).filter((name) => name === 'taina-key').length"


@pytest.fixture(scope="module")
def private(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("private"), "--create", "keys", "--site", str(built_site))
    yield server
    stop_server(server)


@pytest.fixture
def key(private: Server) -> str:
    return base64url.encode(open_keys(private.data).issue(os.urandom(8).hex())[1])


def enter(tab: Tab, key: str, text: str = "for holders") -> None:
    tab.wait("!document.querySelector('#private').hidden")
    tab.fill("#text", text)
    tab.fill("#access-key", key)
    tab.click("#send")


def test_the_page_asks_for_a_key_and_loses_nothing_without(tab: Tab, reader: Tab, private: Server, key: str) -> None:
    tab.open(f"{private.url}/en/")
    for wrong, said in [("", "An access key is needed"), ("x" * 43, "does not work"), ("тайна", "does not work")]:
        enter(tab, wrong)
        reach(tab, "error")
        tab.wait(f"document.querySelector('#error').innerText.includes({said!r})")
        assert tab.value("#text") == "for holders"
    enter(tab, key)
    reach(tab, "done")
    assert tab.evaluate(KEPT) == 0
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "for holders"


def test_the_key_is_kept_where_the_page_is_told_to_and_until_told_else(tab: Tab, private: Server, key: str) -> None:
    tab.open(f"{private.url}/en/")
    tab.wait("!document.querySelector('#private').hidden")
    tab.click("#keep-key")
    enter(tab, key)
    reach(tab, "done")
    assert tab.evaluate(KEPT) == 1
    tab.open(f"{private.url}/en/request/")
    tab.wait("!document.querySelector('#private').hidden")
    assert tab.value("#access-key") == key
    tab.click("#keep-key")
    tab.click("#make")
    reach(tab, "done")
    assert tab.evaluate(KEPT) == 0


def test_whoever_was_asked_needs_no_key(tab: Tab, reader: Tab, private: Server, key: str) -> None:
    tab.open(f"{private.url}/en/request/")
    tab.wait("!document.querySelector('#private').hidden")
    tab.fill("#access-key", key)
    tab.click("#make")
    reach(tab, "done")
    reader.open(tab.value("#link"))
    reach(reader, "ready")
    reader.fill("#text", "the answer")
    reader.click("#send")
    reach(reader, "done")


def test_an_open_instance_asks_for_none(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "for all")
    tab.click("#send")
    reach(tab, "done")
    assert not tab.shown("#access-key")


def test_the_key_has_the_width_of_the_page(browsers: Browsers, private: Server) -> None:
    context = browsers.browser("chromium").new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{private.url}/en/")
    page.wait_for_selector("#private", state="visible")
    key, hint = page.locator("#private").bounding_box(), page.locator(".options > p").first.bounding_box()
    context.close()
    assert key and hint
    assert key["width"] == hint["width"]


def test_an_answer_to_what_is_over_meanwhile_is_told_so(tab: Tab, private: Server, key: str) -> None:
    """Here the secret itself is refused: only whom the request asks may create one."""
    with Client(private.url, key=key) as client:
        link = client.request().link
        tab.open(link)
        reach(tab, "ready")
        tab.fill("#text", "mine")
        client.answer(link, "another's")
    tab.click("#send")
    reach(tab, "error")
    assert tab.shown('[data-error="too_late"]')
    assert tab.value("#text") == "mine"


@pytest.mark.parametrize(("quota", "said"), [(1, "quota"), (None, "too_late")])
def test_an_answer_for_which_the_asker_s_key_is_not_good_any_more_is_told_so(
    tab: Tab, private: Server, quota: int | None, said: str
) -> None:
    """It is spent for the day by the request itself, or was revoked since."""
    keys = open_keys(private.data)
    key, token = keys.issue(os.urandom(8).hex(), quota=quota)
    with Client(private.url, key=base64url.encode(token)) as client:
        tab.open(client.request().link)
    reach(tab, "ready")
    if quota is None:
        keys.revoke(key.name)
    tab.fill("#text", "mine")
    tab.click("#send")
    reach(tab, "error")
    assert tab.shown(f'[data-error="{said}"]')
    assert tab.value("#text") == "mine"
