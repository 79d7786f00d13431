"""The rules on each store, with a clock that the test turns."""

import pytest

from support.clocks import START, Clock
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import Store


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def vault(store: Store, clock: Clock) -> Vault:
    return Vault(store, Limits(), clock)
