"""What people put into the page, as their programs, keyboards and disks hand it over."""

import json
from pathlib import Path

import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, choose, reach
from browser.test_story import opened
from support.servers import Server
from taina import Client

_PASTE = """(() => {
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(%s)) data.items.add(text, type);
  for (const name of %s) data.items.add(new File(['x'], name, {type: 'image/png'}));
  const paste = new ClipboardEvent('paste', {bubbles: true, cancelable: true});
  Object.defineProperty(paste, 'clipboardData', {value: data}); // Firefox takes none from a script
  return document.querySelector(%s).dispatchEvent(paste);
})()"""
CHOSEN = "[...document.querySelectorAll('#chosen .file-name')].map((name) => name.textContent)"
CELL = {"text/plain": "hunter2\r\n", "text/html": "<table><td>hunter2</table>"}


def paste(tab: Tab, texts: dict[str, str], files: list[str], place: str) -> bool:
    """Paste as a program fills the clipboard; whether it is left to the browser, which puts text into the field."""
    return bool(tab.evaluate(_PASTE % (json.dumps(texts), json.dumps(files), json.dumps(place))))


@pytest.mark.every_engine
def test_where_there_is_text_the_text_is_pasted(tab: Tab, taina: Server) -> None:
    """Excel, Word and OneNote put a picture of the selection beside its text."""
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    for place in ("#text", "#passphrase", "#recipients"):
        assert paste(tab, CELL, ["image.png"], place), "the browser pastes the text into the field"
    assert not paste(tab, CELL, ["image.png"], "body")
    assert tab.value("#text") == "hunter2\n", "beside the fields it becomes the secret"
    assert tab.evaluate(CHOSEN) == []


FILES: dict[str, tuple[dict[str, str], list[str]]] = {
    "screenshot": ({}, ["image.png"]),
    "picture of a page": ({"text/html": "<img src=https://elsewhere.invalid/x.png>"}, ["image.png"]),
    "blank text": ({"text/plain": " \r\n", "text/html": "<img>"}, ["image.png"]),
    "file of the Finder": ({"text/plain": "report.pdf"}, ["report.pdf"]),
    "files by their paths": ({"text/plain": "/home/me/a b.pdf\n/home/me/c.pdf"}, ["a b.pdf", "c.pdf"]),
}


@pytest.mark.every_engine
def test_a_picture_alone_and_copied_files_are_added(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    chosen: list[str] = []
    for kind, (texts, files) in FILES.items():
        for place in ("#text", "#passphrase"):
            assert not paste(tab, texts, files, place), kind
            chosen += files
            assert tab.evaluate(CHOSEN) == chosen, kind


def test_a_cell_from_the_real_clipboard(browsers: Browsers, taina: Server) -> None:
    """By the keyboard; only Chromium lets a test fill the clipboard with several kinds."""
    context = browsers.browser("chromium").new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = PlaywrightTab(context.new_page())
    tab.open(f"{taina.url}/en/")
    tab.evaluate(
        "new Promise((done) => { const canvas = document.createElement('canvas'); canvas.toBlob((png) =>"
        " navigator.clipboard.write([new ClipboardItem({'text/plain': new Blob(['hunter2'], {type: 'text/plain'}),"
        " 'text/html': new Blob(['<b>hunter2</b>'], {type: 'text/html'}), 'image/png': png})]).then(done)); })"
    )
    for field in ("#text", "#passphrase"):
        tab.click(field)
        tab.press("Control+v")
        tab.wait(f"document.querySelector('{field}').value === 'hunter2'")
    assert tab.evaluate(CHOSEN) == []
    context.close()


COMPOSING: list[dict[str, object]] = [{"isComposing": True}, {"keyCode": 229}]
"""As the standard says it, and as Safari does."""


@pytest.mark.every_engine
def test_enter_that_ends_a_composition_sends_nothing(tab: Tab, taina: Server) -> None:
    """With it a Japanese or Chinese typist takes the word that the input method offers."""
    enter = (
        "void document.querySelector('%s').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true,"
        " ctrlKey: true, ...%s}))"
    )
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "ひみつ")
    for composing in COMPOSING:
        tab.evaluate(enter % ("#text", json.dumps(composing)))
        assert reach(tab, "ready", "working", "done") == "ready", composing
    tab.fill("#passphrase", "ひみつ")
    tab.evaluate(enter % ("#text", "{}"))
    reach(tab, "done")
    link = tab.value("#link")
    tab.open(link)
    reach(tab, "before")
    tab.fill("#passphrase", "ひ")
    # What a script presses is not a person's: only a real keyboard could reveal, and the page says nothing of a word
    # that is still being written.
    for composing in COMPOSING:
        tab.evaluate(enter % ("#passphrase", json.dumps(composing)))
        assert reach(tab, "before", "working") == "before", composing
        assert not tab.shown("#wrong"), composing


HALF = "String.fromCharCode(0xd83d)"  # of an emoji, as a field cut at its length leaves it


def test_half_an_emoji_is_refused_with_words(tab: Tab, taina: Server) -> None:
    """Sealed, it would become another character."""
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "hunter2")
    for field in ("#text", "#passphrase"):
        tab.evaluate(f"void (document.querySelector('{field}').value = 'key ' + {HALF})")
        tab.click("#send")
        assert reach(tab, "error", "done") == "error"
        assert tab.shown('[data-error="bad_format"]')
        assert tab.evaluate(f"document.querySelector('{field}').value === 'key ' + {HALF}"), "what was entered stays"
        tab.fill(field, "key 🔑")
        assert not tab.shown("#error")
    tab.click("#send")
    reach(tab, "done")


@pytest.mark.parametrize("language", ["ar", "en"])
def test_an_empty_field_runs_as_its_page_does(tab: Tab, taina: Server, language: str) -> None:
    """What is typed runs its own way."""
    way = "getComputedStyle(document.querySelector('#text')).direction"
    tab.open(f"{taina.url}/{language}/")
    reach(tab, "ready")
    assert tab.evaluate(way) == tab.evaluate("document.documentElement.dir")
    for text, own in [("hunter2", "ltr"), ("كلمة", "rtl")]:
        tab.fill("#text", text)
        assert tab.evaluate(way) == own


_SIDES = """((place) => {
  const node = document.querySelector(place).firstChild;
  const sideOf = (pattern) => {
    const range = document.createRange();
    const {index, 0: {length}} = node.data.match(pattern);
    range.setStart(node, index);
    range.setEnd(node, index + length);
    return range.getBoundingClientRect().left;
  };
  return [sideOf(/[0-9.]+/), sideOf(/[^ 0-9.\\u2068\\u2069]+(?=\\u2069?$)/)];
})(%s)"""
"""Where the number of a size begins, and where its unit does (CSS pixels from the left)."""


@pytest.mark.parametrize(("language", "runs"), [("he", "ltr"), ("ar", "rtl"), ("en", "ltr")])
def test_a_size_runs_as_its_own_letters_do(tab: Tab, taina: Server, tmp_path: Path, language: str, runs: str) -> None:
    """Hebrew has Latin units: its pages showed "kB 121"."""
    file = tmp_path / "key"
    file.write_bytes(bytes(123_456))
    tab.open(f"{taina.url}/{language}/")
    reach(tab, "ready")
    tab.choose("#files", [file])
    tab.wait("document.querySelector('#chosen .hint')")
    alone = tab.evaluate(_SIDES % json.dumps("#chosen .hint"))
    tab.click("#send")
    reach(tab, "done")
    tab.open(tab.value("#link").replace("/s/", f"/{language}/s/"))
    reach(tab, "before")
    in_a_sentence = tab.evaluate(_SIDES % json.dumps("[data-fill='size']"))
    for number, unit in (alone, in_a_sentence):
        assert number < unit if runs == "ltr" else unit < number


LONG_LINES = {
    "Hebrew": "שלום " * 13_000,
    "no space": "0123456789abcdef" * 4096 + "\n",
    "signs of several characters": "e\u0301👩‍👩‍👧" * 1500 + " \n\nlast",
}


@pytest.mark.parametrize("kind", LONG_LINES)
def test_a_very_long_line_is_shown_whole(tab: Tab, taina: Server, kind: str) -> None:
    """In one piece, Chromium had shown the first of these after two minutes."""
    text = LONG_LINES[kind]
    with Client(taina.url) as client:
        opened(tab, client.send(text).link)
    assert tab.text("#secret-text") == text
    nodes = "[...document.querySelector('#secret-text').childNodes]"
    assert tab.evaluate(f"Math.max(...{nodes}.map((node) => [...node.textContent].length))") <= 1024
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.evaluate("void getSelection().selectAllChildren(document.querySelector('#secret-text'))")
    assert tab.evaluate("String(getSelection())").rstrip() == text.rstrip()


_DROP = """(() => {
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(%s)) data.items.add(text, type);
  for (const name of %s) data.items.add(new File(['x'], name, {type: 'image/png'}));
  const place = document.querySelector(%s);
  const left = ['dragover', 'drop'].map((name) => place.dispatchEvent(
    new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true})));
  return left.includes(true);
})()"""


def drop(tab: Tab, texts: dict[str, str], files: list[str], place: str) -> bool:
    """Drop as a program hands it over; whether it is left to the browser, which may go to it."""
    return bool(tab.evaluate(_DROP % (json.dumps(texts), json.dumps(files), json.dumps(place))))


@pytest.mark.every_engine
def test_what_is_dropped_is_taken_as_what_is_pasted(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    assert drop(tab, CELL, [], "#passphrase"), "the browser puts the text into the field"
    assert not drop(tab, CELL, ["image.png"], "#passphrase")
    assert tab.value("#passphrase") == "hunter2"
    assert not drop(tab, CELL, ["image.png"], "#text")
    assert not drop(tab, {"text/uri-list": "https://a.invalid/", "text/plain": "https://a.invalid/"}, [], "h1")
    assert tab.value("#text") == "hunter2\nhttps://a.invalid/"
    assert tab.evaluate(CHOSEN) == []
    picture = {"text/uri-list": "https://a.invalid/?id=1", "text/plain": "https://a.invalid/?id=1"}
    assert not drop(tab, picture, ["picture.png"], "#text")
    assert tab.evaluate(CHOSEN) == ["picture.png"], "of a page: the picture, and not its address"


@pytest.mark.every_engine
def test_nothing_that_is_dropped_leads_away(tab: Tab, taina: Server) -> None:
    """Firefox goes to a file or a link that nobody takes, and what the page showed is lost."""
    with Client(taina.url) as client:
        opened(tab, client.send("hunter2").link)
    assert not drop(tab, {}, ["image.png"], "#secret-text")
    assert not drop(tab, {"text/uri-list": "https://a.invalid/"}, [], "body")
    tab.open(f"{taina.url}/en/request/")
    reach(tab, "ready")
    assert not drop(tab, {}, ["image.png"], "#answers")


def test_a_folder_that_is_pasted_is_none(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.evaluate("void (DataTransferItem.prototype.webkitGetAsEntry = () => ({isDirectory: true}))")
    assert not paste(tab, {}, ["folder"], "#text")
    assert tab.shown('[data-error="folder"]')
    assert tab.evaluate(CHOSEN) == []


def test_more_files_than_a_secret_holds_are_too_much(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    assert not drop(tab, {}, [f"{n}.png" for n in range(1001)], "body")
    tab.click("#send")
    assert reach(tab, "error", "done") == "error"
    assert tab.shown('[data-error="too_large"]')
    assert not tab.shown('[data-fill="limit"]'), "it is not about their size"
    tab.click("#chosen button")
    assert not tab.shown("#error"), "that may have put it right"
    tab.click("#send")
    reach(tab, "done")


@pytest.mark.parametrize("size", [1000, 3 << 20])
def test_a_file_that_was_cut_meanwhile_is_told(tab: Tab, taina: Server, tmp_path: Path, size: int) -> None:
    """Firefox reads what is left of it; to try again would not help."""
    file = tmp_path / "log"
    file.write_bytes(bytes(size))
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    choose(tab, [file])
    file.write_bytes(bytes(size // 2))
    tab.click("#send")
    assert reach(tab, "error", "done") == "error"
    assert tab.shown('[data-error="unreadable"]')
