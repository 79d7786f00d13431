"""The judge itself: one case at least for each of WEBCAT's rules."""

import hashlib
from typing import Any

import pytest

from support.webcat import Answer, Refusal, Request, is_newer, judge, judge_manifest, policy_of
from taina import base64url
from taina.site.webcat import Manifest

PAGE, INNER, API = "default-src 'none'; script-src 'self'", "default-src 'none'", "default-src 'none'; sandbox"
FILES = {
    "/index.html": b"home",
    "/en/index.html": b"page",
    "/404.html": b"nothing here",
    "/js/a.js": b"1",
    "/i.svg": b"i",
}


def digest(data: bytes) -> str:
    return base64url.encode(hashlib.sha256(data).digest())


MANIFEST: Manifest = {
    "app": "Taina",
    "version": "1.2",
    "default_csp": PAGE,
    "extra_csp": {"/js/": INNER, "/js/deep/": API, "/api/v1/": API},
    "default_index": "index.html",
    "default_fallback": "/404.html",
    "files": {path: digest(data) for path, data in FILES.items()},
    "wasm": [],
    "timestamp": "",
}


def answer(
    body: bytes = b"page", policy: str | None = PAGE, status: int = 200, more: dict[str, str] | None = None
) -> Answer:
    headers = {} if policy is None else {"Content-Security-Policy": policy}
    return Answer(status, tuple({**headers, **(more or {})}.items()), body)


def judged(path: str = "/en/", destination: str = "document", of: Answer | None = None) -> Refusal | None:
    return judge(MANIFEST, Request(path, destination), of or answer())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b"home"),
        ("/index.html", b"home"),
        ("/en/", b"page"),
        ("/en/index.html", b"page"),
        ("/404.html", b"nothing here"),
        ("/nothing", b"nothing here"),
        ("/en/nothing", b"nothing here"),
    ],
)
def test_a_page_is_what_the_manifest_says_by_its_path_its_index_or_the_fallback(path: str, body: bytes) -> None:
    assert judged(path, of=answer(body)) is None
    assert judged(path, of=answer(body + b" ")) is Refusal.FILE_MISMATCH


def test_a_folder_has_no_fallback() -> None:
    assert judged("/nothing/", of=answer(b"nothing here", status=404)) is Refusal.FILE_MISSING


@pytest.mark.parametrize(
    "destination",
    [
        *("document", "frame", "iframe", "script", "style", "worker", "sharedworker", "serviceworker"),
        *("audioworklet", "paintworklet", "object", "embed", "manifest", "report", "xslt"),
    ],
)
def test_what_may_do_something_must_be_listed(destination: str) -> None:
    assert judged("/en/other.js", destination, answer(b"1")) is Refusal.FILE_MISMATCH
    assert judged("/js/a.js", destination, answer(b"1", INNER)) is None
    assert judged("/js/a.js", destination, answer(b"2", INNER)) is Refusal.FILE_MISMATCH


@pytest.mark.parametrize("destination", ["image", "font", "audio", "video", "track", "empty"])
def test_what_is_only_shown_or_fetched_is_held_to_the_manifest_if_it_is_listed(destination: str) -> None:
    assert judged("/i.svg", destination, answer(b"i")) is None
    assert judged("/i.svg", destination, answer(b"j")) is Refusal.FILE_MISMATCH
    assert judged("/other.svg", destination, answer(b"j")) is None
    assert judged("/api/v1/status", destination, answer(b"{}", API)) is None


@pytest.mark.parametrize("status", [200, 206, 400, 404, 500, 502])
def test_the_status_counts_for_nothing(status: int) -> None:
    assert judged(of=answer(status=status)) is None
    assert judged(of=answer(b"oops", status=status)) is Refusal.FILE_MISMATCH
    assert judged(of=answer(policy=None, status=status)) is Refusal.HEADERS_MISSING_CRITICAL


def test_an_empty_answer_carries_nothing() -> None:
    assert judged(of=answer(b"")) is None


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/", PAGE),
        ("/en/", PAGE),
        ("/js", PAGE),
        ("/js/", INNER),
        ("/js/a.js", INNER),
        ("/js/deep/a.js", API),
        ("/api/", PAGE),
        ("/api/v1/status", API),
    ],
)
def test_the_longest_prefix_has_the_policy(path: str, policy: str) -> None:
    assert policy_of(MANIFEST, path) == policy


def test_nothing_but_the_default_holds_for_the_root() -> None:
    assert policy_of({**MANIFEST, "extra_csp": {"/": INNER}}, "/") == PAGE
    assert policy_of({**MANIFEST, "extra_csp": {"/": INNER}}, "/en/") == INNER


@pytest.mark.parametrize("policy", [PAGE + ";", PAGE + " ", PAGE.upper(), PAGE.replace("; ", ";"), INNER, f" , {PAGE}"])
def test_the_policy_is_the_same_to_the_byte(policy: str) -> None:
    assert judged(of=answer(policy=policy)) is Refusal.CSP_MISMATCH
    assert judged("/other.svg", "image", answer(policy=policy)) is Refusal.CSP_MISMATCH
    assert judged("/other", "empty", answer(policy=policy)) is Refusal.CSP_MISMATCH


def test_what_a_policy_says_after_a_comma_is_not_compared() -> None:
    assert judged(of=answer(policy=f"{PAGE}, default-src *")) is None


def test_there_is_one_policy_and_it_says_something() -> None:
    twice = Answer(200, (("Content-Security-Policy", PAGE), ("content-security-policy", PAGE)), b"page")
    assert judged(of=twice) is Refusal.HEADERS_DUPLICATE
    assert judged(of=answer(policy="")) is Refusal.HEADERS_MISSING_CRITICAL
    assert judged(of=answer(policy=None)) is Refusal.HEADERS_MISSING_CRITICAL
    assert judged(of=answer(b"", policy=None, status=304)) is None


@pytest.mark.parametrize("name", ["Link", "link", "Refresh", "REFRESH"])
def test_headers_that_load_or_lead_elsewhere_are_forbidden(name: str) -> None:
    assert judged(of=answer(more={name: "</js/a.js>; rel=preload"})) is Refusal.HEADERS_FORBIDDEN
    assert judged("/api/v1/status", "empty", answer(b"{}", API, more={name: "0"})) is Refusal.HEADERS_FORBIDDEN


@pytest.mark.parametrize("location", ["/en/", "./en/", "../en/", " /en/"])
def test_a_page_may_lead_to_another_of_its_host(location: str) -> None:
    assert judged("/en", of=answer(b"moved", status=308, more={"Location": location})) is None


@pytest.mark.parametrize(
    "location", ["https://127.0.0.1/en/", "//evil.example", "/\\evil.example", "en/", "?a", "javascript:0"]
)
def test_a_page_leads_nowhere_else(location: str) -> None:
    refused = judged("/en", of=answer(b"", status=302, more={"Location": location}))
    assert refused is Refusal.HEADERS_LOCATION_EXTERNAL


@pytest.mark.parametrize("destination", ["script", "style", "worker", "image", "empty"])
def test_nothing_but_pages_leads_anywhere(destination: str) -> None:
    refused = judged("/js/b.js", destination, answer(b"", INNER, 302, more={"Location": "/js/a.js"}))
    assert refused is Refusal.HEADERS_LOCATION_SUBRESOURCE


def test_a_location_without_a_redirect_hides_no_page() -> None:
    assert judged(of=answer(b"other", more={"Location": "/en/"})) is Refusal.FILE_MISMATCH


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("1.2", "1.2", False),
        ("1.2.0", "1.2", False),
        ("1.2", "1.2.0", False),
        ("1.2.1", "1.2", True),
        ("1.10", "1.9", True),
        ("2", "10", False),
        ("1.2", "1.3", False),
    ],
)
def test_versions_are_compared_number_by_number(one: str, other: str, newer: bool) -> None:
    assert is_newer(one, other) is newer


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in MANIFEST.items() if key != name}


@pytest.mark.parametrize(
    ("manifest", "refusal"),
    [
        (MANIFEST, None),
        (without("extra_csp"), None),
        (without("files"), Refusal.MANIFEST_FILES_MISSING),
        ({**MANIFEST, "files": {}}, Refusal.MANIFEST_FILES_MISSING),
        (without("default_csp"), Refusal.MANIFEST_DEFAULT_CSP_MISSING),
        (without("default_index"), Refusal.MANIFEST_DEFAULT_INDEX_MISSING),
        (without("default_fallback"), Refusal.MANIFEST_DEFAULT_FALLBACK_MISSING),
        (without("wasm"), Refusal.MANIFEST_WASM_MISSING),
        ({**MANIFEST, "default_index": "start.html"}, Refusal.MANIFEST_DEFAULT_INDEX_MISSING_FILE),
        ({**MANIFEST, "default_fallback": "404.html"}, Refusal.MANIFEST_DEFAULT_FALLBACK_MISSING),
        ({**MANIFEST, "default_csp": "script-src *"}, Refusal.MANIFEST_DEFAULT_CSP_INVALID),
        ({**MANIFEST, "extra_csp": {"/js/": "script-src *"}}, Refusal.MANIFEST_EXTRA_CSP_INVALID),
    ],
)
def test_a_manifest_is_whole(manifest: dict[str, Any], refusal: Refusal | None) -> None:
    assert judge_manifest(manifest) is refusal


SELF = "default-src 'self'; object-src 'none'; script-src 'self'; style-src 'self'; frame-src 'none'; worker-src 'self'"


@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'none'",
        "default-src 'none'; script-src 'self' 'sha256-AAAA' 'wasm-unsafe-eval'; sandbox; connect-src *",
        "default-src 'none'; style-src 'unsafe-inline'; frame-src blob: data:; worker-src 'none'",
        "default-src 'none'; script-src 'self'; script-src *",  # the second counts for nothing
        "  DEFAULT-SRC 'none' ;; ",
        SELF,
        SELF.replace("default-src 'self'; ", ""),
        SELF.replace("frame-src", "child-src"),
    ],
)
def test_a_policy_that_lets_in_nothing_else(policy: str) -> None:
    assert judge_manifest({**MANIFEST, "default_csp": policy}) is None


@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'none', script-src *",
        "default-src *",
        "default-src 'none' *",
        "default-src 'none'; script-src 'unsafe-inline'",
        "default-src 'none'; script-src 'unsafe-eval'",
        "default-src 'none'; script-src 'strict-dynamic'",
        "default-src 'none'; script-src https:",
        "default-src 'none'; script-src blob:",
        "default-src 'none'; script-src evil.example",
        "default-src 'none'; script-src 'self'; script-src-elem data:",
        "default-src 'none'; style-src https://evil.example",
        "default-src 'none'; style-src-elem *",
        "default-src 'none'; object-src 'self'",
        "default-src 'none'; worker-src blob:",
        "default-src 'none'; frame-src https:",
        "default-src 'none'; child-src *",
        "connect-src 'self'",
        *(SELF.replace(part, "") for part in SELF.split("; ")[1:]),
    ],
)
def test_a_policy_that_lets_in_more(policy: str) -> None:
    assert judge_manifest({**MANIFEST, "default_csp": policy}) is Refusal.MANIFEST_DEFAULT_CSP_INVALID
