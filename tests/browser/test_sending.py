"""What is sent is what was entered: nothing of it changes while it is sent, and no change after a failure is lost."""

import playwright.sync_api as playwright
import pytest

from browser.engines import PlaywrightTab, Tab, choose, reach
from browser.test_input import paste
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
