"""The states of pages that only some instances show, for scripts/screenshots.py."""

from collections.abc import Callable

from playwright.sync_api import Page


def shoot_policy(page: Page, url: str, take: Callable[[Page, str], None]) -> None:
    """An instance with a login before it, and one that is strict."""

    def tell(ttl: dict[str, int], **options: object) -> None:
        answer = {"limits": {"size": 1 << 20, "answers": 3}, "ttl": ttl, "options": options}
        page.unroute_all()
        page.route("**/api/v1/status", lambda route: route.fulfill(json=answer))

    tell({"min": 300, "max": 2592000, "default": 604800}, create="proxy", login_url="/login")
    for path, name, button in (("", "create", "#send"), ("request/", "request", "#make")):
        page.goto(f"{url}{path}")
        page.wait_for_selector("#login", state="visible")
        take(page, f"{name}-login")
        page.route("**/api/v1/*s/*", lambda route: route.fulfill(status=401, content_type="text/html"))
        if not path:
            page.fill("#text", "kept")
        page.click(button)
        page.wait_for_selector('main[data-state="error"]')
        take(page, f"{name}-login-needed")
    rules = {"passphrases": "generated", "files": False, "recipients": 5}
    tell({"min": 3600, "max": 172800, "default": 10800}, create="anyone", **rules)
    page.goto(url)
    page.wait_for_selector("#policy", state="visible")
    page.fill("#text", "kept")
    page.click("#send")
    page.wait_for_selector('main[data-state="error"]')
    take(page, "create-policy")
    page.goto(f"{url}request/")
    page.wait_for_selector("#ask-passphrase:disabled")
    take(page, "request-policy")
    page.unroute_all()
