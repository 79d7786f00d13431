"""How the server delivers the built site."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import brotli
import httpx
import pytest

from support.servers import Server


@pytest.fixture
def web(taina: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=taina.url) as client:
        yield client


def test_every_file_arrives_as_it_was_built(web: httpx.Client, built_site: Path) -> None:
    manifest = json.loads((built_site / "manifest.json").read_text())
    rules = manifest["headers"]
    for path in manifest["files"]:
        answer = web.get("/" + path.removesuffix("index.html"), headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200
        assert answer.content == (built_site / path).read_bytes()
        prefix = max((start for start in rules["paths"] if f"/{path}".startswith(start)), key=len)
        for name, value in rules["rules"][rules["paths"][prefix]].items():
            assert answer.headers[name] == value
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br, gzip", "br"),
        ("gzip", "gzip"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("deflate", None),
        ("", None),
        ("BR", "br"),
    ],
)
def test_compressed_copies_by_what_the_browser_accepts(web: httpx.Client, accepted: str, coding: str | None) -> None:
    with web.stream("GET", "/en/", headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    decoders = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
    assert decoders[coding](raw) == web.get("/en/", headers={"Accept-Encoding": "identity"}).content


def test_unknown_pages_are_told_in_the_reader_s_language(web: httpx.Client, built_site: Path) -> None:
    for path, file in [("/bg/nothing", "bg/404.html"), ("/en/x/y", "en/404.html"), ("/nothing", "404.html")]:
        answer = web.get(path)
        assert answer.status_code == 404
        assert answer.content == (built_site / file).read_bytes()


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/en/privacy", "/en/privacy/"),
        ("/en/privacy/index.html", "/en/privacy/"),
        ("/index.html", "/"),
        ("/api", "/api/"),
        ("/api/index.html", "/api/"),
    ],
)
def test_a_page_has_one_address_to_which_the_others_hop(web: httpx.Client, path: str, page: str) -> None:
    answer = web.get(path)
    assert (answer.status_code, answer.headers["location"]) == (308, page)
    assert answer.headers["content-security-policy"] == web.get(page).headers["content-security-policy"]


def test_head_and_wrong_methods(web: httpx.Client) -> None:
    head = web.head("/en/")
    assert (head.status_code, head.content) == (200, b"")
    assert web.post("/en/").status_code == 405
    assert web.post("/en/").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(("method", "path"), [("GET", "/en/privacy"), ("GET", "/bg"), ("POST", "/en/"), ("PUT", "/x")])
def test_hops_and_refusals_have_the_headers_of_pages(
    web: httpx.Client, built_site: Path, method: str, path: str
) -> None:
    """A browser that checks pages wants its policy with each answer of the host."""
    expected = json.loads((built_site / "manifest.json").read_text())["headers"]["rules"]["page"]
    found = web.request(method, path).headers
    assert {name: found.get(name) for name in expected} == expected


def test_the_pages_are_in_no_search_engine_where_links_lead(web: httpx.Client) -> None:
    for path in ("/s/", "/en/s/", "/bg/receipt/"):
        assert "noindex" in web.get(path).headers["x-robots-tag"]
    assert "x-robots-tag" not in web.get("/en/").headers
