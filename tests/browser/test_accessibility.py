"""WCAG 2.2 AA as far as machines can tell, and what they cannot: the keyboard alone, other colours, larger text."""

import json
from typing import Literal

import playwright.sync_api as playwright
import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, choose, reach, visit
from conftest import ROOT, is_abridged
from support.servers import Server
from taina.site import build as build_site

AXE = ROOT / "site" / "node_modules" / "axe-core" / "axe.min.js"
LANGUAGES = ("en", "ar")
"""One of each direction."""
ADDRESSES = [*build_site.PAGES.values(), "nothing"]
OF_THE_APP = ("", "s/", "receipt/", "sent/", "request/", "r/", "inbox/")
"""The others are long texts, which Arabic pages show in English."""
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = (
    "[...document.querySelectorAll('button, .quiet-button, .button, summary, label')].filter((one) =>"
    " one.checkVisibility() && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1"
    " && getComputedStyle(one).display !== 'inline').map((one) => one.outerHTML)"
)
"""What is wider than the button or label that holds it."""


ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""Those of the rules that a theme can break."""


def findings(page: playwright.Page, *, dark: bool = True) -> list[str]:
    """In the light theme by all rules, then in the dark one."""
    page.evaluate(AXE.read_text("utf-8"))
    found = []
    themes: list[tuple[Literal["light", "dark"], list[str]]] = [("light", ALL_RULES), ("dark", OF_COLOURS)]
    if not dark:
        themes.pop()
    for theme, rules in themes:
        page.emulate_media(color_scheme=theme)
        report = page.evaluate(f"axe.run(document, {{runOnly: {rules}, resultTypes: ['violations']}})")
        assert "color-contrast" in [rule["id"] for rule in (*report["passes"], *report["violations"])]
        found += [
            f"{theme}: {rule['id']}: {json.dumps([node['html'] for node in rule['nodes']])}"
            for rule in report["violations"]
        ]
    page.emulate_media(color_scheme="light")
    return found


def unfold(page: playwright.Page) -> None:
    page.evaluate("document.querySelector('.languages')?.setAttribute('open', '')")


@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_on_any_page(
    request: pytest.FixtureRequest, page: playwright.Page, taina: Server, address: str
) -> None:
    """In both directions; where not all can run, in one of them, which depends on the page."""
    languages = list(LANGUAGES if address in OF_THE_APP else LANGUAGES[:1])
    if is_abridged(request.config):
        languages = [languages[ADDRESSES.index(address) % len(languages)]]
    for language in languages:
        page.goto(f"{taina.url}/{language}/{address}")
        page.wait_for_selector('main:not([data-state="loading"])')
        unfold(page)
        assert findings(page) == [], language


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_in_any_state(page: playwright.Page, taina: Server, language: str) -> None:
    tab = PlaywrightTab(page)
    seen = {}

    def look(name: str) -> None:
        unfold(page)
        seen[name] = findings(page)

    tab.open(f"{taina.url}/{language}/")
    tab.click("#send")
    reach(tab, "error")
    look("nothing to send")
    tab.fill("#text", "secret")
    tab.click("#six-words")
    tab.wait("document.querySelector('#passphrase').value !== ''")
    phrase = tab.value("#passphrase")
    choose(tab, [ROOT / "LICENSE"])
    look("filled in")
    tab.click("#send")
    reach(tab, "done")
    tab.wait("!document.querySelector('#sharing').hidden")
    tab.click("#show-code")
    tab.wait("!document.querySelector('#code').hidden")
    tab.click("#keep")
    tab.wait("!document.querySelector('#kept').hidden")
    look("done")
    link, receipt = (tab.value(field).replace("/s/", f"/{language}/s/") for field in ("#link", "#receipt-link"))
    receipt = receipt.replace("/receipt/", f"/{language}/receipt/")
    tab.open(f"{taina.url}/{language}/sent/")
    reach(tab, "shown")
    tab.click("#look")
    tab.wait("!document.querySelector('#list strong').hidden")
    look("sent")
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
    tab.fill("#passphrase", phrase)
    tab.click("#reveal")
    reach(tab, "shown")
    look("shown")
    tab.click("#hide")
    reach(tab, "hidden")
    look("hidden")
    page.context.set_offline(True)
    tab.wait("!document.querySelector('#offline').hidden")
    look("offline")
    page.context.set_offline(False)
    tab.wait("document.querySelector('#offline').hidden")
    visit(tab, link)
    reach(tab, "gone")
    look("gone")
    visit(tab, link[:-3])
    reach(tab, "cut")
    look("cut")
    tab.open(f"{taina.url}/{language}/request/")
    tab.click("#make")
    reach(tab, "done")
    look("request made")
    assert {name: found for name, found in seen.items() if found} == {}


def go_to(tab: Tab, target: str) -> None:
    """By the Tab key, as far as it takes; fails where the keyboard never comes by."""
    for _ in range(60):
        if tab.evaluate(f"document.activeElement.matches({target!r})"):
            return
        tab.press("Tab")
    raise AssertionError(f"{target} cannot be reached by the keyboard")


def test_the_whole_story_by_keyboard_alone(browsers: Browsers, engine: str, tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.wait("document.activeElement.id === 'text'")
    tab.press("h")
    tab.press("i")
    go_to(tab, "#six-words")
    tab.press("Enter")
    tab.wait("document.querySelector('#passphrase').value !== ''")
    phrase = tab.value("#passphrase")
    go_to(tab, "#send")
    tab.press("Enter")
    reach(tab, "done")
    tab.wait("document.activeElement.localName === 'h1'")  # what is new is read out
    tab.wait("!document.querySelector('#sharing').hidden")
    go_to(tab, "#show-code")
    tab.press(" ")
    tab.wait("!document.querySelector('#code').hidden")
    go_to(tab, "#keep")
    tab.press("Enter")
    tab.wait("document.activeElement.id === 'kept'")
    link = tab.value("#link")

    tab.open(f"{taina.url}/en/sent/")
    reach(tab, "shown")
    go_to(tab, "#list a")
    tab.press("Enter")
    tab.wait("location.pathname === '/en/receipt/'")
    reach(tab, "shown")
    go_to(tab, "#refresh")
    tab.press("Enter")
    go_to(tab, ".languages summary")
    tab.press("Enter")
    go_to(tab, "[data-language=bg]")
    tab.press("Enter")
    tab.wait("location.pathname === '/bg/receipt/'")
    reach(tab, "shown")

    with browsers.tab(engine) as reader:  # only now: keys go to the window that came last
        reader.open(link)
        reach(reader, "before")
        reader.wait("document.activeElement.id === 'passphrase'")
        for character in phrase:
            reader.press(character)
        reader.press("Enter")
        reach(reader, "shown")
        assert reader.text("#secret-text") == "hi"
        go_to(reader, "#copy-text")
        go_to(reader, "#hide")
        reader.press("Enter")
        reach(reader, "hidden")
        go_to(reader, "#show-again")
        reader.press("Enter")
        reach(reader, "shown")


@pytest.mark.parametrize("address", ["", "request/", "privacy/"])
def test_where_the_keyboard_is_can_be_seen(page: playwright.Page, taina: Server, address: str) -> None:
    page.goto(f"{taina.url}/en/{address}")
    drawn = (
        "(() => { const one = document.activeElement; const around = [one, one.nextElementSibling, one.parentElement];"
        " return around.some((part) => part && getComputedStyle(part).outlineStyle === 'solid'); })()"
    )
    met = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.outerHTML")
        if here in met or here.startswith("<body"):
            break
        met.add(here)
        assert page.evaluate(drawn), here
    assert len(met) > 10


@pytest.mark.parametrize("address", ["", "request/", "sent/", "security/", "api/", "translate/", "format/"])
def test_text_of_twice_the_size_still_fits(page: playwright.Page, taina: Server, address: str) -> None:
    """WCAG 1.4.4 and 1.4.10: 320 pixels are a page of 1280 at 400 %."""
    for language in LANGUAGES:
        page.goto(f"{taina.url}/{language}/{address}")
        unfold(page)
        for width in (320, 640, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            for share in ("100%", "200%") if width > 320 else ("100%",):
                page.evaluate(f"document.documentElement.style.fontSize = '{share}'")
                assert page.evaluate(WIDE) <= 0, (language, width, share)
                assert page.evaluate(CUT) == [], (language, width, share)


@pytest.mark.parametrize("address", OF_THE_APP)
def test_every_language_fits_on_the_narrowest_page(
    still: playwright.Page, taina: Server, languages: list[str], address: str
) -> None:
    """With everything shown that any state may show."""
    still.set_viewport_size({"width": 320, "height": 800})
    for language in languages:
        still.goto(f"{taina.url}/{language}/{address}")
        still.evaluate(
            "for (const one of document.querySelectorAll('[hidden], details')) one.hidden = !(one.open = true)"
        )
        assert still.evaluate(WIDE) <= 0, language
        assert still.evaluate(CUT) == [], language


def test_every_error_stands_in_the_middle_of_its_notice(browsers: Browsers, taina: Server) -> None:
    """Only the first of its sentences did: the hidden ones before the others left room above them."""
    context = browsers.browser("chromium").new_context()
    page = context.new_page()
    rooms = (
        "(() => { const notice = document.querySelector('#error'); notice.hidden = false;"
        " const said = [...notice.querySelectorAll('[data-error]')];"
        " return said.map((one) => { for (const other of said) other.hidden = other !== one;"
        " const [inner, outer] = [one, notice].map((box) => box.getBoundingClientRect());"
        " return [one.dataset.error, inner.top - outer.top, outer.bottom - inner.bottom]; }); })()"
    )
    for address in ("", "request/"):
        page.goto(f"{taina.url}/en/{address}")
        page.wait_for_selector('main[data-state="ready"]')
        for code, above, below in page.evaluate(rooms):
            assert abs(above - below) < 1, code
    context.close()


def test_nothing_moves_for_those_who_asked_for_that(browsers: Browsers, taina: Server) -> None:
    moving = (
        "[...document.querySelectorAll('*')].filter((one) => { const style = getComputedStyle(one);"
        " return style.transitionDuration !== '0s' || style.animationName !== 'none'"
        " || style.scrollBehavior === 'smooth'; }).length"
    )
    seen = {}
    for wish in ("reduce", "no-preference"):
        context = browsers.browser("chromium").new_context(reduced_motion=wish)
        page = context.new_page()
        page.goto(f"{taina.url}/en/")
        seen[wish] = page.evaluate(moving)
        context.close()
    assert seen["reduce"] == 0 < seen["no-preference"]


def test_what_is_chosen_shows_in_forced_colours(browsers: Browsers, taina: Server) -> None:
    """There backgrounds are gone: the choice of theme and the places to type need lines."""
    context = browsers.browser("chromium").new_context(forced_colors="active", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{taina.url}/en/")
    border = "getComputedStyle(document.querySelector('{}')).borderTopColor"
    chosen = page.evaluate(border.format(".themes :checked + span"))
    assert chosen != page.evaluate(border.format(".themes input:not(:checked) + span"))
    for part in (".composer", "#passphrase", "#ttl", "#send", "#recipients"):
        style, width = page.evaluate(
            f"(({{borderTopStyle, borderTopWidth}}) => [borderTopStyle, parseFloat(borderTopWidth)])"
            f"(getComputedStyle(document.querySelector('{part}')))"
        )
        assert (style, width >= 1) == ("solid", True), part
    # Of dark forced colours axe believes the page's own, which nobody sees: it reads -webkit-text-fill-color.
    assert findings(page, dark=False) == []
    context.close()


def test_targets_are_large_enough_to_be_hit(browsers: Browsers, taina: Server) -> None:
    """WCAG 2.5.8: 24 by 24 pixels, except in running text."""
    context = browsers.browser("chromium").new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    small = (
        "[...document.querySelectorAll('a, button, summary, input:not(.unseen), select')].filter((one) => {"
        " const {width, height} = one.getBoundingClientRect(); return one.checkVisibility() && width && height < 24"
        " && !one.closest('p, li, .hint, td'); }).map((one) => one.outerHTML)"
    )
    for address in ADDRESSES:
        page.goto(f"{taina.url}/en/{address}")
        page.evaluate("document.querySelector('.languages').open = true")
        assert page.evaluate(small) == [], address
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_what_opens_the_list_of_languages_stays_where_it_is(
    browsers: Browsers, taina: Server, width: int, language: str
) -> None:
    """Whoever clicks it again closes it again; on a wide screen the themes beside it stay, too."""
    context = browsers.browser("chromium").new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{taina.url}/{language}/")
    parts = [".languages summary", *([".themes"] if width > 1000 else [])]
    page.wait_for_selector(".themes:not([hidden])")
    place = "(part) => ((box) => [box.x, box.y + scrollY])(document.querySelector(part).getBoundingClientRect())"
    before = {part: page.evaluate(place, part) for part in parts}
    page.evaluate("document.querySelector('.languages').open = true")
    assert {part: page.evaluate(place, part) for part in parts} == before
    context.close()
