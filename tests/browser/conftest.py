from collections.abc import Iterator
from zlib import crc32

import playwright.sync_api as playwright
import pytest

from browser.engines import ENGINES, Browsers, Tab


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where all tests run, those marked `any_engine` take one each, in turn; whoever names a path gets all of them."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    left_out = [item for item in items if item.get_closest_marker("any_engine") and not _has_its_turn(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _has_its_turn(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    return ENGINES[crc32(item.originalname.encode()) % len(ENGINES)] == item.callspec.params["engine"]


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
