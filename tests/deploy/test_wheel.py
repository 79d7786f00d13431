"""What `pip install taina` gets: pages in an archive, the same as in a folder, and what describes the package."""

import os
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import httpx
import pytest

from conftest import ROOT
from support.servers import start_server, stop_server
from taina.web.archive import open_files, pack

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


@pytest.fixture(scope="module")
def archive(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {path.relative_to(built_site).as_posix(): path for path in built_site.rglob("*") if path.is_file()}
    packed = pack({name: path.read_bytes() for name, path in files.items()})
    backwards = pack({name: files[name].read_bytes() for name in reversed(files)})
    assert packed == backwards, "the same files give the same archive"
    archive = tmp_path_factory.mktemp("packed") / "pages.zip"
    archive.write_bytes(packed)
    return archive


def test_an_archive_holds_what_the_folder_holds(archive: Path, built_site: Path) -> None:
    with open_files(archive) as packed, open_files(built_site) as folder:
        assert set(packed.names()) == set(folder.names())
        for name in folder.names():
            assert packed.read(name) == folder.read(name), name
        with pytest.raises(KeyError):
            packed.read("nothing")


def test_a_server_delivers_pages_from_an_archive(archive: Path, built_site: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path, "--site", str(archive))
    for path in ("", "en/", "manifest.json", "bg/s/"):
        for coding in ("identity", "gzip", "br"):
            answer = httpx.get(f"{server.url}/{path}", headers={"Accept-Encoding": coding})
            file = built_site / (path if path.endswith(".json") else f"{path}index.html")
            assert (answer.status_code, answer.content) == (200, file.read_bytes())
            assert answer.headers.get("content-encoding", "identity") == coding
    stop_server(server)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_holds_no_pages_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pages.zip").write_bytes(content)
    with pytest.raises(RuntimeError, match=r"holds no built site .+ Build one with `taina site build`"):
        start_server(tmp_path / "data", "--site", str(tmp_path / "pages.zip"))


@pytest.mark.release
def test_the_wheel_has_the_pages_and_their_sources(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": ""}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 10 << 20
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        (metadata,) = [name for name in names if name.endswith("/METADATA")]
        described = Parser().parsestr(opened.read(metadata).decode("utf-8"))
        opened.extract("taina/site/pages.zip", tmp_path)
        opened.extract("taina/site/sources.zip", tmp_path)
    assert not {name for name in names if name.startswith(("tests", "scripts", "site/"))}
    assert "taina/py.typed" in names
    with open_files(tmp_path / "taina/site/pages.zip") as pages, open_files(tmp_path / "taina/site/sources.zip") as own:
        assert {"manifest.json", "en/index.html", "en/index.html.br", "caddy.conf"} <= set(pages.names())
        for name in ("locales/bg.json", "js/pages/create.js", "texts/en/format.md"):
            assert own.read(name) == (ROOT / "site" / name).read_bytes()
    needed = [line for line in described.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert not [line for line in needed if "==" in line], "a project that uses the library has versions of its own"
    assert {line.split(">")[0].split("<")[0] for line in needed} == {
        *("brotli", "click", "cryptography", "httpcore", "httpx", "pybase64", "segno", "xkcdpass"),
    }


def test_the_pages_are_built_by_what_the_lock_file_has() -> None:
    loose = [one for one in PROJECT["build-system"]["requires"] if f"\n{one} " not in f"\n{LOCK}"]
    assert loose == []
