"""Lists that stand in more than one place, because a wall, a language or a table is between them: all say the same."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, get_args

import taina.mail
from taina import store
from taina.cli import exits, receipt
from taina.client import results
from taina.client.bridge import calls
from taina.config import OPTIONS, SITE_KEYS
from taina.format.links import KINDS, PAGES, Link, page_address
from taina.rules.guards import LIVE
from taina.site import build
from taina.site.branding import Looks

SITE = Path(__file__).resolve().parent.parent / "site"
STATES = set(get_args(store.State))
OUTCOMES = {state for part in get_args(results.Outcome) for state in get_args(part)}
ENDED = STATES - set(LIVE)
ENGLISH: dict[str, Any] = json.loads((SITE / "locales" / "en.json").read_text("utf-8"))


def test_a_client_knows_the_states_of_a_secret() -> None:
    """The wall is between both: neither may import the other's."""
    assert get_args(results.State) == get_args(store.State)
    assert STATES | {"unproved"} == OUTCOMES


def test_each_state_has_its_sentence() -> None:
    assert set(receipt._STATES) == OUTCOMES
    assert set(calls._STATES) == OUTCOMES
    assert set(exits._HOW_GONE) == ENDED
    assert set(ENGLISH["receipt"]["live"]["states"]) == STATES
    assert set(ENGLISH["receipt"]["live"]["explain"]) == OUTCOMES
    assert set(ENGLISH["reveal"]["live"]["gone"]) == ENDED
    assert set(ENGLISH["inbox"]["live"]["states"]) > STATES


def test_tables_take_each_state() -> None:
    for engine in ("sqlite", "postgres"):
        text = (Path(store.__file__).parent / f"{engine}_migrations.py").read_text("utf-8")
        checks = re.findall(r"\(('uploading'[^)]*)\)", text)
        assert checks
        assert {tuple(re.findall(r"'(\w+)'", check)) for check in checks} == {get_args(store.State)}


def test_options_of_the_pages_are_fields_of_their_looks() -> None:
    fields = {field.name for field in dataclasses.fields(Looks)}
    assert {f"site.{name}" for name in fields - {"url"}} == set(SITE_KEYS)
    assert "url" in {one.key for one in OPTIONS}


def test_each_kind_of_link_has_its_page() -> None:
    assert tuple(PAGES) == KINDS
    assert {build.PAGES[page] for page in build.LINK_PAGES} == {f"{page}/" for page in PAGES.values()}
    secret = page_address("https://taina.example", Link("secret", bytes(32), passphrase=True))
    assert taina.mail._FRAGMENT.search(secret)


def test_scripts_lead_to_the_same_pages() -> None:
    texts = {file: file.read_text("utf-8") for file in (SITE / "js").rglob("*.js")}
    led = {page for text in texts.values() for page in re.findall(r"/(\w+)/#\$", text)}
    assert led == set(PAGES.values())
    (repaired,) = re.findall(r"\\/\(([a-z|]+)\)", texts[SITE / "js" / "ui" / "link_repair.js"])
    assert repaired.split("|") == list(PAGES.values())
