"""Does the measured coverage reach the thresholds of pyproject.toml? Lines and branches count; run by scripts/test."""

import io
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent


def measured(data: Path, folder: str) -> float:
    """Percent of the lines and branches of a folder's files that were taken."""
    found = coverage.Coverage(data_file=data, config_file=ROOT / "pyproject.toml")
    found.load()
    return found.report(include=[str(ROOT / folder / "*")], file=io.StringIO())


def chosen(thresholds: Mapping[str, float], tests: list[str]) -> Mapping[str, float]:
    """All where all tests ran; else those of the folders whose own tests did: tests/store is for store."""
    rooms = {Path(test).name for test in tests if test.startswith("tests/")}
    return {folder: least for folder, least in thresholds.items() if not tests or Path(folder).name in rooms}


def main() -> None:
    """Arguments: the file of coverage, and the tests that ran where these were not all."""
    data, *tests = sys.argv[1:]
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["taina"]["coverage"]
    short = False
    for folder, least in chosen(configured, tests).items():
        percent = measured(Path(data), folder)
        short |= percent < least
        verdict = f"less than {least} %: tests are missing" if percent < least else f"at least {least} %"
        print(f"{folder}: {percent:.2f} %, {verdict}")
    sys.exit(short)


if __name__ == "__main__":
    main()
