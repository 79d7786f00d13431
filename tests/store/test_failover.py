"""The drill in short: two failovers that lose nothing, and its control that does."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"


def drill(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "drills.failover", "--rounds", "2", *arguments],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_failover_loses_nothing_and_reveals_nothing_twice() -> None:
    done = drill()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 0 lost, 0 revealed twice;" in done.stdout


def test_with_asynchronous_replication_the_drill_finds_the_loss() -> None:
    done = drill("--asynchronous")
    assert done.returncode == 1, done.stdout
    assert "A promise was broken" in done.stderr
