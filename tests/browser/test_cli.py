"""The command line and the pages speak one format: what one makes the other opens, in three engines."""

import os
import subprocess
from pathlib import Path

from browser.engines import Tab, digest, reach, saved
from browser.test_requests import answer, ask
from browser.test_story import opened, send
from cli.conftest import COMMAND
from support.servers import Server

MEBI = 1 << 20


def taina_says(taina: Server, *arguments: str, given: bytes = b"", passphrase: str = "") -> bytes:
    environment = {**os.environ, "TAINA_URL": taina.url, "TAINA_PASSPHRASE": passphrase}
    done = subprocess.run([*COMMAND, *arguments], input=given, capture_output=True, env=environment, check=True)
    return done.stdout


def test_a_link_of_the_command_line_opens_in_the_page(tab: Tab, taina: Server) -> None:
    opened(tab, taina_says(taina, "send", "-", given=b"hunter2").decode().strip())
    assert tab.text("#secret-text") == "hunter2"


def test_a_link_of_the_page_opens_at_the_command_line(tab: Tab, taina: Server) -> None:
    send(tab, taina, "hunter2 тайна", passphrase="фраза ﬁ")
    assert taina_says(taina, "open", tab.value("#link"), passphrase="фраза fi").decode() == "hunter2 тайна"


def test_files_both_ways(tab: Tab, reader: Tab, taina: Server, tmp_path: Path) -> None:
    file = tmp_path / "снимка 🔑.bin"
    file.write_bytes(os.urandom(2 * MEBI + 1))
    opened(reader, taina_says(taina, "send", str(file)).decode().strip())
    assert reader.text("#secret-files .file-name") == file.name
    assert saved(reader, "#secret-files button") == digest(file)
    send(tab, taina, text="", files=[file])
    folder = tmp_path / "out"
    folder.mkdir()
    taina_says(taina, "open", tab.value("#link"), "--out", str(folder))
    assert (folder / file.name).read_bytes() == file.read_bytes()


def test_a_request_of_the_page_is_answered_at_the_command_line(tab: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina)
    taina_says(taina, "answer", link, "-", given=b"hunter2")
    (found,) = taina_says(taina, "inbox", inbox).decode().split()
    opened(tab, found)
    assert tab.text("#secret-text") == "hunter2"


def test_a_request_of_the_command_line_is_answered_in_the_page(tab: Tab, taina: Server) -> None:
    link = taina_says(taina, "request").decode().strip()
    answer(tab, link)
    reach(tab, "done")
