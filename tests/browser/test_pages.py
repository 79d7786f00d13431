"""What holds for every page: no other origin, no cookie, nothing kept, nothing that a screen reader stumbles over."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, reach
from conftest import ROOT
from support.http_server import HttpServer
from support.servers import Server
from taina.site import build as build_site

PAGES = ["/", "/privacy/", "/bg/", *(f"/en/{address}" for address in build_site.PAGES.values()), "/en/nothing"]
OF_A_LANGUAGE = "/(en|bg)/"
"""A regular expression: some pages go on to a language by themselves, and on a busy machine that may take a while."""


def test_nothing_is_fetched_elsewhere_and_nothing_kept(tab: Tab, taina: Server) -> None:
    """On every page, one after another."""
    for path in PAGES:
        tab.open(taina.url + path)
        tab.wait(f"location.pathname.match({OF_A_LANGUAGE!r}) && document.readyState === 'complete'")
        tab.wait("document.querySelector('h1') !== null")
        fetched = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert fetched, path
        assert [address for address in fetched if not address.startswith(taina.url + "/")] == [], path
        assert tab.evaluate("document.cookie") == "", path
        assert tab.evaluate("localStorage.length + sessionStorage.length") == 0, path
        assert tab.evaluate("navigator.serviceWorker?.controller ?? null") is None, path
        tab.evaluate(
            "void Promise.all([caches.keys(), indexedDB.databases(), navigator.serviceWorker.getRegistrations()])"
            ".then((found) => { window.kept = found.flat().length; })"
        )
        tab.wait("window.kept === 0")


@pytest.mark.every_engine
@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_the_browser_asks_no_other_host_and_has_no_complaint(browsers: Browsers, engine: str, taina: Server) -> None:
    """The same by the engine's own record of requests and of its console, over every page."""
    context = browsers.browser(engine, whole=True).new_context()
    page = context.new_page()
    hosts: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PAGES:
        page.goto(taina.url + path, wait_until="networkidle")
        page.wait_for_url(re.compile(OF_A_LANGUAGE), wait_until="networkidle")
    assert context.cookies() == []
    context.close()
    assert hosts == {taina.url.split("/")[2]}
    # An address that is not there is what the two "nothing" pages are about.
    assert [text for text in complaints if "404" not in text] == []


@pytest.mark.every_engine
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
    tab.evaluate("localStorage.setItem('taina-theme', 'sepia')")  # of another program on this host
    tab.reload()
    assert tab.evaluate(theme) == "system"
    assert tab.evaluate("document.querySelector('.themes :checked').value") == "system"
    tab.click(".themes label:has([value=dark])")
    tab.click(".themes label:has([value=system])")
    assert tab.evaluate("localStorage.length") == 0


PAPER = "getComputedStyle(document.documentElement).backgroundColor"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_page_is_dark_where_the_system_is(browsers: Browsers, taina: Server, scripts: bool) -> None:
    """Only Chromium's driver sets both."""
    context = browsers.browser("chromium").new_context(color_scheme="dark", java_script_enabled=scripts)
    tab = PlaywrightTab(context.new_page())
    tab.open(f"{taina.url}/en/")
    dark = tab.evaluate(PAPER)
    tab.page.emulate_media(color_scheme="light")
    light = tab.evaluate(PAPER)
    assert (dark, light) == ("rgb(19, 22, 20)", "rgb(251, 250, 247)")
    if scripts:
        tab.click(".themes label:has([value=dark])")
        assert tab.evaluate(PAPER) == dark
        tab.click(".themes label:has([value=system])")
        assert tab.evaluate(PAPER) == light
    context.close()


@pytest.mark.every_engine
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

    server = HttpServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
