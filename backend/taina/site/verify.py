"""Compare a live site, or a folder, with the manifest that its maker signed: byte for byte, and header for header.

The signature is Ed25519 (RFC 8032) over the bytes of `manifest.json`, in base64url, in `manifest.sig`.
"""

import datetime
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from taina import base64url
from taina.errors import InvalidError, TamperedError, UnreachableError
from taina.fetching import Answer, fetch, open_http
from taina.site import hosting
from taina.web.codings import CODINGS, TYPES, decode
from taina.web.site_headers import Headers

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
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
_HARMLESS = frozenset(
    {
        "accept-ranges",
        "age",
        "cf-cache-status",
        "cf-ray",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expires",
        "keep-alive",
        "last-modified",
        "pragma",
        "server",
        "server-timing",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "via",
        "x-amz-cf-id",
        "x-amz-cf-pop",
        "x-cache",
        "x-cache-hits",
        "x-fastly-request-id",
        "x-github-request-id",
        "x-nf-request-id",
        "x-served-by",
        "x-timer",
        "x-vercel-cache",
        "x-vercel-id",
    }
)
"""Headers that hosts add and that change nothing in a page; any other is a finding."""
_ALT_SVC = re.compile(r'(h2|h3|h3-29)=":\d{1,5}"(; ?ma=\d+)?(; ?persist=1)?', re.IGNORECASE)
"""The same host by another protocol; another host would be asked instead of this one."""
MIN_HSTS = 15_552_000
"""Seconds, of half a year."""
_STRANGE = ("sw.js", "service-worker.js", "js/site.js")
_NOWHERE = "en/nothing-is-here.html"
"""Paths at which nothing may be; at the last one, the page that says so."""
_RELEASE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS_AHEAD = datetime.timedelta(days=1)
"""A day begins at another time elsewhere, and clocks differ."""
_PATIENCE = 30.0
MAX_MANIFEST = 4 << 20


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


def read_key(text: str) -> Ed25519PublicKey:
    """A public key in base64url. Raises: InvalidError."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64url.decode(text.strip()))
    except ValueError:
        raise InvalidError("This is not a public key: it has 43 letters, digits, - and _.", field="key") from None


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
        InvalidError: the address or the oldest release is none.
        UnreachableError: it does not answer, or not to the end.
    """
    root = url.rstrip("/") + "/"
    with open_http(_PATIENCE) as client:
        try:
            return compare_host(client, root, key, on_progress, at_least, clock)
        except httpx.InvalidURL:
            raise InvalidError(f"{shown(url)} is not an address.", field="url") from None
        except httpx.HTTPError as error:
            raise UnreachableError(f"{shown(root)} does not answer ({error or type(error).__name__}).") from None


def shown(url: str) -> str:
    """An address without the name and password that a host behind a login wants in it."""
    return re.sub(r"//[^/]*@", "//", url)


def verify_folder(
    folder: Path, key: Ed25519PublicKey, at_least: str | None = None, clock: Callable[[], float] = time.time
) -> Report:
    """Compare a built site on this disk, compressed copies and files for hosts too.

    Files that do not belong to it are findings as well. Raises: InvalidError: the oldest release is none.
    """
    report = Report()
    age = _Age(at_least, clock)
    try:
        signed = (folder / MANIFEST).read_bytes()
        manifest = _signed(key, signed, (folder / SIGNATURE).read_bytes(), report, age)
    except OSError as error:
        report.findings.append(f"{Path(str(error.filename)).name} cannot be read.")
        return report
    files = dict(manifest["files"])
    known = set(files) | {MANIFEST, SIGNATURE}
    for path, facts in files.items():
        report.files += 1
        if not (folder / path).is_file():
            report.findings.append(f"{path} is missing.")
        else:
            report.findings += _compare(path, facts, (folder / path).read_bytes())
    files[MANIFEST] = _facts(signed)
    for path, facts in files.items():
        for coding, ending in CODINGS:
            copy = folder / f"{path}{ending}"
            if copy.is_file():
                known.add(f"{path}{ending}")
                report.findings += _compare_coded(f"{path}{ending}", coding, facts, copy.read_bytes())
    if manifest["files"]:
        beside = hosting.files(Headers(**manifest["headers"]), list(manifest["files"]))
        for path, data in beside.items():
            known.add(path)
            if (folder / path).is_file() and (folder / path).read_bytes() != data:
                report.findings.append(f"{path} was changed.")
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
    """As `verify_host`, by a client of the caller's, for an address that ends in a slash. Raises: httpx.HTTPError."""
    report = Report()
    age = _Age(at_least, clock)
    answers = {name: _fetch(client, root + name, {"Accept-Encoding": "identity"}) for name in (MANIFEST, SIGNATURE)}
    for name, answer in answers.items():
        if answer.status != 200:
            report.findings.append(f"{name} is missing ({answer.status}).")
            return report
    signed = answers[MANIFEST].body
    manifest = _signed(key, signed, answers[SIGNATURE].body, report, age)
    files: dict[str, dict[str, Any]] = manifest["files"]
    if not files:
        return report
    paths = sorted(files)
    report.files = len(paths)
    secure = root.startswith("https:")
    for n, path in enumerate([*paths, MANIFEST]):
        facts = files.get(path) or _facts(signed)
        found: dict[str, None] = {}
        for m, offer in enumerate(OFFERS):
            browser = BROWSERS[(n + m) % len(BROWSERS)]
            reason = _NAVIGATES if path.endswith(".html") else _LOADS
            asked = {**browser, **reason, "Accept-Encoding": offer}
            answer = _fetch(client, root + path.removesuffix("index.html"), asked, facts["size"])
            # A page that is not found has another status, and its own address is good as well.
            if answer.status != 200 and not (path.endswith("404.html") and answer.status == 404):
                found[f"{path} is missing ({answer.status})."] = None
                break
            found |= dict.fromkeys(_compare_answer(path, offer, facts, answer))
            found |= dict.fromkeys(_compare_headers(path, manifest["headers"], answer.headers, secure=secure))
        report.findings += found
        on_progress(n + 1, len(paths) + 1)
    for path in _STRANGE:
        if _fetch(client, root + path, {**_FIREFOX, **_LOADS}).status not in (404, 410):
            report.findings.append(f"{path} should not be there.")
    for n, offer in enumerate(OFFERS):
        answer = _fetch(
            client, root + _NOWHERE, {**BROWSERS[n % len(BROWSERS)], **_NAVIGATES, "Accept-Encoding": offer}
        )
        found = dict.fromkeys(_compare_missing(offer, files, answer))
        found |= dict.fromkeys(_compare_headers(_NOWHERE, manifest["headers"], answer.headers, secure=secure))
        report.findings += [finding for finding in found if finding not in report.findings]
    return report


def _compare_missing(offer: str, files: dict[str, dict[str, Any]], answer: Answer) -> Iterator[str]:
    """What readers get at an address that does not exist: a page of ours, in whichever language."""
    ours = [facts for path, facts in files.items() if path.rpartition("/")[2] == "404.html"]
    if answer.status not in (404, 410):
        yield f"{_NOWHERE} should not be there."
    elif all(any(_compare_answer(_NOWHERE, offer, facts, answer)) for facts in ours):
        yield f"{_NOWHERE}, which is not there, has another answer than the page that says so."


def _fetch(client: httpx.Client, url: str, headers: Mapping[str, str], size: int = MAX_MANIFEST) -> Answer:
    """One answer, as it came. One that is far larger than what was asked for is cut off."""
    return fetch(client, "GET", url, limit=size + (64 << 10), headers=headers)


def _signed(key: Ed25519PublicKey, manifest: bytes, signature: bytes, report: Report, age: "_Age") -> dict[str, Any]:
    try:
        key.verify(base64url.decode(signature.decode("ascii").strip()), manifest)
        document: dict[str, Any] = json.loads(manifest)
    except (InvalidSignature, ValueError):
        report.findings.append(f"{MANIFEST} is not signed with this key: nothing that it says can be trusted.")
        return {"files": {}, "headers": {}}
    release, released = document.get("release"), document.get("released")
    report.release = release if isinstance(release, str) and _RELEASE.fullmatch(release) else None
    report.released = released if isinstance(released, str) and _day(released) else None
    report.findings += age.judge(report)
    return document


class _Age:
    """Whether pages are too old, or of a day to come.

    Raises: InvalidError: `at_least` is neither a number nor a day.
    """

    def __init__(self, at_least: str | None, clock: Callable[[], float]) -> None:
        self._wanted = None if at_least is None else at_least.strip().removeprefix("v")
        self._today = datetime.datetime.fromtimestamp(clock(), datetime.UTC).date()
        wanted = self._wanted
        if wanted is not None and not _day(wanted) and not _RELEASE.fullmatch(wanted):
            raise InvalidError(
                f"{at_least!r} is not a release: one is a number or a date, such as 0.2.0 or 2026-11-28.",
                field="at_least",
            )

    def judge(self, report: Report) -> Iterator[str]:
        wanted, day = self._wanted, _day(report.released or "")
        if wanted is not None and (least := _day(wanted)):
            if day is None:
                yield "These are the pages of a release that does not say its date."
            elif day < least:
                yield f"These are the pages of {day}, older than {least}."
        elif wanted is not None and _numbers(report.release or "") < _numbers(wanted):
            release = report.release or "a release that does not say its number"
            yield f"These are the pages of {release}, older than {wanted}."
        if day is not None and day > self._today + _DAYS_AHEAD:
            yield (
                f"These pages are of {day}, which has not come yet: by the clock of this machine it is {self._today}. "
                "If that is right, do not trust them."
            )


def _day(text: str) -> datetime.date | None:
    """A day such as 2026-11-28; None for what is none."""
    try:
        return datetime.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", release)))


def _facts(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _compare(path: str, facts: dict[str, Any], data: bytes) -> Iterator[str]:
    if len(data) != facts["size"]:
        yield f"{path} has {len(data):,} bytes, not {facts['size']:,}."
    elif hashlib.sha256(data).hexdigest() != facts["sha256"]:
        yield f"{path} was changed."


def _compare_coded(path: str, coding: str, facts: dict[str, Any], data: bytes) -> Iterator[str]:
    """What browsers make of a compressed copy: its bytes may differ, what they stand for may not."""
    try:
        decoded = decode(coding, data, facts["size"])
    except TamperedError:
        decoded = None
    if decoded is None or _facts(decoded) != facts:
        yield f"{path} was changed."


def _compare_answer(path: str, offer: str, facts: dict[str, Any], answer: Answer) -> Iterator[str]:
    coding = answer.headers.get("content-encoding", "")
    if not coding:
        yield from _compare(path, facts, answer.body)
    elif coding not in offer.split(", ") or coding not in dict(CODINGS):
        yield f"{path} comes in a coding that was not asked for, or that we do not know."
    else:
        yield from (f"{found[:-1]} (as {coding})." for found in _compare_coded(path, coding, facts, answer.body))


def _compare_headers(path: str, expected: dict[str, Any], headers: httpx.Headers, *, secure: bool) -> Iterator[str]:
    rule = Headers(**expected).of(f"/{path}")
    ours = {name.lower() for name in rule}
    for name, value in rule.items():
        found = headers.get(name)
        if found != value:
            yield f"{path} has {'another' if found else 'no'} header {name}."
    if not _is_type(path, headers.get("content-type", "")):
        yield f"{path} has another header Content-Type."
    strict = re.search(r"max-age=\"?(\d+)", headers.get("strict-transport-security", ""), re.IGNORECASE)
    if secure and (strict is None or int(strict[1]) < MIN_HSTS):
        yield f"{path} has no header Strict-Transport-Security that holds for half a year."
    for name, value in headers.items():
        same_host = name == "alt-svc" and all(_ALT_SVC.fullmatch(part.strip()) for part in value.split(","))
        if name not in ours and name not in _HARMLESS and not same_host:
            yield f"{path} has a header {name}, which is not one of ours."


def _is_type(path: str, found: str) -> bool:
    """By the essence of the type; a charset, where there is one, has to be UTF-8, for another changes the letters."""
    essence, *parameters = (part.strip() for part in found.lower().split(";"))
    expected = TYPES.get(Path(path).suffix, "").partition(";")[0]
    alike = {expected, "application/javascript" if expected == "text/javascript" else expected}
    return essence in alike and all(part in ("charset=utf-8", 'charset="utf-8"') for part in parameters)
