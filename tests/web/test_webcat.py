"""`taina serve` on a host that is enrolled in WEBCAT: nothing honest is refused, every hostile change is, by name."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.servers import start_server, stop_server
from support.sigsum import DAY, Log, name_of, to_json
from support.webcat import Answer, Refusal, Request, judge, judge_bundle
from support.webcat_visitor import Visitor, ask
from taina.site.sigsum import sign_request
from taina.site.webcat import canonical, make_manifest
from taina.site.webcat_enrollment import read_enrollment
from taina.web.site_headers import WEBCAT_BUNDLE, WEBCAT_PREVIOUS

KEY, LOG = Ed25519PrivateKey.generate(), Log()
ENROLLMENT = LOG.enrollment(KEY)
ENROLLED = read_enrollment(to_json(ENROLLMENT)).hash
NOW = int(time.time())


def bundle_of(manifest: Mapping[str, object], key: Ed25519PrivateKey = KEY, **more: Any) -> dict[str, Any]:
    """A bundle in which everything is as it has to be."""
    timed = {**manifest, "timestamp": LOG.tree_head(NOW).strip()}
    proof = LOG.submit(sign_request(key, canonical(timed)), NOW).strip()
    return {"enrollment": ENROLLMENT, "manifest": timed, "signatures": {name_of(key): proof}, **more}


@pytest.fixture(scope="module")
def visitor(webcat_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    folder = shutil.copytree(webcat_site, tmp_path_factory.mktemp("enrolled") / "site")
    manifest = make_manifest((folder / "manifest.json").read_bytes())
    (folder / WEBCAT_BUNDLE).parent.mkdir(parents=True)
    (folder / WEBCAT_BUNDLE).write_bytes(to_json(bundle_of(manifest)))
    server = start_server(tmp_path_factory.mktemp("data"), "--site", str(folder))
    with httpx.Client(base_url=server.url) as client:
        yield Visitor(client, manifest)
    stop_server(server)


def test_the_extension_takes_the_bundle(visitor: Visitor) -> None:
    answer = ask(visitor.client, f"/{WEBCAT_BUNDLE}", "empty")
    assert judge_bundle(ENROLLED, answer, NOW) is None
    assert judge_bundle(ENROLLED, answer, NOW + 180 * DAY) is None


def test_the_extension_takes_no_bundle_of_200_days(visitor: Visitor) -> None:
    answer = ask(visitor.client, f"/{WEBCAT_BUNDLE}", "empty")
    assert judge_bundle(ENROLLED, answer, NOW + 200 * DAY) is Refusal.MANIFEST_EXPIRED


def test_a_host_without_a_bundle_is_refused(visitor: Visitor) -> None:
    answer = ask(visitor.client, f"/{WEBCAT_PREVIOUS}", "empty")
    assert judge_bundle(ENROLLED, answer, NOW) is Refusal.BUNDLE_FETCH_ERROR
    assert judge_bundle(ENROLLED, replace(answer, status=200), NOW) is Refusal.BUNDLE_MALFORMED


def test_a_manifest_that_nobody_signed_is_refused(visitor: Visitor) -> None:
    bundle = bundle_of(visitor.manifest)
    files = bundle["manifest"]["files"]
    bundle["manifest"]["files"] = {**files, "/en/index.html": files["/index.html"]}
    assert judge_bundle(ENROLLED, Answer(200, (), to_json(bundle)), NOW) is Refusal.MANIFEST_VERIFY_FAILED


def test_a_manifest_that_another_signed_is_refused(visitor: Visitor) -> None:
    other = Ed25519PrivateKey.generate()
    for bundle, refusal in [
        (bundle_of(visitor.manifest, other, enrollment=LOG.enrollment(other)), Refusal.ENROLLMENT_MISMATCH),
        (bundle_of(visitor.manifest, other), Refusal.MANIFEST_VERIFY_FAILED),
    ]:
        assert judge_bundle(ENROLLED, Answer(200, (), to_json(bundle)), NOW) is refusal


def test_an_older_bundle_is_accepted_as_nothing_remembers_a_newer_one(visitor: Visitor) -> None:
    """Within max_age whoever has the server can go back to pages that the keys' holders once signed."""
    older = bundle_of({**visitor.manifest, "version": "1"})
    assert judge_bundle(ENROLLED, Answer(200, (), to_json(older)), NOW) is None


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
        pytest.param("worker", "js/worker/transfer_worker.js", [appended(EVIL)], Refusal.FILE_MISMATCH, id="worker"),
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
