"""Asking for a secret, answering, and reading the answer, in three browser engines against the real server."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from browser.engines import PAIRS, Browsers, Tab, choose, digest, reach, reach_opened, saved, visit
from support.servers import Server, free_port, start_server, stop_server
from taina.format.links import Link, encode_link
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store.sqlite import SqliteStore


def ask(tab: Tab, server: Server, answers: int = 1, passphrase: bool = False) -> tuple[str, str]:
    """Make a request; the addresses of the request and of its inbox."""
    tab.open(f"{server.url}/en/request/")
    reach(tab, "ready")
    tab.fill("#answers", str(answers))
    if passphrase:
        tab.click("#ask-passphrase")
    tab.click("#make")
    reach(tab, "done")
    return tab.value("#link"), tab.value("#inbox-link")


def answer(tab: Tab, link: str, text: str = "hunter2", passphrase: str = "") -> None:
    visit(tab, link)
    reach(tab, "ready")
    tab.fill("#text", text)
    if passphrase:
        tab.fill("#passphrase", passphrase)
    tab.click("#send")
    reach(tab, "done")


ASKED = "performance.getEntriesByType('resource').some(({name}) => name.includes('/secrets/'))"


def came(tab: Tab, inbox: str) -> list[str]:
    """Open an inbox and ask about the answers; the addresses of those that can be opened."""
    visit(tab, inbox)
    reach(tab, "shown")
    if tab.shown("#check"):
        assert not tab.evaluate(ASKED), "asking tells the server which secrets answer this request"
        tab.click("#check")
        tab.wait("[...document.querySelectorAll('#answers .hint')].every((hint) => hint.textContent)")
    found: list[str] = tab.evaluate("[...document.querySelectorAll('#answers a:not([hidden])')].map((a) => a.href)")
    return found


def opened(tab: Tab, link: str) -> None:
    visit(tab, link)
    reach(tab, "before")
    tab.click("#reveal")
    reach(tab, "shown")


def test_from_a_request_to_its_answer(tab: Tab, reader: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina)
    assert link.startswith(f"{taina.url}/r/#")
    assert inbox.startswith(f"{taina.url}/inbox/#")
    assert came(tab, inbox) == []
    assert tab.shown("#none")

    answer(reader, link, "Парола: тайна 🔑 <b>&amp;</b>")
    receipt = reader.value("#receipt-link")
    reader.open(receipt)
    reach(reader, "shown")
    assert reader.text("#receipt-state") == "Not opened yet"

    (secret,) = came(tab, inbox)
    assert tab.text('[data-fill="came"]') == "1 of 1"
    opened(tab, secret)
    assert tab.text("#secret-text") == "Парола: тайна 🔑 <b>&amp;</b>"
    reach_opened(reader)

    assert came(tab, inbox) == []
    assert tab.text("#answers .hint").startswith("Opened on ")
    reader.open(link)
    reach(reader, "full")


@pytest.mark.parametrize(("asker", "answerer"), PAIRS)
def test_what_one_engine_seals_every_other_opens(browsers: Browsers, asker: str, answerer: str, taina: Server) -> None:
    with browsers.tab(asker) as tab, browsers.tab(answerer) as other:
        link, inbox = ask(tab, taina)
        answer(other, link)
        (secret,) = came(tab, inbox)
        opened(tab, secret)
        assert tab.text("#secret-text") == "hunter2"


def test_a_file_and_several_answers(tab: Tab, reader: Tab, taina: Server, tmp_path: Path) -> None:
    link, inbox = ask(tab, taina, answers=2)
    file = tmp_path / "Договор.bin"
    file.write_bytes(os.urandom((1 << 20) + 5))  # so large that a worker carries it
    answer(reader, link, "one")
    visit(reader, link)
    reach(reader, "ready")
    assert reader.text('[data-fill="left"]') == "1"
    choose(reader, [file])
    reader.click("#send")
    reach(reader, "done")
    first, second = came(tab, inbox)
    opened(tab, second)
    assert saved(tab, "#secret-files button") == digest(file)
    opened(tab, first)
    assert tab.text("#secret-text") == "one"


def test_an_answer_with_the_passphrase_that_was_asked_for(tab: Tab, reader: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina, passphrase=True)
    reader.open(link)
    reach(reader, "ready")
    assert reader.shown("#passphrase-wanted") and not reader.shown("#optional")
    reader.fill("#text", "hunter2")
    reader.click("#send")
    reach(reader, "error")
    assert reader.shown('[data-error="passphrase_wanted"]')
    reader.fill("#passphrase", "right")
    reader.click("#send")
    reach(reader, "done")
    assert reader.shown("#other-channel")
    (secret,) = came(tab, inbox)
    tab.open(secret)
    reach(tab, "before")
    tab.fill("#passphrase", "right")
    tab.click("#reveal")
    reach(tab, "shown")
    assert tab.text("#secret-text") == "hunter2"


def test_who_answers_too_late_loses_nothing_and_leaves_nothing(tab: Tab, reader: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina)
    reader.open(link)
    reach(reader, "ready")
    reader.fill("#text", "mine")
    answer(tab, link, "another's")
    reader.click("#send")
    reach(reader, "error")
    assert reader.shown('[data-error="too_late"]')
    assert reader.value("#text") == "mine"
    (secret,) = came(tab, inbox)
    opened(tab, secret)
    assert tab.text("#secret-text") == "another's"


def test_a_server_that_is_away_loses_nothing(tab: Tab, reader: Tab, built_site: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path, "--site", str(built_site), port=free_port())
    link, inbox = ask(tab, server)
    reader.open(link)
    reach(reader, "ready")
    reader.fill("#text", "do not lose me")
    stop_server(server)
    reader.click("#send")
    reach(reader, "error")
    assert reader.shown('[data-error="unreachable"]')
    server = start_server(tmp_path, "--site", str(built_site), port=server.port)
    reader.click("#send")
    reach(reader, "done")
    (secret,) = came(tab, inbox)
    opened(tab, secret)
    assert tab.text("#secret-text") == "do not lose me"
    stop_server(server)


NO_ENVELOPES = """(() => {
  const { fetch } = window;
  window.fetch = async (...call) => {
    if (String(call[0]).endsWith("/envelopes")) throw new TypeError("no network");
    return fetch(...call);
  };
  return window.letThrough = () => ((window.fetch = fetch), true);
})() && true"""


def test_an_answer_that_ended_before_it_could_be_left_is_sent_anew(
    tab: Tab, reader: Tab, built_site: Path, tmp_path: Path
) -> None:
    """Its envelope did not get through; by the time it does, the secret that it leads to is not there any more."""
    server = start_server(tmp_path, "--site", str(built_site), port=free_port())
    link, inbox = ask(tab, server)
    reader.open(link)
    reach(reader, "ready")
    reader.evaluate(NO_ENVELOPES)
    reader.fill("#text", "still wanted")
    reader.click("#send")
    reach(reader, "error")
    stop_server(server)
    with closing(SqliteStore(tmp_path / "taina.db")) as store:
        assert Vault(store, Limits()).sweep(at=int(time.time()) + 30 * 86400) == 1
    server = start_server(tmp_path, "--site", str(built_site), port=server.port)
    reader.evaluate("window.letThrough()")
    reader.click("#send")
    reach(reader, "done")
    (secret,) = came(tab, inbox)
    opened(tab, secret)
    assert tab.text("#secret-text") == "still wanted"
    stop_server(server)


def test_a_deleted_request_takes_nothing_and_shows_nothing(tab: Tab, reader: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina, answers=2)
    answer(reader, link)
    came(tab, inbox)
    tab.click("#delete")
    tab.click("#delete-cancel")
    assert not tab.shown("#deleting")
    tab.click("#delete")
    tab.click("#delete-confirm")
    reach(tab, "deleted")
    assert "#" not in tab.url()
    tab.open(inbox)
    reach(tab, "missing")
    visit(reader, link)
    reach(reader, "missing")


def test_junk_that_somebody_left_is_told_from_an_answer(tab: Tab, reader: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina, answers=2)
    answer(reader, link)
    # Whoever has the link can leave any 81 bytes: here by the page's own module, as its token asks for.
    base = reader.evaluate("document.querySelector('script[src$=\"/js/client/requests.js\"]').src")
    folder = base.removesuffix("requests.js")
    reader.evaluate(
        f"void (async () => {{ const {{Requests}} = await import('{base}');"
        f" const {{decodeLink}} = await import('{folder}../format/links.js');"
        f" await new Requests().answer(await decodeLink('{link}', 'request'), new Uint8Array(81));"
        " window.left = true; })()"
    )
    reader.wait("window.left === true")
    assert len(came(tab, inbox)) == 1
    strange = "Cannot be opened with your keys: it is not an answer to your request"
    assert tab.text("#answers li:nth-child(2) .hint") == strange


def test_links_that_are_cut_or_mixed_up(tab: Tab, reader: Tab, taina: Server) -> None:
    link, inbox = ask(tab, taina)
    fragment, inbox_fragment = link.partition("#")[2], inbox.partition("#")[2]
    unknown = encode_link(Link("request", b"\x09" + bytes(31)))
    calls = "performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/api/v1/requests')).length"
    for address, state, asked in [
        (f"/r/#{fragment[:-1]}", "cut", 0),
        (f"/inbox/#{inbox_fragment[:-5]}", "cut", 0),
        (f"/r/#{inbox_fragment}", "wrong-link", 0),
        (f"/inbox/#{fragment}", "wrong-link", 0),
        (f"/r/#{encode_link(Link('request', bytes(32)))}", "cut", 0),  # a key to which nothing can be sealed
        (f"/r/#{unknown}", "missing", 1),
        ("/en/r/", "empty", 0),
    ]:
        visit(reader, taina.url + address)
        assert reach(reader, "cut", "wrong-link", "missing", "empty", "ready", "shown") == state
        assert reader.evaluate(calls) == asked, address


def test_a_browser_without_x25519_is_told(browsers: Browsers, taina: Server) -> None:
    """Chromium, made older by a script that runs before the page's."""
    context = browsers.browser("chromium").new_context()
    context.add_init_script(
        "const importKey = SubtleCrypto.prototype.importKey;"
        "SubtleCrypto.prototype.importKey = function (format, data, algorithm, ...rest) {"
        " if (algorithm === 'X25519') return Promise.reject(new DOMException('', 'NotSupportedError'));"
        " return importKey.call(this, format, data, algorithm, ...rest); }"
    )
    page = context.new_page()
    page.goto(f"{taina.url}/en/request/")
    page.click("#make")
    page.wait_for_selector('main[data-state="outdated"]')
    for address, link in (("r", Link("request", b"\x09" + bytes(31))), ("inbox", Link("inbox", bytes(32)))):
        page.goto(f"{taina.url}/en/{address}/#{encode_link(link)}")
        page.wait_for_selector('main[data-state="outdated"]')
    context.close()
