"""Pages that look by themselves: when, how often, what that disturbs, and what they say, in three browser engines.

The tests hold the page's clock: a timer ends when a test says so, and its length is read, not waited for.
"""

import json
from itertools import islice
from typing import Any

import pytest

from browser.engines import Browsers, PlaywrightTab, Tab, reach
from browser.test_accessibility import go_to
from support.servers import Server
from taina import Client
from taina.client.results import Sent
from taina.client.waiting import pauses

WORLD = """(() => {
  const world = (window.world = { timers: new Map(), begun: 1e6, asked: [], open: 0, most: 0, visible: true });
  const { fetch, setTimeout, clearTimeout } = window;
  window.setTimeout = (work, ms) => {
    const { stack } = new Error();
    if (!stack.includes("/assets/")) return setTimeout(work, ms); // a driver's own
    if (stack.includes("transport.js") && ms >= 20000) return setTimeout(work, ms); // how long a call may be silent
    world.timers.set(++world.begun, { work, ms });
    return world.begun;
  };
  window.clearTimeout = (id) => world.timers.delete(id) || clearTimeout(id);
  world.elapse = () => {
    const [[id, { work }]] = world.timers;
    world.timers.delete(id);
    work();
  };
  Object.defineProperty(document, "visibilityState", { get: () => (world.visible ? "visible" : "hidden") });
  document.hasFocus = () => world.visible;
  world.show = (visible) => {
    world.visible = visible;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  window.fetch = async (...call) => {
    if (!String(call[0]).includes("/api/")) return fetch(...call);
    world.asked.push(String(call[0]));
    world.most = Math.max(world.most, ++world.open);
    try {
      if (world.refuse === "network") throw new TypeError("no network");
      if (world.refuse) return new Response("", world.refuse);
      const answer = await fetch(call[0], { ...call[1], signal: null });
      if (world.hold) await new Promise((release) => (world.release = release));
      return answer;
    } finally {
      world.open -= 1;
    }
  };
  world.mutations = world.spoken = 0;
  const count = (name) => (changes) => (world[name] += changes.length);
  const deep = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(count("mutations")).observe(document.querySelector("main"), deep);
  new MutationObserver(count("spoken")).observe(document.querySelector("#announcement"), deep);
  return true;
})()"""
NOTES = """(() => {
  window.notes = [];
  window.Notification = class extends EventTarget {
    static permission = "default";
    static requestPermission = async () => (Notification.permission = window.permission);
    constructor(title, options) {
      super();
      if (Notification.permission === "granted") window.notes.push([title, options]);
    }
  };
  return true;
})()"""
ANSWERED = "world.open === 0 && (world.timers.size === 1 || document.querySelector('#watching').hidden)"
WATCHES = "!document.querySelector('#watching').hidden && document.querySelector('#notify') !== null"
FIRST = list(islice(pauses(), 20))


class World:
    """The page of a tab, its clock and its network."""

    def __init__(self, tab: Tab) -> None:
        """Take the clock of a page that watches: its first timer runs on the old one."""
        self.tab = tab
        tab.wait(WATCHES)
        tab.wait("performance.getEntriesByType('resource').some(({name}) => name.includes('/ui/watching.js'))")
        tab.evaluate(WORLD)
        self.leave()
        self.come_back()
        tab.wait("world.timers.size === 1")
        self.elapse()

    def do(self, script: str) -> None:
        self.tab.evaluate(f"void ({script})")

    def leave(self) -> None:
        self.do("world.show(false)")

    def come_back(self) -> None:
        self.do("world.show(true)")

    def elapse(self) -> None:
        """The page's rest is over, and what it then asks is answered."""
        self.do("world.elapse()")
        self.tab.wait(ANSWERED)

    def refuse(self, answer: str | dict[str, Any] | None) -> None:
        self.do(f"world.refuse = {json.dumps(answer)}")

    def rests(self) -> list[float]:
        """Seconds of each timer that runs."""
        return [ms / 1000 for ms in self.tab.evaluate("[...world.timers.values()].map(({ms}) => ms)")]

    def asked(self) -> int:
        """How many calls there were since this was asked before."""
        return int(self.tab.evaluate("world.asked.splice(0).length"))

    def changes(self) -> int:
        """How often anything of the page was written since this was asked before."""
        return int(self.tab.evaluate("[world.mutations, world.mutations = 0][0]"))

    def spoken(self) -> int:
        return int(self.tab.evaluate("[world.spoken, world.spoken = 0][0]"))


def receipt_page(tab: Tab, server: Server) -> Sent:
    with Client(server.url) as client:
        sent = client.send("hunter2")
    tab.open(sent.receipt.replace("/receipt/", "/en/receipt/"))
    reach(tab, "shown")
    return sent


def open_it(server: Server, sent: Sent) -> None:
    with Client(server.url) as client:
        client.open(sent.link)


def sent_page(tab: Tab, server: Server, count: int, before: str = "void 0") -> list[Sent]:
    """The list of so many kept receipts, once it was told to look."""
    with Client(server.url) as client:
        sent = [client.send("hunter2") for _ in range(count)]
    fragments = [one.receipt.partition("#")[2] for one in sent]
    kept = [
        {"receipt": fragment, "name": f"Router {n}", "created": count - n, "expires": 2_000_000_000}
        for n, fragment in enumerate(fragments)
    ]
    tab.open(f"{server.url}/en/sent/")
    tab.evaluate(f"localStorage.setItem('taina-sent', {json.dumps(json.dumps(kept))})")
    tab.open(f"{server.url}/robots.txt")
    tab.open(f"{server.url}/en/sent/")
    reach(tab, "shown")
    tab.evaluate(before)
    tab.click("#look")
    return sent


def test_a_receipt_looks_by_itself_and_disturbs_nobody(tab: Tab, taina: Server) -> None:
    sent = receipt_page(tab, taina)
    tab.evaluate("document.documentElement.style.minHeight = '300vh'")
    world = World(tab)
    tab.evaluate("(document.querySelector('#nickname').focus(), scrollTo(0, 150), true)")
    tab.fill("#nickname", "half a na")
    reader = "[document.activeElement.id, document.activeElement.value]"
    place = "[scrollY, document.activeElement.getBoundingClientRect().top]"
    before, (scrolled, top) = tab.evaluate(reader), tab.evaluate(place)
    world.asked(), world.changes(), world.spoken()
    seen = []
    for _ in range(16):
        seen += world.rests()
        world.elapse()
    assert seen == FIRST[:16]
    assert world.asked() == 16
    assert world.changes() == world.spoken() == 0
    open_it(taina, sent)
    world.elapse()
    assert tab.text("#receipt-state") == tab.text("#announcement") == "Opened"
    assert tab.evaluate(reader) == before
    now, now_top = tab.evaluate(place)
    assert now == scrolled or abs(now_top - top) < 1, "nothing scrolls, but for engines that keep in place what is read"
    assert world.rests() == [], "nothing can change any more"
    assert not tab.shown("#watching")
    world.leave()
    world.come_back()
    assert world.rests() == []
    tab.click("#refresh")
    tab.wait("world.asked.length === 2 && world.open === 0")
    assert world.rests() == []


def test_a_page_behind_others_does_not_look_and_then_does_at_once(tab: Tab, taina: Server) -> None:
    sent = receipt_page(tab, taina)
    world = World(tab)
    for _ in range(5):
        world.elapse()
    world.leave()
    assert world.rests() == []
    world.do("window.dispatchEvent(new Event('online'))")
    assert world.rests() == []
    open_it(taina, sent)
    world.come_back()
    (rest,) = world.rests()
    assert rest <= 1, "a second after the last look, however often somebody comes and goes"
    world.elapse()
    assert tab.text("#receipt-state") == "Opened"


def test_it_looks_at_once_when_the_network_is_back_and_says_once_that_it_was_away(tab: Tab, taina: Server) -> None:
    receipt_page(tab, taina)
    world = World(tab)
    assert world.rests() == FIRST[:1]
    world.refuse("network")
    world.spoken()
    for _ in range(3):
        world.elapse()
        assert world.rests() == [60]
        assert tab.shown("#unanswered")
        assert tab.text("#receipt-state") == "Not opened yet"
    assert world.spoken() == 1
    assert "last check failed" in tab.text("#announcement")
    world.refuse(None)
    world.do("window.dispatchEvent(new Event('online'))")
    (rest,) = world.rests()
    assert rest <= 1
    world.elapse()
    assert not tab.shown("#unanswered")
    assert world.rests() == FIRST[:1]
    world.elapse()
    assert world.rests() == FIRST[1:2]


@pytest.mark.parametrize("status", [429, 503])
def test_what_a_server_asks_for_is_kept(tab: Tab, taina: Server, status: int) -> None:
    receipt_page(tab, taina)
    world = World(tab)
    world.refuse({"status": status, "headers": {"Retry-After": "600"}})
    world.elapse()
    (rest,) = world.rests()
    assert 590 < rest <= 600
    world.leave()
    world.come_back()
    (rest,) = world.rests()
    assert 500 < rest <= 600, "coming back is no reason to ask before"
    world.refuse(None)
    world.asked()
    tab.click("#refresh")
    tab.wait("!document.querySelector('#watching').hidden && world.timers.size === 1 && world.asked.length === 1")
    assert world.rests() == FIRST[:1], "a person may"


def test_an_older_answer_does_not_replace_a_newer_one(tab: Tab, taina: Server) -> None:
    sent = receipt_page(tab, taina)
    world = World(tab)
    world.do("world.hold = true")
    world.do("world.elapse()")
    tab.wait("Boolean(world.release)")
    world.do("(world.older = world.release, world.hold = false)")
    with Client(taina.url) as client:
        client.burn(sent.receipt)
    tab.click("#refresh")
    tab.wait("document.querySelector('#receipt-state').textContent === 'Burned unread'")
    world.changes()
    world.do("world.older()")
    tab.wait("world.open === 0")
    tab.evaluate("document.body.offsetHeight")
    assert tab.text("#receipt-state") == "Burned unread"
    assert world.changes() == 0
    assert world.rests() == []


def test_a_question_about_burning_stays_until_there_is_nothing_to_burn(tab: Tab, taina: Server) -> None:
    sent = receipt_page(tab, taina)
    world = World(tab)
    tab.click("#burn")
    world.elapse()
    assert tab.shown("#burning")
    assert tab.evaluate("document.activeElement.id") == "burn-cancel"
    open_it(taina, sent)
    world.elapse()
    assert not tab.shown("#burning")
    assert not tab.shown("#burn")
    assert tab.evaluate("document.activeElement.id") == "refresh", "the keyboard stays near"


def test_a_receipt_that_is_gone_says_so_and_looks_no_more(tab: Tab, taina: Server) -> None:
    receipt_page(tab, taina)
    world = World(tab)
    world.do("""world.refuse = { status: 404 }""")
    world.do(
        "window.Response = class extends Response { constructor(_, init) {"
        " super(JSON.stringify({code: 'not_found'}), init); } }"
    )
    world.elapse()
    reach(tab, "missing")
    assert world.rests() == []


def test_an_inbox_shows_answers_as_they_come_until_all_have(tab: Tab, taina: Server) -> None:
    with Client(taina.url) as client:
        asked = client.request(answers=2)
        client.answer(asked.link, "one")
        tab.open(asked.inbox.replace("/inbox/", "/en/inbox/"))
        reach(tab, "shown")
        world = World(tab)
        tab.evaluate("(document.querySelector('#answers a').focus(), window.first = document.activeElement, true)")
        world.elapse()
        world.changes(), world.spoken()
        world.elapse()
        assert world.changes() == world.spoken() == 0
        client.answer(asked.link, "two")
    world.elapse()
    assert tab.evaluate("document.querySelectorAll('#answers li').length") == 2
    assert tab.text("#announcement") == "2 of 2"
    assert tab.evaluate("document.activeElement === window.first")
    assert world.rests() == [], "no more can come"
    assert not tab.evaluate("world.asked.some((path) => path.includes('/secrets/'))"), "which answer it is, is not told"


def test_a_deleted_inbox_stays_deleted(tab: Tab, taina: Server) -> None:
    """Whatever a look says that was on its way."""
    with Client(taina.url) as client:
        tab.open(client.request().inbox.replace("/inbox/", "/en/inbox/"))
    reach(tab, "shown")
    world = World(tab)
    world.do("world.hold = true")
    world.do("world.elapse()")
    tab.wait("Boolean(world.release)")
    world.do("(world.older = world.release, world.hold = false)")
    tab.click("#delete")
    tab.click("#delete-confirm")
    reach(tab, "deleted")
    world.do("world.older()")
    tab.wait("world.open === 0")
    assert reach(tab, "deleted", "shown", "missing") == "deleted"
    assert world.rests() == []


def test_a_long_list_is_asked_about_in_parts(tab: Tab, taina: Server) -> None:
    sent = sent_page(tab, taina, 45, WORLD)
    tab.wait(f"{WATCHES} && {ANSWERED}")
    world = World.__new__(World)
    world.tab = tab
    assert tab.evaluate("world.most") <= 4
    assert world.asked() == 45
    for parts in (20, 20, 5):
        world.elapse()
        assert world.asked() == parts
        assert world.rests() == ([5] if parts == 20 else FIRST[1:2])
    tab.evaluate("(document.querySelector('#list a').focus(), true)")
    with Client(taina.url) as client:
        client.burn(sent[0].receipt)
        client.burn(sent[44].receipt)
    world.spoken(), world.changes()
    world.elapse()
    assert tab.text("#announcement") == "Router 0: Burned unread"
    world.elapse()
    world.elapse()
    assert tab.text("#announcement") == "Router 44: Burned unread"
    assert tab.evaluate("document.activeElement === document.querySelector('#list a')")
    world.asked()
    for _ in range(3):
        world.elapse()
    assert world.asked() == 43, "what has ended is not asked about any more"
    assert tab.evaluate("world.most") <= 4


def test_a_list_is_not_asked_about_before_somebody_wants_it(tab: Tab, taina: Server) -> None:
    """Asking tells the server that they belong together."""
    sent_page(tab, taina, 1)
    tab.wait(WATCHES)
    tab.reload()
    reach(tab, "shown")
    tab.wait("document.readyState === 'complete'")
    assert not tab.shown("#watching")
    assert not tab.evaluate("performance.getEntriesByType('resource').some(({name}) => name.includes('/api/'))")


def test_a_notification_says_nothing_but_that_there_is_news(tab: Tab, taina: Server) -> None:
    (sent,) = sent_page(tab, taina, 1, NOTES)
    tab.wait(WATCHES)
    world = World(tab)
    tab.evaluate("window.permission = 'granted'")
    assert tab.evaluate("document.querySelector('#notify').ariaPressed") == "false"
    go_to(tab, "#notify")
    tab.press("Enter")
    tab.wait("document.querySelector('#notify').ariaPressed === 'true'")
    assert tab.evaluate("document.activeElement.id") == "notify"
    assert not tab.shown("#not-allowed")
    world.leave()
    (rest,) = world.rests()
    assert rest >= 5, "behind others too, now; leaving is no reason to ask"
    world.elapse()
    assert tab.evaluate("window.notes") == []
    open_it(taina, sent)
    world.elapse()
    ((title, options),) = tab.evaluate("window.notes")
    assert title == "Taina"
    assert options == {"body": "Something has changed on a page that you left open.", "lang": "en", "dir": "ltr"}


def test_who_looks_at_the_page_is_not_notified_and_a_second_click_ends_it(tab: Tab, taina: Server) -> None:
    first, second = sent_page(tab, taina, 2, NOTES)
    tab.wait(WATCHES)
    world = World(tab)
    tab.evaluate("window.permission = 'granted'")
    tab.click("#notify")
    tab.wait("document.querySelector('#notify').ariaPressed === 'true'")
    open_it(taina, first)
    world.elapse()
    assert tab.text("#announcement") == "Router 0: Opened"
    tab.click("#notify")
    tab.wait("document.querySelector('#notify').ariaPressed === 'false'")
    world.leave()
    assert world.rests() == []
    open_it(taina, second)
    world.come_back()
    world.elapse()
    assert tab.text("#announcement") == "Router 1: Opened"
    assert tab.evaluate("window.notes") == []


@pytest.mark.parametrize("permission", ["denied", "default"])
def test_a_page_that_may_not_notify_says_so(tab: Tab, taina: Server, permission: str) -> None:
    sent_page(tab, taina, 1, NOTES)
    tab.wait(WATCHES)
    world = World(tab)
    tab.evaluate(f"window.permission = {permission!r}")
    tab.click("#notify")
    tab.wait("!document.querySelector('#not-allowed').hidden")
    assert "does not let this site show notifications" in tab.text("#not-allowed")
    assert tab.evaluate("document.querySelector('#notify').ariaPressed") == "false"
    world.leave()
    assert world.rests() == []


@pytest.mark.parametrize(
    "missing",
    [
        "delete window.Notification",
        # Chrome on Android.
        "(window.Notification = class { constructor() { throw new TypeError('Illegal constructor'); } }, true)",
    ],
    ids=["missing", "for service workers alone"],
)
def test_where_there_are_no_notifications_none_are_offered(tab: Tab, taina: Server, missing: str) -> None:
    sent_page(tab, taina, 1, missing)
    tab.wait(WATCHES)
    assert not tab.shown("#notify")


def test_what_a_page_says_of_its_looks_is_not_printed(browsers: Browsers, taina: Server) -> None:
    with browsers.tab("chromium") as tab:
        assert isinstance(tab, PlaywrightTab)
        receipt_page(tab, taina)
        tab.wait(WATCHES)
        tab.page.emulate_media(media="print")
        assert tab.shown("#receipt-state")
        assert not tab.shown("#watching")
