"""How an instance is set up: one typed object, read once, that knows where each value came from.

Each option is one line of `Config`. From that line come its key in `taina.toml`, its variable in the environment,
its flag on the command line and its place in `taina config`. A flag beats the environment, which beats the file.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal

from taina.config.together import check
from taina.config.values import (
    ConfigError,
    database,
    header_name,
    host_name,
    lifetime,
    login_address,
    loopback,
    mailbox,
    networks,
    one_of,
    origin,
    origins,
    path,
    shown,
    size,
    text,
    truth,
    whole,
)
from taina.proof_of_work import MAX_BITS

FILE = Path("taina.toml")
"""Read from the current folder where it is, unless another is named by --config or TAINA_CONFIG."""
SYSTEM_FILE = Path("/etc/taina/taina.toml")
"""Read where there is no other: so the commands of an operator find the service of this machine."""
OTHER_VARIABLES = (
    "TAINA_BRIDGE_TOKEN",
    "TAINA_CA",
    "TAINA_CONFIG",
    "TAINA_KEY",
    "TAINA_PASSPHRASE",
    "TAINA_SITE_KEY",
    "TAINA_STATE",
)
"""What other parts of the program read from the environment, or set for a command that they run."""
SITE_KEYS = ("site.name", "site.accent", "site.logo", "site.links", "site.contact", "site.contact_until")
"""Keys in the same file that the builder of the pages reads, not the server."""


def option(
    default: object,
    read: Callable[[object], object],
    describe: str,
    key: str | None = None,
    several: bool = False,
    private: bool = False,
) -> Any:
    """A field of `Config`.

    Args:
        read: makes the value of what stands in the file (any TOML type), or of a text; a ValueError says in words
            what was expected instead.
        key: in taina.toml, where it is not the field's own name.
        several: a list, whose flag may be given again.
        private: its value may hold a password, so it is never printed, whatever is wrong with it.
    """
    metadata = {"read": read, "describe": describe, "key": key, "several": several, "private": private}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every option of an instance. Sizes are bytes of ciphertext, times seconds."""

    host: str = option("127.0.0.1", host_name, "Address to listen on.")
    port: int = option(8080, whole(0, 65535), "Port to listen on; 0 picks a free one.")
    data: Path = option(Path("data"), path, "Folder of the database; created if it is missing.")
    store: str | None = option(
        None,
        database,
        "A PostgreSQL database instead of a file, for several hosts: postgresql://user:password@host/database. "
        "Set it in the environment to keep it out of the list of processes.",
        private=True,
    )
    site: Path | None = option(
        None,
        path,
        "Folder of the built pages. Default: those that came with the program; in a checkout, the API alone.",
        key="site.folder",
    )
    url: str | None = option(
        None, origin, "The address at which people reach the pages, such as https://secrets.example.org."
    )
    origins: tuple[str, ...] = option(
        (), origins, "Other addresses whose pages may use this API, and no others.", several=True
    )
    max_size: int = option(
        100 << 20, size(1), "Largest size of one secret, encrypted: up to an eighth more than its files."
    )
    max_storage: int = option(
        10 << 30, size(1), "The most that all secrets together may take; of that, a fifth for unfinished uploads."
    )
    create: Literal["anyone", "keys", "proxy"] = option(
        "anyone",
        one_of("anyone", "keys", "proxy"),
        'Who may create secrets and requests: anyone; with "keys", only people with access keys; with "proxy", also '
        "those who have logged in at a proxy.",
    )
    login_header: str = option(
        "Remote-User", header_name, 'With create = "proxy": the header in which the proxy says who has logged in.'
    )
    login_url: str | None = option(
        None,
        login_address,
        'With create = "proxy": where people log in, a path of this host or an https:// address.',
    )
    login_creates: int = option(
        0, whole(0, 1_000_000), 'With create = "proxy": secrets and requests per day and login; 0 means no limit.'
    )
    ttl_min: int = option(300, lifetime, "Shortest lifetime of a secret, and time to answer a request: 5m, 2h, 7d.")
    ttl_max: int = option(30 * 86400, lifetime, "Longest lifetime.")
    ttl_default: int = option(7 * 86400, lifetime, "Lifetime that is chosen where nobody chooses another.")
    passphrases: Literal["optional", "required", "generated"] = option(
        "optional",
        one_of("optional", "required", "generated"),
        "Whether a secret needs a passphrase, and whether our pages and commands take only one of generated words.",
    )
    files: bool = option(True, truth, "Whether our pages and commands take files, and not only text: true or false.")
    max_recipients: int = option(100, whole(1, 100), "The most links that our pages and commands make at once.")
    max_answers: int = option(100, whole(1, 100), "The most answers to one request.")
    work: int = option(
        0,
        whole(0, MAX_BITS),
        "Bits of proof of work for each new secret and request, against a flood; 0 requires none.",
    )
    client_creates: int = option(
        120, whole(0, 1_000_000), "Secrets, requests and answers per minute and client; 0 means no limit."
    )
    client_reveals: int = option(240, whole(0, 1_000_000), "Reveals per minute and client; 0 means no limit.")
    client_calls: int = option(
        1200,
        whole(0, 1_000_000),
        "All other calls, except those with a chunk, per minute and client; 0 means no limit.",
    )
    client_misses: int = option(
        300, whole(0, 1_000_000), "Calls with a wrong proof, per minute and client; 0 means no limit."
    )
    client_storage: int = option(1 << 30, size(0), "The most that one client may store per day; 0 means no limit.")
    client_transfer: int = option(
        20 << 30, size(0), "The most that one client may send and fetch per day in chunks of files; 0 means no limit."
    )
    trusted_proxy: tuple[IPv4Network | IPv6Network, ...] = option(
        (),
        networks,
        "Addresses or networks of reverse proxies, whose X-Forwarded-For is trusted.",
        key="trusted_proxies",
        several=True,
    )
    log: Literal["errors", "events"] = option(
        "errors", one_of("errors", "events"), "What is logged, as JSON: only errors, or a line for each request."
    )
    metrics: tuple[str, int] | None = option(
        None, loopback, "Where Prometheus can fetch metrics: an address of this machine, such as 127.0.0.1:9464."
    )
    mail_host: str | None = option(
        None, host_name, "SMTP server that accepts our mail; without one, nothing is ever mailed.", key="mail.host"
    )
    mail_port: int = option(465, whole(1, 65535), "Its port.", key="mail.port")
    mail_security: Literal["tls", "starttls"] = option(
        "tls", one_of("tls", "starttls"), "How the connection to it is encrypted.", key="mail.security"
    )
    mail_from: str | None = option(None, mailbox, "Sender address of our mail.", key="mail.from")
    mail_user: str | None = option(None, text, "User name to log in with, if it requires one.", key="mail.user")
    mail_password_file: Path | None = option(
        None, path, "File whose first line is the password for it.", key="mail.password_file"
    )
    mail_authority: Path | None = option(
        None, path, "Certificate authority that vouches for it, if those of the system do not.", key="mail.authority"
    )
    mail_per_key: int = option(10, whole(0, 10_000), "Links that one access key may mail per day.", key="mail.per_key")
    mail_per_day: int = option(
        200, whole(0, 1_000_000), "Links that may be mailed per day in total.", key="mail.per_day"
    )


@dataclass(frozen=True, slots=True)
class Option:
    """One line of `Config`, and by which names it goes."""

    name: str
    key: str
    default: object
    describe: str
    read: Callable[[object], object]
    several: bool
    private: bool

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"TAINA_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return f"--{self.name.replace('_', '-')}"


OPTIONS = tuple(
    Option(
        f.name,
        f.metadata["key"] or f.name,
        f.default,
        f.metadata["describe"],
        f.metadata["read"],
        f.metadata["several"],
        f.metadata["private"],
    )
    for f in dataclasses.fields(Config)
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """All options, and where each value came from."""

    config: Config
    sources: Mapping[str, str]
    """Where the value of each option came from, by its name: `default`, a file, a variable, a flag."""
    file: Path | None


def load(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Loaded:
    """Read the options: the flags that were given, by name; the environment; a file.

    Raises:
        ConfigError: one of them is wrong or unknown.
    """
    file = file or (Path(environment["TAINA_CONFIG"]) if environment.get("TAINA_CONFIG") else None)
    # Whatever stands there, even the folder that Docker makes when the file to mount is missing, which cannot be read:
    # an instance without its options would be open to anyone.
    if file is None and os.path.lexists(FILE):
        file = FILE
    elif file is None and _may_be_there(SYSTEM_FILE):
        file = SYSTEM_FILE
    _check_variables(environment)
    written = _read_file(file) if file else {}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for one in OPTIONS:
        for place, name, value in (
            (one.flag, one.flag, (flags or {}).get(one.name)),
            (one.variable, one.variable, environment.get(one.variable)),
            (str(file), f"{one.key} in {file}", written.get(one.key)),
        ):
            if value is None or value in ("", ()) or _of_kubernetes(name, value):
                continue
            try:
                values[one.name], sources[one.name] = one.read(value), place
            except ValueError as error:
                # What stands before the host of an address may be a password.
                hidden = one.private or re.search(r"://.*@", str(value), re.DOTALL)
                given = "" if hidden else f"is {value!r}, but "
                raise ConfigError(f"{name} {given}has to be {error}.") from None
            break
        else:
            values[one.name], sources[one.name] = one.default, "default"
    config = Config(**values)
    check(config, sources)
    return Loaded(config, sources, file)


def _may_be_there(file: Path) -> bool:
    """Whether anything stands there, or this user may not know."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _read_file(file: Path) -> dict[str, object]:
    import tomllib  # clients read no file, and they start often

    try:
        # Editors of Windows put a mark before it, which TOML does not know.
        document = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not text in UTF-8. Save it as UTF-8.") from None
    except RecursionError:
        raise ConfigError(f"{file} is not TOML: it is nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from None
    found: dict[str, object] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": it for inner, it in value.items()}
        else:
            found[name] = value
    known = {one.key for one in OPTIONS} | set(SITE_KEYS)
    for key in found:
        if key not in known:
            similar = _alike(key, known)
            meant = f"Did you mean {similar[0]}? " if similar else ""
            raise ConfigError(f"{key} in {file} is not an option. {meant}There are: {', '.join(sorted(known))}.")
    return found


def _check_variables(environment: Mapping[str, str]) -> None:
    """Refuse what is nearly an option. Others are let through: a cluster sets many for services such as `taina`."""
    known = {one.variable for one in OPTIONS} | set(OTHER_VARIABLES)
    for name, value in environment.items():
        if name.startswith("TAINA_") and name not in known and not _of_kubernetes(name, value):
            similar = _alike(name, known, 0.85)
            if similar:
                raise ConfigError(f"{name} is not an option. Did you mean {similar[0]}?")


def _alike(name: str, known: Iterable[str], least: float = 0.6) -> list[str]:
    """The one that is most like it, if any is alike enough (0 to 1)."""
    import difflib  # for those alone who mistyped

    return difflib.get_close_matches(name, known, n=1, cutoff=least)


def _of_kubernetes(name: str, value: object) -> bool:
    """Whether a cluster has set this variable by itself, for a service such as `taina` or `taina-db`."""
    return name.endswith("_PORT") and re.match(r"(tcp|udp|sctp)://", str(value)) is not None


def shown_option(option: Option, config: Config) -> str:
    """The value of an option as it would be written; of one that may hold a password only that there is one."""
    value = getattr(config, option.name)
    return "…" if option.private and value is not None else shown(value)
