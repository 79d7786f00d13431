"""The main job, as people do it, in three browser engines against the real server."""

import os
from pathlib import Path

import playwright.sync_api as playwright
import pytest

from browser.engines import PAIRS, Browsers, PlaywrightTab, Tab, choose, digest, reach, reach_opened, saved, visit
from support.clocks import other_clock
from support.servers import Server, free_port, start_server, stop_server
from taina import Client
from taina.client.names import clean_name

HARD_TEXT = (
    "Парола: тайна ‏سر‏ 🔑 \u202egnp.exe\u202c <b onclick=alert(1)>&amp;</b>\n\tсъс нов ред & https://example.org "
)


def send(
    tab: Tab, server: Server, text: str = "hunter2", passphrase: str = "", files: list[Path] | None = None
) -> None:
    tab.open(f"{server.url}/en/")
    if text:
        tab.fill("#text", text)
    if files:
        choose(tab, files)
    if passphrase:
        tab.fill("#passphrase", passphrase)
    tab.click("#send")
    reach(tab, "done")


def opened(tab: Tab, link: str) -> None:
    tab.open(link)
    reach(tab, "before")
    tab.click("#reveal")
    reach(tab, "shown")


@pytest.mark.every_engine
def test_from_a_secret_to_its_reader_and_never_again(tab: Tab, reader: Tab, taina: Server) -> None:
    tell_the_story(tab, reader, taina)


def test_the_same_on_postgresql(browsers: Browsers, built_site: Path, database: str, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--store", database, "--site", str(built_site))
    with browsers.tab("chromium") as tab, browsers.tab("chromium") as reader:
        tell_the_story(tab, reader, server)
        file = tmp_path / "report.bin"
        file.write_bytes(os.urandom((2 << 20) + 5))
        send(tab, server, text="", passphrase="correct horse", files=[file])
        reader.open(tab.value("#link"))
        reach(reader, "before")
        reader.fill("#passphrase", "correct horse")
        reader.click("#reveal")
        reach(reader, "shown")
        assert saved(reader, "#secret-files button") == digest(file)
    assert stop_server(server).strip() == ""


def tell_the_story(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina, HARD_TEXT)
    link, receipt = tab.value("#link"), tab.value("#receipt-link")
    assert link.startswith(f"{taina.url}/s/#")
    assert tab.value("#text") == ""

    for _ in range(5):
        reader.open(link)
        reach(reader, "before")
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.text("#secret-text") == HARD_TEXT
    assert reader.evaluate("document.querySelector('#secret-text').childElementCount") == 0
    assert "#" not in reader.url()

    tab.open(receipt)
    reach(tab, "shown")
    reach_opened(tab)
    assert "Proven" in tab.text('[data-fill="explain"]')
    assert not tab.shown("#burn")

    tab.open(link)
    reach(tab, "gone")
    assert "It was opened" in tab.text('[data-fill="gone"]')
    assert tab.shown("#not-you")


@pytest.mark.parametrize(("maker", "opener"), PAIRS)
def test_what_one_engine_seals_every_other_opens(browsers: Browsers, maker: str, opener: str, taina: Server) -> None:
    with browsers.tab(maker) as sender, browsers.tab(opener) as reader:
        send(sender, taina, HARD_TEXT, passphrase="Парола ﬁ 🔑")
        reader.open(sender.value("#link"))
        reach(reader, "before")
        reader.fill("#passphrase", "Парола fi 🔑")  # the same in NFKC
        reader.click("#reveal")
        reach(reader, "shown")
        assert reader.text("#secret-text") == HARD_TEXT


def test_a_file_arrives_byte_for_byte(tab: Tab, reader: Tab, taina: Server, tmp_path: Path) -> None:
    file = tmp_path / "Договор & <b>тайна.bin"
    for size in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1):
        file.write_bytes(os.urandom(size))
        send(tab, taina, text="", files=[file])
        opened(reader, tab.value("#link"))
        assert reader.text("#secret-files .file-name") == clean_name(file.name), size
        assert saved(reader, "#secret-files button") == digest(file), size


def test_several_files_beside_a_text(tab: Tab, reader: Tab, taina: Server, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.txt", "две.txt", "three.bin")]
    for file in files:
        file.write_bytes(os.urandom(70_000))
    send(tab, taina, text="see the files", files=files)
    opened(reader, tab.value("#link"))
    assert reader.text("#secret-text") == "see the files"
    for n, file in enumerate(files, 1):
        row = f"#secret-files li:nth-child({n})"
        assert reader.text(f"{row} .file-name") == file.name
        assert saved(reader, f"{row} button") == digest(file)
    assert reader.shown("#save-all")


def test_a_wrong_passphrase_costs_an_attempt_and_ten_lock(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina, passphrase="right")
    link, receipt = tab.value("#link"), tab.value("#receipt-link")
    assert tab.shown("#other-channel")
    reader.open(link)
    reach(reader, "before")
    for left in range(9, 0, -1):
        reader.fill("#passphrase", f"wrong {left}")
        reader.click("#reveal")
        reader.wait(f"/\\b({left}|One)\\b/.test(document.querySelector('#wrong').textContent)")
        reach(reader, "before")
    reader.fill("#passphrase", "wrong at last")
    reader.click("#reveal")
    reach(reader, "gone")
    assert "too many wrong passphrases" in reader.text('[data-fill="gone"]')
    tab.open(receipt)
    reach(tab, "shown")
    assert tab.text("#receipt-state") == "Locked: too many wrong passphrases"
    assert tab.text('[data-fill="failed"]') == "10"


def test_the_right_passphrase_after_a_wrong_one(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina, passphrase="right")
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.click("#reveal")
    reader.wait("!document.querySelector('#wrong').hidden")  # nothing typed: nothing is tried
    reader.fill("#passphrase", "wrong")
    reader.click("#reveal")
    reader.wait("document.querySelector('#wrong').textContent.includes('9')")
    reader.fill("#passphrase", "right")
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "hunter2"


def test_a_burned_secret_is_gone(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina)
    link = tab.value("#link")
    tab.open(tab.value("#receipt-link"))
    reach(tab, "shown")
    assert tab.text("#receipt-state") == "Not opened yet"
    tab.click("#burn")
    tab.click("#burn-confirm")
    tab.wait("document.querySelector('#receipt-state').textContent === 'Burned unread'")
    lines = "getComputedStyle([...document.querySelectorAll('#timeline div:not([hidden])')].at({}), '::after').content"
    assert tab.evaluate(lines.format(0)) != "none"
    assert tab.evaluate(lines.format(-1)) == "none", "no line leads on from the end"
    reader.open(link)
    reach(reader, "gone")
    assert "It was burned on" in reader.text('[data-fill="gone"]')
    assert not reader.shown("#not-you")


def test_links_that_are_cut_or_mixed_up(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina)
    link, receipt = tab.value("#link"), tab.value("#receipt-link")
    fragment, receipt_fragment = link.partition("#")[2], receipt.partition("#")[2]
    calls = "performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/api/')).length"
    for address, state in [
        (f"/s/#{fragment[:-1]}", "cut"),
        (f"/receipt/#{receipt_fragment[:-5]}", "cut"),
        (f"/s/#{receipt_fragment}", "wrong-link"),
        (f"/receipt/#{fragment}", "wrong-link"),
        ("/en/s/", "empty"),
    ]:
        visit(reader, taina.url + address)
        assert reach(reader, "cut", "wrong-link", "empty", "before", "shown", "missing") == state
        assert reader.evaluate(calls) == 0, "the page itself knows, without asking"
    visit(reader, f"{link}&utm_source=chat")
    reach(reader, "before")


@pytest.mark.every_engine
def test_nothing_of_the_secret_comes_back(tab: Tab, reader: Tab, taina: Server) -> None:
    secret = "correct horse battery staple"
    send(tab, taina, secret)
    opened(reader, tab.value("#link"))
    there = f"document.documentElement.textContent.includes({secret!r})"
    assert reader.evaluate(there)
    reader.open(f"{taina.url}/en/privacy/")
    reader.back()
    assert reach(reader, "empty", "wiped") in ("empty", "wiped")
    assert not reader.evaluate(there)
    reader.forward()
    reader.back()
    reader.reload()
    reach(reader, "empty")
    assert not reader.evaluate(there)
    assert reader.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.parametrize("engine", ["chromium"])
def test_nothing_of_the_secret_is_left_in_the_reader_s_profile(
    browsers: Browsers, tab: Tab, taina: Server, tmp_path: Path
) -> None:
    """Not in any file that the browser wrote, and not when it is started again."""
    secret = f"correct horse {os.urandom(8).hex()}"
    send(tab, taina, secret)
    link = tab.value("#link")
    with browsers.profile(tmp_path) as reader:
        opened(reader, link)
        assert "#" not in reader.url()
        reader.open(f"{taina.url}/en/privacy/")
        reader.back()
        reach(reader, "empty", "wiped")
        assert "#" not in reader.url(), "nor in the history of the tab"
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert any(str(taina.port).encode() in data for data in written), "what is searched is where visits are kept"
    for form in (secret.encode(), secret.encode("utf-16-le")):
        assert not any(form in data for data in written)
    with browsers.profile(tmp_path) as reader:
        reader.open(link)
        reach(reader, "gone")
        assert not reader.evaluate(f"document.documentElement.textContent.includes({secret!r})")
        assert reader.evaluate("localStorage.length + sessionStorage.length") == 0


def test_hiding_takes_the_text_out_of_the_page(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina, "correct horse")
    opened(reader, tab.value("#link"))
    reader.click("#hide")
    reach(reader, "hidden")
    assert not reader.evaluate("document.documentElement.textContent.includes('correct horse')")
    reader.click("#show-again")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "correct horse"


@pytest.mark.every_engine
def test_the_keyboard_alone(tab: Tab, reader: Tab, taina: Server, engine: str) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.wait("document.activeElement.id === 'text'")
    tab.press("h")
    tab.press("i")
    tab.press("Control+Enter")
    reach(tab, "done")
    reader.open(tab.value("#link"))
    reach(reader, "before")
    for _ in range(20):
        reader.press("Tab")
        if reader.evaluate("document.activeElement.id") == "reveal":
            break
    reader.press("Enter")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "hi"


def test_the_lifetime_reaches_the_server(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "short")
    tab.evaluate("void (document.querySelector('#ttl').value = '300')")
    tab.click("#send")
    reach(tab, "done")
    tab.open(tab.value("#receipt-link"))
    reach(tab, "shown")
    # As the page writes times: to the minute, in words.
    times = "['created', 'expires'].map((p) => Date.parse(document.querySelector(`[data-fill=${p}]`).textContent"
    created, expires = tab.evaluate(times + r".replace(/\s/g, ' ').replace(' at ', ' ')))")
    assert expires - created == 300_000


@pytest.mark.every_engine
def test_a_script_s_click_reveals_nothing(tab: Tab, reader: Tab, taina: Server) -> None:
    send(tab, taina)
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.evaluate("document.querySelector('#reveal').click()")
    tab.open(tab.value("#receipt-link"))
    reach(tab, "shown")
    assert tab.text("#receipt-state") == "Not opened yet"
    assert reach(reader, "before", "working", "shown") == "before"


# WebKitGTK has only the languages of the system's locales, so that only the two others can be Bulgarian here.
@pytest.mark.parametrize("engine", ["chromium", "firefox"])
@pytest.mark.parametrize(
    ("language", "path"),
    [
        ("bg-BG", "/bg/s/"),
        ("en-GB", "/en/s/"),
        ("eu-ES", "/en/s/"),
        ("pt-PT", "/pt-BR/s/"),
        ("zh-Hant-TW", "/zh-CN/s/"),
        ("nn-NO", "/nb/s/"),
        ("no", "/nb/s/"),
    ],
)
def test_the_neutral_address_hops_to_the_reader_s_language(
    browsers: Browsers, engine: str, taina: Server, language: str, path: str
) -> None:
    with browsers.tab(engine, language) as tab:
        tab.open(f"{taina.url}/s/#AAAA")
        reach(tab, "cut")
        assert tab.url() == f"{taina.url}{path}#AAAA"


def test_a_language_that_was_chosen_stays_and_so_does_the_link(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/s/#AAAA")
    reach(tab, "cut")
    tab.click(".languages summary")
    tab.click("a[data-language=bg]")
    tab.wait("location.pathname === '/bg/s/'")
    reach(tab, "cut")
    assert tab.url() == f"{taina.url}/bg/s/#AAAA"
    tab.open(f"{taina.url}/receipt/#BBBB")
    tab.wait("location.pathname === '/bg/receipt/'")
    assert tab.url() == f"{taina.url}/bg/receipt/#BBBB"


def test_a_server_that_is_away_loses_nothing(tab: Tab, built_site: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path, "--site", str(built_site), port=free_port())
    tab.open(f"{server.url}/en/")
    tab.fill("#text", "do not lose me")
    stop_server(server)
    tab.click("#send")
    reach(tab, "error")
    assert tab.shown('[data-error="unreachable"]')
    assert tab.value("#text") == "do not lose me"
    again = start_server(tmp_path, "--site", str(built_site), port=server.port)
    tab.click("#send")
    reach(tab, "done")
    stop_server(again)


def test_a_link_that_has_expired_says_so(tab: Tab, built_site: Path, tmp_path: Path) -> None:
    """A server says no more than that there is nothing, from that moment on."""
    server = start_server(tmp_path, port=free_port())
    with Client(server.url) as client:
        link = client.send("x", ttl=300).link
    stop_server(server)
    later = other_clock("FAKETIME=+600")
    server = start_server(tmp_path, "--site", str(built_site), port=server.port, wrapper=later)
    tab.open(link)
    reach(tab, "missing")
    assert "It has expired or been deleted" in tab.text("[data-when=missing]")
    stop_server(server)


def test_a_text_that_is_scrolled_is_read(page: playwright.Page, taina: Server) -> None:
    """It scrolls by itself, and was hidden from its reader after five minutes."""
    tab = PlaywrightTab(page)
    page.clock.install()
    with Client(taina.url) as client:
        opened(tab, client.send("one of many lines\n" * 500).link)
    tab.evaluate("void addEventListener('scroll', () => { window.scrolls = (window.scrolls ?? 0) + 1; }, true)")
    for minutes in range(4, 16, 4):
        page.clock.fast_forward("04:00")
        tab.evaluate(f"void (document.querySelector('#secret-text').scrollTop = {100 * minutes})")
        tab.wait(f"window.scrolls >= {minutes // 4}")
        assert reach(tab, "shown", "hidden") == "shown"
    page.clock.fast_forward("05:01")
    assert reach(tab, "shown", "hidden") == "hidden"
