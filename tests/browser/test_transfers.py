"""Files of several chunks, several files, several recipients, and networks that break in the middle."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import playwright.sync_api as playwright
import pytest

from browser.engines import PATIENCE, Browsers, PlaywrightTab, Tab, choose, digest, reach, saved
from browser.test_story import opened, send
from conftest import ROOT
from support.cutting_proxy import CuttingProxy, slow_network
from support.servers import Server, free_port, start_server, stop_server
from taina import Client
from taina.client.names import clean_name

MEBI = 1 << 20
LARGE = 8 * MEBI


@pytest.fixture(scope="module")
def port(taina: Server) -> int:
    return int(taina.url.rpartition(":")[2])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "снимки.bin"
    file.write_bytes(os.urandom(3 * MEBI + 5))
    return file


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Takes a while on a slow network."""
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(LARGE))
    return file


@pytest.fixture
def slow(port: int) -> Iterator[CuttingProxy]:
    with slow_network(port) as proxy:
        yield proxy


def begin(tab: Tab, slow: CuttingProxy, *files: Path) -> None:
    """Choose the files, send them, and wait until something has arrived; the rest takes longer than any test."""
    tab.open(f"{slow.url}/en/")
    begin_here(tab, *files)


def begin_here(tab: Tab, *files: Path) -> None:
    choose(tab, list(files))
    tab.click("#send")
    tab.wait("document.querySelector('#progress').value > 0")


def receipt(tab: Tab, link: str) -> str:
    tab.open(link)
    reach(tab, "shown")
    return tab.text("#receipt-state")


@pytest.mark.every_engine
def test_a_file_of_several_chunks_arrives(tab: Tab, reader: Tab, taina: Server, file: Path) -> None:
    send(tab, taina, text="beside it a text", files=[file])
    opened(reader, tab.value("#link"))
    assert reader.text("#secret-text") == "beside it a text"
    assert saved(reader, "#secret-files button") == digest(file)
    assert receipt(tab, tab.value("#receipt-link")) == "Opened"


@pytest.mark.parametrize("engine", ["chromium", "firefox"])  # WebDriver cannot hold back a module
def test_a_file_that_is_picked_before_the_page_has_started(
    browsers: Browsers, engine: str, taina: Server, file: Path
) -> None:
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        held: list[playwright.Route] = []
        tab.page.route("**/js/pages/create.js", lambda route: held.append(route))
        with tab.page.expect_request("**/js/pages/create.js"):
            tab.page.goto(f"{taina.url}/en/", wait_until="commit")
        tab.choose("#files", [file])
        assert not tab.shown("#chosen")
        held[0].continue_()
        tab.wait("document.querySelectorAll('#chosen li').length === 1")


def test_a_wrong_passphrase_before_several_chunks(tab: Tab, reader: Tab, taina: Server, file: Path) -> None:
    send(tab, taina, text="", files=[file], passphrase="right")
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.fill("#passphrase", "wrong")
    reader.click("#reveal")
    reader.wait("document.querySelector('#wrong').textContent.includes('9')")
    reach(reader, "before")
    reader.fill("#passphrase", "right")
    reader.click("#reveal")
    reach(reader, "shown")
    assert saved(reader, "#secret-files button") == digest(file)


def test_an_upload_that_is_cut_again_and_again(
    tab: Tab, reader: Tab, engine: str, taina: Server, port: int, large: Path
) -> None:
    # WebKitGTK sends each chunk on a connection of its own.
    after, each = (MEBI // 2, 2) if engine == "webkit" else (3 * MEBI // 2, 1)
    with CuttingProxy(port, after=after, cutting="requests", each=each) as proxy:
        tab.open(f"{proxy.url}/en/")
        choose(tab, [large])
        tab.click("#send")
        reach(tab, "done")
        assert proxy.cuts >= 3
        assert proxy.passed["requests"] < 2 * large.stat().st_size, "what has arrived is not sent again"
    opened(reader, tab.value("#link").replace(proxy.url, taina.url))
    assert saved(reader, "#secret-files button") == digest(large)


def test_a_download_that_is_cut_again_and_again(tab: Tab, reader: Tab, taina: Server, port: int, large: Path) -> None:
    send(tab, taina, text="", files=[large])
    with CuttingProxy(port, after=3 * MEBI // 2) as proxy:
        opened(reader, tab.value("#link").replace(taina.url, proxy.url))
        assert saved(reader, "#secret-files button") == digest(large)
        assert proxy.cuts >= 3
        assert proxy.passed["answers"] < 2 * large.stat().st_size, "what has arrived is not fetched again"
    assert receipt(tab, tab.value("#receipt-link")) == "Opened"


def test_an_upload_waits_for_the_network(tab: Tab, reader: Tab, slow: CuttingProxy, taina: Server, large: Path) -> None:
    begin(tab, slow, large)
    slow.go_away()
    tab.wait("!document.querySelector('#away').hidden", seconds=60)
    assert reach(tab, "working") == "working"
    slow.come_back()
    slow.rate = None
    reach(tab, "done")  # no browser tells that a server is back: the page finds that out
    opened(reader, tab.value("#link").replace(slow.url, taina.url))
    assert saved(reader, "#secret-files button") == digest(large)


KEPT = """void (async () => {
  const files = [];
  try {
    for await (const name of (await navigator.storage.getDirectory()).keys()) files.push(name);
  } catch {
    // this engine has no such files
  }
  const databases = (await indexedDB.databases()).map(({name}) => name);
  return [history.state, {...sessionStorage}, {...localStorage}, databases, await caches.keys(), files];
})().catch(String).then((kept) => { window.keptHere = JSON.stringify(kept); })"""
NOTHING: list[object] = [None, {}, {}, [], [], []]


def kept(tab: Tab) -> list[object]:
    """What a page can leave with the browser: history entry, storages, databases, caches, files."""
    tab.evaluate("delete window.keptHere")
    tab.evaluate(KEPT)
    tab.wait("window.keptHere")
    found: list[object] = json.loads(tab.evaluate("window.keptHere"))
    return found


def test_a_browser_keeps_nothing_of_an_upload(tab: Tab, slow: CuttingProxy, large: Path) -> None:
    """Not while it goes, not after a reload that ends it, not when it is done."""
    tab.open(f"{slow.url}/en/")
    tab.fill("#passphrase", "correct horse")
    begin_here(tab, large)
    tab.click("#pause")
    assert kept(tab) == NOTHING
    tab.reload()
    assert reach(tab, "ready") == "ready"
    assert kept(tab) == NOTHING
    slow.rate = None
    tab.fill("#text", "beside it a text")
    tab.fill("#passphrase", "correct horse")
    choose(tab, [large])
    tab.click("#send")
    reach(tab, "done")


@pytest.mark.parametrize("engine", ["chromium", "firefox"])  # WebDriver leaves such questions unseen
def test_leaving_while_it_is_sent_is_asked_first(
    browsers: Browsers, engine: str, slow: CuttingProxy, large: Path
) -> None:
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        begin(tab, slow, large)
        with tab.page.expect_event("dialog") as asked:
            tab.page.close(run_before_unload=True)
        assert asked.value.type == "beforeunload"
        asked.value.dismiss()
        assert reach(tab, "working") == "working"
        tab.click("#cancel")
        reach(tab, "error")
        with tab.page.expect_event("close"):
            tab.page.close(run_before_unload=True)


def test_a_download_waits_for_the_network(
    tab: Tab, reader: Tab, slow: CuttingProxy, taina: Server, large: Path
) -> None:
    send(tab, taina, text="", files=[large])
    reader.open(tab.value("#link").replace(taina.url, slow.url))
    reach(reader, "before")
    reader.click("#reveal")
    reader.wait("document.querySelector('#progress').value > 0")
    slow.go_away()
    reader.wait("document.querySelector('main').dataset.state === 'unreachable'", seconds=60)
    assert reader.shown("#interrupted")
    reader.click("#try-again")  # in vain, and nothing is lost by it
    slow.come_back()
    slow.rate = None
    reach(reader, "shown")  # by itself, or by that click
    assert saved(reader, "#secret-files button") == digest(large)


def test_a_download_that_takes_more_than_a_client_may_have_stays_with_its_page(
    reader: Tab, built_site: Path, tmp_path: Path, large: Path
) -> None:
    """Another load of the page would lose the rest, so it does not tell anybody to."""
    options = ("--site", str(built_site))
    server = start_server(tmp_path, *options, port=free_port())
    with Client(server.url) as client:
        link = client.send(large).link
    stop_server(server)
    server = start_server(tmp_path, *options, "--client-transfer", "2 MiB", port=server.port)
    reader.open(link)
    reach(reader, "before")
    reader.click("#reveal")
    reach(reader, "unreachable", "limited")
    assert reader.shown("#interrupted")
    stop_server(server)
    server = start_server(tmp_path, *options, port=server.port)
    reader.click("#try-again")
    reach(reader, "shown")
    assert saved(reader, "#secret-files button") == digest(large)
    stop_server(server)


MARK = b"correct horse battery staple, "


@pytest.fixture(scope="module")
def spooled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough to wait on the reader's disk."""
    file = tmp_path_factory.mktemp("spooled") / "spooled.bin"
    file.write_bytes(MARK * (65 * MEBI // len(MARK)))
    return file


def found_in(folder: Path, what: bytes) -> list[str]:
    return [str(file) for file in folder.rglob("*") if file.is_file() and what in file.read_bytes()]


@pytest.mark.every_engine
def test_on_the_reader_s_disk_only_sealed_bytes_wait(
    browsers: Browsers, taina: Server, spooled: Path, tmp_path: Path
) -> None:
    """By all that Chromium writes into its profile, while the page holds the secret and after it was ended."""
    with Client(taina.url) as client:
        link = client.send(spooled).link
    with browsers.profile(tmp_path) as reader:
        assert isinstance(reader, PlaywrightTab)
        opened(reader, link)
        assert sum(file.stat().st_size for file in tmp_path.rglob("File System/**/*")) > spooled.stat().st_size
        assert found_in(tmp_path, MARK) == []
        other = PlaywrightTab(reader.page.context.new_page())
        other.open(f"{taina.url}/en/")  # which wipes what nobody uses
        reach(other, "ready")
        with reader.page.expect_download() as download:
            reader.click("#secret-files button")
        assert Path(download.value.path()).read_bytes() == spooled.read_bytes()
        download.value.delete()
    assert found_in(tmp_path, MARK) == []


@pytest.mark.every_engine
def test_any_page_wipes_what_a_killed_one_left(tab: Tab, taina: Server) -> None:
    for page in ("en/", "bg/privacy/"):
        tab.open(f"{taina.url}/en/sent/")
        leave_a_file(tab)
        tab.open(f"{taina.url}/{page}")
        tab.evaluate(
            """void (async () => {
              const folder = await navigator.storage.getDirectory();
              for (;;) {
                const names = [];
                for await (const name of folder.keys()) names.push(name);
                if (!names.includes("opened-left")) return names;
              }
            })().then((names) => { window.names = names.join(); })"""
        )
        tab.wait("window.names")
        assert tab.evaluate("window.names") == "another", page


def leave_a_file(tab: Tab) -> None:
    """As a page that was killed while it held a secret does, and another that is none of ours."""
    tab.evaluate(
        """void (async () => {
          const folder = await navigator.storage.getDirectory();
          await folder.getFileHandle("opened-left", {create: true});
          await folder.getFileHandle("another", {create: true});
        })().then(() => { window.left = true; }, (error) => { window.left = String(error); })"""
    )
    tab.wait("window.left")
    if (left := tab.evaluate("window.left")) is not True:
        pytest.skip(f"no such files here: {left}")


@pytest.mark.every_engine
def test_a_large_file_is_saved_whole(tab: Tab, taina: Server, spooled: Path) -> None:
    with Client(taina.url) as client:
        link = client.send(spooled).link
    opened(tab, link)
    assert saved(tab, "#secret-files button") == digest(spooled)


def test_a_disk_that_fills_up_costs_nothing(browsers: Browsers, taina: Server, spooled: Path) -> None:
    """Only Chromium's driver takes away the room."""
    with Client(taina.url) as client, browsers.tab("chromium") as tab:
        assert isinstance(tab, PlaywrightTab)
        session = tab.page.context.new_cdp_session(tab.page)
        session.send("Storage.overrideQuotaForOrigin", {"origin": taina.url, "quotaSize": 10 * MEBI})
        opened(tab, client.send(spooled).link)
        assert tab.evaluate("navigator.storage.estimate().then(({usage}) => usage)") <= 10 * MEBI
        assert saved(tab, "#secret-files button") == digest(spooled)


def test_pause_and_go_on(tab: Tab, reader: Tab, slow: CuttingProxy, taina: Server, large: Path) -> None:
    begin(tab, slow, large)
    tab.wait("/ of /.test(document.querySelector('[data-fill=amount]').textContent)")
    tab.click("#pause")
    tab.wait("document.querySelector('[data-fill=progress]').textContent === 'Paused'")
    slow.rate = None
    # Three chunks may still have been on their way; the rest waits, however fast the network is now.
    tab.evaluate("void setTimeout(() => { window.later = document.querySelector('#progress').value; }, 1500)")
    tab.wait("window.later !== undefined")
    assert 0 < tab.evaluate("window.later") < LARGE // MEBI
    assert tab.text("[data-fill=progress]") == "Paused"
    assert reach(tab, "working") == "working"
    tab.click("#pause")
    reach(tab, "done")
    opened(reader, tab.value("#link").replace(slow.url, taina.url))
    assert saved(reader, "#secret-files button") == digest(large)


def test_cancelling_keeps_what_was_chosen_and_frees_the_room(
    tab: Tab, built_site: Path, tmp_path: Path, large: Path
) -> None:
    """The server has room for one such upload: if the cancelled one stayed, the next would not go in."""
    server = start_server(tmp_path / "data", "--site", str(built_site), "--max-storage", "16MiB")
    with slow_network(server.port) as proxy:
        begin(tab, proxy, large)
        tab.click("#cancel")
        reach(tab, "error")
        assert tab.shown('[data-error="cancelled"]')
        assert tab.text("#chosen .file-name") == large.name
        proxy.rate = None
        deadline = time.monotonic() + PATIENCE  # the server hears of it a moment later
        tab.click("#send")
        while reach(tab, "done", "error") == "error":
            assert tab.shown('[data-error="storage_full"]')
            assert time.monotonic() < deadline
            tab.click("#send")
    assert reach(tab, "done") == "done"
    stop_server(server)


def test_each_recipient_gets_a_secret_of_his_own(tab: Tab, reader: Tab, taina: Server, file: Path) -> None:
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "for all of you")
    choose(tab, [file])
    tab.fill("#recipients", "3")
    tab.click("#send")
    reach(tab, "done")
    links, receipts = (
        tab.evaluate(f"[...document.querySelectorAll('#{field} input')].map((input) => input.value)")
        for field in ("links", "receipts")
    )
    assert len({*links, *receipts}) == 6
    for link in links:
        opened(reader, link)
        assert reader.text("#secret-text") == "for all of you"
        assert saved(reader, "#secret-files button") == digest(file)
    assert {receipt(tab, link) for link in receipts} == {"Opened"}


def test_a_number_of_recipients_that_is_none(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "secret")
    for number in ("0", "21", "1.5", ""):
        tab.fill("#recipients", number)
        tab.click("#send")
        reach(tab, "error")
        assert tab.shown('[data-error="recipients"]'), number
        assert tab.value("#text") == "secret"
        tab.fill("#recipients", "1")
        assert not tab.shown("#error"), number
    tab.click("#send")
    reach(tab, "done")


def test_one_that_fails_loses_no_other(tab: Tab, reader: Tab, built_site: Path, tmp_path: Path, file: Path) -> None:
    """Room for two of three; then somebody burns one of them, and there is room for the third."""
    server = start_server(tmp_path / "data", "--site", str(built_site), "--max-storage", "8MiB")
    tab.open(f"{server.url}/en/")
    choose(tab, [file])
    tab.fill("#recipients", "3")
    tab.click("#send")
    reach(tab, "done")
    assert tab.shown("#missing")
    assert "2 of 3\u00a0links" in tab.text('[data-fill="missing"]')
    first = tab.value("#receipt-link")
    reader.open(first)
    reach(reader, "shown")
    reader.click("#burn")
    reader.click("#burn-confirm")
    reader.wait("document.querySelector('#receipt-state').textContent === 'Burned unread'")
    tab.click("#make-missing")
    tab.wait("document.querySelectorAll('#links input').length === 3")
    assert not tab.shown("#missing")
    assert tab.value("#receipt-link") == first
    opened(reader, tab.value("#link-3"))
    assert saved(reader, "#secret-files button") == digest(file)
    stop_server(server)


NAMES = [vector for vector in json.loads((ROOT / "tests/vectors/names.json").read_text()) if len(vector["name"]) < 60]
_ADD = """void (() => {
  const data = new DataTransfer();
  for (const name of %s) data.items.add(new File(['x'], name));
  %s;
})()"""
_DROP = "dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}))"
_PASTE = """const paste = new ClipboardEvent('paste', {bubbles: true, cancelable: true});
  Object.defineProperty(paste, 'clipboardData', {value: data}); // Firefox takes none from a script
  dispatchEvent(paste)"""


def test_names_are_fit_for_the_reader_s_disk(tab: Tab, reader: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.evaluate(_ADD % (json.dumps([vector["name"] for vector in NAMES]), _DROP))
    tab.click("#send")
    reach(tab, "done")
    opened(reader, tab.value("#link"))
    shown = reader.evaluate("[...document.querySelectorAll('#secret-files .file-name')].map((n) => n.textContent)")
    assert shown == [clean_name(vector["name"], hidden=True) for vector in NAMES]


@pytest.mark.every_engine
def test_files_are_dropped_and_pasted_anywhere(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.evaluate(_ADD % ('["dropped.txt", "too.txt"]', _DROP))
    tab.evaluate(_ADD % ('["pasted.png"]', _PASTE))
    names = tab.evaluate("[...document.querySelectorAll('#chosen .file-name')].map((name) => name.textContent)")
    assert names == ["dropped.txt", "too.txt", "pasted.png"]


FILES = {"one.txt": "one.txt", "две.txt": "две.txt", "CON.bin": "_CON.bin", ".env": ".env", "large.bin": "large.bin"}
"""What is sent, and under which names it is saved."""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    files = [tmp_path / name for name in FILES]
    for file in files:
        file.write_bytes(os.urandom(3 * MEBI if file.stem == "large" else 70_000))
    return files


def test_save_all_asks_for_each_under_its_name(tab: Tab, reader: Tab, taina: Server, files: list[Path]) -> None:
    send(tab, taina, text="", files=files)
    opened(reader, tab.value("#link"))
    reader.evaluate(
        "void (window.asked = [], HTMLAnchorElement.prototype.click = function () { asked.push(this.download); })"
    )
    reader.click("#save-all")
    reader.wait(f"asked.length === {len(files)}")
    assert reader.evaluate("asked") == list(FILES.values())


def test_save_all_saves_all(browsers: Browsers, taina: Server, files: list[Path]) -> None:
    """By Chromium's own record of downloads; the others' drivers give none."""
    with browsers.tab("chromium") as tab:
        send(tab, taina, text="", files=files)
        link = tab.value("#link")
    context = browsers.browser("chromium").new_context(accept_downloads=True)
    page = context.new_page()
    downloads: list[playwright.Download] = []
    page.on("download", lambda download: downloads.append(download))
    page.goto(link)
    page.click("#reveal")
    page.click("#save-all")
    deadline = time.monotonic() + PATIENCE
    while len(downloads) < len(files) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    got = {download.suggested_filename: Path(download.path()).read_bytes() for download in downloads}
    # Chromium itself takes away a dot that begins a name; the page asked for it.
    assert got == {FILES[file.name].removeprefix("."): file.read_bytes() for file in files}
    context.close()
