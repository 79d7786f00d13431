"""The application in another WSGI server: the standard library's."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import create_environ

from support.servers import free_port, running
from taina import Client
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store.sqlite import SqliteStore
from taina.web.app import create_app

SERVE = """
import sys
from wsgiref.simple_server import make_server
from taina.wsgi import app
make_server("127.0.0.1", int(sys.argv[1]), app).serve_forever()
"""


def test_a_secret_from_its_sender_to_its_reader(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "TAINA_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-c", SERVE, str(port)]
    with running(command, port, environment), Client(f"http://127.0.0.1:{port}") as client:
        sent = client.send("by another server")
        assert client.open(sent.link).text == "by another server"
        assert client.receipt(sent.receipt).proved
    assert (tmp_path / "data/taina.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"TAINA_MAX_SIZE": "much"}, "TAINA_MAX_SIZE"),
        (
            {"TAINA_CREATE": "proxy", "TAINA_LOGIN_URL": "/login", "TAINA_TRUSTED_PROXY": "127.0.0.1"},
            'create = "proxy" works with `taina serve` alone',
        ),
    ],
)
def test_what_does_not_go_is_named(tmp_path: Path, options: dict[str, str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import taina.wsgi"],
        env={**os.environ, **options},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("slashes", ["/", "//", "///"])
@pytest.mark.parametrize("path", ["api/v1/none", "api/v1/secrets/x", "api/v1/status", "api/none"])
def test_slashes_that_lead_pass_by_nothing(tmp_path: Path, slashes: str, path: str) -> None:
    """Waitress folds them; other servers hand them on, and the router passes over them."""
    store = SqliteStore(tmp_path / "taina.db")
    app = create_app(Vault(store, Limits()), SecretRequests(store, Limits()))
    answer: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        answer.update(status=status, headers=dict(headers))
        return lambda _: None

    elsewhere = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_HOST": "a"}
    environment = create_environ(method="GET") | {"PATH_INFO": slashes + path} | elsewhere
    list(app(environment, start))
    store.close()
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert answer["status"].startswith("200" if path == "api/v1/status" else "403")
