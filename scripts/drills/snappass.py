"""SnapPass from PyPI on gunicorn and Debian's Redis: the control of drills.race, and a peer for the benches.

    python -m drills.snappass --rounds 100

It reads a secret and then deletes it, in two steps: readers who race between them get it more than once.
Run it in scripts/, or with that folder in PYTHONPATH. It needs redis-server (on Debian: apt install redis-server).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from drills.promises import command
from drills.race import race
from support.connection import Connection
from support.secrets import Made
from support.servers import free_port, running

READERS = 4
_PACKAGES = ("snappass==1.6.2", "gunicorn==23.0.0", "setuptools==80.9.0")
_ENVIRONMENT = Path(__file__).resolve().parents[2] / "build" / "snappass"


def run(rounds: int) -> Iterator[str]:
    """Four readers race for each secret of SnapPass: how many got it."""
    winners = 0
    with snappass() as port:
        for n in range(rounds):
            password = f"password-{n}-{Made().id.hex()}"
            with Connection(port) as sender:
                link = sender.call(create(password)).json()["link"]
            with ExitStack() as stack:
                readers = [stack.enter_context(Connection(port)) for _ in range(READERS)]
                answers = race(readers, [reveal(link)] * READERS)
            winners += sum(password.encode() in answer.body for answer in answers)
    yield f"SnapPass, {rounds} secrets, {READERS} readers each: {winners} of {rounds * READERS} got one"


@contextmanager
def snappass(*options: str) -> Iterator[int]:
    """The port of a SnapPass on two workers of gunicorn, with a Redis of its own that syncs every second.

    Args:
        options: more of gunicorn's.
    Raises:
        FileNotFoundError: redis-server or the package index cannot be had.
    """
    redis = shutil.which("redis-server")
    if redis is None:
        raise FileNotFoundError("redis-server is missing. Install it (on Debian: apt install redis-server).")
    _install()
    port, redis_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stored = ["--port", str(redis_port), "--dir", folder, "--appendonly", "yes", "--appendfsync", "everysec"]
        stack.enter_context(running([redis, *stored, "--save", ""], redis_port))
        command = [str(_ENVIRONMENT / "bin" / "gunicorn"), "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error"]
        environment = {**os.environ, "REDIS_PORT": str(redis_port), "NO_SSL": "True", "SECRET_KEY": "x"}
        environment.pop("PYTHONPATH", None)
        stack.enter_context(running([*command, *options, "snappass.main:app"], port, environment))
        yield port


def create(password: str) -> bytes:
    """The request that keeps a password for an hour; its answer is JSON with a `link`."""
    return post("/", urlencode({"password": password, "ttl": "hour"}))


def reveal(link: str) -> bytes:
    return post("/" + link.rpartition("/")[2], "")


def post(path: str, form: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    return (head + form).encode()


def _install() -> None:
    stamp = _ENVIRONMENT / "installed"
    if stamp.is_file() and stamp.read_text("utf-8") == str(_PACKAGES):
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT)], check=True)
    pip = [str(_ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *_PACKAGES], check=True)
    stamp.write_text(str(_PACKAGES), "utf-8")


main = command(run, 100, "Secrets.")

if __name__ == "__main__":
    main()
