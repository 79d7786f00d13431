"""Screenshots of every page and state, from a real server and Chromium, to be looked at before a release.

    PYTHONPATH=tests python scripts/screenshots.py --out build/screenshots
    PYTHONPATH=tests python scripts/screenshots.py --readme

The second writes only the picture of the README, site/screenshots/create.png.
"""

import os
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import click
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from picture_notes import look_of, with_note
from picture_policy import shoot_policy
from support.servers import serving
from taina import base64url
from taina.format.derive import sha256
from taina.format.links import Link, encode_link
from taina.site import build as build_site
from taina.site.branding import Looks

README = build_site.SOURCE / "screenshots" / "create.png"
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
REGIONS = {"en": "en-GB", "bg": "bg-BG", "ar": "ar-EG"}
"""Languages that are looked at, as far as there are catalogs of them, and whose dates and numbers they take."""
TEXT = "correct horse battery staple"
PHRASE = "abc"
FILES = [
    {"name": "Споразумение за поверителност.pdf", "mimeType": "application/pdf", "buffer": bytes(123_456)},
    {"name": "id_ed25519", "mimeType": "", "buffer": bytes(411)},
]

LOOKS = Looks(contact=encode_link(Link("request", os.urandom(32))))
"""Only so that there is a contact page."""

Take = Callable[[Page, str], None]


def reach(page: Page, state: str) -> None:
    page.wait_for_selector(f'main[data-state="{state}"]')


def make(page: Page, url: str, passphrase: str = "", files: bool = False) -> tuple[str, str]:
    """Create a secret as a person does; returns the addresses of secret and receipt."""
    page.goto(url)
    page.fill("#text", TEXT)
    page.fill("#passphrase", passphrase)
    if files:
        page.set_input_files("#files", FILES)  # type: ignore[arg-type]
    page.click("#send")
    reach(page, "done")
    return page.input_value("#link"), page.input_value("#receipt-link")


def shoot_create(page: Page, url: str, take: Take) -> None:
    page.goto(url)
    take(page, "create-ready")
    page.click("#send")
    reach(page, "error")
    take(page, "create-empty")
    page.fill("#text", TEXT)
    page.fill("#passphrase", PHRASE)
    page.set_input_files("#files", FILES)  # type: ignore[arg-type]
    take(page, "create-filled")
    held: list[Route] = []
    page.route("**/api/v1/secrets/**", lambda route: held.append(route))
    page.click("#send")
    reach(page, "working")
    take(page, "create-working")
    for route in held:
        route.abort()
    page.unroute_all()
    page.goto(url)
    page.fill("#text", TEXT)
    page.click("#six-words")
    page.wait_for_selector("#passphrase[type=text]")
    take(page, "create-words")
    page.click("#send")
    reach(page, "done")
    page.wait_for_selector("#sharing", state="visible")
    take(page, "create-done")
    page.click("#show-code")
    page.wait_for_selector("#code svg")
    page.click("#keep")
    page.wait_for_selector("#kept", state="visible")
    take(page, "create-shared")
    page.goto(url)
    page.fill("#text", TEXT)
    page.fill("#recipients", "3")
    page.click("#send")
    reach(page, "done")
    take(page, "create-many")
    page.context.set_offline(True)
    take(page, "create-offline")
    page.context.set_offline(False)


def shoot_reveal(page: Page, url: str, take: Take) -> None:
    secret, receipt = make(page, url, passphrase=PHRASE, files=True)
    page.goto(secret)
    reach(page, "before")
    take(page, "reveal-before")
    page.fill("#passphrase", "xyz")
    page.click("#reveal")
    page.wait_for_selector("#wrong", state="visible")
    take(page, "reveal-wrong")
    page.fill("#passphrase", PHRASE)
    page.keyboard.press("Enter")
    reach(page, "shown")
    take(page, "reveal-shown")
    page.click("#hide")
    take(page, "reveal-hidden")
    page.reload()
    take(page, "reveal-empty")
    page.goto(receipt)
    reach(page, "shown")
    take(page, "receipt-opened")

    plain, receipt = make(page, url)
    page.goto(plain)
    reach(page, "before")
    take(page, "reveal-before-plain")
    answer = f'{{"chunks": 1, "content": "{base64url.encode(bytes(1040))}"}}'
    page.route("**/reveal", lambda route: route.fulfill(body=answer, content_type="application/json"))
    page.click("#reveal")
    reach(page, "failed")
    take(page, "reveal-failed")
    page.goto(receipt)
    reach(page, "shown")
    take(page, "receipt-waiting")
    page.click("#burn")
    take(page, "receipt-burning")
    page.click("#burn-confirm")
    page.wait_for_selector("#ended", state="visible")
    take(page, "receipt-burned")

    for name, address in {
        "reveal-gone": secret,
        "reveal-burned": plain,
        "reveal-cut": secret[:-3],
        "reveal-wrong-link": receipt.replace("/receipt/", "/s/"),
        "reveal-newer": secret.split("#")[0] + "#" + newer_link(),
        "reveal-missing": secret.split("#")[0] + "#" + encode_link(Link("secret", os.urandom(32))),
        "receipt-cut": receipt[:-3],
        "receipt-wrong-link": secret.replace("/s/", "/receipt/"),
        "receipt-missing": receipt.split("#")[0] + "#" + encode_link(Link("receipt", os.urandom(48))),
    }.items():
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector('main[data-state]:not([data-state="loading"])')
        take(page, name)


def shoot_requests(page: Page, url: str, take: Take) -> None:
    page.goto(f"{url}request/")
    take(page, "request-ready")
    page.fill("#answers", "0")
    page.click("#make")
    reach(page, "error")
    take(page, "request-error")
    page.fill("#answers", "3")
    page.click("#ask-passphrase")
    page.click("#make")
    reach(page, "done")
    take(page, "request-done")
    link, inbox = page.input_value("#link"), page.input_value("#inbox-link")
    for n in range(2):
        page.goto("about:blank")
        page.goto(link)
        reach(page, "ready")
        if n == 0:
            take(page, "answer-ready")
        page.fill("#text", TEXT)
        page.click("#send")
        reach(page, "error")
        if n == 0:
            take(page, "answer-error")
        page.fill("#passphrase", PHRASE)
        page.click("#send")
        reach(page, "done")
    take(page, "answer-done")
    page.goto(page.input_value("#receipt-link"))
    reach(page, "shown")
    page.click("#burn")
    page.click("#burn-confirm")
    page.wait_for_selector("#ended", state="visible")
    page.goto(inbox)
    reach(page, "shown")
    take(page, "inbox-shown")
    page.click("#delete")
    take(page, "inbox-deleting")
    page.click("#delete-confirm")
    reach(page, "deleted")
    take(page, "inbox-deleted")

    page.goto(f"{url}request/")
    page.click("#make")
    reach(page, "done")
    once, empty = page.input_value("#link"), page.input_value("#inbox-link")
    page.goto(empty)
    reach(page, "shown")
    take(page, "inbox-none")
    page.goto(once)
    reach(page, "ready")
    page.fill("#text", TEXT)
    page.click("#send")
    reach(page, "done")
    for name, address in {
        "answer-full": once,
        "answer-missing": link,
        "answer-cut": once[:-3],
        "answer-wrong-link": inbox.replace("/inbox/", "/r/"),
        "inbox-missing": inbox,
        "inbox-cut": inbox[:-3],
    }.items():
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector('main[data-state]:not([data-state="loading"])')
        take(page, name)


def shoot_sent(page: Page, url: str, take: Take) -> None:
    page.goto(f"{url}sent/")
    take(page, "sent-none")
    for name in ("Router", ""):
        _, receipt = make(page, url)
        page.goto(receipt)
        reach(page, "shown")
        page.fill("#nickname", name)
        page.click("#keep")
    page.reload()
    reach(page, "shown")
    take(page, "receipt-kept")
    page.emulate_media(media="print")
    take(page, "receipt-printed")
    page.emulate_media(media="screen")
    page.goto(f"{url}sent/")
    page.click("#look")
    page.wait_for_selector("#list strong", state="visible")
    take(page, "sent-shown")


def shoot_watching(page: Page, url: str, take: Take) -> None:
    _, receipt = make(page, url)
    page.clock.install()
    page.goto(receipt)
    page.wait_for_selector("#watching", state="visible")
    take(page, "receipt-watching")
    page.click("#notify")
    page.wait_for_selector("#not-allowed", state="visible")
    page.route("**/api/v1/**", lambda route: route.abort())
    page.clock.run_for(6000)
    page.wait_for_selector("#unanswered", state="visible")
    take(page, "receipt-unanswered")


def shoot_without_scripts(browser: Browser, url: str, out: Take, look: tuple[str, str, str]) -> None:
    with open_context(browser, *look, scripts=False) as context:
        page = context.new_page()
        for name in ("", "s/"):
            page.goto(f"{url}{name}")
            out(page, f"no-script-{name.strip('/') or 'create'}")


def newer_link() -> str:
    head = bytes([2]) + os.urandom(32)
    return base64url.encode(head + sha256(b"taina/v1 link" + head)[:2])


def shoot_unreachable(page: Page, url: str, take: Take) -> None:
    secret, _ = make(page, url)
    page.clock.install()
    page.route("**/api/v1/**", lambda route: route.abort())
    page.goto("about:blank")
    page.goto(secret)
    while page.get_attribute("main", "data-state") != "unreachable":
        page.clock.run_for(1000)  # the client waits between its tries
    take(page, "reveal-unreachable")


def shoot_texts(page: Page, url: str, take: Take) -> None:
    stateful = {"create", *build_site.LINK_PAGES, "request", "sent"}
    texts = (path.rstrip("/") for name, path in build_site.PAGES.items() if name not in stateful)
    for name in (*texts, "contact", "nowhere"):
        page.goto(f"{url}{name}/")
        take(page, name)
    page.click(".languages summary")
    take(page, "languages")


SHOTS = (shoot_create, shoot_reveal, shoot_sent, shoot_watching, shoot_requests, shoot_unreachable, shoot_texts)


def available() -> list[str]:
    return [code for code in REGIONS if (build_site.SOURCE / "locales" / f"{code}.json").is_file()]


def open_context(browser: Browser, language: str, scheme: str, size: str, scripts: bool = True) -> BrowserContext:
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=REGIONS.get(language, language),
        reduced_motion="reduce",
        java_script_enabled=scripts,
    )


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the screenshots.")
@click.option("--readme", is_flag=True, help="Make the README's picture.")
@click.option("--language", "languages", multiple=True, help="Only this one; may be given again.")
@click.option("--rtl", is_flag=True, help="Turn the layout from right to left, to see that it can.")
def main(out: Path | None, readme: bool, languages: tuple[str, ...], rtl: bool) -> None:
    """Make the screenshots."""
    if out is None and not readme:
        raise click.UsageError("Say where to by --out, or use --readme.")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with serving(site=True, looks=LOOKS) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        if readme:
            page = open_context(browser, "en", "light", "desktop").new_page()
            page.goto(f"{server.url}/en/")
            README.write_bytes(with_note(page.screenshot(), look_of(build_site.build())))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for language, scheme, size in product(languages or available(), ("light", "dark"), SIZES):
                shoot_all(browser, f"{server.url}/{language}/", out, (language, scheme, size), rtl)


def shoot_all(browser: Browser, url: str, out: Path, look: tuple[str, str, str], rtl: bool) -> None:
    def take(page: Page, name: str) -> None:
        if rtl:
            page.evaluate("document.documentElement.dir = 'rtl'")
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=out / f"{name}-{'-'.join(look)}.png", full_page=True)

    for shoot in (*SHOTS, shoot_policy):
        with open_context(browser, *look) as context:
            shoot(context.new_page(), url, take)
    shoot_without_scripts(browser, url, take, look)


if __name__ == "__main__":
    main()
