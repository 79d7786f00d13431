"""Looks at an instance as a careful operator would: permissions, disk, database, clock, and what people get of it."""

import email.utils
import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from taina import base64url
from taina.config import Config, shown
from taina.config.values import is_local
from taina.fetching import Answer, fetch, open_http
from taina.mail import Mailer, UnusableMailError
from taina.web.site_headers import WEBCAT_FILES, WEBCAT_VERSION

_MAX_SKEW = 5.0
_WAL = b"\x02\x02"
"""Bytes 18 and 19 of a database file whose log is written ahead (SQLite's file format, 1.3.3)."""
_PATIENCE = 10.0
_UNIT = "taina.service"
_MAX_ANSWER = 4 << 20
"""Bytes; the list of the pages is the longest answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is to be said of it."""

    good: bool
    said: str


def examine(config: Config) -> Iterator[Finding]:
    """Every finding, good ones too. Nothing is changed, and nothing is asked of other hosts than `url`."""
    hidden = _hidden(config.data)
    if hidden:
        yield hidden
    else:
        yield from _folder(config.data)
        if config.store is None:
            yield from _disk(config)
    hosts = [config.mail_host] if config.mail_host else []
    if config.store:
        # Imported here: whoever keeps secrets in a file need not have the library.
        from taina.store.postgres import hosts_of, look

        yield from (Finding(good, said) for good, said in look(config.store))
        hosts += hosts_of(config.store)
    yield from _address_filter(hosts)
    if config.mail_password_file:
        yield from _private_file(config.mail_password_file)
    yield from _mail(config)
    if config.url is None:
        yield Finding(False, "url is not set: say under which address people reach this, to have it looked at.")
        return
    if not config.url.startswith("https://") and not is_local(urlsplit(config.url).hostname or ""):
        yield Finding(False, "url is not https: browsers encrypt only there. Put a proxy with a certificate in front.")
    if is_local(config.host) and not config.trusted_proxy:
        yield Finding(
            False, "trusted_proxies is empty: behind a proxy all clients look like one, and share one client's limits."
        )
    yield from _outside(config)


def _hidden(data: Path) -> Finding | None:
    """That this user may not look into the folder, as nobody may but root and the user of the server."""
    try:
        with os.scandir(data):
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Finding(
            False, f"{data} cannot be looked at: {error.strerror}. Ask again as the user of the server, or as root."
        )


def _folder(data: Path) -> Iterator[Finding]:
    if not data.is_dir():
        yield Finding(False, f"{data} is not there yet: the server makes it when it starts. Is it the right one?")
        return
    for place in [data, *sorted(data.glob("*.db*"))]:
        yield from _private_file(place)
    yield from _owners(data)
    if not os.access(data, os.W_OK):
        yield Finding(False, f"{data} cannot be written by this user. Ask again as the user of the server.")
    database = data / "taina.db"
    if database.is_file() and os.access(database, os.R_OK):
        with database.open("rb") as file:
            wal = file.read(20)[18:20] == _WAL
        yield Finding(wal, f"{database} {'keeps' if wal else 'does not keep'} a write-ahead log.")


def _private_file(place: Path) -> Iterator[Finding]:
    try:
        mode = place.stat().st_mode
    except OSError as error:
        yield Finding(False, f"{place} cannot be seen: {error.strerror}.")
        return
    good = not mode & (stat.S_IRWXG | stat.S_IRWXO)
    advice = "is for its user alone" if good else f"can be read by others: chmod go= {place}"
    yield Finding(good, f"{place} {advice}.")


def _owners(data: Path) -> Iterator[Finding]:
    """A file that root has made in the folder of a service keeps that service from starting."""
    owner = data.stat().st_uid
    for place in sorted(data.glob("*.db*")):
        if place.stat().st_uid != owner:
            yield Finding(False, f"{place} is not owned by the owner of its folder: chown --reference={data} {place}")


def _mail(config: Config) -> Iterator[Finding]:
    """Whether what it needs can be used: by the service, and at all."""
    for file in (config.mail_password_file, config.mail_authority):
        if file:
            yield from _readable(file, config.data)
    if config.mail_host:
        try:
            Mailer(config)
        except UnusableMailError as error:
            yield Finding(False, str(error))


def _readable(file: Path, data: Path) -> Iterator[Finding]:
    """Whether the service can read it: root, who asks, can read everything."""
    try:
        facts, owner = file.stat(), data.stat().st_uid
    except OSError:
        return  # told already
    if owner not in (0, facts.st_uid) and not facts.st_mode & stat.S_IROTH:
        advice = "hand it over with LoadCredential=, as the page for operators shows"
        yield Finding(False, f"{file} cannot be read by the owner of {data}, who is the server: {advice}.")


def _address_filter(hosts: list[str]) -> Iterator[Finding]:
    """The shipped unit lets the service reach nothing but its own machine, so mail and database may be out of reach."""
    elsewhere = [name for name in hosts if not is_local(name)]
    systemctl = shutil.which("systemctl")
    if not elsewhere or systemctl is None:
        return
    command = [systemctl, "show", _UNIT, "--property=IPAddressDeny", "--property=IPAddressAllow"]
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return
    facts = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if not facts.get("IPAddressDeny"):
        return
    allowed = facts.get("IPAddressAllow", "").split()
    good = any(not is_local(network.partition("/")[0]) for network in allowed)
    names = ", ".join(elsewhere)
    if good:
        yield Finding(True, f"{_UNIT} lets the server reach {' '.join(allowed)}; {names} should be among them.")
    else:
        yield Finding(
            False, f"{_UNIT} keeps the server from reaching {names}: add IPAddressAllow= with their addresses."
        )


def _disk(config: Config) -> Iterator[Finding]:
    place = config.data if config.data.is_dir() else Path()
    free, held = shutil.disk_usage(place).free, sum(file.stat().st_size for file in place.glob("taina.db*"))
    good = free + held >= config.max_storage
    room = f"{free >> 20:,} MiB free"
    yield Finding(
        good, f"The disk has {room}{'' if good else f', less than max_storage: {config.max_storage >> 20:,}'}."
    )


def _outside(config: Config) -> Iterator[Finding]:
    try:
        with open_http(_PATIENCE) as http:
            status, page, lists, ready = (
                fetch(http, "GET", f"{config.url}{path}", limit=_MAX_ANSWER)
                for path in ("/api/v1/status", "/en/", "/manifest.json", "/api/v1/ready")
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        yield Finding(False, f"{config.url} does not answer ({error or type(error).__name__}).")
        return
    answering = status.headers.get("content-type", "").startswith("application/json") and status.status == 200
    told = answering and _speaks_taina(status)
    yield Finding(told, f"{config.url} {'answers' if told else 'does not answer as this API does'}.")
    stored = status.headers.get("cache-control") == "no-store"
    yield Finding(stored, f"Answers of the API {'are' if stored else 'are not told to be'} kept nowhere.")
    if told:
        well = ready.status == 200
        trouble = "cannot reach its database, or has not deleted what is due for a minute; see the server's log"
        yield Finding(well, f"The server {'is ready: what is due is being deleted' if well else trouble}.")
        yield from _told_policy(config, status)
        if config.create == "proxy":
            yield from _login(config)
    yield from _clock(status.headers.get("date", ""))
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
    if str(config.url).startswith("https:") and "strict-transport-security" not in page.headers:
        yield Finding(False, "The proxy does not send Strict-Transport-Security.")


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


def _login(config: Config) -> Iterator[Finding]:
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
                what: fetch(http, "PUT", f"{config.url}{where}", limit=_MAX_ANSWER, content=body, headers=kind | more)
                for what, (where, more) in tries.items()
            }
            opening = fetch(http, "GET", f"{config.url}{path}", limit=_MAX_ANSWER, headers=token)
    except (httpx.HTTPError, OSError, ValueError) as error:
        yield Finding(False, f"{config.url} does not answer ({error or type(error).__name__}).")
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
    except (httpx.HTTPError, OSError) as error:
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
