"""What people get of an instance at its address, for `taina doctor`: the API and the pages, from outside."""

import email.utils
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from taina import base64url
from taina.config import Config
from taina.config.values import named_api, shown
from taina.fetching import Answer, fetch, open_http
from taina.web.site_headers import WEBCAT_FILES, WEBCAT_VERSION

_MAX_SKEW = 5.0
_PATIENCE = 10.0
_MAX_ANSWER = 4 << 20
"""Bytes; the list of the pages is the longest answer."""
_UNREACHED = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is to be said of it."""

    good: bool
    said: str


def look_from_outside(config: Config) -> Iterator[Finding]:
    """Every finding at `url`, which has to be set, and at the host of its API."""
    try:
        with open_http(_PATIENCE) as http:
            page, lists, named = (
                fetch(http, "GET", f"{config.url}{path}", limit=_MAX_ANSWER)
                for path in ("/en/", "/manifest.json", "/api.json")
            )
    except _UNREACHED as error:
        yield Finding(False, f"{config.url} does not answer ({error or type(error).__name__}).")
        return
    url = str(config.url)
    yield from _api(config, named_api(url, named.body) or url)
    yield from _pages(config, page, lists)


def _api(config: Config, api: str) -> Iterator[Finding]:
    elsewhere = api != config.url
    asked = {"Origin": str(config.url)} if elsewhere else {}
    try:
        with open_http(_PATIENCE) as http:
            status = fetch(http, "GET", f"{api}/api/v1/status", limit=_MAX_ANSWER, headers=asked)
            ready = fetch(http, "GET", f"{api}/api/v1/ready", limit=_MAX_ANSWER)
    except _UNREACHED as error:
        yield Finding(False, f"{api} does not answer ({error or type(error).__name__}).")
        return
    answering = status.headers.get("content-type", "").startswith("application/json") and status.status == 200
    told = answering and _speaks_taina(status)
    yield Finding(told, f"{api} {'answers' if told else 'does not answer as this API does'}.")
    if told:
        stored = status.headers.get("cache-control") == "no-store"
        yield Finding(stored, f"Answers of the API {'are' if stored else 'are not told to be'} kept nowhere.")
        well = ready.status == 200
        trouble = "cannot reach its database, or has not deleted what is due for a minute; see the server's log"
        yield Finding(well, f"The server {'is ready: what is due is being deleted' if well else trouble}.")
        if elsewhere and status.headers.get("access-control-allow-origin") != config.url:
            yield Finding(False, f"{api} does not let the pages of {config.url} in: add that address to origins.")
        yield from _told_policy(config, status)
        if config.create == "proxy":
            yield from _login(config, api)
    yield from _clock(status.headers.get("date", ""))
    if elsewhere:
        yield from _stays_secure(api, status)


def _pages(config: Config, page: Answer, lists: Answer) -> Iterator[Finding]:
    if page.status == 200 and lists.status == 200:
        rules = _page_rules(lists)
        for name, value in (rules or {}).items():
            if page.headers.get(name) != value:
                yield Finding(False, f"A proxy changes or drops the header {name} of the pages.")
        if rules is None:
            yield Finding(False, f"{config.url} does not give the list of its pages: is something else there?")
        else:
            yield Finding(True, "Pages were looked at with their headers; taina verify compares them all.")
            if WEBCAT_VERSION in rules:
                yield from _webcat(config, lists.body)
    yield from _stays_secure(str(config.url), page)


def _stays_secure(address: str, answer: Answer) -> Iterator[Finding]:
    if address.startswith("https:") and "strict-transport-security" not in answer.headers:
        yield Finding(False, f"The proxy of {address} does not send Strict-Transport-Security.")


def _told_policy(config: Config, status: Answer) -> Iterator[Finding]:
    """What people are asked, as they are told: a server that was not restarted tells what was laid down before."""
    document = json.loads(status.body)
    options, ttl, limits = (document.get(name) for name in ("options", "ttl", "limits"))
    wanted = {
        "create": (options, "create", config.create),
        "passphrases": (options, "passphrases", config.passphrases),
        "files": (options, "files", config.files),
        "max_recipients": (options, "recipients", config.max_recipients),
        "max_answers": (limits, "answers", config.max_answers),
        "ttl_min": (ttl, "min", config.ttl_min),
        "ttl_max": (ttl, "max", config.ttl_max),
        "ttl_default": (ttl, "default", config.ttl_default),
    }
    other = [
        name
        for name, (place, member, value) in wanted.items()
        if not isinstance(place, dict) or place.get(member) != value
    ]
    if other:
        yield Finding(False, f"The server follows other options than these: {', '.join(other)}. Restart it.")
        return
    policy = ", ".join(f"{name} {shown(value)}" for name, (_, _, value) in wanted.items())
    yield Finding(True, f"Policy: {policy}.")


def _login(config: Config, api: str) -> Iterator[Finding]:
    """From outside: who has not logged in creates nothing, whatever is said in headers; who opens needs no login."""
    token = {"Authorization": f"Bearer {base64url.encode(os.urandom(32))}"}
    name = config.login_header
    # Complete but for a lifetime that no instance takes: nothing is kept, even where it is let in.
    order = {part: base64url.encode(bytes(32)) for part in ("link_hash", "reveal_hash", "receipt_hash")}
    order |= {"receipt_id": base64url.encode(bytes(16)), "content": base64url.encode(bytes(17))}
    body = json.dumps({**order, "ttl": 0, "chunks": 1, "size": 17, "passphrase": False}).encode()
    path = f"/api/v1/secrets/{base64url.encode(os.urandom(16))}"
    tries: dict[str, tuple[str, dict[str, str]]] = {
        "without a login": (path, {}),
        f"by a forged {name}": (path, {name: "doctor"}),
        f"by a forged {name} beside a token": (path, {name: "doctor", **token}),
        f"by a forged {name.replace('-', '_')}": (path, {name.replace("-", "_"): "doctor"}),
        # A guard may know a path by its usual spelling alone.
        f"by a forged {name}, at a path in another spelling": (path.replace("api", "%61pi"), {name: "doctor"}),
    }
    kind = {"Content-Type": "application/json"}
    try:
        with open_http(_PATIENCE) as http:
            answers = {
                what: fetch(http, "PUT", f"{api}{where}", limit=_MAX_ANSWER, content=body, headers=kind | more)
                for what, (where, more) in tries.items()
            }
            opening = fetch(http, "GET", f"{api}{path}", limit=_MAX_ANSWER, headers=token)
    except _UNREACHED as error:
        yield Finding(False, f"{api} does not answer ({error or type(error).__name__}).")
        return
    entered = [what for what, answer in answers.items() if _code(answer) == "invalid"]
    for what in entered:
        yield Finding(False, f"Secrets can be created {what}: the proxy has to remove {name} from what comes, always.")
    if not entered:
        yield Finding(True, f"Nobody creates without a login, nor by a forged {name}.")
    if _code(answers[f"by a forged {name} beside a token"]) is None:
        yield Finding(
            False,
            "The login stands before calls with `Authorization: Bearer` too: access keys do not work, nor answers.",
        )
    opens = _code(opening) == "not_found"
    told = "Secrets can be opened without a login." if opens else "The login stands before opening, too: see "
    yield Finding(opens, told if opens else f"{told}taina config --paths.")


def _code(answer: Answer) -> str | None:
    """Of a problem of Taina; None where something else answers."""
    try:
        code = json.loads(answer.body)["code"]
    except (ValueError, LookupError, TypeError):
        return None
    return code if isinstance(code, str) else None


def _webcat(config: Config, pages: bytes) -> Iterator[Finding]:
    """The bundle of an enrolled host: nobody with WEBCAT sees its pages once it has expired, or is not of them."""
    # Imported here: no other instance needs it.
    from taina.site.webcat_standing import look_at_bundle

    try:
        with open_http(_PATIENCE) as http:
            found = {
                path: fetch(http, "GET", f"{config.url}/{path}", limit=_MAX_ANSWER)
                for path in (*WEBCAT_FILES, "manifest.sig")
            }
    except _UNREACHED as error:
        yield Finding(False, f"{config.url} does not answer ({error or type(error).__name__}).")
        return
    kept = {path: answer.body for path, answer in found.items() if answer.status == 200}
    findings: list[str] = []
    standing = look_at_bundle(kept, pages, kept.pop("manifest.sig", None), time.time(), findings)
    if standing:
        yield Finding(not standing.short, str(standing))
    yield from (Finding(False, said) for said in findings)


def _speaks_taina(status: Answer) -> bool:
    try:
        answer = json.loads(status.body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("protocol") == 1


def _page_rules(lists: Answer) -> dict[str, str] | None:
    """Headers of pages by the manifest; None where something else answers to every address."""
    try:
        rules = json.loads(lists.body)["headers"]["rules"]["page"]
    except (ValueError, LookupError, TypeError):
        return None
    return rules if isinstance(rules, dict) else None


def _clock(date: str) -> Iterator[Finding]:
    try:
        skew = abs(time.time() - email.utils.parsedate_to_datetime(date).timestamp())
    except (TypeError, ValueError):
        return
    good = skew <= _MAX_SKEW
    yield Finding(good, f"The clocks of this machine and of the address are {skew:.0f} s apart.")
