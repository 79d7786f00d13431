"""Looks at an instance as a careful operator would: permissions, disk, database, clock, and what people get of it."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from taina.config import OPTIONS, Config
from taina.config.values import is_local
from taina.mail import Mailer, UnusableMailError
from taina.server.outside import Finding, look_from_outside

_WAL = b"\x02\x02"
"""Bytes 18 and 19 of a database file whose log is written ahead (SQLite's file format, 1.3.3)."""
_PATIENCE = 10.0
_UNIT = "taina.service"
CREDENTIALS = Path("/run/credentials")
"""Where systemd hands files to services (LoadCredential=), by access lists that the modes of files do not show."""


def examine(config: Config) -> Iterator[Finding]:
    """Every finding, good ones too. Nothing is changed, and only the hosts of `url` and of its API are asked."""
    yield from _given_to_the_service(config)
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
    if config.mail_password_file and not _is_handed_over(config.mail_password_file):
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
    yield from look_from_outside(config)


def _given_to_the_service(config: Config) -> Iterator[Finding]:
    """Options that only the unit is told: without the address of its database, another instance is looked at."""
    for _, value in _facts_of_unit("EnvironmentFiles"):
        file = value.rpartition(" (ignore_errors=")[0]
        try:
            text = Path(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # whoever may not read it is not let into the folder of the data either
        set_there = set(re.findall(r"^\s*(TAINA_[A-Z_]+)=", text, re.MULTILINE))
        unset = {one.variable for one in OPTIONS if getattr(config, one.name) == one.default} - os.environ.keys()
        if set_there & unset:
            yield Finding(
                False,
                f"{_UNIT} has {', '.join(sorted(set_there & unset))} from {file}, and this command has not, so it may "
                f"look at another instance. Put the values there in quotes and ask again: "
                f"(set -a; . {file}; taina doctor)",
            )


def _facts_of_unit(*properties: str) -> list[tuple[str, str]]:
    """Names and values, some of them several times; none where there is no systemd."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return []
    command = [systemctl, "show", _UNIT, *(f"--property={name}" for name in properties)]
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return []
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return [(name, value) for name, _, value in pairs if name in properties]


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
        if file and not _is_handed_over(file):
            yield from _readable(file, config.data)
    if config.mail_host:
        try:
            Mailer(config)
        except UnusableMailError as error:
            yield Finding(False, str(error))


def _is_handed_over(file: Path) -> bool:
    return file.is_relative_to(CREDENTIALS)


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
    if not elsewhere:
        return
    facts = dict(_facts_of_unit("IPAddressDeny", "IPAddressAllow"))
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
