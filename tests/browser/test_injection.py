"""Whatever comes from elsewhere is shown as text: secrets, names of files and receipts, links, a server's answers."""

import json
import os
from pathlib import Path

import playwright.sync_api as playwright

from browser.engines import Browsers, PlaywrightTab, Tab, choose, reach, visit
from support.servers import Server
from taina.format.links import Link, encode_link

HOSTILE = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 2'>",
    "<svg onload=window.ran=3>",
    '"><svg/onload=window.ran=4>',
    "'-window.ran=5-'",
    "<iframe srcdoc='<script>parent.ran = 6</script>'></iframe>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.ran=7>",
    "</textarea></pre></script><script>window.ran = 8</script>",
    "<a href='javascript:window.ran=9'>x</a>",
    "{{constructor.constructor('window.ran=10')()}}",
    "${window.ran=11}",
    "<template><script>window.ran = 12</script></template>",
    "<base href=https://elsewhere.invalid/>",
    "<meta http-equiv=refresh content='0;url=https://elsewhere.invalid/'>",
    "<link rel=stylesheet href=https://elsewhere.invalid/x.css>",
    "\u202e<b>txt.exe\u202c",
    "\u2028alert(1)\u2029<!--",
    "javascript:window.ran=13",
]
WATCH = (
    "void (() => { window.refused = []; document.addEventListener('securitypolicyviolation',"
    " (event) => window.refused.push(event.effectiveDirective + event.blockedURI)); })()"
)


def unharmed(tab: Tab) -> bool:
    """Nothing ran, nothing was tried, and no element stands where only text may."""
    return bool(
        tab.evaluate(
            "window.ran === undefined && window.refused.length === 0 && document.querySelector("
            "'main iframe, main base, main meta, main img, main math, main form, #secret-text *, #list b') === null"
        )
    )


def test_texts_and_names_of_files_stay_texts(tab: Tab, reader: Tab, taina: Server, tmp_path: Path) -> None:
    files = []
    for n, hostile in enumerate(HOSTILE):
        file = tmp_path / f"{n} {hostile.replace('/', '∕')[:80]}"
        file.write_bytes(b"x")
        files.append(file)
    tab.open(f"{taina.url}/en/")
    tab.evaluate(WATCH)
    tab.fill("#text", "\n".join(HOSTILE))
    choose(tab, files)
    assert unharmed(tab)
    tab.click("#send")
    reach(tab, "done")
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.evaluate(WATCH)
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "\n".join(HOSTILE)
    assert reader.evaluate("document.querySelectorAll('#secret-files li').length") == len(files)
    assert unharmed(reader)
    tags = "[...new Set([...document.querySelectorAll('#secret-files *')].map((one) => one.localName))].sort().join()"
    assert reader.evaluate(tags) == "button,li,span"


def test_whatever_stands_behind_the_hash_is_never_more_than_a_link(tab: Tab, taina: Server) -> None:
    calls = (
        "performance.getEntriesByType('resource').map((entry) => entry.name)"
        ".filter((name) => name.includes('/api/') && !name.endsWith('/status')).length"
    )
    some = [(page, hostile) for page in ("receipt", "r", "inbox") for hostile in HOSTILE[::6]]
    for page, hostile in [*(("s", hostile) for hostile in HOSTILE), *some]:
        visit(tab, f"{taina.url}/en/{page}/#{hostile}")
        assert reach(tab, "cut", "empty", "missing") == "cut"
        tab.evaluate(WATCH)
        assert unharmed(tab)
        assert tab.evaluate(calls) == 0


def test_a_name_of_a_receipt_stays_a_name(tab: Tab, taina: Server) -> None:
    receipt = encode_link(Link("receipt", os.urandom(48)))
    kept = [{"receipt": hostile, "name": hostile, "created": 1, "expires": 2} for hostile in [*HOSTILE, receipt]]
    tab.open(f"{taina.url}/en/sent/")
    tab.evaluate(f"localStorage.setItem('taina-sent', {json.dumps(json.dumps(kept))})")
    tab.evaluate(WATCH)
    tab.reload()
    reach(tab, "shown")
    tab.evaluate(WATCH)
    links = tab.evaluate("[...document.querySelectorAll('#list a')].map((link) => link.href)")
    assert len(links) == len(kept)
    assert all(link.startswith(f"{taina.url}/en/receipt/#") for link in links)
    tab.click("#look")
    tab.wait("[...document.querySelectorAll('#list strong')].every((state) => !state.hidden)")
    assert unharmed(tab)


def test_a_hostile_server_can_show_nothing_of_its_own(browsers: Browsers, taina: Server) -> None:
    """Whatever an answer holds, the page says only what its own catalog says."""
    for status in (200, 403, 404, 409, 410, 413, 422, 429, 500, 507):
        context = browsers.browser("chromium").new_context()
        show_a_hostile_answer(context.new_page(), taina, status)
        context.close()


def show_a_hostile_answer(page: playwright.Page, taina: Server, status: int) -> None:
    hostile = " ".join(HOSTILE)
    members = dict.fromkeys(
        ["title", "detail", "code", "field", "state", "ended", "attempts_left", "expires", "size", "created"], hostile
    )
    body = json.dumps({**members, "status": status, "chunks": 1, "passphrase": hostile, "limits": members})
    page.route("**/api/v1/**", lambda route: route.fulfill(status=status, body=body, content_type="application/json"))
    tab = PlaywrightTab(page)
    address = encode_link(Link("secret", os.urandom(32)))
    tab.open(f"{taina.url}/en/s/#{address}")
    tab.evaluate(WATCH)
    page.clock.install()
    while tab.evaluate("document.querySelector('main').dataset.state") == "loading":
        page.clock.run_for(1000)  # the client waits between its tries
    assert unharmed(tab)
    assert "window.ran" not in page.inner_text("main"), status
