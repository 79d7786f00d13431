"""`scripts/run` builds the pages where what they are made from is not what it was, and only there.

And what all scripts begin with: they go to the top of their own checkout.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

SETUP = "python_environment() { :; }\nnode_packages() { :; }\n"
TAINA = """\
#!/bin/sh
echo "$*" >>commands
case "$*" in "site build"*)
    [ -e broken ] && exit 1
    mkdir -p build/site
    touch build/site/manifest.json ;;
esac
"""
SOURCES = {
    "taina.toml": '[site]\nlogo = "logo.svg"\n',
    "logo.svg": "<svg/>",
    "site/texts/en/privacy.md": "# Privacy\n",
    "site/node_modules/package/index.js": "1",
    "backend/taina/site/build.py": "1",
    "backend/taina/__init__.py": "1",
}
LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One whose pages are built, by a `taina` that notes how it was called."""
    for name, text in {**SOURCES, "scripts/setup": SETUP, ".venv/bin/taina": TAINA}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".venv/bin/taina").chmod(0o755)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    for name in ("run", "pages_digest.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    assert builds(tmp_path) == ["site build --out build/site --config taina.toml"]
    return tmp_path


def builds(folder: Path) -> list[str]:
    (folder / "commands").unlink(missing_ok=True)
    subprocess.run([folder / "scripts/run", "--port", "0"], check=True)
    *before, last = (folder / "commands").read_text().splitlines()
    assert last == "serve --site build/site --port 0"
    return before


def test_pages_that_are_as_they_would_be_are_not_built(checkout: Path) -> None:
    assert builds(checkout) == []
    (checkout / "site/node_modules/package/index.js").write_text("2")
    for name in SOURCES:
        (checkout / name).touch()
    assert builds(checkout) == []


@pytest.mark.parametrize("name", [name for name in SOURCES if "node_modules" not in name])
def test_what_is_older_by_its_date_is_built_into_them_all_the_same(checkout: Path, name: str) -> None:
    (checkout / name).write_text(SOURCES[name] + " ")
    os.utime(checkout / name, LONG_AGO)
    assert builds(checkout) == ["site build --out build/site --config taina.toml"]
    assert builds(checkout) == []


def test_what_was_removed_goes_out_of_them(checkout: Path) -> None:
    (checkout / "site/texts/en/privacy.md").unlink()
    assert builds(checkout) == ["site build --out build/site --config taina.toml"]
    (checkout / "taina.toml").unlink()
    assert builds(checkout) == ["site build --out build/site"]
    assert builds(checkout) == []
    shutil.rmtree(checkout / "build/site")
    assert builds(checkout) == ["site build --out build/site"]


@pytest.mark.parametrize("text", ["[site", 'site = "no table"', "[site]\nlogo = 1\n", '[site]\nlogo = "gone.svg"\n'])
def test_what_cannot_be_built_is_tried_again(checkout: Path, text: str) -> None:
    """The command says what is wrong with the options, every time."""
    (checkout / "broken").touch()
    (checkout / "taina.toml").write_text(text)
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            builds(checkout)
    (checkout / "broken").unlink()
    assert builds(checkout) != []


@pytest.mark.parametrize(
    "name", [file.name for file in sorted((ROOT / "scripts").iterdir()) if file.is_file() and "$0" in file.read_text()]
)
def test_a_script_is_at_home_wherever_the_shell_looks_for_folders(tmp_path: Path, name: str) -> None:
    """With CDPATH, `cd scripts/..` goes into another checkout, whose scripts/setup would be run in place of ours."""
    ours, other = tmp_path / "ours", tmp_path / "other"
    for folder in (ours, other):
        (folder / "scripts").mkdir(parents=True)
    head, goes, _ = (ROOT / "scripts" / name).read_text().partition('cd "$(dirname "$0")/.."\n')
    assert goes
    (ours / "scripts" / name).write_text(f"{head}{goes}pwd\n")
    environment = os.environ | {"CDPATH": str(other)}
    done = subprocess.run(["sh", f"scripts/{name}"], cwd=ours, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{ours}\n")
