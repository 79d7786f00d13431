"""Pages on a plain static server, the API on another origin: what `taina site build --api` is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from browser.engines import Tab, choose, digest, reach, saved
from support.api import secret_path
from support.secrets import Made
from support.servers import Server, start_server, stop_server
from support.sites import write_site
from support.static_host import static_host
from taina import Client


@dataclass(frozen=True)
class Split:
    pages: str
    api: Server


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    folder = tmp_path_factory.mktemp("pages")
    with static_host(folder) as pages:
        api = start_server(tmp_path_factory.mktemp("api"), "--origins", pages)
        write_site(folder, api=api.url)
        yield Split(pages, api)
    stop_server(api)


def test_a_secret_and_its_receipt(tab: Tab, reader: Tab, split: Split) -> None:
    tab.open(f"{split.pages}/en/")
    tab.fill("#text", "across two hosts")
    tab.click("#send")
    reach(tab, "done")
    link, receipt = tab.value("#link"), tab.value("#receipt-link")
    assert link.startswith(f"{split.pages}/s/#")
    reader.open(link)
    reach(reader, "before")
    reader.click("#reveal")
    reach(reader, "shown")
    assert reader.text("#secret-text") == "across two hosts"
    tab.open(receipt)
    reach(tab, "shown")


def test_a_file_of_many_chunks_goes_by_the_worker(tab: Tab, reader: Tab, split: Split, tmp_path: Path) -> None:
    file = tmp_path / "big.bin"
    file.write_bytes(bytes(range(256)) * (3 << 12))
    tab.open(f"{split.pages}/en/")
    choose(tab, [file])
    tab.click("#send")
    reach(tab, "done")
    reader.open(tab.value("#link"))
    reach(reader, "before")
    reader.click("#reveal")
    reach(reader, "shown")
    assert saved(reader, "#secret-files button") == digest(file)


def test_a_request_is_answered(tab: Tab, reader: Tab, split: Split) -> None:
    tab.open(f"{split.pages}/en/request/")
    tab.click("#make")
    reach(tab, "done")
    reader.open(tab.value("#link"))
    reach(reader, "ready")
    reader.fill("#text", "the answer")
    reader.click("#send")
    reach(reader, "done")


def test_programs_find_the_api_by_a_link_of_the_pages(split: Split) -> None:
    with Client(split.pages) as client:
        sent = client.send("from a program")
        assert sent.link.startswith(f"{split.pages}/s/#")
        assert client.open(sent.link).text == "from a program"
        assert client.receipt(sent.receipt).state == "opened"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "https://evil.example", "null", "http://127.0.0.1"])
def test_pages_of_no_other_origin_are_let_in(split: Split, origin: str) -> None:
    made = Made()
    with httpx.Client(base_url=f"{split.api.url}/api/v1", headers={"Origin": origin}) as elsewhere:
        asked = elsewhere.options(secret_path(made), headers={"Access-Control-Request-Method": "PUT"})
        made_it = elsewhere.put(secret_path(made), json=made.body(), headers={"Sec-Fetch-Site": "cross-site"})
        status = elsewhere.get("/status")
    assert made_it.status_code == 403
    for answer in (asked, made_it, status):
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"


def test_the_origin_that_is_let_in_is_named_exactly(split: Split) -> None:
    made = Made()
    with httpx.Client(base_url=f"{split.api.url}/api/v1", headers={"Origin": split.pages}) as pages:
        asked = pages.options(secret_path(made), headers={"Access-Control-Request-Method": "PUT"})
        kept = pages.put(secret_path(made), json=made.body(), headers={"Sec-Fetch-Site": "cross-site"})
    assert (asked.status_code, kept.status_code) == (204, 201)
    for answer in (asked, kept):
        assert answer.headers["access-control-allow-origin"] == split.pages
        assert "access-control-allow-credentials" not in answer.headers
    assert asked.headers["access-control-allow-headers"] == "Authorization, Content-Type"
