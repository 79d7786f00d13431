"""Links that some program changed on their way: the page for unknown addresses repairs them and goes on."""

import re

from browser.engines import Tab, reach, visit
from support.servers import Server
from taina import Client

CHANGED = {
    r"/s/%23\1": True,
    r"/s/%2523\1": True,
    r"/s%23\1": True,
    r"/BG/S/%23\1?utm_source=mail": True,
    r"/https%3A%2F%2Fexample.org%2Fs%2F%23\1": True,
    r"/s/＃\1": True,
    r"/s/&num;\1": True,
    r"/s/=23\1": True,
    r"/s/#\1Please": False,
    r"/s/&#35;\1": False,
    r"/s/&amp;#x23;\1": False,
    r"/S/#\1": False,
    r"//s/#\1": False,
}
"""What became of a link, and whether servers on its way saw what is secret in it."""


def test_a_changed_link_still_leads_to_its_secret(tab: Tab, taina: Server) -> None:
    """Asking consumes nothing, so one secret serves every change."""
    with Client(taina.url) as client:
        sent = client.send("hunter2")
    for changed, seen in CHANGED.items():
        address = re.sub(r"/s/#(.*)", changed, sent.link)
        assert address != sent.link
        visit(tab, address)
        assert reach(tab, "before", "cut", "wrong-link", "missing", "empty") == "before", changed
        assert tab.shown("#link-seen") == seen, changed
        assert sent.link.partition("#")[2] not in tab.evaluate("location.pathname + location.search"), changed
    tab.click("#reveal")
    reach(tab, "shown")
    assert tab.text("#secret-text") == "hunter2"


def test_every_kind_of_link_is_repaired(tab: Tab, taina: Server) -> None:
    with Client(taina.url) as client:
        sent, asked = client.send("hunter2"), client.request()
    for link, state in [(sent.receipt, "shown"), (asked.link, "ready"), (asked.inbox, "shown")]:
        visit(tab, link.replace("#", "%23"))
        reach(tab, state)
        assert tab.shown("#link-seen")
        visit(tab, link)
        reach(tab, state)
        assert not tab.shown("#link-seen"), "an unchanged link was seen by nobody"


def test_what_is_not_a_link_is_an_unknown_page(tab: Tab, taina: Server) -> None:
    for path in ("/s/x", "/x/%23", "/s/%23", "/assets/%23abc", "/x/#abc", "/%E0%A4%A"):
        tab.open(taina.url + path)
        tab.wait("document.querySelector('main a.button') !== null")
        assert "not found" in tab.text("h1")
