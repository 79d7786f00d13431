"""A real server: `taina serve` in a process of its own, over real sockets, with the built site."""

import gc
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from browser.engines import Browsers
from support.certificates import certificate
from support.javascript import JavaScript
from support.outgoing import Outgoing, watching_connections
from support.postgres_cluster import Cluster, Node
from support.servers import Server, start_server, stop_server
from support.sites import whole_site, write_site
from taina.store import Store
from taina.store.postgres import PostgresStore
from taina.store.sqlite import SqliteStore

# How long an example takes says more about the machine than about the code.
settings.register_profile("taina", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("taina")

ROOT = Path(__file__).resolve().parent.parent
LONGEST = (
    *("tests/store/test_failover.py", "tests/faults/", "tests/cli/test_binary.py", "tests/cli/test_any_input.py"),
    *("tests/browser/test_lines.py", "tests/browser/test_injection.py"),
    *("tests/deploy/test_systemd.py", "tests/deploy/test_wheel.py"),
)


# Thousands of tests come and none goes: to look for garbage among them takes a fifth of the time of collecting them.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


WORKERS = 4
"""How many `scripts/test` starts; each begins with a quarter of the tests, in their order."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", action="store_true", help="leave nothing out, neither engines nor releases")


def is_abridged(config: pytest.Config) -> bool:
    """Whether this is a run of everything that has to end within minutes; whoever names a path gets all of it."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("every")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Share out what is heavy: at no time do all workers fight for the processors, or wait for one test alone.

    What takes half a minute at a time goes first in each quarter. Then two of them begin with browsers, and two end
    with them.
    """
    if is_abridged(config):
        left_out = [item for item in items if item.get_closest_marker("release")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    long = [item for item in items if item.nodeid.startswith(LONGEST)]
    browsers = [item for item in items if item.nodeid.startswith("tests/browser/") and item not in long]
    others = [item for item in items if item not in long and item not in browsers]
    orders = ((long, browsers, others), (long, others, browsers))
    items[:] = [item for number in range(WORKERS) for part in orders[number % 2] for item in _quarter(part, number)]


def _quarter(items: list[pytest.Item], number: int) -> list[pytest.Item]:
    return items[len(items) * number // WORKERS : len(items) * (number + 1) // WORKERS]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Function, nextitem: pytest.Function | None) -> Iterator[None]:
    """Firefox ends where the next test needs no browser: Chromium takes nothing while nobody looks, and stays."""
    browsers = item.funcargs.get("browsers")
    yield
    if isinstance(browsers, Browsers) and nextitem and "browsers" not in nextitem.fixturenames:
        browsers.end_firefox()


@pytest.fixture(scope="session", autouse=True)
def outgoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outgoing]:
    """Where the servers of all tests connect to."""
    with watching_connections(tmp_path_factory.mktemp("outgoing")) as outgoing:
        yield outgoing


@pytest.fixture(scope="session", autouse=True)
def no_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whom a test does not name is trusted by none: and to read the usual 140 takes a client 30 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate(tmp_path_factory.mktemp("authority"))[0]))
        yield


@pytest.fixture(autouse=True)
def nothing_goes_out(outgoing: Outgoing) -> Iterator[None]:
    """No server connects to anybody, but to the mail server that is named to it."""
    yield
    assert outgoing.take() == []


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by all tests of a run: change a copy."""
    return whole_site(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def webcat_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for a host that is enrolled in WEBCAT, as version 2."""
    folder = tmp_path_factory.mktemp("webcat")
    write_site(folder, webcat="2")
    return folder


@pytest.fixture(scope="session")
def taina(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share: each makes its own secrets, and none can see another's."""
    server = start_server(tmp_path_factory.mktemp("data"), "--site", str(built_site))
    yield server
    stop_server(server)


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    """Of all tests of a process: a second Playwright does not start beside the first."""
    browsers = Browsers()
    yield browsers
    browsers.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Node]:
    """One PostgreSQL without standbys, for all tests that break nothing."""
    with Cluster() as cluster:
        yield cluster.primary


@pytest.fixture
def database(postgres: Node) -> Iterator[str]:
    """The address of an empty database."""
    yield postgres.url
    postgres.execute("DROP SCHEMA IF EXISTS taina CASCADE", database="taina")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Every engine keeps the same promises: each test runs against each."""
    store: Store
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "taina.db")
    else:
        store = PostgresStore(request.getfixturevalue("database"))
    yield store
    store.close()


@pytest.fixture
def api(taina: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{taina.url}/api/v1") as client:
        yield client


@pytest.fixture(scope="session")
def javascript() -> Iterator[JavaScript]:
    program = JavaScript()
    yield program
    program.close()
