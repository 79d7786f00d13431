from collections.abc import Iterator

import httpx
import pytest

from drills.servers import Server


@pytest.fixture
def api(taina: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{taina.url}/api/v1") as client:
        yield client
