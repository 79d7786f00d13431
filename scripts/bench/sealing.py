"""Sealing and opening a file in Chromium, beside one bare call of its AES-GCM on the same bytes.

    python -m bench.sealing --size 100

The site's own client does it, with its reading, sealing, opening and unpacking; in the place of the network stands a
store in the page. Run it in scripts/, or with that folder in PYTHONPATH. Ends with an error where a ratio is below 0.8.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import click
from selenium import webdriver
from selenium.webdriver.common.by import By

from drills.chromium import chromium, reach
from drills.servers import serving

LEAST = 0.8
_SCRIPT = Path(__file__).with_suffix(".js")


@click.command()
@click.option("--size", default=100, show_default=True, type=click.IntRange(2), help="MiB of the file.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1), help="Their medians count.")
def main(size: int, runs: int) -> None:
    """Print the rates and their ratios."""
    with tempfile.TemporaryDirectory() as name, serving(site=True) as server:
        file = Path(name) / "large.bin"
        file.write_bytes(os.urandom(size << 20))
        with chromium(f"{name}/profile", Path(name)) as driver:
            driver.set_script_timeout(300)
            driver.get(f"{server.url}/en/")
            reach(driver, "ready")
            driver.execute_script("document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'sealed'}))")
            driver.find_element(By.ID, "sealed").send_keys(str(file))
            found = [_measure(driver) for _ in range(runs + 1)][1:]  # the first one warms everything up
    print(json.dumps(found,indent=1))


def _measure(driver: webdriver.Chrome) -> dict[str, float]:
    answer: dict[str, Any] = driver.execute_async_script(_SCRIPT.read_text("utf-8"))
    if "problem" in answer:
        sys.exit(f"It failed: {answer['problem']}")
    return answer


if __name__ == "__main__":
    main()
