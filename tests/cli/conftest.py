"""The command as a user runs it: a process of its own, with pipes or at a terminal."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.servers import Server, start_server, stop_server

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
RunHere = Callable[..., tuple[int, str, str]]
COMMAND = [sys.executable, "-m", "taina"]


def uncovered() -> dict[str, str]:
    """The environment of a process whose modules and files are all its own: none that measures its coverage."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@pytest.fixture(scope="session")
def taina(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API alone: the command asks for no page, and building them takes long."""
    server = start_server(tmp_path_factory.mktemp("data"))
    yield server
    stop_server(server)


@pytest.fixture
def environment(taina: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAINA_")}
    state = str(tmp_path_factory.mktemp("state"))
    return {**kept, "TAINA_URL": taina.url, "LANG": "C.UTF-8", "XDG_STATE_HOME": state}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """`run("send", "-", given=b"x", TAINA_URL=…)` in an empty folder; None takes a variable away."""

    def run(*arguments: str, given: bytes = b"", **more: str | None) -> subprocess.CompletedProcess[bytes]:
        told = {**environment, **more}
        env = {name: value for name, value in told.items() if value is not None}
        return subprocess.run(
            [*COMMAND, *arguments], input=given, capture_output=True, env=env, cwd=tmp_path, timeout=60, check=False
        )

    return run


@contextmanager
def hangup(handler: signal.Handlers) -> Iterator[None]:
    """What a process that is started meanwhile inherits for SIGHUP, however these tests were started."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


TOKEN = "the-token-of-this-bridge"


@pytest.fixture(scope="module")
def bridge(taina: Server) -> Iterator[str]:
    """The address of a `taina bridge`, which wants `TOKEN` and says nothing but that it is ready."""
    process = subprocess.Popen(
        [*COMMAND, "bridge", "--port", "0", "--url", taina.url],
        env={**os.environ, "TAINA_BRIDGE_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    first = process.stdout.readline()
    yield first.split()[-1]
    process.terminate()
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == 0


def curl(*arguments: str) -> tuple[int, Any]:
    command = shutil.which("curl")
    assert command, "these tests need curl"
    done = subprocess.run(
        [command, "-s", "-w", "\n%{http_code}", *arguments], capture_output=True, text=True, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def like_others() -> list[str]:
    """Before a command: root that may not pass over permissions is like any other user, and sees this interpreter."""
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


class Terminal:
    """A command at a terminal of its own: what it shows, and what is typed."""

    def __init__(self, environment: dict[str, str], folder: Path, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder
        )
        os.close(slave)
        self.shown = ""
        self._seen = 0

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Until it is shown, after what was waited for before."""
        end = time.monotonic() + 30
        while text not in self.shown[self._seen :]:
            if time.monotonic() > end or not self._read(0.5):
                pytest.fail(f"{text!r} was not shown, but: {self.shown}")
        self._seen = self.shown.index(text, self._seen) + len(text)

    def end(self) -> int:
        """The exit code, when all that it shows has been read."""
        while self._read(30):
            pass
        code = self._process.wait(timeout=30)
        os.close(self._master)
        return code

    def _read(self, seconds: float) -> bool:
        """False at its end."""
        if select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # Linux says so when the other side is closed
                return False
            self.shown += data.decode("utf-8", "replace")
            return bool(data)
        return self._process.poll() is None


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Callable[..., Terminal]:
    return lambda *arguments: Terminal(environment, tmp_path, *arguments)


@pytest.fixture
def run_here(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> RunHere:
    """A command in this process, for many runs of it: exit code, standard output, standard error."""
    from taina.cli import main

    for name in [name for name in os.environ if name.startswith("TAINA_")]:
        monkeypatch.delenv(name)
    for name in ("TAINA_URL", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments), prog_name="taina")
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out.decode(), err.decode()

    return run_here
