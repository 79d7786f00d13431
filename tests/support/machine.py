"""A Debian that boots: this machine's own files, with a systemd of its own, and everything written to memory alone."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_BOOT_SECONDS = 60
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CannotBootError(Exception):
    """Why it cannot be had here, for the summary of the tests."""


class Machine:
    def __init__(self, leader: int) -> None:
        self._leader = leader

    def run(self, script: str) -> str:
        """What a shell in it printed, run by root at home; /mnt holds the folder that was shared.

        Raises:
            AssertionError: it failed.
        """
        done = self.attempt(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def attempt(self, script: str) -> "subprocess.CompletedProcess[str]":
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        shell = ["env", "-i", f"PATH={_PATH}", "HOME=/root", "LANG=C.UTF-8", "sh", "-ec", f"cd /root\n{script}"]
        return subprocess.run([*inside, *shell], capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def booted(work: Path, shared: Path) -> Iterator[Machine]:
    """A machine that has booted as far as its basic services, without a network but its own loopback.

    Args:
        work: an empty folder.
        shared: appears in it as /mnt, which it cannot change.

    Raises:
        CannotBootError: it cannot be had here.
    """
    if os.geteuid():
        raise CannotBootError("only root can boot a machine")
    for program, package in (("systemd-nspawn", "systemd-container"), ("nsenter", "util-linux")):
        if not shutil.which(program):
            raise CannotBootError(f"{program} is missing (on Debian: apt install {package})")
    with ExitStack() as stack:
        _mount(stack, work, "tmpfs", "-o", "size=1g")
        root, written, scratch = (work / name for name in ("root", "written", "scratch"))
        for folder in (root, written, scratch):
            folder.mkdir()
        _mount(stack, root, "overlay", "-o", f"lowerdir=/,upperdir={written},workdir={scratch}")
        for wants in (root / "etc/systemd/system").glob("*.wants"):
            shutil.rmtree(wants)  # the services of this machine are not its services
        command: list[str | Path] = [
            "systemd-nspawn",
            "--quiet",
            "-D",
            root,
            "--private-network",
            "--register=no",
            "--keep-unit",
        ]
        command += ["--link-journal=no", "--console=pipe", "--machine=taina-test", f"--bind-ro={shared}:/mnt", "--boot"]
        if Path("/sys/fs/cgroup/systemd").is_dir():
            command.append("systemd.unified_cgroup_hierarchy=0")
        with (shared / "boot.log").open("wb") as log:
            nspawn = subprocess.Popen(
                [*command, "systemd.unit=basic.target"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        stack.callback(_halt, nspawn)
        yield _wait_until_booted(nspawn, shared / "boot.log")


def _mount(stack: ExitStack, place: Path, kind: str, *options: str) -> None:
    done = subprocess.run(["mount", "-t", kind, *options, kind, place], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBootError(f"nothing can be mounted here: {done.stderr.strip()}")
    stack.callback(_unmount, place)


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", place], check=False)


def _wait_until_booted(nspawn: "subprocess.Popen[bytes]", log: Path) -> Machine:
    end = time.monotonic() + _BOOT_SECONDS
    while nspawn.poll() is None and time.monotonic() < end:
        leader = _systemd_of(nspawn.pid)
        if leader and Machine(leader).attempt("systemctl is-active basic.target").returncode == 0:
            return Machine(leader)
        time.sleep(0.2)
    raise CannotBootError(f"systemd does not boot here: {log.read_text('utf-8', 'replace').strip()[-300:]}")


def _systemd_of(pid: int) -> int | None:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
        try:
            if Path(f"/proc/{child}/comm").read_text("utf-8").strip() == "systemd":
                return int(child)
        except FileNotFoundError:
            continue
        if found := _systemd_of(int(child)):
            return found
    return None


def _halt(nspawn: "subprocess.Popen[bytes]") -> None:
    nspawn.send_signal(signal.SIGTERM)
    try:
        nspawn.wait(timeout=30)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()
