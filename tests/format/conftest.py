from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from format.javascript import JavaScript

# How long an example takes says more about the machine than about the code.
settings.register_profile("taina", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("taina")


@pytest.fixture(scope="session")
def javascript() -> Iterator[JavaScript]:
    program = JavaScript()
    yield program
    program.close()
