from collections.abc import Iterator
from zlib import crc32

import playwright.sync_api as playwright
import pytest

from browser.engines import ENGINES, Browsers, Tab
from conftest import is_abridged
from taina.site import build as build_site

TURNS = {"chromium": 8, "firefox": 1, "webkit": 1}
"""How often each is taken where one is enough: the others take three times the processor time of Chromium."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where not all can run, each takes one of its engines, but for those marked `every_engine`."""
    if not is_abridged(config):
        return
    cases: dict[str, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and _one_is_enough(item):
            cases.setdefault(_case(item), []).append(item)
    left_out: set[pytest.Item] = set()
    for case, alike in cases.items():
        turns = [item for item in alike for _ in range(TURNS[str(item.callspec.params["engine"])])]
        left_out.update(set(alike) - {turns[crc32(case.encode()) % len(turns)]})
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def _one_is_enough(item: pytest.Function) -> bool:
    several = "engine" in item.fixturenames and hasattr(item, "callspec")
    return several and item.get_closest_marker("every_engine") is None


def _case(item: pytest.Function) -> str:
    """What is alike in items that differ in their engine alone."""
    return item.nodeid.replace(str(item.callspec.params["engine"]), "")


@pytest.fixture
def languages(request: pytest.FixtureRequest) -> list[str]:
    """All; where not all can run, a fifth of them, which depends on the test."""
    every = sorted(file.stem for file in (build_site.SOURCE / "locales").iterdir())
    return every[crc32(request.node.nodeid.encode()) % 5 :: 5] if is_abridged(request.config) else every


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tab(browsers: Browsers, engine: str) -> Iterator[Tab]:
    """A fresh profile of each engine in turn."""
    with browsers.tab(engine) as tab:
        yield tab


@pytest.fixture
def reader(browsers: Browsers, engine: str) -> Iterator[Tab]:
    """Another profile of the same engine: somebody else."""
    with browsers.tab(engine) as tab:
        yield tab


@pytest.fixture
def page(browsers: Browsers) -> Iterator[playwright.Page]:
    """Of Chromium, in the light theme, where nothing moves."""
    context = browsers.browser("chromium").new_context(color_scheme="light", reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def still(browsers: Browsers) -> Iterator[playwright.Page]:
    """As `page`, without scripts of the pages: all texts of all their states are there, and no module is loaded."""
    context = browsers.browser("chromium").new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()
