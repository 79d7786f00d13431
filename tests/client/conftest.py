from collections.abc import Iterator

import pytest

from support.servers import Server, start_server, stop_server
from taina import Client


@pytest.fixture(scope="session")
def taina(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API alone: the library asks for no page, and building them takes long."""
    server = start_server(tmp_path_factory.mktemp("data"))
    yield server
    stop_server(server)


@pytest.fixture
def client(taina: Server) -> Iterator[Client]:
    with Client(taina.url) as client:
        yield client
