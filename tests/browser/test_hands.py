"""What hands do that nobody means: keys that stay down, clicks that come twice, keys pressed where a button was."""

import pytest

from browser.engines import Browsers, PlaywrightTab, reach
from support.servers import Server
from taina import Client

BY_PLAYWRIGHT = pytest.mark.parametrize("engine", ["chromium", "firefox"])
"""WebDriver can hold no key and click no two times at once."""


@BY_PLAYWRIGHT
def test_a_key_that_stays_down_is_pressed_once(browsers: Browsers, engine: str, taina: Server) -> None:
    """Each press of Enter is an attempt, and ten wrong ones lock the secret."""
    with browsers.tab(engine) as tab, Client(taina.url) as client:
        assert isinstance(tab, PlaywrightTab)
        tab.open(client.send("hunter2", passphrase="right").link)
        reach(tab, "before")
        tab.fill("#passphrase", "wrong")
        for _ in range(3):
            tab.page.keyboard.down("Enter")
            tab.wait("!document.querySelector('#wrong').hidden")
            reach(tab, "before")
        assert tab.text("[data-fill=attempts]") == "9"
        tab.page.keyboard.up("Enter")
        tab.press("Enter")
        tab.wait("document.querySelector('[data-fill=attempts]').textContent === '8'")
