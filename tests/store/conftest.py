from collections.abc import Iterator
from pathlib import Path

import pytest

from taina.store import Store
from taina.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Every engine keeps the same promises: each test runs against each."""
    store = SqliteStore(tmp_path / "taina.db")
    yield store
    store.close()
