"""What WEBCAT is told of the built pages: its manifest, made from ours.

WEBCAT is an extension for browsers: on a host that is enrolled with it, it compares every answer with a manifest that
the holders of the site's keys have signed into a public log. https://github.com/freedomofpress/webcat has its source,
by which this follows.
"""

import hashlib
import json
import re
from typing import TypedDict

from taina import base64url
from taina.site import SiteError
from taina.site.manifest import MANIFEST, SIGNATURE
from taina.web.site_headers import API_POLICY, WEBCAT_VERSION, Headers

VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}")
"""Numbers and dots: the extension compares them as numbers, part by part."""
_APP = "Taina"
_INDEX, _FALLBACK = "index.html", "/404.html"
_LARGEST = 2**53 - 1
"""The largest whole number that JavaScript spells exactly (Number.MAX_SAFE_INTEGER)."""
_API_CALLS = "/api/v"
"""What all calls of the API begin with. `/api/` itself, and what lies below it in a folder, are pages."""
_POLICY = "Content-Security-Policy"


class Manifest(TypedDict):
    """What WEBCAT holds the answers of a host to, with the names that its extension reads."""

    app: str
    """For whoever reads the log; nothing checks it."""
    version: str
    """As every answer says it in X-Webcat-Version."""
    default_csp: str
    extra_csp: dict[str, str]
    """The policy of whatever begins with a path; of several paths, the longest holds."""
    default_index: str
    """What is appended to a path that ends in a slash."""
    default_fallback: str
    """The path of the file that answers where no other does."""
    files: dict[str, str]
    """SHA-256 in base64url by path, which begins with a slash."""
    wasm: list[str]
    timestamp: str
    """A tree head of the log with the witnesses' cosignatures: when the manifest was made, by clocks not ours."""


def make_manifest(ours: bytes, signature: bytes | None = None, timestamp: str = "") -> Manifest:
    """The manifest of built pages.

    Args:
        ours: the bytes of their `manifest.json`.
        signature: those of `manifest.sig`, if there is one: whoever asks for it may then have it.
        timestamp: a cosigned tree head, as a log answers it to `get-tree-head`.

    Raises:
        SiteError: `ours` is no manifest of pages that were built with a version for WEBCAT.
    """
    try:
        document = json.loads(ours)
        headers = Headers(**document["headers"])
        files = {f"/{path}": _spell(facts["sha256"]) for path, facts in document["files"].items()}
        version = headers.of("/").get(WEBCAT_VERSION)
        default = headers.of("/")[_POLICY]
        extra = _policies(headers)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise SiteError(f"{MANIFEST} is not one that this version knows. Build the pages with this version.") from None
    if version is None:
        raise SiteError("These pages are not for WEBCAT. Build them again: taina site build --webcat VERSION")
    files[f"/{MANIFEST}"] = _hash(ours)
    if signature is not None:
        files[f"/{SIGNATURE}"] = _hash(signature)
    if "api.json" not in document["files"]:  # the API is on this host, too
        extra[_API_CALLS] = API_POLICY
    return Manifest(
        app=_APP,
        version=version,
        default_csp=default,
        extra_csp=extra,
        default_index=_INDEX,
        default_fallback=_FALLBACK,
        files=files,
        wasm=[],
        timestamp=timestamp,
    )


def canonical(document: object) -> bytes:
    """JSON as WEBCAT hashes and signs it: sorted, without spaces, and with no escapes but of `"` and a backslash.

    Raises: ValueError: it holds a fraction, a number past 2**53, half a character, or what is no JSON.
    """
    try:
        return _canonical(document).encode()
    except RecursionError:
        raise ValueError("too many levels") from None


def _canonical(value: object) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case int() | float() if abs(value) <= _LARGEST and float(value).is_integer():
            return str(int(value))
        case list():
            return f"[{','.join(map(_canonical, value))}]"
        case dict():
            # Sorted as JavaScript does, by UTF-16.
            pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
            return "{" + ",".join(f"{_canonical(key)}:{_canonical(inner)}" for key, inner in pairs) + "}"
    raise ValueError(f"{value!r} has no canonical form")


def _policies(headers: Headers) -> dict[str, str]:
    """The policies that differ from the one that would hold without them."""
    found: dict[str, str] = {}
    default = headers.of("/")[_POLICY]
    for path in sorted(headers.paths, key=len):
        inherited = max((prefix for prefix in found if path.startswith(prefix)), key=len, default=None)
        policy = headers.of(path)[_POLICY]
        if policy != (default if inherited is None else found[inherited]):
            found[path] = policy
    return found


def _spell(hexadecimal: str) -> str:
    return base64url.encode(bytes.fromhex(hexadecimal))


def _hash(data: bytes) -> str:
    return base64url.encode(hashlib.sha256(data).digest())
