"""`scripts/setup`: the environment that it makes is kept while it fits, and made again where it does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

# A package of this name, which needs nothing from the network.
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
from zipfile import ZipFile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with ZipFile(f"{folder}/taina-1-py3-none-any.whl", "w") as wheel:
        about = "taina-1.dist-info"
        wheel.writestr("taina_program.py", "import sys\\ndef main(): print(sys.prefix)\\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: taina\\nVersion: 1\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/entry_points.txt", "[console_scripts]\\ntaina = taina_program:main\\n")
        wheel.writestr(f"{about}/RECORD", "")
    return "taina-1-py3-none-any.whl"
"""
SCRIPT = "set -eu; . scripts/setup; python_environment requirements.lock; exec .venv/bin/taina"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "backup" / tmp_path.relative_to("/") / "a checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup", folder / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (folder / name).touch()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    return folder


def run(script: str, folder: Path) -> str:
    environment = os.environ | {"PYTHON": sys.executable, "PIP_NO_INDEX": "1"}
    done = subprocess.run(["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def set_up(folder: Path) -> None:
    """Afterwards the program runs, in the environment of this folder."""
    assert Path(run(SCRIPT, folder)).samefile(folder / ".venv")


@pytest.mark.release
def test_an_environment_is_made_again_only_where_it_does_not_fit(checkout: Path, tmp_path: Path) -> None:
    """In one test, for each environment takes long to make."""
    set_up(checkout)
    (checkout / ".venv" / "old").touch()
    link = tmp_path / "link"
    link.symlink_to(checkout)
    set_up(link)
    (checkout / "requirements.lock").write_text("# others, which go into it\n")
    set_up(checkout)
    assert (checkout / ".venv" / "old").exists()

    copy = tmp_path / "a checkout"  # its path is the end of the old one's
    shutil.copytree(checkout, copy, symlinks=True)
    set_up(copy)
    assert not (copy / ".venv" / "old").exists()

    # The system's Python became a newer one, which looks for packages elsewhere.
    (packages,) = (copy / ".venv" / "lib").iterdir()
    packages.rename(packages.with_name("python3.10"))
    assert run(". scripts/setup; python=$PYTHON; environment_fits || echo no", copy) == "no"


FITTING = ". scripts/setup; environment_fits() { :; }; python_environment"


def installs(folder: Path, lock: str) -> bool:
    """Whether packages go into an environment of the right Python and place."""
    log = folder / ".venv" / "log"
    log.unlink(missing_ok=True)
    run(f"{FITTING} {lock}", folder)
    return log.exists()


def test_packages_are_those_of_the_version_that_is_checked_out(checkout: Path) -> None:
    """Each lock file once had a stamp of its own, which stayed when the packages of another came over its own."""
    for name in ("pip", "taina"):
        program = checkout / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\necho >>.venv/log\n[ ! -e broken ]\n")
        program.chmod(0o755)
    of_servers, of_developers = checkout / "requirements.lock", checkout / "requirements-dev.lock"
    assert installs(checkout, of_servers.name)
    assert not installs(checkout, of_servers.name)
    assert installs(checkout, of_developers.name)
    assert not installs(checkout, of_developers.name)
    assert not installs(checkout, of_servers.name), "the developers' packages contain them"

    of_servers.write_text("# another version\n")
    assert installs(checkout, of_servers.name)
    of_servers.write_text("")
    assert installs(checkout, of_developers.name)

    # An earlier version leaves a stamp of another name.
    (checkout / ".venv" / "requirements.lock.stamp").write_text("0\n")
    assert installs(checkout, of_developers.name)
    assert not installs(checkout, of_developers.name)

    of_servers.write_text("# another version\n")
    (checkout / "broken").touch()
    with pytest.raises(AssertionError, match="could not be installed"):
        installs(checkout, of_servers.name)
    of_servers.write_text("")
    (checkout / "broken").unlink()
    assert installs(checkout, of_developers.name), "nobody knows what is there"


@pytest.mark.parametrize(
    ("fails", "said", "fetched"),
    [
        ("-m venv .venv", "The environment .venv cannot be made in {folder}.", False),
        ("-c import ensurepip, venv", "Python's venv module is missing.", True),
    ],
)
def test_what_an_environment_misses_is_named(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, said: str, fetched: bool
) -> None:
    """A checkout that cannot be written to once had a package installed, and was told that it was missing."""
    programs = {
        "python": f'[ "$*" != "{fails}" ] || {{ echo "It is so." >&2; exit 1; }}\nexec {sys.executable} "$@"',
        "apt-get": f'echo "$*" >>"{tmp_path}/log"',
        "sudo": 'shift; exec "$@"',
    }
    for name, text in programs.items():
        (tmp_path / "bin" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    script = f'PYTHON="{tmp_path}/bin/python"; set -eu; . scripts/setup; python_environment requirements.lock'
    done = subprocess.run(["sh", "-c", script], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 1
    assert said.format(folder=checkout) in done.stderr
    assert (tmp_path / "log").exists() == fetched
    assert fetched or "It is so." in done.stderr


def test_node_comes_from_python_s_packages_where_the_machine_has_none(checkout: Path) -> None:
    """Also where that comes first: the tests of JavaScript do not wait for the other packages."""
    programs = checkout / ".venv" / "bin"
    (checkout / "pip").write_text("#!/bin/sh\nmv npm .venv/bin\n")
    (checkout / "npm").write_text('#!/bin/sh\necho "$*" >>log\n')
    for name in ("pip", "npm"):
        (checkout / name).chmod(0o755)
    (checkout / "site" / "node_modules").mkdir(parents=True)
    (checkout / "site" / "package-lock.json").touch()
    machine = "node_is_new() { [ -x .venv/bin/npm ]; }; environment() { mkdir -p .venv/bin; mv pip .venv/bin; }"
    run(f"set -eu; . scripts/setup; {machine}; node_packages dev; node_packages dev", checkout)
    assert sorted(file.name for file in programs.iterdir()) == ["npm", "pip"]
    assert len((checkout / "log").read_text().splitlines()) == 1, "the second time nothing is installed"
