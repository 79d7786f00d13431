"""Compare a live site, or a folder, with the manifest that its maker signed: byte for byte, and header for header."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from taina import __version__
from taina.errors import InvalidError, TamperedError, UnreachableError
from taina.fetching import Answer, fetch, open_http
from taina.site import hosting
from taina.site.comparison import compare_answer, compare_bytes, compare_coded, compare_headers
from taina.site.manifest import MANIFEST, MAX_MANIFEST, SIGNATURE, Age, Facts, Manifest, facts_of, read_manifest
from taina.site.webcat_standing import Standing, is_for_webcat, look_at_bundle
from taina.web.codings import CODINGS
from taina.web.site_headers import WEBCAT_FILES

_NAVIGATES = {
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
}
_LOADS = {"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
_FIREFOX = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}
_CHROME = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Accept-Language": "bg-BG,bg;q=0.9,en;q=0.8",
}
_SAFARI = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de-DE,de;q=0.9",
}
BROWSERS = (_FIREFOX, _CHROME, _SAFARI)
"""What browsers send: a host that shows checkers another face has to guess which of them is one."""
OFFERS = ("gzip, deflate, br, zstd", "gzip, deflate, br", "gzip", "br", "identity")
"""Each file is asked for in every coding: what was changed in one of them is changed for some browsers."""
_STRANGE = ("sw.js", "service-worker.js", "js/site.js")
_NOWHERE = "en/nothing-is-here.html"
"""Paths at which nothing may be; at the last one, the page that says so."""
_ABSENT = (403, 404, 410)
"""The first comes from S3 where it may not be asked for lists; browsers run nothing that comes with any of them."""
_PATIENCE = 30.0


@dataclass
class Report:
    """What was found of a site: how many files were compared, which release they are, when they were signed."""

    files: int = 0
    findings: list[str] = field(default_factory=list)
    """One sentence for each thing that is not as it should be; an empty list is good."""
    release: str | None = None
    """The version of Taina whose pages these are; None where the manifest does not say."""
    released: str | None = None
    """The day of that version, such as 2026-11-28; None where the manifest does not say."""
    webcat: Standing | None = None
    """What browsers with WEBCAT go by; None where they go by nothing, or would refuse it."""


def verify_host(
    url: str,
    key: Ed25519PublicKey,
    on_progress: Callable[[int, int], None] = lambda *_: None,
    at_least: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Report:
    """Fetch every file of the manifest from a live host as browsers do, in every coding, and what must not be there.

    Args:
        at_least: the oldest release that is good, such as `0.2.0` or `2026-11-28`: every list that was ever signed
            stays signed.

    Raises:
        InvalidError: the address or the oldest release is none, or the manifest is not one that this version knows.
        UnreachableError: it does not answer, or not to the end.
    """
    root = _root(url)
    with open_http(_PATIENCE) as client:
        try:
            return compare_host(client, root, key, on_progress, at_least, clock)
        except httpx.InvalidURL:
            raise InvalidError(f"{shown(url)} is not an address.", field="url") from None
        except httpx.HTTPError as error:
            raise UnreachableError(f"{shown(root)} does not answer ({error or type(error).__name__}).") from None


def _root(url: str) -> str:
    """The root of a host, whatever page of it was named: pages are nowhere else. Raises: InvalidError."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidError(f"{shown(url)} is not an address: one begins with https:// and names a host.", field="url")
    return f"{parts.scheme}://{parts.netloc}/"


def shown(url: str) -> str:
    """An address without the name and password that a host behind a login wants in it."""
    return re.sub(r"//[^/]*@", "//", url)


def verify_folder(
    folder: Path, key: Ed25519PublicKey, at_least: str | None = None, clock: Callable[[], float] = time.time
) -> Report:
    """Compare a built site on this disk, compressed copies and files for hosts too.

    Files that do not belong to it are findings as well. Raises: InvalidError: the oldest release is none, or the
    manifest is not one that this version knows.
    """
    report = Report()
    age = Age(at_least, clock)
    try:
        signed = (folder / MANIFEST).read_bytes()
        signature = (folder / SIGNATURE).read_bytes()
    except OSError as error:
        report.findings.append(f"{Path(str(error.filename)).name} cannot be read.")
        return report
    manifest = _signed(key, signed, signature, report, age)
    if manifest is None:
        return report
    files = dict(manifest.files)
    known = set(files) | {MANIFEST, SIGNATURE}
    for path, facts in files.items():
        report.files += 1
        if not (folder / path).is_file():
            report.findings.append(f"{path} is missing.")
        else:
            report.findings += compare_bytes(path, facts, (folder / path).read_bytes())
    files[MANIFEST] = facts_of(signed)
    for path, facts in files.items():
        for coding, ending in CODINGS:
            copy = folder / f"{path}{ending}"
            if copy.is_file():
                known.add(f"{path}{ending}")
                report.findings += compare_coded(f"{path}{ending}", coding, facts, copy.read_bytes())
    for path, data in hosting.files(manifest.headers, list(manifest.files)).items():
        known.add(path)
        if (folder / path).is_file() and (folder / path).read_bytes() != data:
            # It is made from the list, by each version in its own way.
            other = f", or {manifest.release} writes it differently: verify with that version"
            known_here = manifest.release in (None, __version__)
            report.findings.append(f"{path} was changed{'' if known_here else other}.")
    if is_for_webcat(manifest.headers):
        known |= set(WEBCAT_FILES)
        kept = {path: (folder / path).read_bytes() for path in WEBCAT_FILES if (folder / path).is_file()}
        report.webcat = look_at_bundle(kept, signed, signature, clock(), report.findings)
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file() or file.is_symlink()}
    report.findings += [f"{path} should not be there." for path in sorted(there - known)]
    return report


def compare_host(
    client: httpx.Client,
    root: str,
    key: Ed25519PublicKey,
    on_progress: Callable[[int, int], None] = lambda *_: None,
    at_least: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Report:
    """As `verify_host`, by a client of the caller's, for an address that ends in a slash.

    Raises: as `verify_host`, and httpx.HTTPError where that raises UnreachableError.
    """
    report = Report()
    age = Age(at_least, clock)
    answers = {name: _fetch(client, root + name, {"Accept-Encoding": "identity"}) for name in (MANIFEST, SIGNATURE)}
    for name, answer in answers.items():
        if answer.status != 200:
            report.findings.append(f"{name} is missing ({answer.status}).")
            return report
    signed = answers[MANIFEST].body
    manifest = _signed(key, signed, answers[SIGNATURE].body, report, age)
    if manifest is None:
        return report
    files = manifest.files
    paths = sorted(files)
    report.files = len(paths)
    secure = root.startswith("https:")
    for n, path in enumerate([*paths, MANIFEST]):
        facts = files.get(path) or facts_of(signed)
        found: dict[str, None] = {}
        for m, offer in enumerate(OFFERS):
            browser = BROWSERS[(n + m) % len(BROWSERS)]
            reason = _NAVIGATES if path.endswith(".html") else _LOADS
            asked = {**browser, **reason, "Accept-Encoding": offer}
            url = root + path.removesuffix("index.html")
            answer = _fetch(client, url, asked, facts["size"])
            if path.endswith("404.html") and _drops_ending(url, answer):
                answer = _fetch(client, url.removesuffix(".html"), asked, facts["size"])
            # A page that is not found has another status, and its own address is good as well.
            if answer.status != 200 and not (path.endswith("404.html") and answer.status == 404):
                found[f"{path} is missing ({answer.status})."] = None
                break
            found |= dict.fromkeys(compare_answer(path, offer, facts, answer))
            found |= dict.fromkeys(compare_headers(path, manifest.headers, answer.headers, secure=secure))
        report.findings += found
        on_progress(n + 1, len(paths) + 1)
    if is_for_webcat(manifest.headers):
        kept = _fetch_kept(client, root, manifest, report, secure=secure)
        report.webcat = look_at_bundle(kept, signed, answers[SIGNATURE].body, clock(), report.findings)
    for path in _STRANGE:
        if _fetch(client, root + path, {**_FIREFOX, **_LOADS}).status not in _ABSENT:
            report.findings.append(f"{path} should not be there.")
    for n, offer in enumerate(OFFERS):
        answer = _fetch(
            client, root + _NOWHERE, {**BROWSERS[n % len(BROWSERS)], **_NAVIGATES, "Accept-Encoding": offer}
        )
        found = dict.fromkeys(_compare_missing(offer, files, answer))
        found |= dict.fromkeys(compare_headers(_NOWHERE, manifest.headers, answer.headers, secure=secure))
        report.findings += [finding for finding in found if finding not in report.findings]
    return report


def _fetch_kept(
    client: httpx.Client, root: str, manifest: Manifest, report: Report, *, secure: bool
) -> dict[str, bytes]:
    """What the host keeps for WEBCAT; its headers are ours as well."""
    kept = {}
    for path in WEBCAT_FILES:
        answer = _fetch(client, root + path, {**_FIREFOX, **_LOADS})
        if answer.status == 200:
            kept[path] = answer.body
            report.findings += compare_headers(path, manifest.headers, answer.headers, secure=secure)
    return kept


def _drops_ending(url: str, answer: Answer) -> bool:
    """Whether a host sends readers to the same address without `.html`, as Cloudflare Pages does."""
    there = url.removesuffix(".html")
    return answer.status in (301, 308) and answer.headers.get("location") in (there, urlsplit(there).path)


def _compare_missing(offer: str, files: Mapping[str, Facts], answer: Answer) -> Iterator[str]:
    """What readers get at an address that does not exist: a page of ours, in whichever language."""
    ours = [facts for path, facts in files.items() if path.rpartition("/")[2] == "404.html"]
    if answer.status not in _ABSENT:
        yield f"{_NOWHERE} should not be there."
    elif all(any(compare_answer(_NOWHERE, offer, facts, answer)) for facts in ours):
        yield f"{_NOWHERE}, which is not there, has another answer than the page that says so."


def _fetch(client: httpx.Client, url: str, headers: Mapping[str, str], size: int = MAX_MANIFEST) -> Answer:
    """One answer, as it came. One that is far larger than what was asked for is cut off."""
    return fetch(client, "GET", url, limit=size + (64 << 10), headers=headers)


def _signed(key: Ed25519PublicKey, data: bytes, signature: bytes, report: Report, age: Age) -> Manifest | None:
    """The manifest, whose release is judged; None, and a finding, for one that is not signed with this key."""
    try:
        manifest = read_manifest(key, data, signature)
    except TamperedError as error:
        report.findings.append(error.detail)
        return None
    report.release, report.released = manifest.release, manifest.released
    report.findings += age.judge(manifest)
    return manifest
