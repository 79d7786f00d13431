"""Chromium as it is measured: by WebDriver, for the protocol that Playwright speaks has the tab keep copies."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from support.servers import memory

_FAILED = ("error", "failed", "gone", "outdated")


@contextmanager
def chromium(profile: str, downloads: Path) -> Iterator[webdriver.Chrome]:
    """A headless one with its profile in a folder and its downloads in another."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    options.add_argument(f"--user-data-dir={profile}")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options, webdriver.ChromeService(program("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is missing (on Debian: apt install chromium-driver).")
    return found


def reach(driver: webdriver.Chrome, *states: str) -> None:
    """Wait until the page is in one of these states; it ends with what the page says where that is an error."""
    while (state := driver.find_element(By.TAG_NAME, "main").get_attribute("data-state")) not in states:
        if state in _FAILED:
            sys.exit(f"The page is in the state {state}: {driver.find_element(By.TAG_NAME, 'main').text}")
        time.sleep(0.1)


def browser_memory(profile: str) -> int:
    """Of all its processes; what they share counts for each."""
    return sum(memory(pid) for pid in processes(profile))


def processes(profile: str, kind: str = "") -> Iterator[int]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_text("utf-8", "replace")
            except OSError:
                continue
            if profile in command and kind in command:
                yield int(process.name)
