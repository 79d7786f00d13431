"""`taina serve` on a host that is enrolled in WEBCAT: nothing honest is refused, every hostile change is, by name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from support.servers import start_server, stop_server
from support.webcat import Answer, Refusal, Request, judge, judge_manifest
from support.webcat_visitor import Visitor, ask
from taina.site.webcat import make_manifest


@pytest.fixture(scope="module")
def visitor(webcat_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    server = start_server(tmp_path_factory.mktemp("data"), "--site", str(webcat_site))
    with httpx.Client(base_url=server.url) as client:
        yield Visitor(client, make_manifest((webcat_site / "manifest.json").read_bytes()))
    stop_server(server)


def test_the_extension_takes_the_manifest(visitor: Visitor) -> None:
    assert judge_manifest(visitor.manifest) is None


def test_a_visitor_may_go_everywhere(visitor: Visitor) -> None:
    assert visitor.refused() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/status", 200),
        ("HEAD", "/api/v1/status", 200),
        ("GET", f"/api/v1/secrets/{'A' * 22}", 404),
        ("PUT", f"/api/v1/secrets/{'A' * 22}", 415),
        ("POST", "/api/v1/secrets/no-id/reveal", 422),
        ("POST", "/api/v1/status", 405),
        ("GET", "/api/v1/nothing", 404),
    ],
)
def test_what_pages_ask_of_the_api_is_answered(visitor: Visitor, method: str, path: str, status: int) -> None:
    answer = ask(visitor.client, path, "empty", method)
    assert answer.status == status
    assert judge(visitor.manifest, Request(path.partition("?")[0], "empty"), answer) is None


@pytest.mark.parametrize("path", ["/", "/en/", "/en/security/", "/assets/nothing.js", "/manifest.json"])
def test_no_answer_makes_the_page_load_again(visitor: Visitor, path: str) -> None:
    assert ask(visitor.client, path).named("x-webcat-version") == [visitor.manifest["version"]]


Change = Callable[[Answer], Answer]
"""What a hostile server makes of an honest answer."""
POLICY = "content-security-policy"
RELAXED = "default-src *; script-src 'self' 'unsafe-inline'"
EVIL = b"\nvoid fetch('https://evil.example/');"


def appended(data: bytes) -> Change:
    return lambda answer: replace(answer, body=answer.body + data)


def replaced(old: bytes, new: bytes) -> Change:
    def change(answer: Answer) -> Answer:
        assert old in answer.body
        return replace(answer, body=answer.body.replace(old, new, 1))

    return change


def headed(name: str, value: str | None) -> Change:
    """With another header in place of those of this name, or with none."""

    def change(answer: Answer) -> Answer:
        kept = tuple(pair for pair in answer.headers if pair[0].lower() != name)
        return replace(answer, headers=kept if value is None else (*kept, (name, value)))

    return change


def at_the_end(script: str) -> Change:
    return replaced(b"</body>", f"{script}</body>".encode())


@pytest.mark.parametrize(
    ("destination", "path", "changes", "refusal"),
    [
        pytest.param("script", "js/format/links.js", [replaced(b" ", b"\t")], Refusal.FILE_MISMATCH, id="one byte"),
        pytest.param("script", "js/pages/create.js", [appended(EVIL)], Refusal.FILE_MISMATCH, id="module"),
        pytest.param("script", "js/generator.js", [appended(EVIL)], Refusal.FILE_MISMATCH, id="module loaded later"),
        pytest.param("worker", "js/client/transfer_worker.js", [appended(EVIL)], Refusal.FILE_MISMATCH, id="worker"),
        pytest.param(
            "worker", "js/client/spool.js", [appended(EVIL)], Refusal.FILE_MISMATCH, id="module of the worker"
        ),
        pytest.param(
            *("document", "/en/", [at_the_end('<script src="/evil.js"></script>')], Refusal.FILE_MISMATCH),
            id="a script more",
        ),
        pytest.param(
            *("document", "/en/", [at_the_end("<script>evil()</script>"), headed(POLICY, RELAXED)]),
            Refusal.CSP_MISMATCH,
            id="a script in the page, by another policy",
        ),
        pytest.param("document", "/en/", [headed(POLICY, RELAXED)], Refusal.CSP_MISMATCH, id="another policy"),
        pytest.param("document", "/en/", [headed(POLICY, None)], Refusal.HEADERS_MISSING_CRITICAL, id="no policy"),
        pytest.param("style", "css/site.css", [appended(b"main { display: none }")], Refusal.FILE_MISMATCH, id="style"),
        pytest.param("image", "images/mark.svg", [appended(b" ")], Refusal.FILE_MISMATCH, id="drawing"),
        pytest.param("empty", "packages/eff-long.txt", [replaced(b"abacus", b"b")], Refusal.FILE_MISMATCH, id="words"),
        pytest.param(
            *("document", "/en/", [headed("link", "</evil.js>; rel=preload")], Refusal.HEADERS_FORBIDDEN), id="link"
        ),
        pytest.param(
            *("document", "/en/", [headed("location", "https://evil.example/")], Refusal.HEADERS_LOCATION_EXTERNAL),
            id="another host",
        ),
    ],
)
def test_what_a_hostile_server_changes_is_refused(
    visitor: Visitor, destination: str, path: str, changes: list[Change], refusal: Refusal
) -> None:
    base = next(path for path in visitor.manifest["files"] if path.endswith("css/site.css")).removesuffix(
        "css/site.css"
    )
    request = Request(path if path.startswith("/") else base + path, destination)
    answer = ask(visitor.client, request.path, destination)
    assert judge(visitor.manifest, request, answer) is None
    for change in changes:
        answer = change(answer)
    assert judge(visitor.manifest, request, answer) is refusal


def test_no_page_stands_at_the_address_of_another(visitor: Visitor) -> None:
    other = ask(visitor.client, "/en/privacy/")
    assert judge(visitor.manifest, Request("/en/"), other) is Refusal.FILE_MISMATCH


def test_a_second_policy_is_accepted_as_it_can_only_forbid_more(visitor: Visitor) -> None:
    """A browser holds a page to every policy that it gets."""
    answer = ask(visitor.client, "/en/")
    (policy,) = answer.named(POLICY)
    assert judge(visitor.manifest, Request("/en/"), headed(POLICY, f"{policy}, {RELAXED}")(answer)) is None
