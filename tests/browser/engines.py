"""Three browser engines behind one small face: Chromium and Firefox by Playwright, WebKitGTK by WebDriver."""

import hashlib
import inspect
import os
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from urllib.parse import urljoin

import playwright.sync_api as playwright
import urllib3
from playwright._impl import _sync_base
from selenium import webdriver
from selenium.common.exceptions import NoSuchFrameException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from support.waiting import wait_until

ENGINES = ("chromium", "firefox", "webkit")
PAIRS = (("chromium", "firefox"), ("firefox", "webkit"), ("webkit", "chromium"))
"""Each engine is once the sender's and once the reader's."""
PATIENCE = 40
"""Seconds after which something that should have happened has not."""
_TRIES = 3
_DRIVER_SECONDS = 30
"""In which a driver has to answer."""
_SCRIPT_SECONDS = 10
"""In which a page has to."""
_WHILE_HOPPING = (
    NoSuchFrameException,
    StaleElementReferenceException,
    TimeoutException,
    urllib3.exceptions.TimeoutError,
)
"""What becomes of a question to WebKit while a page goes to another: an error, or no answer at all."""

_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SAVED = "(window.saved ??= []).length || (({createObjectURL}) => { URL.createObjectURL = (blob) => { window.saved.push(blob); return createObjectURL.call(URL, blob); }; })(URL)"  # noqa: E501
_HASH = """void (async () => {
  window.savedHash = "";
  const hash = await crypto.subtle.digest("SHA-256", await window.saved.at(-1).arrayBuffer());
  window.savedHash = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
})()"""


def _stack(_: int) -> list[inspect.FrameInfo]:
    """As `inspect.stack(0)`, but for the search for files: pytest-xdist has a frame without one, which takes long."""
    frame = inspect.currentframe()
    found = []
    while frame := frame and frame.f_back:
        code = frame.f_code
        found.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None))
    return found


_sync_base.inspect = SimpleNamespace(stack=_stack)  # type: ignore[assignment, attr-defined]  # for its calls


class Tab(Protocol):
    """A tab of a browser profile of its own; selectors are CSS."""

    def open(self, url: str) -> None: ...
    def url(self) -> str: ...
    def click(self, selector: str) -> None: ...
    def fill(self, selector: str, text: str) -> None: ...
    def choose(self, selector: str, files: list[Path]) -> None: ...
    def press(self, key: str) -> None:
        """A key by its DOM name, wherever the keyboard is; `Control+Enter` for two."""

    def text(self, selector: str) -> str: ...
    def value(self, selector: str) -> str: ...
    def shown(self, selector: str) -> bool: ...
    def evaluate(self, expression: str) -> Any: ...
    def back(self) -> None: ...
    def forward(self) -> None: ...
    def reload(self) -> None: ...
    def wait(self, expression: str, seconds: int = PATIENCE) -> None:
        """Until a JavaScript expression is true in the page."""


def reach(tab: Tab, *states: str) -> str:
    """Wait until the page shows one of the states; which one."""
    state = "document.querySelector('main')?.dataset.state"
    tab.wait(f"{list(states)!r}.includes({state})")
    return str(tab.evaluate(state))


def visit(tab: Tab, address: str) -> None:
    """Open an address of the site anew, also where only its fragment differs from that of the open page.

    By way of another file of the same host: by way of about:blank, WebKit starts a process for each visit.
    """
    tab.open(urljoin(address, "/robots.txt"))
    tab.open(address)


def reach_opened(receipt: Tab) -> None:
    """Refresh a receipt until it says so: the reader's page acknowledges while it shows the secret."""

    def opened() -> bool:
        if receipt.text("#receipt-state") == "Opened":
            return True
        receipt.click("#refresh")
        return False

    wait_until(opened)


def choose(tab: Tab, files: list[Path]) -> None:
    """Pick files, and wait until the page lists them, which moves what is below the list."""
    tab.choose("#files", files)
    tab.wait(f"document.querySelectorAll('#chosen li').length === {len(files)}")


def saved(tab: Tab, selector: str) -> str:
    """What a button saves: the SHA-256, in hex, of the bytes that the page hands to the browser."""
    tab.evaluate(_SAVED)
    before = tab.evaluate("window.saved.length")
    tab.click(selector)
    tab.wait(f"window.saved.length > {before}")
    tab.evaluate(_HASH)
    tab.wait("window.savedHash")
    return str(tab.evaluate("window.savedHash"))


def digest(file: Path) -> str:
    """What `saved` says of the same bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


_ELSEWHERE = "void dispatchEvent(new MouseEvent('click', {detail: 1, screenX: -9999}))"
"""Before each click: it may come where the last one was, and sooner than a hand's, and is no second of that."""
_SEEN = "`the page is ${document.querySelector('main')?.dataset.state} and shows ${document.body?.innerText}`"
"""What a page that did not become what it should is instead."""


class PlaywrightTab:
    def __init__(self, page: playwright.Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE * 1000)

    def open(self, url: str) -> None:
        self.page.goto(url)

    def url(self) -> str:
        return self.page.url

    def click(self, selector: str) -> None:
        self.page.evaluate(_ELSEWHERE)
        try:
            self.page.click(selector)
        except playwright.TimeoutError as error:
            raise TimeoutError(f"{error.message}; {self.evaluate(_SEEN)}") from error

    def fill(self, selector: str, text: str) -> None:
        self.page.fill(selector, text)

    def choose(self, selector: str, files: list[Path]) -> None:
        self.page.set_input_files(selector, files)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        return self.page.text_content(selector) or ""

    def value(self, selector: str) -> str:
        return self.page.input_value(selector)

    def shown(self, selector: str) -> bool:
        return self.page.is_visible(selector)

    def evaluate(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def back(self) -> None:
        self.page.go_back()

    def forward(self) -> None:
        self.page.go_forward()

    def reload(self) -> None:
        self.page.reload()

    def wait(self, expression: str, seconds: int = PATIENCE) -> None:
        # Playwright's own waiting compiles strings inside the page, which the page's policy forbids.
        deadline = time.monotonic() + seconds
        while not self._holds(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{expression}; {self.evaluate(_SEEN)}")
            self.page.wait_for_timeout(50)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.page.evaluate(expression))
        except playwright.Error as error:
            if "context" in error.message or "navigat" in error.message:  # the page hopped away meanwhile
                return False
            raise


class WebDriverTab:
    def __init__(self, start: Callable[[], webdriver.WebKitGTK]) -> None:
        self._start = start
        self._fresh = True
        self.driver = start()

    def open(self, url: str) -> None:
        """Of thousands of sessions, one never answers from the first page that it loads: it gets another try."""
        try:
            self._open(url)
        except urllib3.exceptions.TimeoutError as error:
            if not self._fresh:
                raise
            warnings.warn(f"WebKit did not answer and was started anew: {error}", stacklevel=2)
            self.driver.quit()
            self.driver = self._start()
            self._open(url)
        self._fresh = False

    def _open(self, url: str) -> None:
        self.driver.get(url)
        self._settle()

    def url(self) -> str:
        return str(self.driver.current_url)

    def click(self, selector: str) -> None:
        element = self._find(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        self.driver.execute_script(_ELSEWHERE)
        element.click()

    def fill(self, selector: str, text: str) -> None:
        # Typed text goes through a keyboard layout, which knows no Bulgarian or emoji.
        self.driver.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
            self._find(selector),
            text,
        )

    def choose(self, selector: str, files: list[Path]) -> None:
        self._find(selector).send_keys("\n".join(map(str, files)))

    def press(self, key: str) -> None:
        *held, last = [{"Control": Keys.CONTROL, "Shift": Keys.SHIFT}.get(name, name) for name in key.split("+")]
        actions = ActionChains(self.driver)
        for one in held:
            actions.key_down(one)
        actions.send_keys({"Enter": Keys.ENTER, "Tab": Keys.TAB, " ": Keys.SPACE}.get(last, last))
        for one in held:
            actions.key_up(one)
        self._settle()
        actions.perform()

    def text(self, selector: str) -> str:
        return str(self._find(selector).get_property("textContent"))

    def value(self, selector: str) -> str:
        return str(self._find(selector).get_property("value"))

    def shown(self, selector: str) -> bool:
        return any(element.is_displayed() for element in self.driver.find_elements(By.CSS_SELECTOR, selector))

    def evaluate(self, expression: str) -> Any:
        return self.driver.execute_script(f"return {expression}")

    def back(self) -> None:
        self.driver.back()
        self._settle()

    def forward(self) -> None:
        self.driver.forward()
        self._settle()

    def reload(self) -> None:
        self.driver.refresh()
        self._settle()

    def wait(self, expression: str, seconds: int = PATIENCE) -> None:
        waiting = WebDriverWait(self.driver, seconds, 0.05, _WHILE_HOPPING)
        try:
            waiting.until(lambda _: self.evaluate(expression), expression)
        except TimeoutException as error:
            raise TimeoutError(f"{expression}; {self.evaluate(_SEEN)}") from error

    def _settle(self) -> None:
        """Until the page's modules have run: the driver answers before that, and what is done then is lost."""
        self.wait("document.readyState === 'complete'")

    def _find(self, selector: str) -> Any:
        self._settle()
        return self.driver.find_element(By.CSS_SELECTOR, selector)


class Browsers:
    """Starts each engine once, when it is first asked for, and gives tabs of fresh profiles."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._started: dict[str, playwright.Browser] = {}
        """By the path of the program."""
        self._playwright: playwright.Playwright | None = None
        self._display: str | None = None

    def close(self) -> None:
        self._stack.close()

    def end_firefox(self) -> None:
        """Until it is asked for again: it takes three hundredths of a processor where nobody looks at it."""
        for path, started in [*self._started.items()]:
            if started.browser_type.name == "firefox":
                del self._started[path]
                started.close()

    @contextmanager
    def tab(self, engine: str, language: str = "en-US", *, whole: bool = False) -> Iterator[Tab]:
        if engine == "webkit":
            tab = WebDriverTab(partial(_started, self._webkit(language)))
            try:
                yield tab
            finally:
                tab.driver.quit()
            return
        context = self.browser(engine, whole=whole).new_context(locale=language)
        try:
            yield PlaywrightTab(context.new_page())
        finally:
            context.close()

    def browser(self, engine: str, *, whole: bool = False) -> playwright.Browser:
        """Playwright's own face of Chromium or Firefox, for what only it can see.

        Args:
            whole: Chromium as people run it, which asks for icons too. The one without windows does not, and takes
                under half of the processor time.
        """
        chromium = ("chromium",) if whole else ("chromium-headless-shell", "chromium")
        path = program(*{"chromium": chromium, "firefox": ("firefox-esr", "firefox")}[engine])
        if path not in self._started:
            if engine == "chromium":
                started = self._start().chromium.launch(executable_path=path, args=_CHROMIUM)
            else:
                started = self._start().firefox.launch(channel="moz-firefox", executable_path=path)
            self._stack.callback(started.close)
            self._started[path] = started
        return self._started[path]

    @contextmanager
    def profile(self, folder: Path) -> Iterator[Tab]:
        """A tab of Chromium with its profile in a folder, as a person's own browser has one."""
        context = self._start().chromium.launch_persistent_context(
            folder, executable_path=program("chromium"), args=_CHROMIUM
        )
        try:
            yield PlaywrightTab(context.new_page())
        finally:
            context.close()

    def _start(self) -> playwright.Playwright:
        if self._playwright is None:
            self._playwright = self._stack.enter_context(playwright.sync_playwright())
        return self._playwright

    def _webkit(self, language: str) -> dict[str, str]:
        """The environment of its processes."""
        return {
            **os.environ,
            "DISPLAY": self._x_display(),
            "LANG": language.replace("-", "_") + ".UTF-8",
            "LANGUAGE": language.replace("-", "_"),
            # Sandboxing needs namespaces, which containers often lack; the pages are our own.
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }

    def _x_display(self) -> str:
        if self._display is None:
            reader, writer = os.pipe()
            server = subprocess.Popen(
                [program("Xvfb"), "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                pass_fds=[writer],
                stderr=subprocess.DEVNULL,
            )
            os.close(writer)
            with os.fdopen(reader) as answer:
                self._display = f":{answer.readline().strip()}"
            self._stack.callback(server.wait)
            self._stack.callback(server.terminate)
        return self._display


def _started(environment: dict[str, str]) -> webdriver.WebKitGTK:
    """A session of a driver of its own. Under load the browser now and then misses its driver: then another try."""
    for _ in range(_TRIES - 1):
        with suppress(urllib3.exceptions.TimeoutError):
            return _start(environment)
    return _start(environment)


def _start(environment: dict[str, str]) -> webdriver.WebKitGTK:
    options = webdriver.WebKitGTKOptions()
    options.binary_location = _mini_browser()
    options.add_argument("--automation")
    service = webdriver.WebKitGTKService(program("WebKitWebDriver"), env=environment)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DRIVER_SECONDS)  # Selenium's driver for WebKit takes it from there alone
    try:
        driver = webdriver.WebKitGTK(options=options, service=service)
    finally:
        socket.setdefaulttimeout(patience)
    driver.set_script_timeout(_SCRIPT_SECONDS)
    return driver


def program(*names: str) -> str:
    """Where a program is, under any of its names."""
    for name in names:
        if found := shutil.which(name):
            return found
    raise FileNotFoundError(f"{names[0]} is not installed; scripts/test says which packages it needs")


def _mini_browser() -> str:
    found = sorted(Path("/usr").glob("lib*/*/webkit2gtk-4.*/MiniBrowser"))
    if not found:
        raise FileNotFoundError("WebKit's MiniBrowser is not installed; on Debian it is in webkit2gtk-driver")
    return str(found[-1])
