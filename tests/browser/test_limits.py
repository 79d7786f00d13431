"""A client that has spent its budgets, as its pages tell it: nothing is lost, and when to come back."""

from pathlib import Path

import httpx
import pytest

from browser.engines import Tab, reach
from support.api import bearer, create, secret_path
from support.secrets import Made
from support.servers import free_port, start_server, stop_server
from taina import Client


@pytest.mark.any_engine
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


@pytest.mark.any_engine
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


@pytest.mark.any_engine
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
