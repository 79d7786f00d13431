"""A real server for drills, benches, screenshots and tests: `taina serve` in a process of its own."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taina.site import build as build_site
from taina.site.looks import Looks


@dataclass(frozen=True)
class Server:
    url: str
    """Without a slash at the end."""
    data: Path
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def start_server(data: Path, *arguments: str, port: int = 0) -> Server:
    """Start `taina serve` and wait until it says its address.

    Raises:
        RuntimeError: it did not start; with what it said.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "taina", "serve", "--port", str(port), "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
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


@contextmanager
def serving(*arguments: str, site: bool = False, looks: Looks | None = None) -> Iterator[Server]:
    """A server in a folder of its own while it is needed; with the site of the sources if asked, in these looks."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if site:
            build_site.write(Path(folder) / "site", looks)
            arguments = (*arguments, "--site", f"{folder}/site")
        server = start_server(Path(folder) / "data", *arguments)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.communicate()


def memory(pid: int, field: str = "VmRSS") -> int:
    """Bytes of memory that a process has resident (VmRSS), or had at its peak (VmHWM), by Linux; 0 once it is gone."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
