"""Ctrl-C ends a command whose calls hang or are tried again, however patient it is."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from support.hostile_server import HostileServer, says, whole
from taina.format.links import Link, encode_link

PATIENT = """
from taina.cli import main
from taina.client.connection import Connection
Connection.__init__.__kwdefaults__.update(patience=300.0, timeout=300.0)
main(prog_name="taina")
"""
"""The command with a patience that no test waits for."""
CHUNKS = 3
"""As many as are on their way at once."""


class Stalling(HostileServer):
    """Stores and hands out secrets of three chunks, and gets stuck at each chunk.

    Args:
        hanging: answers to chunks, and to a burn, never come; else each comes at once, and asks for another try.
    """

    def __init__(self, *, hanging: bool) -> None:
        super().__init__(self._tell)
        self._hanging = hanging
        self.stuck = threading.Semaphore(0)

    def _tell(self, asked: str) -> Iterable[bytes]:
        path = asked.split()[1]
        if "/chunks/" in path:
            self.stuck.release()
        if "/chunks/" in path or path.endswith("/burn"):
            if self._hanging:
                self.ended.wait()
                return []
            return whole(b"{}", "503 X", "application/json", "Retry-After: 20")
        if path.endswith("/status"):
            return says({"options": {"create": "anyone"}, "limits": {}, "ttl": {"default": 600}})
        if path.endswith("/reveal"):
            return says({"chunks": CHUNKS, "expires": int(time.time()) + 600})
        state = {"state": "waiting", "size": 1, "chunks": CHUNKS, "attempts_left": 10}
        return says({**state, "expires": int(time.time()) + 600})


@pytest.mark.parametrize("hanging", [False, True], ids=["tried again", "hanging"])
@pytest.mark.parametrize("command", ["send", "open"])
def test_ctrl_c_ends_what_is_under_way(
    environment: dict[str, str], tmp_path: Path, command: str, hanging: bool
) -> None:
    """It took half a minute, without a word, though `Ctrl-C ends it` stood on the screen."""
    (tmp_path / "file").write_bytes(bytes(CHUNKS * (1 << 20) - 1000))
    with Stalling(hanging=hanging) as server:
        arguments = {"send": ["./file"], "open": [f"{server.url}/s/#{encode_link(Link('secret', bytes(32)))}"]}[command]
        running = subprocess.Popen(
            [sys.executable, "-c", PATIENT, command, *arguments],
            env={**environment, "TAINA_URL": server.url},
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            # Where the tests run in the background of a shell, Ctrl-C is ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            for _ in range(CHUNKS):
                assert server.stuck.acquire(timeout=60)
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=60)
        finally:
            running.kill()
        assert sum("/chunks/" in one for one in server.asked) == CHUNKS, "nothing is tried again"
        assert any(one.split()[1].endswith("/burn") for one in server.asked) == (command == "send")
    assert running.returncode == 130, said
    assert b"Interrupted." in said
    assert (b"give the same command again" in said) == (command == "open")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
