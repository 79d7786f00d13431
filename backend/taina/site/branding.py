"""What an operator may change of the pages: the table `[site]` of taina.toml, taken only if it can do no harm."""

import datetime
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from taina.config import OPTIONS, SITE_KEYS
from taina.config.values import origin
from taina.errors import TainaError
from taina.format.links import clean_fragment, decode_link
from taina.site import SiteError, colours, logo

_KEYS = {key.removeprefix("site.") for key in SITE_KEYS}
_OTHERS = {one.key.removeprefix("site.") for one in OPTIONS if one.key.startswith("site.")}
"""Keys of the same table that the server reads."""
_MAX_LENGTH = 40
_MAX_LINKS = 6


class LooksError(SiteError):
    """A value cannot be taken; the message names its key and says what to write instead."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What an operator has set; None or nothing where it stays as it is."""

    name: str | None = None
    """Instead of Taina, in every language."""
    accent: str | None = None
    """`#rrggbb`, dark enough to be read on the light pages."""
    logo: bytes | None = None
    """An SVG drawing and nothing else."""
    links: tuple[tuple[str, str], ...] = ()
    """Texts and https addresses in the footer."""
    contact: str | None = None
    """The fragment of a request link, whose inbox is the operator's."""
    contact_until: datetime.date | None = None
    """Until when somebody reads what comes there; then, with the url, there is a security.txt (RFC 9116)."""
    url: str | None = None
    """The address of the pages."""


def read_looks(file: Path) -> Looks:
    """The looks that a taina.toml asks for.

    Raises:
        LooksError: something in it is missing, unknown, unreadable or unsafe.
    """
    try:
        document = tomllib.loads(file.read_text("utf-8-sig"))  # as `taina.config` reads it
    except OSError as error:
        raise LooksError(f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LooksError(f"{file} is not TOML: {error}.") from None
    table = document.get("site", {})
    if not isinstance(table, dict):
        raise LooksError(f"site in {file} is a table: write its keys below a line [site].")
    if unknown := set(table) - _KEYS - _OTHERS:
        raise LooksError(f"site.{min(unknown)} in {file} is unknown. There are: {', '.join(sorted(_KEYS))}.")
    return Looks(
        name=_text("site.name", table["name"]) if "name" in table else None,
        accent=_accent(table["accent"]) if "accent" in table else None,
        logo=_logo(file.parent, table["logo"]) if "logo" in table else None,
        links=_links(table.get("links", [])),
        contact=_contact(table["contact"]) if "contact" in table else None,
        contact_until=_date(table["contact_until"]) if "contact_until" in table else None,
        url=_url(document["url"]) if "url" in document else None,
    )


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_LENGTH or value != value.strip():
        raise LooksError(f"{key} is a text of 1 to {_MAX_LENGTH} characters, without spaces around it.")
    if any(unicodedata.category(character)[0] == "C" for character in value):
        raise LooksError(f"{key} holds a character that cannot be seen. Type it again.")
    return value


def _accent(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise LooksError('site.accent is a colour like "#0b6b57".')
    readable = colours.darken(value.lower())
    if readable != value.lower():
        raise LooksError(f'site.accent {value} is too pale to be read on white. "{readable}" can be read.')
    return readable


def _logo(folder: Path, value: object) -> bytes:
    if not isinstance(value, str):
        raise LooksError("site.logo is the path of an SVG file.")
    try:
        data = (folder / value).read_bytes()
    except OSError as error:
        raise LooksError(f"site.logo {value} cannot be read: {error.strerror}.") from None
    try:
        logo.check(data)
    except ValueError as error:
        raise LooksError(f"site.logo {value} {error}") from None
    return data


def _links(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or len(value) > _MAX_LINKS:
        raise LooksError(f"site.links is a list of at most {_MAX_LINKS}.")
    return tuple(_link(f"site.links[{n}]", one) for n, one in enumerate(value))


def _link(key: str, value: object) -> tuple[str, str]:
    if not isinstance(value, dict) or set(value) != {"text", "url"}:
        raise LooksError(f'{key} is {{ text = "…", url = "https://…" }}.')
    url = value["url"]
    if not isinstance(url, str) or not re.fullmatch(r"https://[!-~]+", url) or re.search(r"[\"'<>\\^`{|}]", url):
        raise LooksError(f"{key}.url is a whole address that begins with https:// and is ASCII without spaces.")
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        raise LooksError(f"{key}.url is not an address.") from None
    if not parts.hostname or parts.username is not None or not port_is_sound:
        raise LooksError(f"{key}.url names a host, and no user.")
    return _text(f"{key}.text", value["text"]), url


def _date(value: object) -> datetime.date:
    if type(value) is not datetime.date:
        raise LooksError("site.contact_until is a date like 2027-01-31, without quotation marks.")
    return value


def _url(value: object) -> str:
    try:
        return origin(value)
    except ValueError as error:
        raise LooksError(f"url is {value!r}, but has to be {error}.") from None


def _contact(value: object) -> str:
    try:
        decode_link(str(value), "request")
    except TainaError:
        raise LooksError(
            "site.contact is a request link, whole. Make one on the page “Request a secret” of this site, or with "
            "`taina request`, and keep its inbox."
        ) from None
    return clean_fragment(str(value))
