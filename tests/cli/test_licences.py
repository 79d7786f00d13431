"""What of others is installed, and under which terms."""

import importlib.metadata
import tomllib
from pathlib import Path

from cli.conftest import Run
from taina.cli.licences import EXTRAS, Part, installed, parts, read_parts, write_parts

ROOT = Path(__file__).resolve().parents[2]


def test_packages_are_listed_with_their_versions_and_licences(run: Run) -> None:
    lines = run("licences").stdout.decode().splitlines()
    for name in ("falcon", "cryptography", "httpx"):
        (line,) = [line for line in lines if line.startswith(f"{name} {importlib.metadata.version(name)} ")]
        assert line.split(" ")[-1]
    assert lines[0].startswith("taina ")
    assert not any(line.startswith(("pytest", "ruff", "pyinstaller")) for line in lines)


def test_every_extra_that_users_install_is_looked_into() -> None:
    """`agent` was not: what it needs was listed nowhere."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - {"build", "binary", "test"}, "those three are for whoever works on Taina"


def test_every_text_is_printed(run: Run) -> None:
    out = run("licences", "--texts").stdout.decode()
    for part in installed():
        assert part.texts, part.name
        for text in part.texts:
            assert text.strip() in out


def test_what_a_packed_program_says_is_what_its_build_found() -> None:
    found = [Part("b", "2", "MIT", ("text", "Ъ"), "pkg:generic/b@2"), Part("A", "1", "", (), "pkg:generic/a@1")]
    assert read_parts(write_parts(found)) == found[::-1]
    assert parts() == installed()
