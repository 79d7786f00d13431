"""What the pages do beyond the link itself: codes, mails, generated words, things that are kept when asked."""

import re
from urllib.parse import parse_qs, urlsplit

import zxingcpp

from browser.engines import Tab, reach
from conftest import Server
from taina.words import _words

KINDS = r"(?=.*[a-z])(?=.*[A-Z])(?=.*[2-9])(?=.*[!#%+:=?])[a-zA-Z2-9!#%+:=?]{20}"


def send(tab: Tab, server: Server, language: str = "en", passphrase: str = "") -> str:
    tab.open(f"{server.url}/{language}/")
    tab.fill("#text", "hunter2")
    tab.fill("#passphrase", passphrase)
    tab.click("#send")
    reach(tab, "done")
    return tab.value("#link")


def read_code(tab: Tab) -> list[str]:
    """What a camera makes of the code on the page, drawn from its modules at four pixels each."""
    side = int(tab.evaluate("document.querySelector('#code svg').viewBox.baseVal.width"))
    path = tab.evaluate("document.querySelector('#code svg path').getAttribute('d')")
    width = side * 4
    image = bytearray(b"\xff" * width * width)
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path):
        for line in range(4):
            start = (int(y) * 4 + line) * width + int(x) * 4
            image[start : start + 4] = bytes(4)
    return [found.text for found in zxingcpp.read_barcodes(memoryview(bytes(image)).cast("B", (width, width)))]


def test_the_code_is_the_link_and_comes_only_when_wanted(tab: Tab, taina: Server) -> None:
    link = send(tab, taina)
    loaded = "performance.getEntriesByType('resource').some((entry) => entry.name.includes('/packages/'))"
    assert not tab.evaluate(loaded)
    tab.wait("!document.querySelector('#sharing').hidden")
    assert not tab.shown("#code")
    tab.click("#show-code")
    tab.wait("!document.querySelector('#code').hidden")
    assert read_code(tab) == [link]
    assert tab.evaluate("document.querySelector('#show-code').ariaExpanded") == "true"
    tab.click("#show-code")
    assert not tab.shown("#code")


def test_the_mail_holds_the_link_and_is_ours_to_send(tab: Tab, taina: Server) -> None:
    link = send(tab, taina, "bg")
    tab.wait("!document.querySelector('#sharing').hidden")
    address = urlsplit(tab.evaluate("document.querySelector('#mail').href"))
    assert (address.scheme, address.path) == ("mailto", "")
    fields = parse_qs(address.query)
    assert fields["subject"] == ["Тайна за вас"]
    assert fields["body"][0].count(link) == 1


def test_the_share_sheet_is_offered_where_there_is_one(tab: Tab, taina: Server) -> None:
    send(tab, taina)
    tab.wait("!document.querySelector('#sharing').hidden")
    assert tab.shown("#share") == tab.evaluate("'share' in navigator")


def test_six_words_are_made_shown_and_kept_for_the_other_way(tab: Tab, reader: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    tab.fill("#text", "hunter2")
    tab.click("#six-words")
    tab.wait("document.querySelector('#passphrase').value !== ''")
    phrase = tab.value("#passphrase")
    assert len(phrase.split("-")) >= 6
    assert re.sub("|".join(sorted(map(re.escape, _words()), key=len, reverse=True)), "w", phrase) == "-".join("w" * 6)
    assert tab.evaluate("document.querySelector('#passphrase').type") == "text"
    tab.click("#send")
    reach(tab, "done")
    assert tab.shown("#other-channel")
    assert tab.value("#phrase") == phrase
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.fill("#passphrase", phrase)
    reader.click("#reveal")
    reach(reader, "shown")
    tab.click("#another")
    assert tab.value("#phrase") == tab.value("#passphrase") == ""


def test_a_password_is_made_where_the_text_is(tab: Tab, taina: Server) -> None:
    tab.open(f"{taina.url}/en/")
    reach(tab, "ready")
    tab.click("#password")
    tab.wait("document.querySelector('#text').value !== ''")
    first = tab.value("#text")
    assert re.fullmatch(KINDS, first)
    tab.click("#password")
    tab.wait("document.querySelector('#text').value.length === 40")
    assert re.fullmatch(KINDS, tab.value("#text").removeprefix(first))
