"""What is sent is what was entered: nothing of it changes while it is sent, and no change after a failure is lost."""

import playwright.sync_api as playwright
import pytest

from browser.engines import PlaywrightTab, Tab, choose, reach
from browser.test_input import drop, paste
from conftest import ROOT
from support.servers import Server
from taina import Client

FULL = '{"code": "storage_full"}'
CHANGES = [
    "text",
    "file by paste",
    "picked file",
    "removed file",
    "password",
    "six words",
    "lifetime",
]


def change(tab: PlaywrightTab, what: str) -> None:
    match what:
        case "text":
            tab.fill("#text", "hunter3")
        case "file by paste":
            assert not paste(tab, {}, ["screenshot.png"], "body")
        case "picked file":
            tab.choose("#files", [ROOT / "README.md"])
            tab.wait("document.querySelectorAll('#chosen li').length === 2")
        case "removed file":
            tab.click("#chosen button")
        case "password":
            tab.click("#password")
            tab.wait("document.querySelector('#text').value !== 'hunter2'")
        case "six words":
            tab.click("#six-words")
            tab.wait("document.querySelector('#passphrase').value !== ''")
        case "lifetime":
            tab.page.select_option("#ttl", "3600")


def theme(tab: Tab) -> None:
    tab.evaluate("document.querySelector('.themes input:not(:checked)').click()")


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_after_an_answer_failed_is_sent(page: playwright.Page, taina: Server, what: str) -> None:
    """A file that was pasted then had been left out, and the page said that all was sent."""
    tab = PlaywrightTab(page)
    with Client(taina.url) as client:
        asked = client.request(answers=2)
        page.route(
            "**/envelopes",
            lambda route: route.fulfill(status=507, body=FULL, content_type="application/problem+json"),
            times=1,
        )
        tab.open(asked.link)
        reach(tab, "ready")
        tab.fill("#text", "hunter2")
        choose(tab, [ROOT / "LICENSE"])
        tab.click("#send")
        reach(tab, "error")
        change(tab, what)
        text, phrase, lifetime = (tab.value(field) for field in ("#text", "#passphrase", "#ttl"))
        files = tab.evaluate("[...document.querySelectorAll('#chosen .file-name')].map((name) => name.textContent)")
        tab.click("#send")
        reach(tab, "done")
        (secret,) = client.inbox(asked.inbox).answers
        assert secret is not None
        assert client.status(secret).expires < asked.expires or lifetime != "3600"
        answer = client.open(secret, phrase or None)
        assert (answer.text, [file.name for file in answer.files]) == (text, files)


def test_what_is_sent_again_unchanged_is_the_same_answer(page: playwright.Page, taina: Server) -> None:
    """Also where its envelope had come, and only the server's answer was lost, and the page got another theme."""
    tab = PlaywrightTab(page)
    sealed: list[str] = []
    page.on("request", lambda request: sealed.append(request.url) if request.method == "PUT" else None)

    def lose(route: playwright.Route) -> None:
        assert route.fetch().ok
        route.fulfill(status=507, body=FULL, content_type="application/problem+json")

    page.route("**/envelopes", lose, times=1)
    with Client(taina.url) as client:
        asked = client.request(answers=2)
        tab.open(asked.link)
        reach(tab, "ready")
        tab.fill("#text", "hunter2")
        tab.click("#send")
        reach(tab, "error")
        theme(tab)
        tab.fill("#text", "hunter3")
        tab.fill("#text", "hunter2")
        tab.click("#send")
        reach(tab, "done")
        assert len(client.inbox(asked.inbox).answers) == len(sealed) == 1


def test_another_theme_while_an_answer_is_sent_loses_nothing(page: playwright.Page, taina: Server) -> None:
    """The server had taken it, the page said that something went wrong, and a second try left a second answer."""
    tab = PlaywrightTab(page)
    held: list[playwright.Route] = []
    page.route("**/envelopes", lambda route: held.append(route))
    with Client(taina.url) as client:
        asked = client.request(answers=2)
        tab.open(asked.link)
        reach(tab, "ready")
        tab.fill("#text", "hunter2")
        with page.expect_request("**/envelopes"):
            tab.click("#send")
        theme(tab)
        held[0].continue_()
        assert reach(tab, "done", "error") == "done"
        (secret,) = client.inbox(asked.inbox).answers
        assert secret is not None
        assert client.open(secret).text == "hunter2"


CALLS = {"": "**/api/v1/secrets/*", "r/": "**/envelopes", "request/": "**/api/v1/requests/*"}
"""By the address of each page that sends: the call that a test holds."""
FIELDS = "[...document.querySelectorAll('main input, textarea, select, #chosen li')].map(({value}) => value)"
MIDDLE = """(() => {
  const box = document.querySelector(%r).getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
})()"""
REACHED = "document.activeElement.matches('main input, main textarea, main select')"


@pytest.mark.parametrize("address", CALLS)
def test_what_is_being_sent_can_be_changed_by_nothing(page: playwright.Page, taina: Server, address: str) -> None:
    """What was typed or picked meanwhile was not in the secret, and gone when that was sent."""
    tab = PlaywrightTab(page)
    held: list[playwright.Route] = []
    page.route(CALLS[address], lambda route: held.append(route))
    with Client(taina.url) as client:
        tab.open(client.request().link if address == "r/" else f"{taina.url}/en/{address}")
    reach(tab, "ready")
    first = "#answers" if address == "request/" else "#text"
    tab.fill(first, "1")
    tab.click(first)
    with page.expect_request(CALLS[address]):
        if address == "request/":
            tab.click("#make")
        else:
            tab.press("Control+Enter")
    before = tab.evaluate(FIELDS)
    assert tab.evaluate("document.activeElement.matches('h1, [data-place=working]')"), "to be read out"
    page.keyboard.type("2")
    page.mouse.click(*page.evaluate(MIDDLE % first))
    page.keyboard.type("3")
    for _ in range(30):
        tab.press("Shift+Tab")
        assert not tab.evaluate(REACHED)
    if address != "request/":
        paste(tab, {}, ["pasted.png"], "body")
        paste(tab, {"text/plain": "pasted"}, [], "body")
        drop(tab, {}, ["dropped.png"], first)
        drop(tab, {"text/plain": "dropped"}, [], "body")
        tab.choose("#files", [ROOT / "LICENSE"])  # in a dialog that was open before
    assert tab.evaluate(FIELDS) == before
    held.pop().fulfill(status=507, body=FULL, content_type="application/problem+json")
    reach(tab, "error")
    assert tab.evaluate(FIELDS) == before
    tab.fill(first, "")
    tab.click(first)
    page.keyboard.type("2")
    assert tab.value(first) == "2"
    page.unroute(CALLS[address])
    tab.click("#make, #send")
    reach(tab, "done")
    if address != "r/":
        tab.click("#another")
        tab.click(first)
        page.keyboard.type("4")
        assert "4" in tab.value(first)


SHARING = "**/ui/share.js"
PARTS = "['#sharing', '#keeping'].map((part) => document.querySelector(part).checkVisibility())"
"""Which of what is offered beside the links can be seen."""


def test_all_that_is_offered_beside_the_links_comes_with_them(page: playwright.Page, taina: Server) -> None:
    """It came later and moved “Share another secret” away beneath the pointer, between a button's down and up."""
    tab = PlaywrightTab(page)
    held: list[playwright.Route] = []
    page.route(SHARING, lambda route: held.append(route), times=1)
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    with page.expect_request(SHARING):
        tab.fill("#text", "hunter2")
    tab.click("#send")
    for _ in range(10):
        tab.evaluate(TWO_FRAMES)
        assert tab.evaluate("document.querySelector('main').dataset.state") == "working"
    held.pop().continue_()
    assert reach(tab, "done", "error") == "done"
    assert tab.evaluate(PARTS) == [True, True]


def test_what_cannot_be_offered_beside_the_links_keeps_nobody_from_them(page: playwright.Page, taina: Server) -> None:
    tab = PlaywrightTab(page)
    page.route(SHARING, lambda route: route.abort())
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.fill("#text", "hunter2")
    tab.click("#send")
    assert reach(tab, "done", "error") == "done"
    page.unroute(SHARING)
    assert tab.evaluate(PARTS) == [False, False]
    tab.click("#another")
    tab.fill("#text", "hunter3")
    tab.click("#send")
    assert reach(tab, "done", "error") == "done"
    assert tab.evaluate(PARTS) == [True, True]


GENERATED = {"password": "#text", "six-words": "#passphrase"}
"""Where each button writes."""
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => true)"


@pytest.mark.parametrize("button", GENERATED)
def test_what_is_generated_late_is_in_no_other_secret(page: playwright.Page, taina: Server, button: str) -> None:
    """The next one would have had a passphrase that nobody asked for."""
    tab = PlaywrightTab(page)
    held = begin_to_generate(tab, taina, button)
    tab.click("#another")
    (other,) = GENERATED.keys() - {button}
    tab.click(f"#{other}")
    held[0].continue_()
    tab.wait(f"document.querySelector('{GENERATED[other]}').value !== ''")
    assert tab.value(GENERATED[button]) == ""


@pytest.mark.parametrize("button", GENERATED)
def test_what_cannot_be_generated_any_more_hides_no_links(page: playwright.Page, taina: Server, button: str) -> None:
    tab = PlaywrightTab(page)
    held = begin_to_generate(tab, taina, button)
    with page.expect_event("requestfailed"):
        held[0].abort()
    tab.evaluate(TWO_FRAMES)
    assert reach(tab, "done", "error") == "done"
    tab.click("#another")
    tab.click(f"#{button}")
    tab.wait(f"document.querySelector('{GENERATED[button]}').value !== ''")


def begin_to_generate(tab: PlaywrightTab, server: Server, button: str) -> list[playwright.Route]:
    """Send a secret that does not wait for it; the call that it waits for."""
    held: list[playwright.Route] = []
    tab.page.route("**/generator.js", lambda route: held.append(route), times=1)
    tab.open(f"{server.url}/en/")
    reach(tab, "ready")
    tab.fill("#text", "hunter2")
    with tab.page.expect_request("**/generator.js"):
        tab.click(f"#{button}")
    tab.click("#send")
    reach(tab, "done")
    return held
