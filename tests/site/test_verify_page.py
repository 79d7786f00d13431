"""The commands of the page “Verify this site”, word for word, against a real server."""

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from conftest import ROOT
from support.servers import start_server, stop_server
from taina.site import build


@pytest.fixture
def english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site in one language, which stands for all: so many files are asked for one by one."""
    catalogs = build._read_catalogs
    monkeypatch.setattr(build, "_read_catalogs", lambda source: {"en": catalogs(source)["en"]})
    build.write(tmp_path / "site")
    return tmp_path / "site"


@pytest.mark.parametrize("language", ["en", "bg"])
def test_only_a_page_that_differs_is_named(english: Path, language: str) -> None:
    page = (ROOT / "site/texts" / language / "verify.md").read_text("utf-8")
    (commands,) = [block for block in re.findall(r"(?:^    .*\n)+", page, re.MULTILINE) if "differs:" in block]
    changed = "en/privacy/index.html"
    for path, data in build.with_compressed({changed: (english / changed).read_bytes() + b" "}).items():
        (english / path).write_bytes(data)
    server = start_server(english.parent / "data", "--site", str(english))
    commands = textwrap.dedent(commands).replace("https://secrets.example", server.url)
    done = subprocess.run(["sh", "-c", commands], capture_output=True, text=True, check=False)
    stop_server(server)
    assert done.stdout.splitlines() == [f"differs: {changed} ({coding})" for coding in ("identity", "gzip", "br")]
    assert done.stderr == ""
