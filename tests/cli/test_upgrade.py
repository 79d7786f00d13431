"""An instance of 0.1.0 under today's program: all that waited opens once, and there is no way back by accident.

`scripts/make_old_instance.py` made it with the old program itself.
"""

import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import COMMAND
from conftest import ROOT
from support.clocks import other_clock
from support.servers import Server, start_server, stop_server

OLD = ROOT / "tests" / "vectors" / "instance-0.1.0"
STORY = json.loads((OLD / "story.json").read_text("ascii"))
FILES = {"notes.txt": b"Notes of our own.\n", "blob.bin": bytes(range(256)) * 80}


class Upgraded:
    """Today's server on the old folder, and today's command line, an hour after the old server ended."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._clock = folder, other_clock(f"FAKETIME={STORY['made'] + 3600 - int(time.time()):+d}")
        self.data = folder / "data"
        self.data.mkdir()
        for name in ("taina.db", "keys.db"):
            shutil.copyfile(OLD / name, self.data / name)
        shutil.copyfile(OLD / "taina.toml", folder / "taina.toml")
        self.server = self.start()

    def start(self) -> Server:
        return start_server(self.data, "--config", str(self.folder / "taina.toml"), wrapper=self._clock)

    def run(self, *arguments: str, given: bytes = b"", key: str = "ann") -> "subprocess.CompletedProcess[bytes]":
        command = [argument.replace("{url}", self.server.url) for argument in arguments]
        said = {"TAINA_URL": self.server.url, "TAINA_KEY": STORY["keys"].get(key, "")}
        environment = {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "XDG_STATE_HOME": str(self.folder / "state"),
            **said,
        }
        return subprocess.run(
            [*self._clock, *COMMAND, *command],
            input=given,
            capture_output=True,
            cwd=self.folder,
            env=environment,
            timeout=60,
            check=False,
        )

    def answer(self, *arguments: str, given: bytes = b"") -> Any:
        done = self.run(*arguments, "--json", given=given)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def receipt(self, name: str) -> str:
        return str(self.answer("receipt", STORY[name]["receipt"])["state"])


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    upgraded = Upgraded(tmp_path_factory.mktemp("instance"))
    yield upgraded
    stop_server(upgraded.server)


def test_a_text_that_waited_opens_once(upgraded: Upgraded) -> None:
    assert upgraded.receipt("text") == "waiting"
    opened = upgraded.run("open", STORY["text"]["link"])
    assert opened.stdout.rstrip(b"\n") == b"A text that waits", opened.stderr
    assert upgraded.run("open", STORY["text"]["link"]).returncode == 3
    assert upgraded.receipt("text") == "opened"


def test_a_passphrase_still_protects(upgraded: Upgraded) -> None:
    (upgraded.folder / "wrong").write_text("wrong\n", "utf-8")
    (upgraded.folder / "right").write_text("correct horse\n", "utf-8")
    link = STORY["protected"]["link"]
    assert upgraded.run("open", link, "--passphrase-file", "wrong").returncode == 4
    opened = upgraded.run("open", link, "--passphrase-file", "right")
    assert opened.stdout.rstrip(b"\n") == b"Behind a passphrase", opened.stderr
    assert upgraded.run("open", link, "--passphrase-file", "right").returncode == 3


def test_files_are_byte_for_byte_what_they_were(upgraded: Upgraded) -> None:
    (upgraded.folder / "out").mkdir()
    done = upgraded.run("open", STORY["files"]["link"], "--out", "out")
    assert done.returncode == 0, done.stderr
    assert {file.name: file.read_bytes() for file in (upgraded.folder / "out").iterdir()} == FILES


def test_what_had_ended_stays_ended_and_receipts_tell_it(upgraded: Upgraded) -> None:
    for name in ("opened", "burned"):
        assert upgraded.receipt(name) == name
        assert upgraded.run("open", STORY[name]["link"]).returncode == 3


def test_a_request_has_its_answer_and_takes_another(upgraded: Upgraded) -> None:
    request = STORY["request"]
    assert upgraded.run("answer", request["link"], "-", given=b"Another answer").returncode == 0
    links = upgraded.answer("inbox", request["inbox"])["answers"]
    texts = {upgraded.run("open", link).stdout.rstrip(b"\n") for link in links}
    assert texts == {b"An answer that waits", b"Another answer"}
    assert {upgraded.run("open", link).returncode for link in links} == {3}
    assert upgraded.run("answer", request["link"], "-", given=b"One too many").returncode == 6


def test_keys_and_options_are_those_of_before(upgraded: Upgraded) -> None:
    assert upgraded.run("send", "-", given=b"new").returncode == 0
    for key in ("bob", "nobody"):
        assert upgraded.run("send", "-", given=b"new", key=key).returncode == 6
    listed = upgraded.run("keys", "list", "--data", "data").stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == ["ann", "bob"]
    too_large = upgraded.run("send", "-", given=bytes(8 << 20))
    assert too_large.returncode == 6
    assert b"7 MiB" in too_large.stderr


def test_the_old_program_finds_no_way_into_the_upgraded_file(tmp_path: Path) -> None:
    """It compares no steps, so at its start it has to miss a table, and says then that the database cannot be used."""
    upgraded = Upgraded(tmp_path)
    stop_server(upgraded.server)
    with (
        closing(sqlite3.connect(upgraded.data / "taina.db")) as connection,
        pytest.raises(sqlite3.OperationalError, match="no such table: litter"),
    ):
        connection.execute("SELECT slot FROM litter")
    stop_server(upgraded.start())
