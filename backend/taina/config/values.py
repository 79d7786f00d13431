"""Readers of option values: from what TOML gives, or from a text. A ValueError says in words what was expected.

`shown` is their reverse.
"""

import json
import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
MIN_LIFETIME = 300
MAX_LIFETIME = 30 * 86400
_MAX_SIZE = 1 << 50
# No backslash, which browsers take for a slash, and none that leads: `//host` is another host.
_LOGIN = re.compile(r"(/(?!/)|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(?=[/?]|\Z))[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*")
_OTHER_HEADERS = {"authorization", "cookie", "host", "origin", "content-type", "content-length", "x-forwarded-for"}
_ORIGIN = re.compile(r"(?P<root>(?P<scheme>https?)://([a-z0-9.-]+|\[[0-9a-f:]+\]))(:(?P<port>[0-9]{1,5}))?")
_MAPPED = IPv6Network("::ffff:0:0/96")
_PORTS = {"http": 80, "https": 443}
# Without `!` and `%`, by which old mail servers were told to pass a message on to somewhere else, and without `=?`,
# which begins a word that parsers of headers decode (RFC 2047): whatever is refused here would come back.
_MAILBOX = re.compile(r"(?!.*=\?)[A-Za-z0-9.#$&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class ConfigError(Exception):
    """An option is wrong; the message names its key, where it stands and what was expected."""


def text(value: object) -> str:
    """A text on one line, without the spaces around it."""
    if not isinstance(value, str) or not value.strip() or re.search(r"[\x00-\x1f]", value):
        raise ValueError("a text on one line")
    return value.strip()


def host_name(value: object) -> str:
    """An address or name of a host; an IPv6 address may stand in brackets, as it does in addresses of pages."""
    found = text(value)
    if found.startswith("[") and found.endswith("]"):
        found = found[1:-1]
    try:
        if ":" in found:
            ip_address(found)
        elif re.search(r"[\s/@\[\]]", found):
            raise ValueError
        found.encode("idna")
    except ValueError:  # a UnicodeError is one
        raise ValueError("the name or address of a host, without a scheme or a port") from None
    return found


def whole(least: int, most: int) -> Callable[[object], int]:
    """Reads a whole number from `least` to `most`."""

    def read(value: object) -> int:
        digits = str(value)
        if not re.fullmatch(r"[0-9]{1,18}", digits) or not least <= int(digits) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(digits)

    return read


def size(least: int) -> Callable[[object], int]:
    """Reads bytes, from `least` on."""

    def read(value: object) -> int:
        found = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        amount = int(found[1]) * _UNITS[found[2].upper()] if found else -1
        if isinstance(value, bool) or not least <= amount <= _MAX_SIZE:
            raise ValueError(
                "a size from 1 byte to 1024TiB; write it like 500MiB or 2GiB"
                if least
                else "a size of at most 1024TiB, or 0 for no limit; write it like 500MiB or 2GiB"
            )
        return amount

    return read


def lifetime(value: object) -> int:
    """Reads seconds, from five minutes to thirty days: what the service is built for."""
    found = re.fullmatch(r"([0-9]{1,9})\s*([smhd]?)", str(value).strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if isinstance(value, bool) or not MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        raise ValueError("a time from 5m to 30d; write it like 90m, 12h or 7d")
    return seconds


def truth(value: object) -> bool:
    """Reads a yes or no, which in a text is written as in TOML."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError("true or false")


def header_name(value: object) -> str:
    """The name of a header. An underscore is refused in those that come, so that no other can look like it."""
    found = text(value)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", found) or found.lower() in _OTHER_HEADERS:
        raise ValueError("the name of a header that the proxy alone sets, such as Remote-User")
    return found


def login_address(value: object) -> str:
    """Where a page sends people to log in: a path of its own host, or an address."""
    found = text(value)
    if len(found) > 1000 or not _LOGIN.fullmatch(found):
        raise ValueError("a path of this host, such as /oauth2/start, or an address that begins with https://")
    return found


def path(value: object) -> Path:
    """A path, whose `~` is the home of a user."""
    try:
        return Path(text(value)).expanduser()
    except RuntimeError:
        raise ValueError("a path; there is no such user as behind its ~") from None


def one_of(*words: str) -> Callable[[object], str]:
    """Reads one of these words."""

    def read(value: object) -> str:
        if value not in words:
            raise ValueError(" or ".join(f'"{word}"' for word in words))
        return str(value)

    return read


def origin(value: object) -> str:
    """Scheme, host and port as browsers write them: in lower case, without a slash at the end or the usual port."""
    given = text(value).rstrip("/").lower()
    if not given.isascii():
        raise ValueError("an address in ASCII: a name in other letters as browsers send it, which begins with xn--")
    found = _ORIGIN.fullmatch(given)
    port = int(found["port"] or 1) if found else 0
    if found is None or not 0 < port < 65536:
        raise ValueError("an address without a path, such as https://secrets.example.org")
    return found["root"] if port == _PORTS[found["scheme"]] else found[0]


def named_api(pages: str, document: bytes) -> str | None:
    """Where the API is that the pages at an address name in their `api.json`.

    Args:
        document: that file, or whatever else stands there.

    Returns:
        An address as of `origin`; None where none is named, or one without TLS though the pages have it.
    """
    try:
        api = origin(json.loads(document.decode("utf-8"))["api"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return None if pages.startswith("https:") and not api.startswith("https:") else api


def _several(value: object) -> Sequence[object]:
    """A list of the file, what a flag gave that was repeated, or a text with spaces between them."""
    return value if isinstance(value, list | tuple) else text(value).replace(",", " ").split()


def origins(value: object) -> tuple[str, ...]:
    """Several origins."""
    return tuple(origin(one) for one in _several(value))


def database(value: object) -> str:
    """The address of a PostgreSQL database, as libpq takes it."""
    found = text(value)
    if not found.startswith(("postgresql://", "postgres://")):
        raise ValueError("an address that begins with postgresql://; for a file, use data")
    return found


def networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks of IPv4 or IPv6; an address is a network of one."""
    try:
        return tuple(_unmapped(ip_network(text(one))) for one in _several(value))
    except ValueError:
        raise ValueError("addresses or networks, such as 127.0.0.1 or 10.0.0.0/8") from None


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Sockets of both kinds show addresses of IPv4 as ::ffff:192.0.2.1; clients are told apart without that."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


def is_local(host: str) -> bool:
    """Whether a host, without its port, is this machine and no other: browsers take http:// there for secure, too.

    A name such as 127.0.0.1.example.org is whatever its owner says.
    """
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def loopback(value: object) -> tuple[str, int]:
    """An address of this machine alone, and a port."""
    host, _, port = text(value).rpartition(":")
    try:
        number = whole(0, 65535)(port)
    except ValueError:
        number = None
    if number is None or not is_local(host):
        raise ValueError("an address of this machine and a port, such as 127.0.0.1:9464")
    return host.strip("[]"), number


def mailbox(value: object) -> str:
    """An email address without a name."""
    found = text(value)
    if len(found) > 254 or not _MAILBOX.fullmatch(found):
        raise ValueError("an email address")
    return found


def shown(value: object) -> str:
    """A value as it would be written."""
    match value:
        case None | ():
            return "-"
        case (str(host), int(port)):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case bool():
            return str(value).lower()
        case tuple():
            return " ".join(map(str, value))
    return str(value)
