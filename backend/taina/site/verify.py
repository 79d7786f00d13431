"""Compare a live site, or a folder, with the manifest that its maker signed: byte for byte, and header for header.

The signature is Ed25519 (RFC 8032) over the bytes of `manifest.json`, in base64url, in `manifest.sig`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from taina import __version__, base64url
from taina.errors import InvalidError, UnreachableError

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    f"taina/{__version__}",
)
"""Who we say that we are, in turn: a host that shows checkers another face has to guess which of them is one."""
_LOADS = ("content-security-policy-report-only", "link", "location", "refresh", "reporting-endpoints", "report-to")
_KEEPS = ("nel", "service-worker-allowed", "set-cookie", "sourcemap", "speculation-rules", "x-sourcemap")
_POWERS = (*_LOADS, *_KEEPS)
"""Headers that load, keep or report something; no page of ours has one."""
_STRANGE = ("sw.js", "service-worker.js", "js/site.js", "en/nothing-is-here.html")
"""Paths at which nothing may be."""
_BESIDE = {MANIFEST, SIGNATURE, "_headers", "caddy.conf", "nginx.conf"}
_PATIENCE = 30.0


@dataclass
class Report:
    files: int = 0
    findings: list[str] = field(default_factory=list)
    """One sentence for each thing that is not as it should be; none is good."""


def read_key(text: str) -> Ed25519PublicKey:
    """A public key in base64url. Raises: InvalidError."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64url.decode(text.strip()))
    except ValueError:
        raise InvalidError("This is no public key: it has 43 letters, digits, - and _.", field="key") from None


def verify_host(url: str, key: Ed25519PublicKey, on_progress: Callable[[int, int], None] = lambda *_: None) -> Report:
    """Fetch every file of the manifest from a live host, and what must not be there.

    Raises:
        UnreachableError: it does not answer.
    """
    root = url.rstrip("/") + "/"
    with httpx.Client(timeout=_PATIENCE, follow_redirects=False, headers={"Accept-Encoding": "identity"}) as client:
        try:
            return compare_host(client, root, key, on_progress)
        except httpx.HTTPError as error:
            raise UnreachableError(f"{root} does not answer ({error or type(error).__name__}).") from None


def verify_folder(folder: Path, key: Ed25519PublicKey) -> Report:
    """Compare a built site on this disk; files that the manifest does not name are findings, too."""
    report = Report()
    try:
        manifest = _signed(key, (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_bytes(), report)
    except OSError as error:
        report.findings.append(f"{Path(str(error.filename)).name} cannot be read.")
        return report
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    for path, facts in manifest["files"].items():
        report.files += 1
        if path not in there:
            report.findings.append(f"{path} is missing.")
        else:
            report.findings += _compare(path, facts, (folder / path).read_bytes())
    compressed = {path.removesuffix(".br").removesuffix(".gz") for path in there}
    report.findings += [
        f"{path} should not be there." for path in sorted(compressed - set(manifest["files"]) - _BESIDE)
    ]
    return report


def compare_host(
    client: httpx.Client, root: str, key: Ed25519PublicKey, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Report:
    """As `verify_host`, by a client of the caller's, for an address that ends in a slash. Raises: httpx.HTTPError."""
    report = Report()
    answers = {name: client.get(root + name) for name in (MANIFEST, SIGNATURE)}
    for name, answer in answers.items():
        if answer.status_code != 200:
            report.findings.append(f"{name} is missing ({answer.status_code}).")
            return report
    manifest = _signed(key, answers[MANIFEST].content, answers[SIGNATURE].content, report)
    paths = sorted(manifest["files"])
    for n, path in enumerate(paths):
        report.files += 1
        agent = BROWSERS[n % len(BROWSERS)]
        answer = client.get(root + path.removesuffix("index.html"), headers={"User-Agent": agent})
        # A page that is not found has another status, and its own address is good as well.
        if answer.status_code != 200 and not (path.endswith("404.html") and answer.status_code == 404):
            report.findings.append(f"{path} is missing ({answer.status_code}).")
            continue
        report.findings += _compare(path, manifest["files"][path], answer.content)
        report.findings += _compare_headers(path, manifest["headers"], answer, secure=root.startswith("https:"))
        on_progress(n + 1, len(paths))
    for path in _STRANGE:
        if client.get(root + path).status_code not in (404, 410):
            report.findings.append(f"{path} should not be there.")
    return report


def _signed(key: Ed25519PublicKey, manifest: bytes, signature: bytes, report: Report) -> dict[str, Any]:
    try:
        key.verify(base64url.decode(signature.decode("ascii").strip()), manifest)
        document: dict[str, Any] = json.loads(manifest)
    except (InvalidSignature, ValueError):
        report.findings.append(f"{MANIFEST} is not signed with this key: nothing that it says can be trusted.")
        return {"files": {}, "headers": {}}
    return document


def _compare(path: str, facts: dict[str, Any], data: bytes) -> Iterator[str]:
    if len(data) != facts["size"]:
        yield f"{path} has {len(data):,} bytes, not {facts['size']:,}."
    elif hashlib.sha256(data).hexdigest() != facts["sha256"]:
        yield f"{path} was changed."


def _compare_headers(path: str, headers: dict[str, Any], answer: httpx.Response, *, secure: bool) -> Iterator[str]:
    prefix = max((start for start in headers["paths"] if f"/{path}".startswith(start)), key=len)
    for name, value in headers["rules"][headers["paths"][prefix]].items():
        found = answer.headers.get(name)
        if found != value:
            yield f"{path} has {'another' if found else 'no'} header {name}."
    if secure and "strict-transport-security" not in answer.headers:
        yield f"{path} has no header Strict-Transport-Security."
    yield from (f"{path} has a header {name}, which is none of ours." for name in _POWERS if name in answer.headers)
