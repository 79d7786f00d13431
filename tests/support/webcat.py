"""WEBCAT's rules as a judge: which answers of an enrolled host its extension (2.7.1) lets a browser have.

Written from its documentation and, where the two differ, from what its code does. It does not judge what a server
cannot see: WebAssembly that a page compiles, ports, and answers out of the browser's own cache. Signatures are verified
by our own code, which tests/site/test_sigsum.py holds to Sigsum's documents.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from taina import base64url
from taina.site import SiteError
from taina.site.webcat import Manifest, canonical
from taina.site.webcat_bundle import read_bundle


class Refusal(StrEnum):
    """Why a visitor gets nothing, by the names that the extension shows."""

    BUNDLE_FETCH_ERROR = "BUNDLE_FETCH_ERROR"
    BUNDLE_MALFORMED = "BUNDLE_MALFORMED"
    CSP_MISMATCH = "CSP_MISMATCH"
    ENROLLMENT_MISMATCH = "ENROLLMENT_MISMATCH"
    HEADERS_DUPLICATE = "HEADERS_DUPLICATE"
    HEADERS_FORBIDDEN = "HEADERS_FORBIDDEN"
    HEADERS_LOCATION_EXTERNAL = "HEADERS_LOCATION_EXTERNAL"
    HEADERS_LOCATION_SUBRESOURCE = "HEADERS_LOCATION_SUBRESOURCE"
    HEADERS_MISSING_CRITICAL = "HEADERS_MISSING_CRITICAL"
    FILE_MISMATCH = "FILE_MISMATCH"
    FILE_MISSING = "FILE_MISSING"
    MANIFEST_FILES_MISSING = "MANIFEST_FILES_MISSING"
    MANIFEST_DEFAULT_INDEX_MISSING = "MANIFEST_DEFAULT_INDEX_MISSING"
    MANIFEST_DEFAULT_INDEX_MISSING_FILE = "MANIFEST_DEFAULT_INDEX_MISSING_FILE"
    MANIFEST_DEFAULT_FALLBACK_MISSING = "MANIFEST_DEFAULT_FALLBACK_MISSING"
    MANIFEST_DEFAULT_CSP_MISSING = "MANIFEST_DEFAULT_CSP_MISSING"
    MANIFEST_DEFAULT_CSP_INVALID = "MANIFEST_DEFAULT_CSP_INVALID"
    MANIFEST_EXPIRED = "MANIFEST_EXPIRED"
    MANIFEST_EXTRA_CSP_INVALID = "MANIFEST_EXTRA_CSP_INVALID"
    MANIFEST_VERIFY_FAILED = "MANIFEST_VERIFY_FAILED"
    MANIFEST_WASM_MISSING = "MANIFEST_WASM_MISSING"


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    """As it is sent, without the query."""
    destination: str = "document"
    """What Sec-Fetch-Dest says."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    """Without its content coding."""

    def named(self, name: str) -> list[str]:
        """The values of all headers of this name that say anything."""
        return [value for found, value in self.headers if found.lower() == name and value]


_FRAMES = ("document", "frame", "iframe")
_IF_LISTED = ("audio", "empty", "font", "image", "track", "video")
"""What may come from a path that the manifest does not name; `empty` is a fetch."""
_REDIRECTS = (301, 302, 303, 307, 308)
_NOT_MODIFIED = 304
_SCRIPTS = re.compile(r"'none'|'self'|'wasm-unsafe-eval'|'sha.+", re.IGNORECASE)
_STYLES = re.compile(r"'none'|'self'|'unsafe-inline'|'unsafe-hashes'|'sha.+", re.IGNORECASE)
_CHILDREN = re.compile(r"'none'|'self'|blob:.*|data:.*", re.IGNORECASE)
_OWN = re.compile(r"'none'|'self'", re.IGNORECASE)
_SOURCES = {
    "default-src": _OWN,
    "object-src": re.compile(r"'none'"),
    "script-src": _SCRIPTS,
    "script-src-elem": _SCRIPTS,
    "style-src": _STYLES,
    "style-src-elem": _STYLES,
    "child-src": _CHILDREN,
    "frame-src": _CHILDREN,
    "worker-src": _OWN,
}
"""What each directive may name where no other host is enrolled; those that are not here may name anything."""
_NEEDED = (("object-src",), ("script-src",), ("style-src",), ("child-src", "frame-src"), ("worker-src",))
"""Of each of these one, where `default-src` is not 'none'."""


def judge(manifest: Manifest, request: Request, answer: Answer) -> Refusal | None:
    """Why the extension refuses this answer; None where it accepts it."""
    return _judge_headers(manifest, request, answer) or _judge_body(manifest, request, answer)


def is_newer(version: str, than: str) -> bool:
    """Whether `X-Webcat-Version` makes the extension forget its manifest and reload the page."""
    one, other = (list(map(int, text.split("."))) for text in (version, than))
    length = max(len(one), len(other))
    return one + [0] * (length - len(one)) > other + [0] * (length - len(other))


def judge_bundle(enrolled: str, answer: Answer, now: float) -> Refusal | None:
    """Why the extension takes nothing from a host with this bundle; None where it does.

    Args:
        enrolled: what its list says of the host: SHA-256 of the enrollment, in base64url.
        answer: to `/.well-known/webcat/bundle.json`.
        now: Unix time.
    """
    if answer.status not in range(200, 300):
        return Refusal.BUNDLE_FETCH_ERROR
    try:
        bundle = json.loads(answer.body)
        enrollment = canonical(bundle["enrollment"])
    except (LookupError, TypeError, ValueError):
        return Refusal.BUNDLE_MALFORMED
    if base64url.encode(hashlib.sha256(enrollment).digest()) != enrolled:
        return Refusal.ENROLLMENT_MISMATCH
    try:
        _, manifest, validity = read_bundle(answer.body)
    except SiteError:
        return Refusal.MANIFEST_VERIFY_FAILED
    return Refusal.MANIFEST_EXPIRED if now > validity.until else judge_manifest(manifest)


def judge_manifest(manifest: Mapping[str, object]) -> Refusal | None:
    """Why the extension takes no answer under this manifest, however it is signed; None where it does."""
    files, extra = manifest.get("files"), manifest.get("extra_csp") or {}
    assert isinstance(extra, dict)
    if not files or not isinstance(files, dict):
        return Refusal.MANIFEST_FILES_MISSING
    for name in ("default_csp", "default_index", "default_fallback"):
        if not manifest.get(name):
            return Refusal[f"MANIFEST_{name.upper()}_MISSING"]
    if f"/{manifest['default_index']}" not in files:
        return Refusal.MANIFEST_DEFAULT_INDEX_MISSING_FILE
    if manifest["default_fallback"] not in files:
        return Refusal.MANIFEST_DEFAULT_FALLBACK_MISSING
    if manifest.get("wasm") is None:
        return Refusal.MANIFEST_WASM_MISSING
    if not _is_strict(str(manifest["default_csp"])):
        return Refusal.MANIFEST_DEFAULT_CSP_INVALID
    if not all(map(_is_strict, extra.values())):
        return Refusal.MANIFEST_EXTRA_CSP_INVALID
    return None


def policy_of(manifest: Manifest, path: str) -> str:
    """The Content-Security-Policy of a path."""
    # It looks the root up by its index, without a slash, so that nothing but the default can hold for it.
    path = manifest["default_index"] if path == "/" else path
    prefixes = [prefix for prefix in manifest["extra_csp"] if path.startswith(prefix)]
    return manifest["extra_csp"][max(prefixes, key=len)] if prefixes else manifest["default_csp"]


def _judge_headers(manifest: Manifest, request: Request, answer: Answer) -> Refusal | None:
    for location in answer.named("location"):
        if request.destination not in _FRAMES:
            return Refusal.HEADERS_LOCATION_SUBRESOURCE
        if not _is_within(location.strip()):
            return Refusal.HEADERS_LOCATION_EXTERNAL
    if answer.named("refresh") or answer.named("link"):
        return Refusal.HEADERS_FORBIDDEN
    policies = answer.named("content-security-policy")
    if len(policies) > 1:
        return Refusal.HEADERS_DUPLICATE
    if not policies:
        return None if answer.status == _NOT_MODIFIED else Refusal.HEADERS_MISSING_CRITICAL
    # A second policy after a comma can only forbid more.
    return None if policies[0].partition(",")[0] == policy_of(manifest, request.path) else Refusal.CSP_MISMATCH


def _judge_body(manifest: Manifest, request: Request, answer: Answer) -> Refusal | None:
    if not answer.body or (answer.status in _REDIRECTS and answer.named("location")):
        return None  # nothing that a browser would take
    files, path = manifest["files"], request.path
    expected = files.get(path)
    if expected is None and path.endswith("/"):
        expected = files.get(path + manifest["default_index"])
    if expected is None:
        if request.destination in _IF_LISTED:
            return None
        if path.endswith("/"):
            return Refusal.FILE_MISSING
        expected = files[manifest["default_fallback"]]
    found = base64url.encode(hashlib.sha256(answer.body).digest())
    return None if found == expected else Refusal.FILE_MISMATCH


def _is_within(location: str) -> bool:
    return location.startswith(("/", "./", "../")) and not location.startswith("//") and "\\" not in location


def _is_strict(policy: str) -> bool:
    """Whether a policy leaves no way to code that the manifest does not name."""
    if "," in policy:
        return False
    directives: dict[str, list[str]] = {}
    for name, *sources in filter(None, (part.split() for part in policy.split(";"))):
        directives.setdefault(name.lower(), sources)
    for name, allowed in _SOURCES.items():
        if not all(map(allowed.fullmatch, directives.get(name, []))):
            return False
    if directives.get("default-src") == ["'none'"]:
        return True
    return all(any(directives.get(name) for name in names) for names in _NEEDED)
