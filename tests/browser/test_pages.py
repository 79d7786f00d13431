"""What holds for every page: no other origin, no cookie, nothing kept, nothing that a screen reader stumbles over."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import playwright.sync_api as playwright
import pytest

import build_site
from browser.engines import Browsers, PlaywrightTab, Tab, reach
from conftest import ROOT
from drills.servers import Server

LANGUAGES = ("en", "bg")
PAGES = [f"/{language}/{address}" for language in LANGUAGES for address in build_site.PAGES.values()] + [
    "/en/nothing",
    "/bg/nothing",
    "/",
    "/privacy/",
]
AXE = ROOT / "site" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_fetched_elsewhere_and_nothing_kept(tab: Tab, taina: Server, path: str) -> None:
    tab.open(taina.url + path)
    tab.wait("document.readyState === 'complete' && document.querySelector('h1') !== null")
    fetched = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert fetched
    assert [address for address in fetched if not address.startswith(taina.url + "/")] == []
    assert tab.evaluate("document.cookie") == ""
    assert tab.evaluate("localStorage.length + sessionStorage.length") == 0
    assert tab.evaluate("navigator.serviceWorker?.controller ?? null") is None


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_the_browser_asks_no_other_host_and_has_no_complaint(browsers: Browsers, engine: str, taina: Server) -> None:
    """The same by the engine's own record of requests and of its console, over every page."""
    context = browsers.browser(engine).new_context()
    page = context.new_page()
    hosts: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PAGES:
        page.goto(taina.url + path, wait_until="networkidle")
    assert context.cookies() == []
    context.close()
    assert hosts == {taina.url.split("/")[2]}
    # An address that is not there is what the two "nothing" pages are about.
    assert [text for text in complaints if "404" not in text] == []


def test_a_page_may_not_run_what_it_did_not_bring(tab: Tab, taina: Server) -> None:
    """The policy holds in each engine: no inline script, no string turned into markup, no other host."""
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.evaluate(
        "void (() => { window.refused = []; document.addEventListener('securitypolicyviolation',"
        " (event) => window.refused.push(event.effectiveDirective));"
        " const script = document.createElement('script');"
        " try { script.textContent = 'window.ran = true'; } catch {} document.body.append(script);"
        " try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=ran=true>'); } catch {}"
        " fetch('https://elsewhere.invalid/').catch(() => {}); })()"
    )
    tab.wait("window.refused.includes('connect-src') && window.refused.length > 1")
    assert tab.evaluate("window.ran ?? null") is None


def test_the_theme_is_kept_only_when_chosen(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    theme = "document.documentElement.dataset.theme"
    for choice in ("dark", "light"):
        tab.click(f".themes label:has([value={choice}])")
        assert tab.evaluate(theme) == choice
        tab.reload()
        assert tab.evaluate(theme) == choice
    tab.click(".themes label:has([value=system])")
    assert tab.evaluate("localStorage.length") == 0


def test_the_vectors_hold_in_this_engine(tab: Tab, repository: str) -> None:
    tab.open(f"{repository}/")
    tab.evaluate(
        "void import(location.origin + '/tests/js/vectors.mjs').then(({checkVectors}) => checkVectors(async (name) =>"
        " (await fetch(`/tests/vectors/${name}`)).json())).then((result) => { window.result = result; },"
        " (error) => { window.result = {passed: 0, failed: [String(error)]}; })"
    )
    tab.wait("window.result !== undefined", seconds=120)  # many of them derive keys by 600,000 rounds
    result = tab.evaluate("window.result")
    assert result["failed"] == []
    assert result["passed"] > 400


@pytest.fixture(scope="session")
def repository() -> Iterator[str]:
    """The checkout over HTTP, for a page to import the format and its vectors from."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/":
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Vectors</title>")

        def log_request(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# Accessibility, by axe-core; Chromium's tree is as good as any.


@pytest.fixture(params=["light", "dark"])
def page(browsers: Browsers, request: pytest.FixtureRequest) -> Iterator[playwright.Page]:
    context = browsers.browser("chromium").new_context(color_scheme=request.param, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def findings(page: playwright.Page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    report = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    assert len(report["passes"]) > 5
    return [f"{rule['id']}: {json.dumps([node['html'] for node in rule['nodes']])}" for rule in report["violations"]]


@pytest.mark.parametrize("path", PAGES[: 2 * len(build_site.PAGES) + 2])
def test_axe_finds_nothing_on_any_page(page: playwright.Page, taina: Server, path: str) -> None:
    page.goto(taina.url + path, wait_until="networkidle")
    assert findings(page) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_in_any_state(page: playwright.Page, taina: Server, language: str) -> None:
    tab = PlaywrightTab(page)
    seen = {}

    def look(name: str) -> None:
        seen[name] = findings(page)

    tab.open(f"{taina.url}/{language}/")
    tab.click("#send")
    reach(tab, "error")
    look("nothing to send")
    tab.fill("#text", "secret")
    tab.fill("#passphrase", "phrase")
    tab.choose("#files", [ROOT / "LICENSE"])
    look("filled in")
    tab.click("#send")
    reach(tab, "done")
    look("done")
    link, receipt = (tab.value(field).replace("/s/", f"/{language}/s/") for field in ("#link", "#receipt-link"))
    receipt = receipt.replace("/receipt/", f"/{language}/receipt/")
    tab.open(receipt)
    reach(tab, "shown")
    look("receipt")
    tab.click("#burn")
    look("about to burn")
    tab.open(link)
    reach(tab, "before")
    look("before")
    tab.fill("#passphrase", "wrong")
    tab.click("#reveal")
    tab.wait("!document.querySelector('#wrong').hidden")
    look("wrong passphrase")
    tab.fill("#passphrase", "phrase")
    tab.click("#reveal")
    reach(tab, "shown")
    look("shown")
    tab.click("#hide")
    reach(tab, "hidden")
    look("hidden")
    tab.open("about:blank")
    tab.open(link)
    reach(tab, "gone")
    look("gone")
    tab.open("about:blank")
    tab.open(link[:-3])
    reach(tab, "cut")
    look("cut")
    assert {name: found for name, found in seen.items() if found} == {}
