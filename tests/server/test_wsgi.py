"""The application in another WSGI server: the standard library's."""

import os
import subprocess
import sys
from pathlib import Path

from support.servers import free_port, running
from taina import Client

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


def test_a_wrong_option_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import taina.wsgi"],
        env={**os.environ, "TAINA_MAX_SIZE": "much"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "TAINA_MAX_SIZE" in done.stderr
