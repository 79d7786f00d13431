"""What the pages do beyond the link itself: codes, mails, generated words, things that are kept when asked."""

import re
from urllib.parse import parse_qs, urlsplit

import playwright.sync_api as playwright
import pytest
import zxingcpp

from browser.engines import Browsers, PlaywrightTab, Tab, reach, visit
from support.servers import Server
from taina.client.words import _words

BY_INIT = pytest.mark.parametrize("engine", ["chromium", "firefox"])
"""WebDriver can change neither a page before its scripts run nor what it fetches."""
KINDS = r"(?=.*[a-z])(?=.*[A-Z])(?=.*[2-9])(?=.*[!#%+:=?])[a-zA-Z2-9!#%+:=?]{20}"


def send(tab: Tab, server: Server, language: str = "en", passphrase: str = "") -> str:
    tab.open(f"{server.url}/{language}/")
    tab.fill("#text", "hunter2")
    tab.fill("#passphrase", passphrase)
    tab.click("#send")
    reach(tab, "done")
    return tab.value("#link")


def read_code(tab: Tab) -> list[str]:
    """What a camera makes of the code on the page, drawn from its modules at four pixels each."""
    side = int(tab.evaluate("document.querySelector('#code svg').viewBox.baseVal.width"))
    path = tab.evaluate("document.querySelector('#code svg path').getAttribute('d')")
    width = side * 4
    image = bytearray(b"\xff" * width * width)
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path):
        for line in range(4):
            start = (int(y) * 4 + line) * width + int(x) * 4
            image[start : start + 4] = bytes(4)
    return [found.text for found in zxingcpp.read_barcodes(memoryview(bytes(image)).cast("B", (width, width)))]


def test_the_code_is_the_link_and_comes_only_when_wanted(tab: Tab, taina: Server) -> None:
    link = send(tab, taina)
    loaded = "performance.getEntriesByType('resource').some((entry) => entry.name.includes('/packages/'))"
    assert not tab.evaluate(loaded)
    tab.wait("!document.querySelector('#sharing').hidden")
    assert not tab.shown("#code")
    tab.click("#show-code")
    tab.wait("!document.querySelector('#code').hidden")
    assert read_code(tab) == [link]
    assert tab.evaluate("document.querySelector('#show-code').ariaExpanded") == "true"
    tab.click("#show-code")
    assert not tab.shown("#code")


def test_the_mail_holds_the_link_and_is_ours_to_send(tab: Tab, taina: Server) -> None:
    link = send(tab, taina, "bg")
    tab.wait("!document.querySelector('#sharing').hidden")
    address = urlsplit(tab.evaluate("document.querySelector('#mail').href"))
    assert (address.scheme, address.path) == ("mailto", "")
    fields = parse_qs(address.query)
    assert fields["subject"] == ["Тайна за вас"]
    assert fields["body"][0].count(link) == 1


def test_the_share_sheet_is_offered_where_there_is_one(tab: Tab, taina: Server) -> None:
    send(tab, taina)
    tab.wait("!document.querySelector('#sharing').hidden")
    assert tab.shown("#share") == tab.evaluate("'share' in navigator")


@BY_INIT
def test_a_share_sheet_that_is_refused_leaves_the_link_to_copy(browsers: Browsers, engine: str, taina: Server) -> None:
    """By the system or a policy; who only closes it is left alone."""
    share = "navigator.share = () => Promise.reject(new DOMException('', window.why))"
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        tab.page.add_init_script(share)
        send(tab, taina)
        tab.wait("!document.querySelector('#sharing').hidden")
        name = tab.text("#share")
        tab.evaluate("void (window.why = 'AbortError')")
        tab.click("#share")
        tab.evaluate("void (window.why = 'NotAllowedError')")
        assert tab.text("#share") == name
        tab.click("#share")
        tab.wait("document.querySelector('#share').textContent === 'Text selected: copy it now'")
        assert tab.evaluate("document.activeElement.id") == "link"
        assert tab.evaluate("document.querySelector('#link').selectionEnd") == len(tab.value("#link"))


@BY_INIT
def test_a_receipt_is_kept_without_a_network(browsers: Browsers, engine: str, taina: Server) -> None:
    """Nothing has to come for it: the button did nothing, and said nothing."""
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        send(tab, taina)
        tab.wait("!document.querySelector('#keeping').hidden")
        tab.page.context.route("**/*", lambda route: route.abort())
        tab.click("#keep")
        tab.wait("!document.querySelector('#kept').hidden")


def test_six_words_are_made_shown_and_kept_for_the_other_way(tab: Tab, reader: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "hunter2")
    tab.click("#six-words")
    tab.wait("document.querySelector('#passphrase').value !== ''")
    phrase = tab.value("#passphrase")
    assert len(phrase.split("-")) >= 6
    assert re.sub("|".join(sorted(map(re.escape, _words()), key=len, reverse=True)), "w", phrase) == "-".join("w" * 6)
    assert tab.evaluate("document.querySelector('#passphrase').type") == "text"
    tab.click("#send")
    reach(tab, "done")
    assert tab.shown("#other-channel")
    assert tab.text("#phrase") == phrase
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.fill("#passphrase", phrase)
    reader.click("#reveal")
    reach(reader, "shown")
    tab.click("#another")
    assert tab.text("#phrase") == tab.value("#passphrase") == ""


def test_a_password_is_made_where_the_text_is(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.click("#password")
    tab.wait("document.querySelector('#text').value !== ''")
    first = tab.value("#text")
    assert re.fullmatch(KINDS, first)
    tab.click("#password")
    tab.wait("document.querySelector('#text').value.length === 40")
    assert re.fullmatch(KINDS, tab.value("#text").removeprefix(first))


@pytest.mark.parametrize("engine", ["chromium", "firefox"])  # WebDriver cannot hold back a module
def test_what_is_made_late_leaves_alone_what_somebody_does_meanwhile(
    browsers: Browsers, engine: str, taina: Server
) -> None:
    """They go on to type a passphrase of their own: none of it may land in the text, none may be replaced."""
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        held: list[playwright.Route] = []
        tab.page.route("**/js/generator.js", lambda route: held.append(route), times=1)
        tab.open(f"{taina.url}/en/")
        with tab.page.expect_request("**/js/generator.js"):
            tab.click("#password")
            tab.click("#six-words")
        tab.page.click("#passphrase")
        tab.page.keyboard.type("my ")
        held[0].continue_()
        tab.wait("document.querySelector('#text').value !== ''")
        tab.page.keyboard.type("own")
        assert tab.value("#passphrase") == "my own"
        assert re.fullmatch(KINDS, tab.value("#text"))


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_a_password_that_is_made_moves_nothing(browsers: Browsers, engine: str, taina: Server) -> None:
    """What somebody is about to click stays where it is, also where the text is above what they see."""
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        tab.page.set_viewport_size({"width": 360, "height": 640})
        tab.open(f"{taina.url}/en/")
        reach(tab, "ready")
        tab.evaluate("(document.querySelector('#password').scrollIntoView(), window.was = scrollY, true)")
        assert tab.evaluate("document.querySelector('#text').getBoundingClientRect().bottom < 0")
        # By the page itself: a driver scrolls to what it clicks.
        tab.evaluate("(document.querySelector('#password').focus({preventScroll: true}), true)")
        tab.evaluate("(document.activeElement.click(), true)")
        tab.wait("document.querySelector('#text').value !== '' && document.activeElement.id === 'text'")
        assert tab.evaluate("scrollY") == tab.evaluate("was")


def test_receipts_are_kept_only_when_asked_and_forgotten_by_one_click(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/sent/")
    reach(tab, "none")
    first = send(tab, taina)
    tab.open(tab.value("#receipt-link"))
    reach(tab, "shown")
    assert tab.evaluate("localStorage.length") == 0
    tab.fill("#nickname", "<b>Router</b> & рутер")
    tab.click("#keep")
    assert tab.text("#named") == "<b>Router</b> & рутер"
    send(tab, taina)
    tab.wait("!document.querySelector('#keeping').hidden")
    tab.click("#keep")
    tab.wait("!document.querySelector('#kept').hidden")
    tab.open(f"{taina.url}/en/sent/")
    reach(tab, "shown")
    assert sorted(tab.evaluate("[...document.querySelectorAll('#list a')].map((link) => link.textContent)")) == [
        "<b>Router</b> & рутер",
        "Unnamed",
    ]
    kept = tab.evaluate("JSON.stringify({...localStorage})")
    assert first.partition("#")[2] not in kept, "what opens the secret is not kept"
    tab.click("#look")
    tab.wait("[...document.querySelectorAll('#list strong')].every((state) => state.textContent === 'Not opened yet')")
    tab.click("#list .remove")
    tab.wait("document.querySelectorAll('#list li').length === 1")
    tab.click("#forget-all")
    reach(tab, "none")
    assert tab.evaluate("localStorage.length") == 0


def test_a_receipt_remembers_its_name_and_can_be_forgotten(tab: Tab, taina: Server) -> None:
    send(tab, taina)
    receipt = tab.value("#receipt-link")
    tab.open(receipt)
    reach(tab, "shown")
    tab.fill("#nickname", "Router")
    tab.click("#keep")
    assert not tab.shown("#keep"), "it is kept already"
    assert tab.evaluate("document.activeElement.id") == "kept"
    visit(tab, receipt)
    reach(tab, "shown")
    assert tab.text("#named") == tab.value("#nickname") == "Router"
    assert not tab.shown("#keep")
    tab.fill("#nickname", "Switch")
    tab.click("#keep")
    assert tab.text("#named") == "Switch"
    tab.click("#forget")
    assert not tab.shown("#named") and tab.shown("#keep")
    assert tab.evaluate("localStorage.length") == 0


def test_a_list_that_is_broken_is_none(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    for broken in (
        "{",
        "17",
        '[{"receipt": 1}]',
        '[null, {"receipt": "x", "name": "y", "created": "z", "expires": 1}]',
        '[{"receipt": "x", "name": "y", "created": 1, "expires": 9007199254740991}]',
    ):
        tab.evaluate(f"localStorage.setItem('taina-sent', {broken!r})")
        tab.open(f"{taina.url}/en/sent/")
        reach(tab, "none")


@pytest.mark.parametrize("engine", ["chromium", "firefox"])  # WebDriver opens no other tab of the same profile
def test_a_list_that_another_tab_changes_keeps_the_keyboard_s_place(
    browsers: Browsers, engine: str, taina: Server
) -> None:
    put = "localStorage.setItem('taina-sent', JSON.stringify(%s.map((receipt) => ({receipt, name: '%s', created: 1, expires: 2}))))"  # noqa: E501
    named = "[...document.querySelectorAll('#list a')].every((link) => link.textContent === '%s')"
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        other = PlaywrightTab(tab.page.context.new_page())
        for one in (tab, other):
            one.open(f"{taina.url}/en/sent/")
            one.evaluate(put % (["a", "b", "c"], "old"))
            one.reload()
            reach(one, "shown")
        tab.page.focus("#list li:nth-child(2) button")
        other.evaluate(put % (["a", "b", "c"], "new"))
        tab.wait(named % "new")
        assert tab.evaluate("document.activeElement.closest('li').dataset.receipt") == "b"
        assert tab.evaluate("document.activeElement.localName") == "button"
        other.evaluate(put % (["a", "c"], "newest"))
        tab.wait(named % "newest")
        assert tab.evaluate("document.activeElement.id") == "list"


def test_the_clipboard_is_cleared_on_a_click_and_where_it_can_be_after_a_minute(
    browsers: Browsers, taina: Server
) -> None:
    context = browsers.browser("chromium").new_context(permissions=["clipboard-write"])
    tab = PlaywrightTab(context.new_page())

    def pasted() -> str:
        # No page of ours may read the clipboard; a person can paste.
        other = context.new_page()
        other.set_content("<textarea autofocus></textarea>")
        other.focus("textarea")
        other.keyboard.press("Control+v")
        text = other.input_value("textarea")
        other.close()
        tab.page.bring_to_front()
        return text

    for wait in (False, True):
        link = send(tab, taina)
        tab.page.clock.install()
        tab.open(link)
        reach(tab, "before")
        tab.click("#reveal")
        reach(tab, "shown")
        tab.click("#copy-text")
        tab.wait("!document.querySelector('#clipboard').hidden")
        if wait:
            while tab.shown("#clear-clipboard"):
                tab.page.clock.fast_forward(61_000)
        else:
            assert pasted() == "hunter2"
            tab.click("#clear-clipboard")
            tab.wait("document.querySelector('#clear-clipboard').hidden")
        assert pasted() == ""
    context.close()
