from collections.abc import Iterator
from pathlib import Path

import pytest

from taina.store import Store
from taina.store.postgres import PostgresStore
from taina.store.sqlite import SqliteStore

ENGINES = ["sqlite", "postgres"]


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Every engine keeps the same promises: each test runs against each."""
    store: Store
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "taina.db")
    else:
        store = PostgresStore(request.getfixturevalue("database"))
    yield store
    store.close()
