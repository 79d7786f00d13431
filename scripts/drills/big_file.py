"""A file of any size, end to end, in bounded memory: browser to server to browser, and by the command line and pipes.

    python -m drills.big_file --size 1024

Prints the memory of everything that took part, and the rates. Ends with an error where what arrived is not what was
sent, where a command took more than 100 MiB, or where the server grew by 64 MiB or more or the tab by 256 MiB or more.
Run it in scripts/, or with that folder in PYTHONPATH.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from selenium.webdriver.common.by import By

from drills.chromium import browser_memory, chromium, processes, reach
from support.connection import UNBOUND
from support.servers import memory, serving

MEBI = 1 << 20
MAX_SERVER, MAX_TAB, MAX_COMMAND = 64 * MEBI, 256 * MEBI, 100 * MEBI


@click.command()
@click.option("--size", default=1024, show_default=True, type=click.IntRange(1), help="MiB of the file.")
@click.option("--browser/--no-browser", default=True, help="With Chromium, too.")
def main(size: int, browser: bool) -> None:
    """Send and open one large file; print what it took."""
    bounds = (*UNBOUND, "--max-size", f"{size * 9 // 8 + 16}MiB", "--max-storage", f"{5 * size + 64}MiB")
    with tempfile.TemporaryDirectory() as name, serving(*bounds, site=browser) as server:
        folder = Path(name)
        file = folder / "large.bin"
        sent = make_file(file, size)
        ways = [("command line", by_command_line), ("pipes", by_pipes)] + (
            [("Chromium", by_browser)] if browser else []
        )
        kept = True
        before = memory(server.process.pid)
        click.echo(f"server: {before / MEBI:.0f} MiB at its start")
        for way, carry in ways:
            out = folder / way.replace(" ", "-")
            out.mkdir()
            with peak_of(server.process.pid) as server_peak:
                arrived, figures, small = carry(server.url, file, out)
            grew = server_peak[0] - before
            good = digest(arrived) == sent
            click.echo(f"{way}, {size} MiB: {figures}; content {'as it was sent' if good else 'DIFFERENT'}")
            click.echo(f"  server: by {grew / MEBI:.0f} MiB larger at its peak than at its start")
            kept &= good and small and grew < MAX_SERVER
            shutil.rmtree(out)
    if not kept:
        sys.exit("A promise was broken: see above.")


def by_command_line(url: str, file: Path, out: Path) -> tuple[Path, str, bool]:
    size = file.stat().st_size
    link, sending, small = _command(url, size, ["send", str(file)])
    _, opening, small_too = _command(url, size, ["open", link, "--out", str(out)])
    return out / file.name, f"{sending}, {opening}", small and small_too


def by_pipes(url: str, file: Path, out: Path) -> tuple[Path, str, bool]:
    size = file.stat().st_size
    with file.open("rb") as given, (out / file.name).open("wb") as taken:
        link, sending, small = _command(url, size, ["send", "--name", file.name, "-"], given)
        _, opening, small_too = _command(url, size, ["open", link, "--out", "-"], None, taken)
    return out / file.name, f"{sending}, {opening}", small and small_too


def _command(
    url: str, size: int, arguments: list[str], given: IO[bytes] | None = None, taken: IO[bytes] | None = None
) -> tuple[str, str, bool]:
    """What it printed, its figures, and whether its memory stayed small."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "taina", *arguments],
        stdin=given or subprocess.DEVNULL,
        stdout=taken or subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TAINA_URL": url},
    )
    with peak_of(process.pid) as peak:
        output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"taina {arguments[0]} ended with {process.returncode}")
    rate = size / MEBI / (time.monotonic() - began)
    figures = f"{arguments[0]} {rate:.0f} MiB/s, peak {peak[0] / MEBI:.0f} MiB"
    return (output or b"").decode().strip(), figures, peak[0] <= MAX_COMMAND


def by_browser(url: str, file: Path, out: Path) -> tuple[Path, str, bool]:
    figures = []
    most = 0
    link = ""
    with tempfile.TemporaryDirectory() as profile, chromium(profile, out) as driver:
        for step in ("seal and send", "fetch and open"):
            driver.switch_to.new_window("tab")
            driver.get(link or f"{url}/en/")
            reach(driver, "ready", "before")
            before = tab_memory(tabs := list(processes(profile, "--type=renderer")))
            whole_before = browser_memory(profile)
            began = time.monotonic()
            with peak_of_tabs(tabs) as peak, _watching(lambda: browser_memory(profile)) as whole:
                if not link:
                    driver.find_element(By.ID, "files").send_keys(str(file))
                    driver.find_element(By.ID, "send").click()
                    reach(driver, "done")
                    link = str(driver.find_element(By.ID, "link").get_property("value"))
                else:
                    driver.find_element(By.ID, "reveal").click()
                    reach(driver, "shown")
                    driver.find_element(By.CSS_SELECTOR, "#secret-files button").click()
                    while not (out / file.name).exists():  # until then it has another name
                        time.sleep(0.1)
                rate = file.stat().st_size / MEBI / (time.monotonic() - began)
            grew = peak[0] - before
            most = max(most, grew)
            figures.append(
                f"{step} {rate:.0f} MiB/s, tab grew by {grew / MEBI:.0f} MiB from {before / MEBI:.0f}, "
                f"all the browser's processes by {(whole[0] - whole_before) / MEBI:.0f}"
            )
    return out / file.name, ", ".join(figures), most < MAX_TAB


def tab_memory(pids: list[int]) -> int:
    """The largest of the browser's renderers, for each tab is one."""
    return max((memory(pid) for pid in pids), default=0)


@contextmanager
def peak_of(pid: int) -> Iterator[list[int]]:
    """The most memory that a process has meanwhile; looked at every 50 ms."""
    with _watching(lambda: memory(pid)) as peak:
        yield peak


@contextmanager
def peak_of_tabs(pids: list[int]) -> Iterator[list[int]]:
    with _watching(lambda: tab_memory(pids)) as peak:
        yield peak


@contextmanager
def _watching(measure: Callable[[], int]) -> Iterator[list[int]]:
    peak = [measure()]
    end = threading.Event()

    def watch() -> None:
        while not end.wait(0.05):
            peak[0] = max(peak[0], measure())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        end.set()
        thread.join()


def make_file(file: Path, size: int) -> str:
    """Random bytes, `size` MiB of them; their SHA-256."""
    hashed = hashlib.sha256()
    with file.open("wb") as out:
        for _ in range(size):
            piece = os.urandom(MEBI)
            hashed.update(piece)
            out.write(piece)
    return hashed.hexdigest()


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    main()
