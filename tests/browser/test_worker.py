"""The worker that carries large secrets: what may stand around it, and what is said where it does not start."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.engines import Tab, choose, digest, reach, saved
from browser.test_saving import PASS, WATCH
from browser.test_story import opened
from support.servers import Server, start_server, stop_server
from taina import Client

MEBI = 1 << 20
WRAPPED = """void (window.Worker = class extends Worker {
  constructor(address, options) {
    super(`${address}#checked`, options);
    window.wrapped = true;
  }
})"""
"""What an extension that checks a page's workers does to it: the address is then a string."""
START = """void (() => {
  window.refused = null;
  try {
    new Worker("ADDRESS");
  } catch (error) {
    window.refused = error.name;
  }
})()"""
BROKEN = {"missing": None, "no JavaScript": "(", "silent": ""}


@pytest.fixture
def why(request: pytest.FixtureRequest, broken: Server) -> str:
    """What a page calls it: a file that is gone was taken away by an upgrade."""
    return "renewed" if "missing" in request.node.name else "unreachable"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(3 * MEBI + 5))
    return file


@pytest.fixture(scope="module", params=BROKEN)
def broken(
    request: pytest.FixtureRequest, built_site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("broken")
    site = shutil.copytree(built_site, folder / "site")
    for file in site.glob("**/transfer_worker*.js*"):
        file.unlink()
        if (text := BROKEN[request.param]) is not None and file.suffix == ".js":
            file.write_text(text)
    server = start_server(folder / "data", "--site", str(site))
    yield server
    stop_server(server)


def test_an_extension_may_wrap_it(tab: Tab, reader: Tab, taina: Server, file: Path) -> None:
    tab.open(f"{taina.url}/en/")
    tab.evaluate(WRAPPED)
    choose(tab, [file])
    tab.click("#send")
    reach(tab, "done")
    assert tab.evaluate("wrapped")
    reader.open(tab.value("#link"))
    reader.evaluate(WRAPPED)
    reach(reader, "before")
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.evaluate("wrapped")
    assert saved(reader, "#secret-files button") == digest(file)


def test_a_page_starts_no_other(tab: Tab, taina: Server, file: Path) -> None:
    with Client(taina.url) as client:
        opened(tab, client.send(file).link)
    for address in ("/en/", "blob:null/0", "data:text/javascript,0"):
        tab.evaluate(START.replace("ADDRESS", address))
        assert tab.evaluate("refused || !window.trustedTypes"), address


def let_the_time_pass(tab: Tab, state: str) -> None:
    """The page waits for a silent worker; one that cannot be started is known at once."""
    tab.wait(f"due.size > 0 || document.querySelector('main').dataset.state === '{state}'")
    tab.evaluate(PASS)
    reach(tab, state)


def test_sending_says_that_it_does_not_start(tab: Tab, broken: Server, why: str, file: Path) -> None:
    tab.open(f"{broken.url}/en/")
    tab.evaluate(WATCH)
    tab.fill("#text", "beside it a text")
    choose(tab, [file])
    for _ in range(2):
        tab.click("#send")
        reach(tab, "working", "error")
        let_the_time_pass(tab, "error")
        assert tab.shown(f'[data-error="{why}"]')
        assert tab.value("#text") == "beside it a text"
        assert tab.text("#chosen .file-name") == file.name


SILENT = """void (window.Worker = class extends EventTarget {
    constructor() { super(); window.begun = true; }
    terminate() { window.terminated = true; }
})"""
"""A worker that never answers."""


def test_waiting_for_it_can_be_cancelled(tab: Tab, taina: Server, file: Path) -> None:
    tab.open(f"{taina.url}/en/")
    tab.evaluate(SILENT)
    choose(tab, [file])
    tab.click("#send")
    tab.wait("window.begun")  # before that, what is cancelled is loading it
    tab.click("#cancel")
    reach(tab, "error")
    assert tab.shown('[data-error="cancelled"]')
    assert tab.evaluate("window.terminated")


def test_revealing_says_that_it_does_not_start_and_takes_nothing(
    tab: Tab, broken: Server, why: str, file: Path
) -> None:
    with Client(broken.url) as client:
        link = client.send(file).link
        tab.open(link)
        reach(tab, "before")
        tab.evaluate(WATCH)
        for _ in range(2):
            tab.click("#reveal")
            let_the_time_pass(tab, why)
            if why == "renewed":
                tab.reload()
                reach(tab, "before")
                tab.evaluate(WATCH)
                continue
            assert tab.shown("#untouched")
            tab.click("#try-again")
            reach(tab, "before")
        client.open(link)


STAND_IN = """void (window.Worker = class extends EventTarget {
  constructor() {
    super();
    window.worker = this;
    window.opens = [];
    setTimeout(() => this.says({ started: true }));
  }
  postMessage({ n, name }) {
    if (name === "open") window.opens.push(n);
  }
  says(data) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
})"""
"""A worker that says what a test wants."""
WAITING, REFUSED, LOST = (
    "worker.says({ held: 'unreachable' })",
    "worker.says({ n: opens.at(-1), problem: { code: 'internal', members: {} } })",
    "worker.says({ n: opens.at(-1), problem: { code: 'lost', members: {} } })",
)
GOES_ON = "worker.says({ held: null })"


def test_an_outage_that_ends_in_a_refusal_is_told_and_may_be_tried_again(tab: Tab, taina: Server, file: Path) -> None:
    with Client(taina.url) as client:
        tab.open(client.send(file).link)
    reach(tab, "before")
    tab.evaluate(STAND_IN)
    tab.click("#reveal")
    for _ in range(2):
        tab.wait("window.opens?.length && document.querySelector('main').dataset.state === 'working'")
        asked = tab.evaluate("opens.length")
        tab.evaluate(WAITING)
        reach(tab, "unreachable")
        tab.evaluate(REFUSED)
        tab.evaluate(GOES_ON)  # a last word of what was given up
        assert reach(tab, "unreachable", "working") == "unreachable"
        assert tab.shown("#interrupted")
        tab.click("#try-again")
        tab.wait(f"opens.length === {asked + 1}")
    tab.evaluate(WAITING)
    tab.evaluate(LOST)
    reach(tab, "lost")
    tab.evaluate(GOES_ON)
    assert tab.evaluate("document.querySelector('main').dataset.state") == "lost"
