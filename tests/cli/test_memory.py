"""What held a secret leaves no image of its memory behind."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, json, resource, sys
from taina.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(json.dumps([*resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)]))
"""
COMMANDS = ["send", "open", "status", "receipt", "burn", "request", "answer", "inbox", "bridge", "agent", "takedown"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_client_is_never_dumped(command: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, command, "--no-such-option"], capture_output=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, 0, 0]


@pytest.mark.parametrize("missing", ["resource", "ctypes"])
def test_a_system_without_such_means_is_served_all_the_same(missing: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; from taina.cli import main; main(['status', 'https://a.example/s/#x'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"incomplete" in done.stderr
