"""What is installed from elsewhere is what was looked at: by its digest, and without running anything of its own."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))


@pytest.mark.parametrize("lock", LOCKS)
def test_each_python_package_is_pinned_with_its_digest(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if not re.match(r"[a-z0-9._-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_pip_installs_by_digest_or_from_this_checkout() -> None:
    scripts = ("setup", "run", "test", "lighthouse")
    lines = [line for name in scripts for line in (ROOT / "scripts" / name).read_text("utf-8").splitlines()]
    # One function has the options; what it installs stands where it is called.
    assert [line for line in lines if "pip install " in line] == [line for line in lines if "pip_install()" in line]
    calls = [line for line in lines if "pip_install " in line]
    assert calls
    assert [call for call in calls if "--require-hashes" not in call and " -e ." not in call] == []


def test_each_javascript_package_is_pinned_with_its_digest() -> None:
    packages = json.loads((ROOT / "site/package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, facts in packages.items() if name and not facts.get("integrity", "").startswith("sha")] == []


def test_packages_run_nothing_when_they_are_installed() -> None:
    assert "ignore-scripts=true" in (ROOT / "site/.npmrc").read_text("utf-8").splitlines()
