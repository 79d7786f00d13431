from collections.abc import Iterator

import pytest

from support.servers import Server
from taina import Client


@pytest.fixture
def client(taina: Server) -> Iterator[Client]:
    with Client(taina.url) as client:
        yield client
