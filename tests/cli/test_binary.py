"""The one-file program, in an empty folder with an empty environment: everything is in it."""

import importlib.util
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from conftest import ROOT
from support.one_file import one_file_program
from taina.site import build as build_site

pytestmark = pytest.mark.release


@pytest.fixture(scope="session")
def program() -> Path:
    return one_file_program()


@contextmanager
def served(program: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """In `folder`, with nothing in the environment but where to unpack."""
    (folder / "unpacked").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [program, "serve", "--port", "0"],
        cwd=folder,
        env={"TMPDIR": str(folder / "unpacked")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://[^/]+", first)
    try:
        assert found, first + process.stdout.read()
        yield found[0], process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def call(program: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], cwd=folder, env={}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_server_pages_and_commands_are_in_one_file(program: Path, tmp_path: Path) -> None:
    with served(program, tmp_path) as (url, process):
        manifest = httpx.get(f"{url}/manifest.json").content
        assert manifest == build_site.build()["manifest.json"]
        for path in ("", "en/", "bg/s/"):
            assert httpx.get(f"{url}/{path}").status_code == 200
        link = call(program, tmp_path, "send", "in one file", "--url", url)
        assert call(program, tmp_path, "open", link) == "in one file"
        process.terminate()
        assert process.wait(30) == 0
    assert list((tmp_path / "unpacked").iterdir()) == []
    assert {file.name for file in (tmp_path / "data").iterdir()} == {"taina.db", "takedowns"}


def test_what_a_killed_one_leaves_behind_the_next_one_removes(program: Path, tmp_path: Path) -> None:
    with served(program, tmp_path) as (_, process):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    (left,) = (tmp_path / "unpacked").iterdir()
    with served(program, tmp_path):
        assert not left.exists()
        (mine,) = (tmp_path / "unpacked").iterdir()
        subprocess.run([program, "--version"], env={"TMPDIR": str(mine.parent)}, capture_output=True, check=True)
        assert mine.exists()


def test_it_builds_the_pages_for_a_static_host(program: Path, tmp_path: Path) -> None:
    call(program, tmp_path, "site", "build", "--api", "https://api.example", "--out", "pages")
    built = json.loads((tmp_path / "pages/manifest.json").read_text())
    assert built == json.loads(build_site.build(api="https://api.example")["manifest.json"])
    assert "https://api.example" in (tmp_path / "pages/_headers").read_text()


def test_it_holds_what_it_needs_and_the_terms_of_that(program: Path, tmp_path: Path) -> None:
    listed = call(program, tmp_path, "licences").splitlines()
    names = {line.split(" ")[0].lower().replace("_", "-") for line in listed} - {"taina"}
    packages = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    system = {name for name in names if name.startswith("lib")}
    others = {"python", "eff-long", "qrcode-generator", "pyinstaller", "pyinstaller-hooks-contrib"}
    assert {"falcon", "cryptography", "psycopg-binary"} <= names & packages
    assert {"libssl", "libpq"} <= system
    assert names - packages - system == others
    texts = call(program, tmp_path, "licences", "--texts").split("=" * 80)
    told = {text.strip().partition("\n")[0] for text in texts[1:] if len(text) > 200}
    assert {re.split(r"  +", line)[0].strip() for line in listed[1:]} == told


@pytest.mark.parametrize("language", ["en", "bg"])
def test_the_page_says_which_machines_are_too_old(program: Path, language: str) -> None:
    page = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
    (told,) = re.findall(r"glibc (\d+)\.(\d+)", page)
    needed = (program.parent / "glibc").read_text().split(".")
    assert [int(part) for part in needed] <= [int(part) for part in told]


def test_the_page_says_how_much_room_it_unpacks_into(program: Path, tmp_path: Path) -> None:
    with served(program, tmp_path):
        files = [file for file in (tmp_path / "unpacked").rglob("*") if file.is_file()]
        megabytes = sum(file.stat().st_size for file in files) / 1_000_000
    for language in ("en", "bg"):
        page = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
        (told,) = re.findall(r"(\d+) MB (?:in|в) `/tmp`", page)
        assert 0.7 * int(told) < megabytes < int(told)


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    """In /tmp a name is anybody's: what another user put there is neither opened nor deleted."""
    specification = importlib.util.spec_from_file_location("start", ROOT / "scripts/binary/start.py")
    assert specification
    assert specification.loader
    start = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(start)
    precious = tmp_path / "precious"
    precious.write_text("kept")
    ours, stale, linked, shared, device = (tmp_path / f"_MEI{n}" for n in range(5))
    for folder in (ours, stale, linked, shared, device):
        folder.mkdir(mode=0o700)
    (stale / "taina.lock").touch()
    (linked / "taina.lock").symlink_to(precious)
    (shared / "taina.lock").touch()
    shared.chmod(0o777)
    os.mkfifo(device / "taina.lock")
    (tmp_path / "_MEI9").symlink_to(stale, target_is_directory=True)
    held = start.hold(ours)
    start.sweep(ours)
    os.close(held)
    assert precious.read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("_MEI")} == {
        "_MEI0",
        "_MEI2",
        "_MEI3",
        "_MEI4",
        "_MEI9",
    }
