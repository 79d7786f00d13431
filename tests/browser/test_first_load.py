"""What a page costs before anybody does anything, as the browser itself counts it: requests, and bytes with headers."""

import time
from typing import Any

import pytest

from browser.engines import PATIENCE, Browsers
from support.servers import Server
from taina.format.links import KINDS, Link, encode_link

MAX_REQUESTS = 15
MAX_BYTES = 40 << 10
ANSWER_REQUESTS, ANSWER_BYTES = 19, 50 << 10
"""The page of an answer seals one beforehand: whether this browser can is better known before somebody types."""
LINKS = {kind: encode_link(Link(kind, bytes(47 if kind == "receipt" else 31) + bytes([9]))) for kind in KINDS}
"""Of what nobody made; any server knows that at once."""
PAGES = {
    "en/": "ready",
    "el/": "ready",
    "bg/": "ready",
    f"en/s/#{LINKS['secret']}": "missing",
    f"bg/s/#{LINKS['secret']}": "missing",
    f"en/receipt/#{LINKS['receipt']}": "missing",
    "en/request/": "ready",
    f"bg/r/#{LINKS['request']}": "missing",
    f"en/inbox/#{LINKS['inbox']}": "missing",
    "en/sent/": "none",
    "bg/security/": None,
}
"""The state in which each is found."""


def load(browsers: Browsers, url: str) -> tuple[str, dict[str, str], dict[str, float]]:
    """The page's state, the addresses it asked for and the bytes that came, by the number of the request."""
    context = browsers.browser("chromium", whole=True).new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    asked: dict[str, str] = {}
    arriving: dict[str, float] = {}
    came: dict[str, float] = {}

    def keep_request(event: dict[str, Any]) -> None:
        asked[event["requestId"]] = event["request"]["url"]

    def keep_head(event: dict[str, Any]) -> None:
        arriving[event["requestId"]] = event["response"]["encodedDataLength"]

    def keep_data(event: dict[str, Any]) -> None:
        arriving[event["requestId"]] += event["dataLength"]

    def keep_size(event: dict[str, Any]) -> None:
        came[event["requestId"]] = event["encodedDataLength"]

    def keep_what_came(event: dict[str, Any]) -> None:
        # On a busy machine Chromium calls a body aborted that a stream has just read to its end, and tells no size.
        if event["errorText"] == "net::ERR_ABORTED":
            came[event["requestId"]] = arriving[event["requestId"]]

    session.on("Network.requestWillBeSent", keep_request)
    session.on("Network.responseReceived", keep_head)
    session.on("Network.dataReceived", keep_data)
    session.on("Network.loadingFinished", keep_size)
    session.on("Network.loadingFailed", keep_what_came)
    session.send("Network.enable")
    page.goto(url, wait_until="networkidle")
    deadline = time.monotonic() + PATIENCE / 4
    while not (set(came) == set(asked) and _has_icon(asked)) and time.monotonic() < deadline:
        page.wait_for_timeout(50)  # the network is idle before the last sizes are told
    state = page.evaluate("document.querySelector('main').dataset.state")
    context.close()
    return state, asked, came


def _has_icon(asked: dict[str, str]) -> bool:
    return any(url.endswith("/images/mark.svg") for url in asked.values())


@pytest.mark.parametrize("path", PAGES)
def test_the_first_load_is_within_its_budget(browsers: Browsers, taina: Server, path: str) -> None:
    state, asked, came = load(browsers, f"{taina.url}/{path}")
    assert state == PAGES[path]
    assert set(came) == set(asked)
    assert _has_icon(asked)
    assert any("/api/v1/" in url for url in asked.values()) == (PAGES[path] in ("ready", "missing"))
    answers = "/r/" in path
    assert len(came) <= (ANSWER_REQUESTS if answers else MAX_REQUESTS), sorted(asked.values())
    assert sum(came.values()) <= (ANSWER_BYTES if answers else MAX_BYTES)
