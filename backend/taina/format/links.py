"""Links: what stands behind the `#` (specification: Text forms)."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from taina import base64url
from taina.errors import IncompleteLinkError, NewerLinkError, WrongLinkError
from taina.format.derive import sha256

Kind = Literal["secret", "receipt", "request", "inbox"]

VERSION = 1
PASSPHRASE = 0x80
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order of their numbers in the flags of a link."""
PAGES: dict[Kind, str] = {"secret": "s", "receipt": "receipt", "request": "r", "inbox": "inbox"}
"""Where an instance has the page for a link of each kind."""
BODY_SIZES: dict[Kind, int] = {"secret": 32, "receipt": 48, "request": 32, "inbox": 32}
_MAY_NEED_PASSPHRASE: tuple[Kind, ...] = ("secret", "request")
_CHECK_SIZE = 2
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_MAX_DECODINGS = 3
"""A browser encodes what it is given; what rewrote the link may have done so before."""
# Named one by one, so that both implementations mean the same by what is not seen.
_UNSEEN = re.compile(
    r"[\x00-\x20\\\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc\U000e0000-\U000e0fff]+"
)
_WIDE = {0xFEE0 + number: number for number in range(0x21, 0x7F)}
"""Full-width forms, as input methods for East Asian languages type them."""
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|colon|lowbar|num|percnt|period|sol));")
_NAMED = {"amp": "&", "colon": ":", "lowbar": "_", "num": "#", "percnt": "%", "period": ".", "sol": "/"}
"""Character references of HTML."""
_SOFT_BREAK = re.compile(r"=[ \t]*\r?\n")
_QUOTED = re.compile(r"=3D|/=23")
_QUOTED_PAIR = re.compile(r"=([0-9A-F]{2})")
"""Quoted-printable (RFC 2045, section 6.7), which encodes each `=`: only there a pair is no parameter."""
_PROOFPOINT_2 = re.compile(r"https?://urldefense(?:\.proofpoint)?\.com/v2/url\?u=([^&]*)", re.IGNORECASE | re.ASCII)
_PROOFPOINT_3 = re.compile(
    r"https?://urldefense(?:\.proofpoint)?\.com/v3/__([^*!]{1,500})\*([^*!]{1,500}?)__;Iw!", re.IGNORECASE | re.ASCII
)
"""A mail scanner that has its own way of putting a link into its own; `Iw` is the `#` that stood at the `*`."""
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
# A page of ours, and nothing else: a path with a dot or a parameter with a slash may be somebody else's address.
_PAGE = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\x00-,/:;<=>?@\[-^`{-\x7f]+)(?::(?P<port>\d{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9_~-]+)*?)/+(?:[A-Za-z]{2}(?:-[A-Za-z]{2,4})?/+)?"
    rf"(?:{'|'.join(PAGES.values())})(?:/+(?:index\.html)?)?(?:\?[^/:#]*)?",
    re.IGNORECASE,
)
_OWN_PATH = re.compile(rf"/?(?:[a-z]{{2}}(?:-[a-z]{{2,4}})?/)?(?:{'|'.join(PAGES.values())})?/?", re.IGNORECASE)
_NAMES_HOST = re.compile(r"/|[^\W_]\.[^\W_]")
"""Where there is no scheme: part of an address, whose host cannot be told from the text before it."""
_RUN = re.compile(r"[A-Za-z0-9_=-]+")


@dataclass(frozen=True, slots=True)
class Link:
    """A link of any kind. `body`: K | receipt key and opened hash | X25519 public key | seed."""

    kind: Kind
    body: bytes
    passphrase: bool = False

    @property
    def flags(self) -> int:
        """The first byte of the link: the version of the format, the kind, and whether there is a passphrase."""
        return VERSION | KINDS.index(self.kind) << 4 | (PASSPHRASE if self.passphrase else 0)


def encode_link(link: Link) -> str:
    """The fragment, without `#`."""
    head = bytes([link.flags]) + link.body
    return base64url.encode(head + _check(head))


def page_address(url: str, link: Link) -> str:
    """The whole address of a link at an instance, whose own address has no slash at its end."""
    return f"{url}/{PAGES[link.kind]}/#{encode_link(link)}"


def decode_link(text: str, kind: Kind) -> Link:
    """Read a fragment or a whole address, strictly after `clean_fragment`.

    Raises:
        IncompleteLinkError: cut or mistyped.
        NewerLinkError: whole, but of a later version.
        WrongLinkError: whole, but of another kind; its member `kind` says which.
    """
    try:
        data = base64url.decode(clean_fragment(text))
    except ValueError:
        raise IncompleteLinkError from None
    head, check = data[:-_CHECK_SIZE], data[-_CHECK_SIZE:]
    # The check has the same place and label in every version: a newer link is told apart from a broken one.
    if not head or check != _check(head):
        raise IncompleteLinkError
    flags, body = head[0], head[1:]
    if flags & 0x0F != VERSION:
        raise NewerLinkError
    number = flags >> 4 & 0x07
    if number >= len(KINDS):
        raise NewerLinkError
    found, passphrase = KINDS[number], bool(flags & PASSPHRASE)
    if len(body) != BODY_SIZES[found] or (passphrase and found not in _MAY_NEED_PASSPHRASE):
        raise IncompleteLinkError
    if found != kind:
        raise WrongLinkError(kind=found)
    return Link(found, body, passphrase)


def clean_fragment(text: str) -> str:
    """Undo what mail and chat programs do to a link; guesses nothing that was lost.

    Takes a whole address or a bare fragment; drops encodings, what is not seen and backslashes, and takes the first
    run of base64url, as long as its first byte says: what is around it are parameters, quotes, brackets, a text.
    """
    found = _RUN.search(_split(text)[1])
    return _bounded(found[0].replace("=", "")) if found else ""


def _bounded(run: str) -> str:
    """A link of our version has the length of its kind: what else stands right behind it is not a part of it."""
    if len(run) < 4:
        return run
    flags = base64url.decode(run[:4])[0]
    number = flags >> 4 & 0x07
    if flags & 0x0F != VERSION or number >= len(KINDS):
        return run
    size = 1 + BODY_SIZES[KINDS[number]] + _CHECK_SIZE
    return run[: -(-size * 4 // 3)]


def find_address(text: str) -> str | None:
    """The instance that a link names, by the address that stands before the very `#` that `clean_fragment` takes.

    Mail scanners put a link into one of their own, and people write sentences with two: whoever is asked gets what
    counts as having the link, so it is the address of that key or none.

    Returns:
        `https://host`, with a port and the path before the pages where there are; None for a bare fragment.

    Raises:
        IncompleteLinkError: there is an address, or a part of one, and it is not surely the one of this key.
    """
    before = _split(text)[0]
    start = max((found.start() for found in _SCHEME.finditer(before)), default=None)
    if start is None and (_OWN_PATH.fullmatch(before) or not _NAMES_HOST.search(before)):
        return None
    found = None if start is None else _PAGE.fullmatch(before, start)
    if found is None or not 0 < int(found["port"] or 443) < 65536:
        raise IncompleteLinkError(
            "This link was changed on its way, and does not tell which instance has the secret. Ask for the link as "
            "it was, or pass the part after its # together with --url."
        )
    port = f":{found['port']}" if found["port"] else ""
    return f"{found['scheme'].lower()}://{found['host'].lower()}{port}{found['path']}"


def _split(text: str) -> tuple[str, str]:
    """What stands before the last `#` and behind it, once encodings and what is not seen are gone."""
    text = _SOFT_BREAK.sub("", text)
    if _QUOTED.search(text):
        text = _QUOTED_PAIR.sub(r"%\1", text)
    for _ in range(_MAX_DECODINGS):
        text = _PERCENT.sub(
            lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), _plain(text)
        )
    before, _, fragment = _plain(text).rpartition("#")
    return before, fragment


def _plain(text: str) -> str:
    """What is left once what is not seen is gone, and each other way of writing is undone once."""
    text = _REFERENCE.sub(_character, _UNSEEN.sub("", text)).translate(_WIDE)
    text = _PROOFPOINT_2.sub(lambda match: match[1].replace("-", "%").replace("_", "/"), text)
    return _UNSEEN.sub("", _PROOFPOINT_3.sub(r"\1#\2", text))


def _character(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    if name:
        return _NAMED[name]
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(number) if number < 0xD800 or 0xDFFF < number <= 0x10FFFF else "\ufffd"


def _check(head: bytes) -> bytes:
    return sha256(b"taina/v1 link" + head)[:_CHECK_SIZE]
