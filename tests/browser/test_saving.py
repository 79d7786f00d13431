"""Files that were revealed, until they are on the reader's own disk: no browser tells a page how a save ended."""

import os
from pathlib import Path

import playwright.sync_api as playwright
import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, digest, reach, saved
from browser.test_story import opened
from support.servers import Server
from taina import Client

MEBI = 1 << 20
WATCH = """void (() => {
  window.living = new Set();
  const {createObjectURL, revokeObjectURL} = URL;
  URL.createObjectURL = (blob) => {
    const address = createObjectURL.call(URL, blob);
    living.add(address);
    return address;
  };
  URL.revokeObjectURL = (address) => {
    living.delete(address);
    revokeObjectURL.call(URL, address);
  };
  window.due = new Map();
  const {setTimeout, clearTimeout} = window;
  window.setTimeout = (work, ms, ...told) => {
    if (ms <= 10_000) return setTimeout(work, ms, ...told);
    const id = 1e9 + Math.random();
    due.set(id, work);
    return id;
  };
  window.clearTimeout = (id) => due.delete(id) || clearTimeout(id);
})()"""
"""Object URLs in force, and what a page does later (WebDriver itself up to ten seconds): `PASS` does it now."""
PASS = "void [...due].forEach(([id, work]) => due.delete(id) && work())"
LEAVE = "void dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))"
ASKS = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
FILES = "#secret-files li:nth-child({}) button"


@pytest.fixture(params=[70_000, 3 * MEBI], ids=["by the page", "by the worker"])
def link(request: pytest.FixtureRequest, taina: Server, tmp_path: Path) -> str:
    """Of two files, which the page opens by itself or its worker."""
    for name in ("one.bin", "two.bin"):
        (tmp_path / name).write_bytes(os.urandom(request.param))
    with Client(taina.url) as client:
        return client.send(tmp_path / "one.bin", tmp_path / "two.bin").link


def save(tab: Tab, n: int, addresses: int) -> None:
    tab.click(FILES.format(n))
    tab.wait(f"living.size === {addresses}")


def test_a_save_dialog_may_stay_open(tab: Tab, link: str) -> None:
    """A browser may read a file only once its reader has said where to; a minute and an idle page change nothing."""
    opened(tab, link)
    tab.evaluate(WATCH)
    save(tab, 1, 1)
    save(tab, 2, 2)
    first = tab.evaluate("[...living].join()")
    tab.evaluate(PASS)
    reach(tab, "hidden")
    assert tab.evaluate("[...living].join()") == first
    tab.click("#show-again")
    reach(tab, "shown")
    tab.evaluate("void (window.asked = [], HTMLAnchorElement.prototype.click = function () { asked.push(this.href); })")
    tab.click("#save-all")
    tab.wait("asked.length === 2")
    assert tab.evaluate("asked.join()") == first, "a second save takes no room for a second copy"
    assert tab.evaluate("[...living].join()") == first
    tab.evaluate(LEAVE)
    reach(tab, "wiped")
    assert tab.evaluate("living.size") == 0


def test_what_a_late_save_reads_is_the_file(browsers: Browsers, link: str, tmp_path: Path) -> None:
    """Only Chromium's driver lifts the policy that forbids a page to read such an address."""
    context = browsers.browser("chromium").new_context(bypass_csp=True)
    tab = PlaywrightTab(context.new_page())
    opened(tab, link)
    tab.evaluate(WATCH)
    save(tab, 1, 1)
    tab.evaluate(PASS)
    reach(tab, "hidden")
    read = (
        "fetch([...living][0]).then((file) => file.arrayBuffer()).then((all) => crypto.subtle.digest('SHA-256', all))"
    )
    found = bytes(tab.evaluate(f"{read}.then((sum) => [...new Uint8Array(sum)])")).hex()
    assert found == digest(tmp_path / "one.bin")
    context.close()


@pytest.mark.every_engine
def test_leaving_with_files_is_asked_first(tab: Tab, link: str) -> None:
    opened(tab, link)
    assert tab.evaluate(ASKS)
    tab.evaluate(WATCH)
    save(tab, 1, 1)
    save(tab, 2, 2)
    assert tab.evaluate(ASKS), "the saves may still go on"
    tab.click("#hide")
    reach(tab, "hidden")
    assert tab.evaluate(ASKS)
    tab.click("#show-again")
    reach(tab, "shown")
    assert tab.evaluate(ASKS)
    tab.evaluate(LEAVE)
    reach(tab, "wiped")
    assert not tab.evaluate(ASKS)


def test_a_text_alone_may_be_left(tab: Tab, taina: Server) -> None:
    with Client(taina.url) as client:
        opened(tab, client.send("hunter2").link)
    assert not tab.evaluate(ASKS)
    tab.click("#hide")
    reach(tab, "hidden")
    assert not tab.evaluate(ASKS)


@pytest.mark.parametrize("engine", ["chromium", "firefox"])  # WebDriver leaves such questions unseen
def test_closing_the_tab_is_asked_first_and_saving_asks_nothing(browsers: Browsers, engine: str, link: str) -> None:
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        opened(tab, link)
        asked: list[str] = []

        def stay(dialog: playwright.Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        tab.page.on("dialog", stay)
        saved(tab, FILES.format(1))
        assert asked == []
        with tab.page.expect_event("dialog"):
            tab.page.close(run_before_unload=True)
        assert asked == ["beforeunload"]
        assert reach(tab, "shown") == "shown"


def test_a_file_that_cannot_be_saved_is_told_and_stays(tab: Tab, link: str, tmp_path: Path) -> None:
    """As where a device has no room to put it together."""
    opened(tab, link)
    tab.evaluate("void (window.own = URL.createObjectURL, URL.createObjectURL = () => { throw new RangeError(); })")
    tab.click("#save-all")
    tab.wait("!document.querySelector('#not-saved').hidden")
    assert "could not be saved" in tab.text("#not-saved")
    tab.evaluate("void (URL.createObjectURL = window.own)")
    assert saved(tab, FILES.format(1)) == digest(tmp_path / "one.bin")
    tab.wait("document.querySelector('#not-saved').hidden")
