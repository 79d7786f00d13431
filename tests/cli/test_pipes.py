"""From pipes and to pipes: whatever they carry, the memory is bounded and nothing of it is lost."""

import hashlib
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from cli.conftest import COMMAND, Run

MEBI = 1 << 20
MEMORY = """
import sys
from pathlib import Path
from taina.cli import main
try:
    main(sys.argv[1:])
finally:
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    print("peak", int(peak.split()[1]) >> 10, file=sys.stderr)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")


def measured(
    arguments: list[str], environment: dict[str, str], given: bytes = b"", count: int = 1
) -> tuple[bytes, str, int]:
    """What the command wrote and said, and its peak in MiB; `given` is written to it so often, or until it ends."""
    with subprocess.Popen(
        [sys.executable, "-c", MEMORY, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        feeding = threading.Thread(target=_feed, args=(process.stdin, given, count))
        feeding.start()
        out, said = process.stdout.read(), process.stderr.read().decode()
        feeding.join()
    return out, said, int(said.rpartition("peak ")[2])


def _feed(pipe: IO[bytes], given: bytes, count: int) -> None:
    with suppress(BrokenPipeError), pipe:
        for _ in range(count):
            pipe.write(given)


@linux
def test_a_large_file_goes_from_pipe_to_pipe_in_little_memory(environment: dict[str, str]) -> None:
    piece = os.urandom(MEBI)
    out, _, peak = measured(["send", "--name", "large.bin", "-"], environment, piece, 90)
    assert peak < 100
    out, _, peak = measured(["open", out.decode().strip(), "--out", "-"], environment)
    assert hashlib.sha256(out).digest() == hashlib.sha256(piece * 90).digest()
    assert peak < 100


@pytest.mark.parametrize(
    ("piece", "name"), [("Тайна ".encode() * 1000, "secret.txt"), (b"\xff" + bytes(9999), "secret.bin")]
)
def test_what_is_too_long_for_a_page_is_a_file(run: Run, tmp_path: Path, piece: bytes, name: str) -> None:
    given = piece * (17 * MEBI // len(piece))
    done = run("send", given=given)
    assert b"Sealed 1 file." in done.stderr
    assert run("open", done.stdout.decode().strip()).returncode == 0
    assert (tmp_path / name).read_bytes() == given


def test_a_letter_that_is_cut_off_is_no_text(run: Run, tmp_path: Path) -> None:
    run("open", run("send", given="я".encode() * (9 * MEBI) + b"\xd1").stdout.decode().strip())
    assert [path.name for path in tmp_path.iterdir()] == ["secret.bin"]


@linux
def test_a_pipe_without_end_is_read_no_further_than_can_be_sent(environment: dict[str, str]) -> None:
    out, said, peak = measured(["send", "--name", "x", "-"], environment, bytes(MEBI), 100_000)
    assert out == b""
    assert "This is larger than this instance accepts: 100 MiB, sealed. Nothing was stored." in said
    assert peak < 100


def test_to_a_pipe_that_nobody_reads_nothing_is_lost(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    given = os.urandom(17 * MEBI)
    link = run("send", "--name", "large.bin", given=given).stdout.decode().strip()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "open", link, "--out", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode != 0
    assert b"Saved as large.bin" in done.stderr
    assert (tmp_path / "large.bin").read_bytes() == given
