"""Where lines end, in every language: no short last line on a button or a heading, no button pushed to a line below."""

import playwright.sync_api as playwright
import pytest

from browser.engines import Browsers
from support.servers import Server
from taina.site import build as build_site

WIDTHS = (320, 360, 1280)
UNEVEN = r"""[...document.querySelectorAll("h1, h2, h3, .button, .quiet-button")].flatMap((one) => {
  if (!one.checkVisibility()) return [];
  const lines = [];
  const range = document.createRange();
  const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[^ \n]+/g)) {
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      const {left, right, top, width} = range.getBoundingClientRect();
      if (!width) continue;
      const line = lines.find((other) => Math.abs(other.top - top) < 8);
      if (!line) lines.push({top, left, right, last: width});
      else Object.assign(line, {left: Math.min(line.left, left), right: Math.max(line.right, right), last: width});
    }
  }
  const widths = lines.map(({left, right}) => right - left);
  const [end, longest] = [widths.at(-1), Math.max(...widths)];
  const uneven = lines.length > 1 && end < 0.5 * longest && end + lines.at(-2).last < 0.9 * longest;
  return uneven ? [one.textContent.trim()] : [];
})"""
"""What ends in a line of less than half of its longest that had room for a word more from the line above."""
PLACES = """[...document.querySelectorAll(".files li")].map((row) => {
  const [button, name] = [row.lastElementChild, row.firstElementChild].map((one) => one.getBoundingClientRect());
  const {left, right} = row.getBoundingClientRect();
  const gap = document.dir === "rtl" ? button.left - left : right - button.right;
  return Math.abs(gap) < 2 && button.top < name.bottom && button.bottom > name.top;
})"""
"""Of each row of a list of files: whether its button stands at the end of the line, beside the name."""
BROKEN = r"""[...document.querySelectorAll(".prose code")].flatMap((code) => {
  const places = [];
  const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode()); ) for (let at = 0; at < node.data.length; at++) places.push([node, at]);
  const topOf = ([node, at]) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect().top;
  };
  const options = [...code.textContent.matchAll(/(?<![\w-])--?[A-Za-z]/g)];
  return options.filter(({0: {length}, index}) => topOf(places[index]) !== topOf(places[index + length - 1]))
    .map(({index}) => code.textContent.slice(index, index + 20));
})"""
"""The options in code whose name stands in another line than their dashes."""
NAMES = ("id_ed25519", "Споразумение за поверителност.pdf", "a" * 60)


@pytest.mark.parametrize("address", ["", "s/", "receipt/", "sent/", "request/", "r/", "inbox/"])
def test_no_button_and_no_heading_ends_in_a_word_alone(
    still: playwright.Page, taina: Server, languages: list[str], address: str
) -> None:
    found = {}
    for language in languages:
        still.goto(f"{taina.url}/{language}/{address}")
        still.evaluate(
            "for (const one of document.querySelectorAll('main [hidden]')) one.hidden = one.dataset.for === 'many'"
        )
        still.evaluate(
            "for (const one of document.querySelectorAll('template')) one.replaceWith(one.content.cloneNode(true))"
        )
        for width in WIDTHS:
            still.set_viewport_size({"width": width, "height": 800})
            if uneven := still.evaluate(UNEVEN):
                found[language, width] = uneven
    assert found == {}


def test_the_button_of_a_file_stands_at_the_end_of_its_line(
    page: playwright.Page, taina: Server, languages: list[str]
) -> None:
    files = [playwright.FilePayload(name=name, mimeType="", buffer=bytes(411)) for name in NAMES]
    found = {}
    for language in languages:
        page.goto(f"{taina.url}/{language}/")
        page.wait_for_selector('main[data-state="ready"]')
        page.set_input_files("#files", files)
        page.wait_for_selector("#chosen li")
        found[language, "create"] = _places(page)
        page.goto(f"{taina.url}/{language}/s/")
        page.wait_for_selector('main[data-state="empty"]')
        page.evaluate(
            """(names) => {
              for (const one of document.querySelectorAll("main [hidden]")) one.hidden = false;
              for (const name of names) {
                const row = document.querySelector("#secret-file-part").content.cloneNode(true);
                row.querySelector(".file-name").textContent = name;
                row.querySelector(".hint").textContent = "411 bytes";
                document.querySelector("#secret-files").append(row);
              }
            }""",
            list(NAMES),
        )
        found[language, "reveal"] = _places(page)
    assert {which: places for which, places in found.items() if places != [[True] * len(NAMES)] * len(WIDTHS)} == {}


def _places(page: playwright.Page) -> list[list[bool]]:
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found.append(page.evaluate(PLACES))
    return found


@pytest.mark.parametrize("recipients", [1, 3])
def test_a_link_and_its_button_are_of_one_height(page: playwright.Page, taina: Server, recipients: int) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{taina.url}/en/")
    page.fill("#text", "a secret")
    page.fill("#recipients", str(recipients))
    page.click("#send")
    page.wait_for_selector('main[data-state="done"]')
    assert uneven_rows(page) == [0] * 2 * recipients
    page.goto(f"{taina.url}/en/request/")
    page.click("#make")
    page.wait_for_selector('main[data-state="done"]')
    link = page.input_value("#link")
    assert uneven_rows(page) == [0] * 2
    page.goto(link)
    page.wait_for_selector('main[data-state="ready"]')
    page.fill("#text", "an answer")
    page.click("#send")
    page.wait_for_selector('main[data-state="done"]')
    assert uneven_rows(page) == [0]


def uneven_rows(page: playwright.Page) -> list[int]:
    """By how many pixels the field and the button of each row differ."""
    found: list[int] = page.evaluate(
        """[...document.querySelectorAll(".copyable")].filter((row) => row.checkVisibility()).map((row) => {
          const [, field, button] = [...row.children].map((one) => one.getBoundingClientRect().height);
          return Math.round(Math.abs(field - button));
        })"""
    )
    return found


def test_two_notices_do_not_touch(page: playwright.Page, taina: Server) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{taina.url}/en/s/")
    page.wait_for_selector('main[data-state="empty"]')
    gap = page.evaluate(
        """(() => {
          const [upper, lower] = ["link-seen", "offline"].map((id) => document.getElementById(id));
          upper.hidden = lower.hidden = false;
          return lower.getBoundingClientRect().top - upper.getBoundingClientRect().bottom;
        })()"""
    )
    assert gap >= 16


def test_no_line_ends_inside_an_option_and_no_drawing_is_broken(page: playwright.Page, taina: Server) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for name in ("format", "performance", "recipes", "scaling", "self-host", "verify"):
            page.goto(f"{taina.url}/en/{name}/")
            assert page.evaluate(BROKEN) == [], (name, width)
            assert page.evaluate("document.documentElement.scrollWidth") == width, (name, width)
            if name == "format":
                drawing = page.locator("pre code", has_text="───▶")
                tops = drawing.evaluate("(one) => [...one.getClientRects()].map(({top}) => Math.round(top))")
                assert len(set(tops)) == drawing.inner_text().strip("\n").count("\n") + 1


@pytest.mark.parametrize("language", ["en", "bg"])
def test_no_short_name_in_code_is_parted(still: playwright.Page, taina: Server, language: str) -> None:
    """Nor at a place where a long one would be: Chromium ends lines there even where none may wrap."""
    found = {}
    for width in (360, 390, 1280):
        still.set_viewport_size({"width": width, "height": 800})
        for name in ("format", "performance", "recipes", "scaling", "self-host", "translate", "verify"):
            still.goto(f"{taina.url}/{language}/{name}/")
            if parted := still.evaluate(
                """[...document.querySelectorAll(":is(p, li) code.whole")]
                  .filter((one) => new Set([...one.getClientRects()].map(({top}) => Math.round(top))).size > 1)
                  .map((one) => one.textContent)"""
            ):
                found[name, width] = parted
    assert found == {}


@pytest.mark.parametrize("language", ["en", "bg"])
def test_no_sentence_of_a_table_is_squeezed_on_a_phone(page: playwright.Page, taina: Server, language: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    found = {}
    for file in sorted((build_site.SOURCE / "texts" / "en").glob("*.md")):
        page.goto(f"{taina.url}/{language}/{build_site.PAGES.get(file.stem.replace('-', '_'), '')}")
        if squeezed := page.evaluate(
            """[...document.querySelectorAll("tr > :nth-child(3)")].flatMap((cell) => [...cell.parentElement.children])
              .filter((cell) => cell.innerText.length > 60 && cell.clientWidth < 300)
              .map((cell) => cell.innerText)"""
        ):
            found[file.stem] = squeezed
    assert found == {}


def test_tables_of_two_columns_fit_a_phone(page: playwright.Page, taina: Server) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    for name in ("api", "format", "privacy", "recipes"):
        page.goto(f"{taina.url}/en/{name}/")
        frames = page.locator(".scroll:has(th:nth-child(2):last-child)")
        assert frames.count()
        wide = frames.evaluate_all(
            "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"
        )
        assert wide == [], name


@pytest.mark.parametrize("language", ["en", "bg"])
def test_no_table_of_a_long_text_is_wider_than_its_column(page: playwright.Page, taina: Server, language: str) -> None:
    """Heads that said too much pushed the last column out of sight."""
    page.set_viewport_size({"width": 1280, "height": 800})
    count, wide = 0, {}
    for name, address in build_site.PAGES.items():
        if (build_site.SOURCE / "texts" / language / f"{name.replace('_', '-')}.md").exists():
            page.goto(f"{taina.url}/{language}/{address}")
            frames = page.locator(".scroll:has(table)")
            count += frames.count()
            if found := frames.evaluate_all(
                """(all) => all.filter((one) => one.scrollWidth > one.clientWidth)
                  .map((one) => [one.scrollWidth - one.clientWidth, one.querySelector("tr").innerText])"""
            ):
                wide[name] = found
    assert count
    assert wide == {}


def test_what_adds_to_a_secret_stands_in_one_row(page: playwright.Page, taina: Server, languages: list[str]) -> None:
    """The link that generates a password stood alone below the others, for a few letters."""
    page.set_viewport_size({"width": 1280, "height": 800})
    found = []
    for language in languages:
        page.goto(f"{taina.url}/{language}/")
        page.wait_for_selector('main[data-state="ready"]')
        if page.evaluate(
            "document.querySelector('#password').offsetTop > document.querySelector('#drop').offsetTop + 9"
        ):
            found.append(language)
    assert found == []


def test_what_a_field_is_stays_in_one_line(page: playwright.Page, taina: Server, languages: list[str]) -> None:
    """Hebrew beside a name in code had its first bracket after the word, and the second before it."""
    page.set_viewport_size({"width": 360, "height": 800})
    found = {}
    for language in languages:
        page.goto(f"{taina.url}/{language}/api/")
        lines = "[...document.querySelectorAll('.call td .hint')].map((one) => one.getClientRects().length)"
        if broken := page.evaluate(f"{lines}.filter((lines) => lines > 1).length"):
            found[language] = broken
    assert found == {}


def test_one_kilobyte_is_written_like_two(browsers: Browsers, taina: Server) -> None:
    """Hebrew browsers write "kB1"."""
    context = browsers.browser("chromium").new_context(locale="he-IL")
    page = context.new_page()
    page.goto(f"{taina.url}/he/")
    page.fill("#text", "a secret")
    page.click("#send")
    page.wait_for_selector('main[data-state="done"]')
    page.goto(page.input_value("#link"))
    page.wait_for_selector('main[data-state="before"]')
    assert "1\u00a0kB" in page.inner_text('[data-fill="size"]')
    context.close()
