"""A client that has spent its budgets, as its pages tell it: nothing is lost, and when to come back."""

from pathlib import Path

import httpx
import playwright.sync_api as playwright
import pytest

from browser.engines import PlaywrightTab, Tab, reach
from support.api import bearer, create, secret_path
from support.secrets import Made
from support.servers import Server, free_port, start_server, stop_server
from taina import Client


def test_a_page_says_that_it_was_too_much_and_keeps_what_was_entered(
    tab: Tab, built_site: Path, tmp_path: Path
) -> None:
    few = ("--client-creates", "1", "--client-misses", "1")
    server = start_server(tmp_path / "data", "--site", str(built_site), *few, port=free_port())
    tab.open(f"{server.url}/bg/")
    tab.fill("#text", "тайна")
    tab.click("#send")
    reach(tab, "done")
    link = tab.value("#link")

    with httpx.Client(base_url=f"{server.url}/api/v1") as api:
        made = [create(api, Made()) for _ in range(9)]
        for one in (*made, Made()):
            assert api.get(secret_path(one), headers=bearer(bytes(32))).status_code == 404

    tab.click("#another")
    tab.fill("#text", "още една")
    tab.click("#send")
    reach(tab, "error")
    assert tab.shown('[data-error="rate_limited"]')
    assert tab.value("#text") == "още една"

    tab.open(link)
    assert reach(tab, "limited", "before") == "limited"
    stop_server(server)

    server = start_server(tmp_path / "data", "--site", str(built_site), port=server.port)
    tab.reload()
    assert reach(tab, "before") == "before"
    stop_server(server)


def test_what_is_spent_for_the_day_is_not_said_to_come_back_in_minutes(
    tab: Tab, built_site: Path, tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", "--site", str(built_site), "--client-storage", "5000")
    tab.open(f"{server.url}/en/")
    for n, outcome in enumerate(["done", "error"]):
        tab.fill("#text", f"{n}" * 3000)
        tab.click("#send")
        reach(tab, outcome)
        if outcome == "done":
            tab.click("#another")
    assert tab.shown('[data-error="quota"]')
    assert "today" in tab.text("#error")
    assert tab.value("#text") == "1" * 3000
    stop_server(server)


def test_a_page_does_the_work_that_is_asked_for(tab: Tab, built_site: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--site", str(built_site), "--work", "12")
    tab.open(f"{server.url}/en/")
    tab.fill("#text", "paid for")
    tab.click("#send")
    reach(tab, "done")
    with Client(server.url) as client:
        assert client.open(tab.value("#link")).text == "paid for"
    tab.open(f"{server.url}/en/request/")
    tab.click("#make")
    reach(tab, "done")
    stop_server(server)


LIMITED = '{"code": "rate_limited", "retry_after": 60}'


@pytest.mark.parametrize("tries", [1, 2])
def test_a_reader_whose_answer_was_lost_and_who_is_refused_then_keeps_the_page(
    page: playwright.Page, taina: Server, tries: int
) -> None:
    """Another load of the page would lose the claim by which the server knows its reader."""
    with Client(taina.url) as client:
        sent = client.send("hunter2")
        tab = PlaywrightTab(page)
        tab.open(sent.link)
        reach(tab, "before")
        asked = []

        def lose_then_refuse(route: playwright.Route) -> None:
            asked.append(route)
            if len(asked) == 1:
                assert route.fetch().ok
                route.abort()
            else:
                route.fulfill(status=429, body=LIMITED, content_type="application/problem+json")

        page.route("**/reveal", lose_then_refuse)
        tab.click("#reveal")
        for _ in range(tries):
            assert reach(tab, "unreachable", "limited") == "unreachable"
            assert tab.shown("#interrupted")
            with page.expect_response("**/reveal"):
                tab.click("#try-again")
        assert client.receipt(sent.receipt).state == "revealed"
        page.unroute("**/reveal")
        reach(tab, "unreachable")
        tab.click("#try-again")
        reach(tab, "shown")
        assert tab.text("#secret-text") == "hunter2"


def test_a_reader_who_is_refused_at_once_is_told_when_to_come_back(page: playwright.Page, taina: Server) -> None:
    with Client(taina.url) as client:
        sent = client.send("hunter2")
        tab = PlaywrightTab(page)
        tab.open(sent.link)
        reach(tab, "before")
        page.route(
            "**/reveal",
            lambda route: route.fulfill(status=429, body=LIMITED, content_type="application/problem+json"),
        )
        tab.click("#reveal")
        reach(tab, "limited")
        assert client.receipt(sent.receipt).state == "waiting"
