"""A real server: `taina serve` in a process of its own, over real sockets, with the built site."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import build_site

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Server:
    url: str
    """Without a slash at the end."""
    data: Path
    process: subprocess.Popen[str]


def start_server(data: Path, *arguments: str, port: int = 0) -> Server:
    """Start `taina serve` and wait until it says its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "taina", "serve", "--port", str(port), "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://[^/]+", first)
    if found is None:
        process.kill()
        pytest.fail(f"the server did not start: {first}{process.stdout.read()}")
    return Server(found[0], data, process)


def stop_server(server: Server) -> str:
    """End it as an operator would; what it wrote since its start."""
    server.process.terminate()
    output, _ = server.process.communicate(timeout=20)
    assert server.process.returncode == 0, output
    return output


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for path, data in build_site.with_compressed(build_site.build()).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def taina(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share: each makes its own secrets, and none can see another's."""
    server = start_server(tmp_path_factory.mktemp("data"), "--site", str(built_site))
    yield server
    stop_server(server)
