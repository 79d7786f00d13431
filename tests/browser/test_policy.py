"""What an operator has laid down: pages say it before anything is entered, and keep to it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import playwright.sync_api as playwright
import pytest

from browser.engines import PlaywrightTab, Tab, choose, reach
from support.servers import Server, start_server, stop_server
from taina import Client

STRICT = [
    *("--ttl-min", "1h", "--ttl-max", "2d", "--ttl-default", "3h", "--passphrases", "required"),
    *("--files", "false", "--max-recipients", "5", "--max-answers", "3"),
]
LIFETIMES = "[...document.querySelectorAll('#ttl option')].map(({text}) => text.replace('\\u00a0', ' '))"

PASSPHRASE_NEEDED = "This server requires a passphrase for every secret. Enter one, or generate six words."
RULES = ["This server accepts text only.", "This server requires a passphrase for every secret."]
NO_FILES = "This server accepts text only. Remove any files that you added."


def shown_text(tab: Tab, selector: str) -> str:
    return str(tab.evaluate(f"document.querySelector('{selector}').innerText.trim()")).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def strict(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("strict"), *STRICT, "--site", str(built_site))
    yield server
    stop_server(server)


@pytest.fixture(scope="module")
def generated(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ["--passphrases", "generated", "--max-recipients", "1", "--max-answers", "1", "--site", str(built_site)]
    server = start_server(tmp_path_factory.mktemp("generated"), *options)
    yield server
    stop_server(server)


def test_brackets_are_as_wide_as_the_letters(tab: Tab, strict: Server) -> None:
    tab.open(f"{strict.url}/ja/")
    tab.wait("!document.querySelector('#policy').hidden")
    assert tab.text("label[for=recipients]").endswith("（1～5）")


def test_the_page_says_what_is_allowed_and_keeps_to_it(tab: Tab, strict: Server, tmp_path: Path) -> None:
    tab.open(f"{strict.url}/en/")
    tab.wait("!document.querySelector('#policy').hidden")
    assert shown_text(tab, "#lede-text").startswith("Type a secret, then send the link.")
    assert not tab.shown("#lede")
    assert re.split(r"\n+", shown_text(tab, "#policy")) == RULES  # there is nothing to correct yet
    assert tab.evaluate(LIFETIMES) == ["1 hour", "3 hours", "4 hours", "1 day"]
    assert tab.value("#ttl") == "10800"
    assert not tab.shown("#add-files") and not tab.shown("#optional")
    assert tab.text("label[for=recipients]").endswith("\u00a0(1\u2060–\u20605)")
    tab.fill("#text", "kept")
    tab.click("#send")
    reach(tab, "error")
    assert shown_text(tab, "#error") == PASSPHRASE_NEEDED
    tab.fill("#passphrase", "abc")
    tab.fill("#recipients", "6")
    tab.click("#send")
    tab.wait(
        "document.querySelector('#error').innerText.trim() === 'Enter a number of recipients from 1\\u00a0to\\u00a05.'"
    )
    tab.fill("#recipients", "1")
    file = tmp_path / "plan.txt"
    file.write_text("plan")
    choose(tab, [file])  # as one that is dropped
    tab.click("#send")
    tab.wait(f"document.querySelector('#error').innerText.trim() === {NO_FILES!r}")
    tab.click("#chosen button")
    assert tab.value("#text") == "kept"
    tab.click("#send")
    reach(tab, "done")


def test_the_page_of_requests_asks_for_a_passphrase(tab: Tab, reader: Tab, strict: Server) -> None:
    tab.open(f"{strict.url}/en/request/")
    tab.wait("document.querySelector('#ask-passphrase').disabled")
    assert tab.evaluate("document.querySelector('#ask-passphrase').checked")
    assert shown_text(tab, "#passphrase-needed") == "This server requires a passphrase for every secret."
    assert tab.evaluate(LIFETIMES) == ["1 hour", "3 hours", "4 hours", "1 day"]
    tab.fill("#answers", "4")
    tab.click("#make")
    reach(tab, "error")
    assert shown_text(tab, "#error") == "Enter a number of answers from 1 to 3."
    tab.fill("#answers", "3")
    tab.click("#make")
    reach(tab, "done")
    reader.open(tab.value("#link"))
    reach(reader, "ready")
    reader.wait("!document.querySelector('#policy').hidden")
    assert not reader.shown("#add-files")
    reader.fill("#text", "the answer")
    reader.fill("#passphrase", "abc")
    reader.click("#send")
    reach(reader, "done")


def test_where_passphrases_are_generated_nothing_else_can_be_typed(tab: Tab, generated: Server) -> None:
    tab.open(f"{generated.url}/en/")
    tab.wait("document.querySelector('#passphrase').readOnly")
    rule = "This server requires a passphrase of six generated words for every secret."
    assert shown_text(tab, "#policy") == rule
    assert not tab.shown("#recipients")
    tab.fill("#text", "kept")
    tab.click("#send")
    reach(tab, "error")
    assert shown_text(tab, "#error") == f"{rule} Press “Generate six words”."
    assert tab.evaluate("document.activeElement.id") == "six-words"
    tab.click("#six-words")
    tab.wait("document.querySelector('#passphrase').value !== ''")
    phrase = tab.value("#passphrase")
    tab.click("#send")
    reach(tab, "done")
    with Client(generated.url) as client:
        assert client.open(tab.value("#link"), phrase).text == "kept"


def test_an_instance_without_a_policy_says_nothing_and_loads_nothing_for_it(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    tab.wait("performance.getEntriesByType('resource').some(({name}) => name.endsWith('/status'))")
    assert not tab.shown("#policy") and not tab.shown("#login")
    assert not tab.evaluate("performance.getEntriesByType('resource').some(({name}) => name.includes('policy'))")


def creations(page: playwright.Page) -> list[str]:
    """The addresses at which the page creates something, from now on."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    return sent


def open_without_rules(page: playwright.Page, url: str) -> Callable[[], None]:
    """Open it; what is returned lets the answer that has the rules come."""
    held: list[playwright.Route] = []
    page.route("**/api/v1/status", lambda route: held.append(route))
    with page.expect_request("**/api/v1/status"):
        page.goto(url)

    def let_come() -> None:
        (status,) = held
        status.continue_()

    return let_come


@pytest.mark.parametrize("part", ["**/ui/policy.js", "**/api/v1/status"])
def test_rules_that_were_lost_once_hold_before_anything_is_sent(
    page: playwright.Page, strict: Server, part: str
) -> None:
    """One request was lost, and the page never said them."""
    tab = PlaywrightTab(page)
    sent = creations(page)
    page.route(part, lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        tab.open(f"{strict.url}/en/")
    tab.fill("#text", "hunter2")
    tab.click("#send")
    tab.wait(f"document.querySelector('#error').innerText.trim() === {PASSPHRASE_NEEDED!r}")
    assert sent == []
    tab.fill("#passphrase", "abc")
    tab.click("#send")
    assert reach(tab, "done", "error") == "done"

    page.route(part, lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        tab.open(f"{strict.url}/en/request/")
    tab.click("#make")
    assert reach(tab, "done", "error") == "done"
    with Client(strict.url) as client:
        assert client.request_status(tab.value("#link")).passphrase


@pytest.mark.parametrize(("address", "button"), [("", "#send"), ("request/", "#make")])
def test_who_clicks_while_a_lost_part_is_asked_after_has_a_try_of_his_own(
    page: playwright.Page, strict: Server, address: str, button: str
) -> None:
    """The failure of the page's own try says nothing of now."""
    tab = PlaywrightTab(page)
    held: list[playwright.Route] = []
    page.route(
        "**/ui/policy.js",
        lambda route: held.append(route) if route.request.method == "HEAD" else route.abort(),
        times=2,
    )
    with page.expect_request(lambda request: request.method == "HEAD"):
        tab.open(f"{strict.url}/en/{address}")
    if not address:
        tab.fill("#text", "hunter2")
        tab.fill("#passphrase", "abc")
    tab.click(button)
    assert reach(tab, "working", "error") == "working"
    held[0].continue_()
    assert reach(tab, "done", "error") == "done"


def test_rules_that_are_late_are_waited_for_as_long_as_somebody_wants(page: playwright.Page, strict: Server) -> None:
    tab = PlaywrightTab(page)
    sent = creations(page)
    let_come = open_without_rules(page, f"{strict.url}/en/")
    tab.click("#send")
    assert reach(tab, "error", "working") == "error", "what is known anyway is said at once"
    tab.fill("#text", "hunter2")
    tab.click("#send")
    assert reach(tab, "working", "done") == "working"
    tab.click("#cancel")
    reach(tab, "error")
    assert tab.shown('[data-error="cancelled"]')
    tab.click("#send")
    assert reach(tab, "working", "done") == "working"
    let_come()
    reach(tab, "error")
    assert shown_text(tab, "#error") == PASSPHRASE_NEEDED
    assert sent == []


@pytest.mark.parametrize("address", ["", "request/"])
def test_rules_that_are_late_let_nothing_live_longer_than_was_seen(
    page: playwright.Page, strict: Server, address: str
) -> None:
    tab = PlaywrightTab(page)
    sent = creations(page)
    let_come = open_without_rules(page, f"{strict.url}/en/{address}")
    page.select_option("#ttl", "300")
    if address == "":
        tab.fill("#text", "hunter2")
    tab.click("#make" if address else "#send")
    reach(tab, "working")
    let_come()
    assert reach(tab, "ready", "done", "error") == "ready"
    tab.wait("document.activeElement.id === 'ttl'")
    assert tab.value("#ttl") == "10800"
    assert sent == []


def test_one_s_own_passphrase_does_not_outlive_the_rule_of_generated_ones(
    page: playwright.Page, generated: Server
) -> None:
    tab = PlaywrightTab(page)
    let_come = open_without_rules(page, f"{generated.url}/en/")
    tab.fill("#text", "hunter2")
    tab.fill("#passphrase", "abc")
    tab.fill("#recipients", "5")
    tab.click("#send")
    reach(tab, "working")
    let_come()
    assert reach(tab, "error", "done") == "error"
    assert tab.shown('[data-error="passphrase_generated"]')
    tab.click("#six-words")
    tab.wait("document.querySelector('#passphrase').value.split('-').length >= 6")  # words like "yo-yo" have their own
    tab.click("#send")
    assert reach(tab, "error", "done") == "done"
    assert tab.evaluate("document.querySelectorAll('#links .copyable').length") == 1
