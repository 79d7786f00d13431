"""What hands do that nobody means: keys that stay down, clicks that come twice, keys pressed where a button was."""

import json
from pathlib import Path

import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, choose, reach, visit
from support.servers import Server
from taina import Client

BY_PLAYWRIGHT = pytest.mark.parametrize("engine", ["chromium", "firefox"])
"""WebDriver can hold no key and click no two times at once."""


@BY_PLAYWRIGHT
@pytest.mark.every_engine
def test_a_key_that_stays_down_is_pressed_once(browsers: Browsers, engine: str, taina: Server) -> None:
    """Each press of Enter is an attempt, and ten wrong ones lock the secret."""
    with browsers.tab(engine) as tab, Client(taina.url) as client:
        assert isinstance(tab, PlaywrightTab)
        tab.open(client.send("hunter2", passphrase="right").link)
        reach(tab, "before")
        tab.fill("#passphrase", "wrong")
        for _ in range(3):
            tab.page.keyboard.down("Enter")
            tab.wait("!document.querySelector('#wrong').hidden")
            reach(tab, "before")
        assert tab.text("[data-fill=attempts]") == "9"
        tab.page.keyboard.up("Enter")
        tab.press("Enter")
        tab.wait("document.querySelector('[data-fill=attempts]').textContent === '8'")


@BY_PLAYWRIGHT
@pytest.mark.every_engine
def test_a_double_click_takes_away_one_and_not_the_next(
    browsers: Browsers, engine: str, taina: Server, tmp_path: Path
) -> None:
    """What was below has come under the pointer; a receipt that is removed cannot be had again."""
    with browsers.tab(engine) as tab, Client(taina.url) as client:
        assert isinstance(tab, PlaywrightTab)
        files = [tmp_path / name for name in ("one", "two", "three")]
        for file in files:
            file.write_text(file.name)
        tab.open(f"{taina.url}/en/")
        reach(tab, "ready")
        choose(tab, files)
        tab.page.dblclick("#chosen li:nth-child(1) button")
        names = "[...document.querySelectorAll('#chosen .file-name')].map((name) => name.textContent)"
        assert tab.evaluate(names) == ["two", "three"]
        tab.page.click("#chosen li:nth-child(2) button")
        assert tab.evaluate(names) == ["two"], "elsewhere it is another click"

        receipts = [client.send(str(n)).receipt.partition("#")[2] for n in range(3)]
        kept = [{"receipt": one, "name": "", "created": 1, "expires": 2} for one in receipts]
        tab.evaluate(f"void localStorage.setItem('taina-sent', {json.dumps(json.dumps(kept))})")
        tab.open(f"{taina.url}/en/sent/")
        reach(tab, "shown")
        tab.page.dblclick("#list li:nth-child(1) button")
        assert tab.evaluate("document.querySelectorAll('#list li').length") == 2


@BY_PLAYWRIGHT
def test_what_is_copied_by_hand_is_all_of_it(browsers: Browsers, engine: str, taina: Server) -> None:
    """Where the browser lets no page write to the clipboard. A file of keys without its last line end is none."""
    text = "-----BEGIN KEY-----\n\tAAAA  \n-----END KEY-----\n"
    refuse = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    with browsers.tab(engine) as tab, Client(taina.url) as client:
        assert isinstance(tab, PlaywrightTab)
        pasted = PlaywrightTab(tab.page.context.new_page())
        pasted.page.set_content("<textarea></textarea>")
        tab.page.add_init_script(refuse)

        def copied(button: str) -> str:
            tab.page.bring_to_front()
            tab.click(button)
            tab.wait(f"document.querySelector('{button}').textContent === 'Text selected: copy it now'")
            tab.press("Control+c")
            pasted.page.bring_to_front()
            pasted.fill("textarea", "")
            pasted.press("Control+v")
            pasted.wait("document.querySelector('textarea').value !== ''")
            return pasted.value("textarea")

        tab.open(f"{taina.url}/en/")
        tab.fill("#text", text)
        tab.fill("#recipients", "3")
        tab.click("#send")
        reach(tab, "done")
        links = tab.evaluate("[...document.querySelectorAll('#links input')].map((field) => field.value)")
        assert copied("#copy-links").split("\n") == links
        assert copied("#copy-link") == links[0]
        tab.open(client.send(text).link)
        reach(tab, "before")
        tab.click("#reveal")
        reach(tab, "shown")
        assert copied("#copy-text") == text


FULL = 'window.own = fetch, window.fetch = async () => new Response(\'{"code": "storage_full"}\', {status: 507})'
LOOK_ON = """void (() => {
  const main = document.querySelector('main');
  window.seen = [];
  new MutationObserver(() => seen.push(main.dataset.state)).observe(main, {attributes: true});
})()"""


def test_the_keyboard_has_a_place_after_each_step(tab: Tab, taina: Server) -> None:
    """Where its button goes away, what came of it takes its place; else the next Tab begins at the top of the page."""
    here = "document.activeElement.id || document.activeElement.className || document.activeElement.localName"
    for path, button in (("", "send"), ("request/", "make")):
        tab.open(f"{taina.url}/en/{path}")
        reach(tab, "ready")
        if button == "send":
            tab.fill("#text", "hunter2")
        tab.evaluate(f"void (document.querySelector('#{button}').focus(), {FULL})")
        tab.press("Enter")
        reach(tab, "error")
        assert tab.evaluate(here) == button
        tab.evaluate("void (window.fetch = window.own)")
        tab.press("Enter")
        reach(tab, "done")
        assert tab.evaluate(here) == "h1"
        tab.evaluate("void document.querySelector('#another').focus()")
        tab.press("Enter")
        reach(tab, "ready")
        assert tab.evaluate(here) == {"send": "text", "make": "ttl"}[button]
    tab.evaluate("void (document.querySelector('#make').focus(), window.fetch = () => new Promise(() => {}))")
    tab.press("Enter")
    reach(tab, "working")
    assert tab.evaluate("document.activeElement.dataset.place") == "working"


def test_trying_again_is_seen_and_told(tab: Tab, taina: Server) -> None:
    """Also where it fails once more: it was as if the button were dead."""
    fail = "void (window.own ??= fetch, window.fetch = async () => new Response('{}', {status: 418}))"
    with Client(taina.url) as client:
        sent = client.send("hunter2")
        asked = client.request()
    for link, found in (
        (sent.link, "before"),
        (sent.receipt, "shown"),
        (asked.link, "ready"),
        (asked.inbox, "shown"),
    ):
        visit(tab, link)
        reach(tab, found)
        tab.evaluate(fail)
        tab.evaluate("void document.querySelector('#try-again').click()")
        reach(tab, "unreachable")
        tab.evaluate(LOOK_ON)
        tab.click("#try-again")
        tab.wait("window.seen.join() === 'loading,unreachable'")
        assert tab.evaluate("document.activeElement.localName") == "h1", "and is read out"
        tab.evaluate("void (window.fetch = window.own)")
        tab.click("#try-again")
        reach(tab, found)


LEFT = "void dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))"
BACK = "void dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


def lose_answers(tab: Tab, fetch: str) -> None:
    """Reveal, while `fetch(address, call)` stands for the page's own; then leave the page, and come back to it."""
    tab.evaluate(f"void (window.own = fetch, window.fetch = (address, call) => {fetch})")
    tab.click("#reveal")
    reach(tab, "unreachable")
    tab.evaluate(LEFT)
    tab.evaluate(BACK)
    tab.evaluate("void (window.fetch = window.own)")
    tab.click("#try-again")
    reach(tab, "before")


def test_a_page_that_was_left_while_it_revealed_can_go_on(tab: Tab, taina: Server, tmp_path: Path) -> None:
    """As browsers bring it back: what was under way has failed, and the passphrase is wiped."""
    with Client(taina.url) as client:
        tab.open(client.send("hunter2", passphrase="right").link)
        reach(tab, "before")
        tab.fill("#passphrase", "right")
        refused = "Promise.resolve(new Response('{}', {status: 418}))"
        lose_answers(tab, f"call.method === 'POST' ? {refused} : own(address, call)")
        assert tab.evaluate("document.activeElement.id") == "passphrase"
        tab.fill("#passphrase", "right")
        tab.click("#reveal")
        reach(tab, "shown")

        file = tmp_path / "large"
        file.write_bytes(bytes(3 << 20))
        visit(tab, client.send(file).link)
        reach(tab, "before")
        tab.evaluate("void (Worker.prototype.postMessage = () => void (window.asked = true))")  # its answer never comes
        tab.click("#reveal")
        reach(tab, "working")
        tab.wait("window.asked === true")
        tab.evaluate(LEFT)
        tab.evaluate(BACK)
        reach(tab, "before")


def test_a_slip_of_the_passphrase_after_a_lost_answer_is_put_right(tab: Tab, taina: Server) -> None:
    """The server has revealed it and asks no proof any more: the page itself sees that it does not open."""
    with Client(taina.url) as client:
        tab.open(client.send("hunter2", passphrase="right").link)
    reach(tab, "before")
    tab.fill("#passphrase", "right")
    lost = "call.method === 'POST' ? new Response('{}', {status: 418}) : came"
    lose_answers(tab, f"own(address, call).then((came) => {lost})")
    for _ in range(2):
        tab.fill("#passphrase", "rihgt")
        tab.click("#reveal")
        tab.wait("document.querySelector('#wrong').textContent === 'This passphrase is wrong.'")
        reach(tab, "before")
        assert tab.shown("#wrong")
        assert tab.evaluate("document.activeElement.id") == "passphrase"
    tab.fill("#passphrase", "right")
    tab.click("#reveal")
    reach(tab, "shown")
    assert tab.text("#secret-text") == "hunter2"


@BY_PLAYWRIGHT
def test_control_and_enter_on_a_link_or_a_button_send_nothing(browsers: Browsers, engine: str, taina: Server) -> None:
    """There the key opens another tab, or presses the button."""
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        tab.open(f"{taina.url}/en/")
        reach(tab, "ready")
        tab.fill("#text", "hunter2")
        for place in ("footer a", "#show-passphrase", ".languages summary"):
            tab.evaluate(f"document.querySelector('{place}').focus()")
            tab.press("Control+Enter")
            assert tab.evaluate("document.querySelector('main').dataset.state") == "ready", place
            assert tab.value("#text") == "hunter2"
        tab.evaluate("document.querySelector('#passphrase').focus()")
        tab.press("Control+Enter")
        reach(tab, "done")


@BY_PLAYWRIGHT
@pytest.mark.parametrize("held", ["client/client.js", "ui/progress.js", "ui/share.js"])
def test_what_is_still_loading_can_be_cancelled(browsers: Browsers, engine: str, taina: Server, held: str) -> None:
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        tab.page.route(f"**/js/{held}", lambda route: None)  # for ever
        tab.open(f"{taina.url}/en/")
        reach(tab, "ready")
        tab.fill("#text", "hunter2")
        tab.click("#send")
        reach(tab, "working")
        tab.click("#cancel")
        reach(tab, "error")
        assert tab.shown("[data-error=cancelled]")
        assert tab.value("#text") == "hunter2"
