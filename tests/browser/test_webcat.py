"""All that people do here under WEBCAT's rules: nothing that a browser asks for is refused, and nothing false runs."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import playwright.sync_api as playwright
import pytest
from selenium.common.exceptions import WebDriverException

from browser.engines import Browsers, Tab, choose, digest, reach, saved
from browser.test_requests import answer, ask, came
from browser.test_requests import opened as opened_answer
from browser.test_story import tell_the_story
from browser.test_worker import WRAPPED
from support.judging_proxy import JudgingProxy
from support.servers import Server, free_port, start_server, stop_server
from support.sites import write_site
from support.waiting import wait_until
from support.webcat import Answer, Refusal, Request
from taina.site.webcat import Manifest, make_manifest

MEBI = 1 << 20
EVERY_KIND = {"document", "script", "style", "image", "empty", "worker"}


@pytest.fixture(scope="module")
def enrolled(webcat_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("data"), "--site", str(webcat_site))
    yield server
    stop_server(server)


@pytest.fixture
def tab(browsers: Browsers, engine: str) -> Iterator[Tab]:
    """Of a whole browser: it asks for icons, too."""
    with browsers.tab(engine, whole=True) as tab:
        yield tab


@pytest.fixture(scope="module")
def manifest(webcat_site: Path) -> Manifest:
    return make_manifest((webcat_site / "manifest.json").read_bytes())


def test_the_whole_story(tab: Tab, reader: Tab, enrolled: Server, manifest: Manifest, tmp_path: Path) -> None:
    with JudgingProxy(enrolled.url, manifest) as proxy:
        server = replace(enrolled, url=proxy.url)
        tell_the_story(tab, reader, server)
        send_made_words_and_a_file(tab, reader, server, tmp_path)
        link, inbox = ask(tab, server)
        answer(reader, link)
        (secret,) = came(tab, inbox)
        opened_answer(tab, secret)
        look_around(tab, server)
    assert proxy.refused == []
    assert proxy.newer == []
    assert {request.destination for request, _ in proxy.judged} >= EVERY_KIND


def send_made_words_and_a_file(tab: Tab, reader: Tab, server: Server, folder: Path) -> None:
    """By the worker, which the extension wraps in pages of both kinds."""
    file = folder / "large.bin"
    file.write_bytes(os.urandom(3 * MEBI))
    tab.open(f"{server.url}/en/")
    tab.evaluate(WRAPPED)
    tab.click("#password")
    tab.click("#six-words")
    tab.wait("document.querySelector('#text').value && document.querySelector('#passphrase').value")
    phrase = tab.value("#passphrase")
    choose(tab, [file])
    tab.click("#send")
    reach(tab, "done")
    tab.wait("!document.querySelector('#sharing').hidden")
    tab.click("#show-code")
    tab.wait("document.querySelector('#code svg')")
    assert tab.evaluate("wrapped")
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.evaluate(WRAPPED)
    reader.fill("#passphrase", phrase)
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.evaluate("wrapped")
    assert saved(reader, "#secret-files button") == digest(file)


def look_around(tab: Tab, server: Server) -> None:
    """Texts in two languages, by addresses of every form, and what is not there."""
    for path, arrived in {
        "/": "/en/",
        "/security": "/en/security/",
        "/bg/privacy/?utm_source=chat": "/bg/privacy/?utm_source=chat",
        "/nothing": "/nothing",
        "/bg/nothing": "/bg/nothing",
    }.items():
        tab.open(f"{server.url}{path}")
        tab.wait(f"location.href === '{server.url}{arrived}' && document.querySelector('main h1')")


@pytest.mark.parametrize("engine", ["firefox"])
def test_with_the_api_on_another_origin(tab: Tab, reader: Tab, tmp_path: Path) -> None:
    """It is not enrolled, so that nothing holds its answers to anything; a browser of the extension is enough."""
    port = free_port()
    write_site(tmp_path / "pages", api=f"http://127.0.0.1:{port}", webcat="2")
    manifest = make_manifest((tmp_path / "pages/manifest.json").read_bytes())
    pages = start_server(tmp_path / "nothing", "--site", str(tmp_path / "pages"))
    with JudgingProxy(pages.url, manifest) as proxy:
        api = start_server(tmp_path / "data", "--origins", proxy.url, port=port)
        send_made_words_and_a_file(tab, reader, replace(api, url=proxy.url), tmp_path)
        stop_server(api)
    stop_server(pages)
    assert proxy.refused == []


RAN = b"void fetch('/ran')"
RELAXED = "default-src 'self'; script-src 'self' 'unsafe-inline'"


def with_another_page(request: Request, answer: Answer) -> Answer:
    """A page that takes everything, by a policy that lets it."""
    if request.path != "/en/privacy/":
        return answer
    page = b"<!doctype html><title>x</title><script>%s</script>" % RAN
    return Answer(200, (("Content-Type", "text/html"), ("Content-Security-Policy", RELAXED)), page)


def with_another_worker(request: Request, answer: Answer) -> Answer:
    """The worker with code more: no digest in the page is compared with it."""
    return replace(answer, body=b"%s;%s" % (RAN, answer.body)) if request.destination == "worker" else answer


@pytest.mark.parametrize("checked", [False, True], ids=["without WEBCAT", "with WEBCAT"])
def test_nothing_false_runs(tab: Tab, enrolled: Server, manifest: Manifest, checked: bool, tmp_path: Path) -> None:
    """Without WEBCAT it would."""
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(3 * MEBI))
    held_to = manifest if checked else None
    with JudgingProxy(enrolled.url, held_to, with_another_page) as proxy:
        with suppress(playwright.Error, WebDriverException):  # no answer
            tab.open(f"{proxy.url}/en/privacy/")
        if not checked:
            wait_until(lambda: was_asked(proxy, "/ran"))
        # Browsers ask again where they get nothing.
        assert set(proxy.refused) == ({("/en/privacy/", Refusal.CSP_MISMATCH)} if checked else set())
        assert was_asked(proxy, "/ran") is not checked
    with JudgingProxy(enrolled.url, held_to, with_another_worker) as proxy:
        tab.open(f"{proxy.url}/en/")
        choose(tab, [file])
        tab.click("#send")
        assert reach(tab, "done", "error") == ("error" if checked else "done")
        assert {refusal for _, refusal in proxy.refused} == ({Refusal.FILE_MISMATCH} if checked else set())
        assert was_asked(proxy, "/ran") is not checked


def was_asked(proxy: JudgingProxy, path: str) -> bool:
    return any(request.path == path for request, _ in proxy.judged)
