from collections.abc import Iterator

import pytest

from browser.engines import ENGINES, Browsers, Tab


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    browsers = Browsers()
    yield browsers
    browsers.close()


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
