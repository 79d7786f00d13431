"""Sealing and opening a file in Chromium, beside one bare call of its AES-GCM on the same bytes.

    python -m bench.sealing --size 100

The site's own client does it, with its reading, sealing, opening and unpacking; in the place of the network stands a
store in the page. Beside the bare call stands what no page gets around: reading the file, all at once, before it, and
giving the bytes to a Blob after it. Run it in scripts/, or with that folder in PYTHONPATH. Ends with an error where
a ratio to the call with that is below 0.8.
"""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

import click
from selenium import webdriver
from selenium.webdriver.common.by import By

from drills.chromium import chromium, reach
from support.servers import serving

MIN_RATIO = 0.8
"""Of the rate of the bare call with reading or keeping."""
WAYS = ("call", "reading", "keeping", "sealing", "opening")
BESIDE = {"sealing": "reading", "opening": "keeping"}
_PICKER = "document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'measured'}))"
_SCRIPT = Path(__file__).with_suffix(".js")


@click.command()
@click.option("--size", default=100, show_default=True, type=click.IntRange(2), help="MiB of the file.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1), help="Their medians count.")
def main(size: int, runs: int) -> None:
    """Print the times, rates and ratios."""
    with tempfile.TemporaryDirectory() as name, serving(site=True) as server:
        file = Path(name) / "large.bin"
        file.write_bytes(os.urandom(size << 20))
        with chromium(f"{name}/profile", Path(name)) as driver:
            driver.set_script_timeout(300)
            driver.get(f"{server.url}/en/")
            reach(driver, "ready")
            driver.execute_script(_PICKER)
            driver.find_element(By.ID, "measured").send_keys(str(file))
            found = [_measure(driver) for _ in range(runs + 1)][1:]  # the first one warms everything up
    middle = {way: median(run[way] for run in found) for way in WAYS}
    click.echo(
        f"| {size} MiB, median of {runs} runs | ms | MiB/s | of the bare call | of the call and what goes with it |"
    )
    click.echo("| --- | --- | --- | --- | --- |")
    ratios = {way: (middle["call"] + middle[other]) / middle[way] for way, other in BESIDE.items()}
    for way, ms in middle.items():
        whole = f"{ratios[way]:.2f}" if way in ratios else ""
        click.echo(f"| {way} | {ms:.0f} | {1000 * size / ms:.0f} | {middle['call'] / ms:.2f} | {whole} |")
    if min(ratios.values()) < MIN_RATIO:
        sys.exit(f"A promise was broken: less than {MIN_RATIO} of the bare call with reading or keeping.")


def _measure(driver: webdriver.Chrome) -> dict[str, float]:
    answer: dict[str, float] = driver.execute_async_script(_SCRIPT.read_text("utf-8"))
    if "problem" in answer:
        sys.exit(f"It failed: {answer['problem']}")
    return answer


if __name__ == "__main__":
    main()
