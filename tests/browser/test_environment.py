"""Browsers as they are: odd languages, blocked scripts, wrong clocks, extensions that click, printers."""

import re
import shutil
from pathlib import Path

import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, choose, reach, visit
from browser.test_story import opened, send
from support.servers import Server, start_server, stop_server
from support.static_host import static_host
from taina import Client
from taina.site import build as build_site

LINES = 200
SECRET = "\n".join(f"line {n} of {LINES}" for n in range(LINES))


@pytest.mark.parametrize("engine", ["chromium", "firefox"])  # WebDriver cannot change a page before its scripts run
@pytest.mark.parametrize(
    "languages", ["['en-US@posix', 'en']", "['en_US.UTF-8']", "['C', '', '*']", "[]", "undefined", "[null, 7]"]
)
def test_languages_that_are_no_languages(browsers: Browsers, engine: str, taina: Server, languages: str) -> None:
    context = browsers.browser(engine).new_context()
    context.add_init_script(f"Object.defineProperty(Navigator.prototype, 'languages', {{get: () => ({languages})}})")
    tab = PlaywrightTab(context.new_page())
    errors: list[str] = []
    tab.page.on("pageerror", lambda error: errors.append(str(error)))
    tab.open(f"{taina.url}/")  # the redirect to a language reads them, too
    tab.wait("location.pathname === '/en/'")
    send(tab, taina, "hunter2")
    tab.wait("!document.querySelector('#sharing').hidden")  # Firefox takes half a script for a forged one
    assert "UTC" not in tab.text("[data-fill=expires]")
    tab.open(tab.value("#link"))
    reach(tab, "before")
    assert errors == []
    context.close()


def test_dates_are_written_as_in_the_reader_s_region(browsers: Browsers, taina: Server) -> None:
    for language, order in [("en-GB", r"^\d"), ("en-US", r"^\w+ \d")]:
        context = browsers.browser("chromium").new_context(locale=language)
        tab = PlaywrightTab(context.new_page())
        send(tab, taina, "hunter2")
        tab.open(tab.value("#link"))
        reach(tab, "before")
        tab.wait(f"/{order}/.test(document.querySelector('[data-fill=expires]').textContent)")
        context.close()


def test_a_long_secret_is_printed_whole(browsers: Browsers, taina: Server) -> None:
    """On the pages of the PDF that Chromium prints."""
    with browsers.tab("chromium") as tab:
        assert isinstance(tab, PlaywrightTab)
        send(tab, taina, SECRET)
        tab.open(tab.value("#link"))
        reach(tab, "before")
        tab.click("#reveal")
        reach(tab, "shown")
        assert tab.evaluate("document.querySelector('.secret').clientHeight") < LINES * 10, "on the screen it scrolls"
        pages = tab.page.pdf().count(b"/Type /Page\n")
        assert pages > LINES // 60


def test_nothing_is_cut_off_on_paper(browsers: Browsers, taina: Server) -> None:
    """Neither what scrolls on the screen nor what a field is too short for; only Chromium's driver shows the paper."""
    context = browsers.browser("chromium").new_context(viewport={"width": 700, "height": 900})
    tab = PlaywrightTab(context.new_page())
    send(tab, taina, SECRET)
    link = tab.value("#link")
    whole = "[...document.querySelectorAll('{}')].every((part) => part.scrollHeight <= part.clientHeight + 1"
    whole += " && part.scrollWidth <= part.clientWidth + 1)"
    tab.page.emulate_media(media="print")
    tab.wait(whole.format("input.address"))
    tab.page.emulate_media(media="screen")
    tab.open(link)
    reach(tab, "before")
    tab.click("#reveal")
    reach(tab, "shown")
    assert not tab.evaluate(whole.format(".secret"))
    tab.page.emulate_media(media="print")
    tab.wait(whole.format(".secret"))
    tab.open(f"{taina.url}/en/self-host/")
    tab.page.emulate_media(media="print")
    tab.wait(whole.format(".scroll, pre"))
    context.close()


def test_addresses_are_printed_to_their_last_letter(browsers: Browsers, taina: Server) -> None:
    """Also of a host with a long name, and the passphrase that the paper speaks of."""
    host = "a-company-with-quite-a-long-name.secrets.division.example.localhost"
    context = browsers.browser("chromium").new_context(viewport={"width": 700, "height": 900})
    tab = PlaywrightTab(context.new_page())
    send(tab, taina, "hunter2", passphrase="correct horse")
    tab.page.emulate_media(media="print")
    assert tab.shown("#phrase")
    assert not tab.shown("#copy-phrase")
    tab.page.emulate_media(media="screen")
    for path, button, addresses in (("", "#send", 6), ("request/", "#make", 2)):
        tab.open(f"http://{host}:{taina.port}/en/{path}")
        if path == "":
            tab.fill("#text", "hunter2")
            tab.fill("#recipients", "3")
        tab.click(button)
        reach(tab, "done")
        tab.evaluate("void dispatchEvent(new Event('beforeprint'))")
        tab.page.emulate_media(media="print")
        fields = "[...document.querySelectorAll('.copyable')].filter((part) => part.checkVisibility())"
        printed = tab.evaluate(
            f"{fields}.map((part) => [part.scrollWidth <= part.clientWidth,"
            " JSON.parse(getComputedStyle(part, '::after').content) === part.querySelector('input').value])"
        )
        assert printed == [[True, True]] * addresses
        tab.page.emulate_media(media="screen")
    context.close()


WITH_SCRIPT = ("create", "reveal", "receipt", "sent", "request", "answer", "inbox")
STUCK = "getComputedStyle(document.querySelector('.stuck')).visibility === 'visible'"


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_a_page_whose_script_is_blocked_says_so(browsers: Browsers, engine: str, taina: Server) -> None:
    """An extension or a proxy keeps one module away; nothing may wait for ever without a word."""
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        tab.page.context.route("**/js/pages/*.js", lambda route: route.abort())
        # All at once: each waits some seconds before it gives up.
        beside = {page: PlaywrightTab(tab.page.context.new_page()) for page in WITH_SCRIPT}
        for page, other in beside.items():
            other.open(f"{taina.url}/en/{build_site.PAGES[page]}#AAAA")
        for page, other in beside.items():
            other.wait(STUCK)
            assert "could not start" in other.text(".stuck"), page


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
@pytest.mark.parametrize(
    ("module", "body"),
    [("js/format/links.js", "export const x = ;"), ("js/ui/page.js", "throw new Error('later')"), ("js/errors.js", "")],
    ids=["does not parse", "throws", "lacks a name"],
)
def test_a_page_whose_script_was_changed_says_so(
    browsers: Browsers, engine: str, built_site: Path, tmp_path: Path, module: str, body: str
) -> None:
    """As older engines meet newer syntax. Where the digests are checked, another body is the same as none."""
    site = tmp_path / "site"
    shutil.copytree(built_site / "assets", site / "assets", ignore=shutil.ignore_patterns("*.br", "*.gz"))
    (changed,) = site.rglob(module)
    changed.write_text(body)
    html = re.sub(r' integrity="[^"]+"', "", (built_site / "en/s/index.html").read_text("utf-8"))
    page = site / "en/s/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(re.sub(r'"integrity":\{[^}]*\}', '"integrity":{}', html), "utf-8")
    for needed in ("manifest.json", "404.html"):
        shutil.copy(built_site / needed, site)
    server = start_server(tmp_path / "data", "--site", str(site))
    with browsers.tab(engine) as tab:
        tab.open(f"{server.url}/en/s/#AAAA")
        tab.wait(STUCK)
        assert tab.shown("main")
    stop_server(server)


@pytest.mark.every_engine
@pytest.mark.parametrize("engine", ["chromium", "firefox", "webkit"])
def test_a_page_below_a_path_says_that_it_cannot_start(
    browsers: Browsers, engine: str, built_site: Path, tmp_path: Path
) -> None:
    """Nothing of what it loads is there, not even its style."""
    (tmp_path / "secrets").symlink_to(built_site)
    with static_host(tmp_path) as url, browsers.tab(engine) as tab:
        tab.open(f"{url}/secrets/en/")
        tab.wait(STUCK)
        assert "could not start" in tab.text(".stuck")


TOLD = (
    "[...document.querySelectorAll('[data-error=renewed], [data-when=renewed] p')]"
    ".filter((part) => part.checkVisibility()).map((part) => part.textContent)"
)


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
@pytest.mark.parametrize(
    ("page", "button"),
    [
        ("create", "#password"),
        ("create", "#six-words"),
        ("create", "#send"),
        ("request", "#make"),
        ("reveal", "#reveal"),
        ("inbox", "#check"),
    ],
)
def test_a_page_that_outlived_an_upgrade_asks_to_be_reloaded(
    browsers: Browsers, engine: str, taina: Server, page: str, button: str
) -> None:
    """What it loads later is gone from its address, and trying again never helps; what is entered can be copied."""
    with Client(taina.url) as client, browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        request = client.request()
        client.answer(request.link, "an answer")
        address = {"reveal": client.send("hunter2").link, "inbox": request.inbox}
        tab.open(address.get(page, f"{taina.url}/en/{build_site.PAGES[page]}"))
        reach(tab, "ready", "before", "shown")
        tab.page.route("**/assets/**", lambda route: route.fulfill(status=404))
        if page == "create":
            tab.fill("#text", "typed")
        tab.click(button)
        tab.wait(f"{TOLD}.length === 1")
        assert "reload the page" in tab.evaluate(TOLD)[0]
        assert page != "create" or tab.value("#text") == "typed"


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_so_does_one_whose_worker_is_gone(browsers: Browsers, engine: str, taina: Server, tmp_path: Path) -> None:
    """All modules were here before the upgrade; only the worker of large files comes later still."""
    (file := tmp_path / "large.bin").write_bytes(bytes(3 << 20))
    with Client(taina.url) as client, browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        link = client.send(file).link
        tab.page.route("**/transfer_worker.js", lambda route: route.fulfill(status=404))
        tab.open(f"{taina.url}/en/")
        reach(tab, "ready")
        choose(tab, [file])
        tab.click("#send")
        tab.wait(f"{TOLD}.length === 1")
        tab.open(link)
        reach(tab, "before")
        tab.click("#reveal")
        tab.wait(f"{TOLD}.length === 1")
        assert client.status(link).state == "waiting"


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_a_neutral_address_without_its_script_offers_every_language(
    browsers: Browsers, engine: str, taina: Server
) -> None:
    with browsers.tab(engine) as tab:
        assert isinstance(tab, PlaywrightTab)
        tab.page.route("**/language_redirect.js", lambda route: route.abort())
        tab.open(f"{taina.url}/s/#AAAA")
        tab.wait(STUCK)
        assert tab.shown('a[href="/bg/s/"]')


def test_a_page_that_runs_takes_the_word_away(tab: Tab, taina: Server) -> None:
    for page in WITH_SCRIPT:
        tab.open(f"{taina.url}/en/{build_site.PAGES[page]}")
        tab.wait("!['loading', undefined].includes(document.querySelector('main').dataset.state)")
        assert tab.evaluate("document.querySelector('.stuck')") is None, page


def test_a_click_of_a_program_reveals_nothing_and_gets_a_word(tab: Tab, reader: Tab, taina: Server) -> None:
    """Extensions for the keyboard and for the voice click by script; a person presses Enter then."""
    send(tab, taina)
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.evaluate("document.querySelector('#reveal').click()")
    reader.wait("document.querySelector('#wrong').textContent.startsWith('A program pressed')")
    assert reader.shown("#wrong")
    assert reader.evaluate("document.activeElement.id") == "reveal"
    reader.press("Enter")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "hunter2"


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
@pytest.mark.parametrize(("ahead", "told"), [(0, False), (3600 + 300, False), (3600 + 700, True)])
def test_a_clock_that_is_wrong_accuses_nobody(
    browsers: Browsers, engine: str, taina: Server, ahead: int, told: bool
) -> None:
    """Within ten minutes nothing is said; beyond, that a clock may be wrong."""
    with browsers.tab(engine) as tab, browsers.tab(engine) as reader:
        assert isinstance(reader, PlaywrightTab)
        tab.open(f"{taina.url}/en/")
        tab.fill("#text", "hunter2")
        tab.evaluate("void (document.querySelector('#ttl').value = '3600')")
        tab.click("#send")
        reach(tab, "done")
        reader.page.add_init_script(f"{{ const now = Date.now; Date.now = () => now.call(Date) + {ahead * 1000}; }}")
        opened(reader, tab.value("#link"))
        assert reader.shown("#late") == told
        if told:
            assert "If the clock is right" in reader.text("#late")


@pytest.mark.parametrize(
    ("language", "region", "parted"),
    [
        ("ru", "RU", r" г\."),
        ("uk", "UA", r" р\."),
        ("de", "DE", r"\d\. "),
        ("fi", "FI", r"\d\. "),
        ("bg", "BG", r"\d [а-я]"),
        ("ar", "EG", r":\d\d [صم]"),
        ("ar", "EG", r"في \d"),
        ("en", "US", r":\d\d [AP]M"),
        ("en", "GB", r"[a-z] 20"),
        ("he", "IL", r"[א-ת] 20"),
        ("ko", "KR", r"오[전후] \d"),
        ("sv", "SE", r"kl\. \d"),
    ],
)
def test_no_line_ends_within_the_day_the_year_or_the_time(
    browsers: Browsers, taina: Server, language: str, region: str, parted: str
) -> None:
    """A phone had "г." of "2026 г." at the start of a line, "28." or "6" at the end of one, "9:55" and "ص" in two."""
    context = browsers.browser("chromium").new_context(locale=f"{language}-{region}")
    page = context.new_page()
    page.goto(f"{taina.url}/{language}/request/")
    page.click("#make")
    page.wait_for_selector('main[data-state="done"]')
    said = page.inner_text('[data-fill="expires"]')
    assert re.search(parted.replace(" ", "\u00a0"), said), said
    assert not re.search(parted, said), said
    context.close()


def test_a_language_in_another_tab_takes_the_link_along(tab: Tab, taina: Server) -> None:
    """A middle click and the menu of a link fire no click; the keyboard comes by its focus."""
    for way in ("PointerEvent('pointerdown')", "FocusEvent('focus')"):
        visit(tab, f"{taina.url}/en/s/#AAAA")
        tab.evaluate(f"void document.querySelector('[data-language=bg]').dispatchEvent(new {way})")
        assert tab.evaluate("document.querySelector('[data-language=bg]').href").endswith("/bg/s/#AAAA")
