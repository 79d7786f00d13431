"""Browsers as they are: odd languages, blocked scripts, wrong clocks, extensions that click, printers."""

import pytest

from browser.engines import Browsers, PlaywrightTab, reach
from browser.test_story import send
from support.servers import Server

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
