"""The thresholds of coverage hold by themselves: too few tests, and the run fails."""

import subprocess
import sys
from pathlib import Path

import pytest

import coverage_thresholds

ROOT = Path(__file__).resolve().parent.parent
THRESHOLDS = {"backend/taina": 95, "backend/taina/rules": 100, "backend/taina/store": 100}


@pytest.mark.parametrize(
    ("arguments", "folders"),
    [
        ([], ["backend/taina", "backend/taina/rules", "backend/taina/store"]),
        (["tests/rules", "tests/web/", "-x"], ["backend/taina/rules"]),
        (["tests/store/"], ["backend/taina/store"]),
        (["tests/store/test_sqlite.py"], []),
        (["-k", "store"], []),
    ],
)
def test_a_folder_is_held_to_its_threshold_where_its_own_tests_ran(arguments: list[str], folders: list[str]) -> None:
    assert list(coverage_thresholds.chosen(THRESHOLDS, arguments)) == folders


def test_what_few_tests_took_is_not_enough(tmp_path: Path) -> None:
    data = tmp_path / "data"
    program = tmp_path / "program.py"
    program.write_text("import taina.format.stream, taina.rules")
    measure = [sys.executable, "-m", "coverage", "run", f"--rcfile={ROOT / 'pyproject.toml'}", f"--data-file={data}"]
    subprocess.run([*measure, "--parallel-mode", program], check=True, cwd=ROOT)
    subprocess.run([sys.executable, "-m", "coverage", "combine", f"--data-file={data}", tmp_path], check=True, cwd=ROOT)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "coverage_thresholds.py", data, "tests/format"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("backend/taina/format: ")
    assert "less than 100 %: tests are missing" in done.stdout
