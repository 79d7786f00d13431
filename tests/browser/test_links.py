"""Links as mailers, chats and terminals leave them, opened by each engine as the address that it makes of them."""

from browser.engines import Tab, reach, visit
from browser.test_story import send
from support.servers import Server

FORMS = {
    "no-break space where a chat wraps": "{}\u00a0",
    "zero-width space": "{}\u200b",
    "mark of direction": "{}\u200e",
    "closing quotation mark": "{}\u201d",
    "guillemet": "{}\u00bb",
    "full stop": "{}.",
    "ideographic full stop": "{}\u3002",
    "Arabic comma": "{}\u060c",
    "bracket and comma": "{}),",
    "angle bracket, encoded": "{}%3E",
    "encoded twice": "{}%25C2%25A0",
    "parameters of a tracker": "{}&utm_source=chat",
    "backslash": "\\{}",
}
INSIDE = {"zero-width space": "\u200b", "soft hyphen": "\u00ad", "line break, encoded": "%0D%0A", "backslash": "\\"}


def test_a_damaged_link_opens_as_the_whole_one_does(tab: Tab, reader: Tab, taina: Server) -> None:
    """Asking consumes nothing, so one secret serves every form."""
    send(tab, taina)
    start, _, fragment = tab.value("#link").partition("#")
    forms = {name: form.replace("{}", fragment) for name, form in FORMS.items()}
    forms |= {f"{name} inside": fragment[:20] + mark + fragment[20:] for name, mark in INSIDE.items()}
    for name, form in forms.items():
        visit(reader, f"{start}#{form}")
        assert reach(reader, "before", "cut", "wrong-link", "missing", "empty") == "before", name
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "hunter2"


def test_a_letter_that_was_lost_is_told(tab: Tab, reader: Tab, taina: Server) -> None:
    """Nothing is guessed: the control for the forms above."""
    send(tab, taina)
    start, _, fragment = tab.value("#link").partition("#")
    for form in (fragment[:-1], fragment[:20] + fragment[21:], f"{fragment[:20]}x{fragment[20:]}"):
        visit(reader, f"{start}#{form}")
        assert reach(reader, "before", "cut", "wrong-link", "missing", "empty") == "cut"
