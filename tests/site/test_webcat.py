"""WEBCAT's manifest of the built pages, and the canonical JSON that is signed of it."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.site_documents import Document
from support.sites import built_files
from taina import base64url
from taina.site import SiteError, hosting, webcat
from taina.site import build as build_site
from taina.web.headers import HEADERS
from taina.web.site_headers import Headers

VERSION = "7.1"


def site() -> dict[str, bytes]:
    return built_files(webcat=VERSION)


@cache
def headers_of_site() -> dict[str, Any]:
    return dict(json.loads(site()["manifest.json"])["headers"])


@cache
def manifest() -> webcat.Manifest:
    return webcat.make_manifest(site()["manifest.json"], b"signature", "a tree head")


def policy_of(manifest: webcat.Manifest, path: str) -> str:
    """As the extension finds it: the exact path, else the longest prefix; the root by its index, without a slash."""
    path = manifest["default_index"] if path == "/" else path
    prefixes = [prefix for prefix in manifest["extra_csp"] if path.startswith(prefix)]
    return manifest["extra_csp"][max(prefixes, key=len)] if prefixes else manifest["default_csp"]


def expected_policy(path: str) -> str:
    prefix = max((prefix for prefix in headers_of_site()["paths"] if path.startswith(prefix)), key=len)
    return str(headers_of_site()["rules"][headers_of_site()["paths"][prefix]]["Content-Security-Policy"])


def test_the_manifest_names_every_file_with_its_hash() -> None:
    files = {f"/{path}": hashlib.sha256(data).digest() for path, data in site().items()}
    files["/manifest.sig"] = hashlib.sha256(b"signature").digest()
    assert {path: base64url.decode(text) for path, text in manifest()["files"].items()} == files
    assert "/manifest.sig" not in webcat.make_manifest(site()["manifest.json"])["files"]


def test_the_manifest_has_the_policy_of_every_address() -> None:
    addresses = {f"/{path}".removesuffix("index.html") for path in site()} | {"/", "/nothing", "/en", "/api", "/api/"}
    for address in addresses:
        assert policy_of(manifest(), address) == expected_policy(address), address
    for address in ("/api/v1/status", "/api/v1/secrets/AAAAAAAAAAAAAAAAAAAAAA", "/api/v9"):
        assert policy_of(manifest(), address) == dict(HEADERS)["Content-Security-Policy"]
    assert not [policy for policy in [manifest()["default_csp"], *manifest()["extra_csp"].values()] if "," in policy]


def test_a_policy_within_another_is_said_even_where_it_is_the_usual_one() -> None:
    rules = {name: {"Content-Security-Policy": name, "X-Webcat-Version": "1"} for name in ("page", "asset", "script")}
    paths = {"/": "page", "/s/": "page", "/a/": "asset", "/a/js/": "script", "/a/p/": "page", "/a/p/q/": "page"}
    document = {"files": {"api.json": {"sha256": ""}}, "headers": {"rules": rules, "paths": paths}}
    manifest = webcat.make_manifest(json.dumps(document).encode())
    assert manifest["extra_csp"] == {"/a/": "asset", "/a/js/": "script", "/a/p/": "page"}


def test_the_api_on_another_host_has_no_policy_of_this_one() -> None:
    site = build_site.build(api="https://api.example", webcat=VERSION)
    manifest = webcat.make_manifest(site["manifest.json"])
    assert not [path for path in manifest["extra_csp"] if path.startswith("/api")]
    assert "connect-src 'self' https://api.example;" in manifest["default_csp"]


def test_the_rest_of_the_manifest_is_what_the_extension_asks_for() -> None:
    rest = {key: value for key, value in manifest().items() if key not in ("files", "default_csp", "extra_csp")}
    assert rest == {
        "app": "Taina",
        "version": VERSION,
        "default_index": "index.html",
        "default_fallback": "/404.html",
        "wasm": [],
        "timestamp": "a tree head",
    }
    assert {"/index.html", "/404.html"} <= set(manifest()["files"])


def test_every_answer_tells_the_version() -> None:
    assert {rule["X-Webcat-Version"] for rule in headers_of_site()["rules"].values()} == {VERSION}
    assert not re.search(b"(?i)webcat-version", built_files()["manifest.json"])


def test_the_version_and_two_pages_are_all_that_differs() -> None:
    languages = {path for path in built_files() if path.endswith("/404.html")}
    assert set(built_files()) - set(site()) == languages
    assert set(site()) <= set(built_files())
    checks = {path for path in site() if re.fullmatch(".+/verify/index.html", path)}
    assert {path for path in site() if site()[path] != built_files()[path]} == {"404.html", "manifest.json", *checks}
    assert build_site.build(webcat=VERSION) == site()


def test_the_one_page_that_is_not_found_leads_to_pages_that_are_there() -> None:
    for address in Document(site()["404.html"]).addresses():
        if address.startswith("/"):
            assert address[1:] in site() or f"{address[1:]}index.html" in site(), address


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (built_files()["manifest.json"], "These pages are not for WEBCAT. Build them again"),
        (b"", "manifest.json is not one that this version knows."),
        (b"[]", "manifest.json is not one that this version knows."),
        (b'{"files": {"x": {"sha256": "?"}}, "headers": {"rules": {}, "paths": {}}}', "is not one that this version"),
        (b'{"files": {}, "headers": {"rules": {"a": {}}, "paths": {"/": "a"}}}', "is not one that this version knows."),
    ],
)
def test_other_pages_have_no_manifest(manifest: bytes, said: str) -> None:
    with pytest.raises(SiteError, match=re.escape(said)):
        webcat.make_manifest(manifest)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_canonical_form_says_the_same(document: object) -> None:
    """Read leniently, for line ends stand in it as they are."""
    assert json.loads(webcat.canonical(document).decode(), strict=False) == document


@given(JSON)
def test_the_canonical_form_is_that_of_javascript_where_nothing_is_escaped(document: object) -> None:
    usual = json.dumps(document, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    astral = any(ord(letter) > 0xD7FF for letter in usual)
    escaped = re.search(r'\\[^"\\]', usual.replace("\\\\", ""))
    if not astral and not escaped and "\\" not in usual:
        assert webcat.canonical(document) == usual.encode()


def test_the_canonical_form_to_the_letter() -> None:
    """What their `canonicalize` makes of it: keys by UTF-16, so that an emoji comes before U+FF5E."""
    document = {
        "b": [1, None, True, 15552000.0],
        "a": 'line\nend\t"\\',
        "\uff5e": "я",
        "\U0001f408": {},
        "10": "",
        "9": [],
    }
    expected = '{"10":"","9":[],"a":"line\nend\t\\"\\\\","b":[1,null,true,15552000],"\U0001f408":{},"\uff5e":"я"}'
    assert webcat.canonical(document).decode() == expected


@pytest.mark.parametrize("document", [1.5, float("inf"), float("nan"), 2**53, 10**400, {"x": [0.1]}, "\ud800", b""])
def test_what_has_no_canonical_form_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"canonical|surrogates"):
        webcat.canonical(document)


@pytest.mark.parametrize("language", ["en", "bg", "de", "ar"])
def test_the_page_on_checking_says_how_to_see_it_where_there_is_something_to_see(language: str) -> None:
    path = f"{language}/verify/index.html"
    with_webcat, plain = site()[path].decode(), built_files()[path].decode()
    assert "WEBCAT" not in plain
    for said in ("WEBCAT verification successful", "Did not verify", "signers", "max_age", "X-Webcat-Version"):
        assert said in with_webcat.replace("<wbr>", "").replace("\u00a0", " ")
    assert re.sub(r"<h2>[^<]*WEBCAT</h2>.*(?=</article>)", "", with_webcat, flags=re.DOTALL).split() == plain.split()


def test_every_language_with_a_text_on_checking_has_both_parts() -> None:
    texts = build_site.SOURCE / "texts"
    both = [{file.parent.name for file in texts.glob(f"*/verify{end}.md")} for end in ("", "-webcat")]
    assert both[0] == both[1]


def test_hosts_are_told_the_version_for_every_file() -> None:
    headers = Headers(**headers_of_site())
    told = hosting.files(headers, [path for path in site() if path != "manifest.json"])
    blocks = told["_headers"].decode().strip().split("\n\n")
    for block in blocks:
        place, *lines = block.split("\n")
        if not place.startswith("/:language"):  # adds to a rule that says it already
            assert lines.count(f"  X-Webcat-Version: {VERSION}") == 1, place
    assert [block for block in blocks if block.startswith("/.well-known/*\n")]
    for name, said in (
        ("caddy.conf", f"X-Webcat-Version `{VERSION}`"),
        ("nginx.conf", f'X-Webcat-Version "{VERSION}"'),
    ):
        text = told[name].decode()
        assert text.count(said) == text.count("Content-Security-Policy "), name


def test_new_pages_take_the_place_of_the_old_and_of_their_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not of the enrollment: WEBCAT's list has the hash of that very file."""
    small = {"404.html": site()["404.html"], "manifest.json": b'{"files": {"404.html": {}}}'}
    monkeypatch.setattr(build_site, "everything", lambda *_: small)
    build_site.write(tmp_path, webcat=VERSION)
    kept = tmp_path / ".well-known/webcat"
    kept.mkdir(parents=True)
    for name in ("bundle", "bundle-prev", "enrollment", "manifest"):
        (kept / f"{name}.json").write_text("{}")
    build_site.write(tmp_path, webcat=VERSION)
    assert [file.name for file in kept.iterdir()] == ["enrollment.json"]


def test_what_is_too_deep_is_refused() -> None:
    document: list[object] = []
    for _ in range(10_000):
        document = [document]
    with pytest.raises(ValueError, match="too many levels"):
        webcat.canonical(document)
