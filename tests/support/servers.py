"""A real server for drills, benches, screenshots and tests: `taina serve` in a process of its own."""

import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from taina.site import build as build_site
from taina.site.branding import Looks

_START_SECONDS = 20


@dataclass(frozen=True)
class Server:
    url: str
    """Without a slash at the end."""
    data: Path
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def start_server(data: Path, *arguments: str, port: int = 0, wrapper: Sequence[str] = ()) -> Server:
    """Start `taina serve` and wait until it says its address.

    Args:
        arguments: more of its options.
        port: 0 for one that the system chooses. Who starts it again there takes a `free_port`.
        wrapper: a command that ends by becoming the one that is given to it.
    Raises:
        RuntimeError: it did not start; with what it said.
    """
    process = subprocess.Popen(
        [*wrapper, sys.executable, "-m", "taina", "serve", "--port", str(port), "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://[^/]+", first)
    if found is None:
        process.kill()
        raise RuntimeError(f"the server did not start: {first}{process.communicate()[0]}")
    return Server(found[0], data, process)


def stop_server(server: Server) -> str:
    """End it as an operator would; what it wrote since its start.

    Raises:
        RuntimeError: it did not end well.
    """
    server.process.terminate()
    output, _ = server.process.communicate(timeout=20)
    if server.process.returncode:
        raise RuntimeError(f"the server ended with {server.process.returncode}: {output}")
    return output


def kill_server(server: Server) -> None:
    """End it at once, where it has not ended."""
    if server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


@contextmanager
def serving(
    *arguments: str, site: bool = False, looks: Looks | None = None, wrapper: Sequence[str] = ()
) -> Iterator[Server]:
    """A server in a folder of its own while it is needed; with the site of the sources if asked, in these looks.

    Args:
        wrapper: as of `start_server`.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if site:
            build_site.write(Path(folder) / "site", looks)
            arguments = (*arguments, "--site", f"{folder}/site")
        server = start_server(Path(folder) / "data", *arguments, wrapper=wrapper)
        try:
            yield server
        finally:
            kill_server(server)


@contextmanager
def running(
    command: list[str], place: int | Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on a port, or on a Unix socket at a path, while it is needed."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                _knock(place)
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def _knock(place: int | Path) -> None:
    """Raises: OSError: nobody listens there."""
    if isinstance(place, int):
        socket.create_connection(("127.0.0.1", place)).close()
        return
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(place))


def free_port() -> int:
    """Below those that the system gives to outgoing connections: free until a server starts there, and again."""
    while True:
        port = random.randrange(16_384, 32_768)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has taken, by Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, field: str = "VmRSS") -> int:
    """Bytes of memory that a process has resident (VmRSS), or had at its peak (VmHWM), by Linux; 0 once it is gone."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
