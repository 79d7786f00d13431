"""Compare a file, or what a host answered for it, with what its maker signed: one sentence for each difference."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx

from taina.errors import TamperedError
from taina.fetching import Answer
from taina.site.manifest import Facts, facts_of
from taina.web.codings import CODINGS, TYPES, decode
from taina.web.site_headers import Headers

_HARMLESS = frozenset(
    {
        "accept-ranges",
        "age",
        "cache-status",
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
_STORAGE = "x-amz-"
"""What S3 and CloudFront say of a file and its bucket; no browser knows any of it."""
_ALT_SVC = re.compile(r'(h2|h3|h3-29)=":\d{1,5}"(; ?ma=\d+)?(; ?persist=1)?', re.IGNORECASE)
"""The same host by another protocol; another host would be asked instead of this one."""
MIN_HSTS = 15_552_000
"""Seconds, of half a year."""


def compare_bytes(path: str, facts: Facts, data: bytes) -> Iterator[str]:
    """What differs in a file as it is."""
    if len(data) != facts["size"]:
        yield f"{path} has {len(data):,} bytes, not {facts['size']:,}."
    elif hashlib.sha256(data).hexdigest() != facts["sha256"]:
        yield f"{path} was changed."


def compare_coded(path: str, coding: str, facts: Facts, data: bytes) -> Iterator[str]:
    """What browsers make of a compressed copy: its bytes may differ, what they stand for may not."""
    try:
        decoded = decode(coding, data, facts["size"])
    except TamperedError:
        decoded = None
    if decoded is None or facts_of(decoded) != facts:
        yield f"{path} was changed."


def compare_answer(path: str, offer: str, facts: Facts, answer: Answer) -> Iterator[str]:
    """What differs in the body of an answer, in whichever coding it came."""
    if answer.interim:
        yield f"{path} comes behind another answer (status 1xx), by which browsers may load something."
    coding = answer.headers.get("content-encoding", "")
    if not coding:
        yield from compare_bytes(path, facts, answer.body)
    elif coding not in offer.split(", ") or coding not in dict(CODINGS):
        yield f"{path} comes in a coding that was not asked for, or that we do not know."
    else:
        yield from (f"{found[:-1]} (as {coding})." for found in compare_coded(path, coding, facts, answer.body))


def compare_headers(path: str, expected: Headers, headers: httpx.Headers, *, secure: bool) -> Iterator[str]:
    """What differs in the headers of an answer; `secure`: it came by https."""
    rule = expected.of(f"/{path}")
    ours = {name.lower() for name in rule}
    for name, value in rule.items():
        found = headers.get(name)
        if found != value:
            yield f"{path} has {'another' if found else 'no'} header {name}."
    if not _is_type(path, headers.get("content-type", "")):
        yield f"{path} has another header Content-Type."
    if secure and not lasts(headers.get("strict-transport-security", "")):
        yield f"{path} has no header Strict-Transport-Security that holds for half a year."
    for name, value in headers.items():
        if name not in ours and not _changes_nothing(name, value):
            yield f"{path} has a header {name}, which is not one of ours."


def _changes_nothing(name: str, value: str) -> bool:
    if name == "alt-svc":
        return all(_ALT_SVC.fullmatch(part.strip()) for part in value.split(","))
    if name == "access-control-allow-origin":
        return value == "*"  # others may read what everybody may; hosts of static files send it
    return name in _HARMLESS or name.startswith(_STORAGE)


def lasts(value: str) -> bool:
    """Whether a header Strict-Transport-Security holds for half a year, as browsers read it (RFC 6797, section 6.1)."""
    pairs = [part.partition("=") for part in value.split(";")]
    ages = [age.strip().strip('"') for name, _, age in pairs if name.strip().lower() == "max-age"]
    return len(ages) == 1 and re.fullmatch("[0-9]{1,12}", ages[0]) is not None and int(ages[0]) >= MIN_HSTS


def _is_type(path: str, found: str) -> bool:
    """By the essence of the type; a charset, where there is one, has to be UTF-8, for another changes the letters."""
    essence, *parameters = (part.strip() for part in found.lower().split(";"))
    expected = TYPES.get(Path(path).suffix, "").partition(";")[0]
    alike = {expected, "application/javascript" if expected == "text/javascript" else expected}
    return essence in alike and all(part in ("charset=utf-8", 'charset="utf-8"') for part in parameters)
