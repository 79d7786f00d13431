"""The list of a site's files that its maker signed: what each of them is, and which release they are.

The signature is Ed25519 (RFC 8032) over the bytes of `manifest.json`, in base64url, in `manifest.sig`.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypedDict

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from taina import base64url
from taina.errors import InvalidError, TamperedError
from taina.web.site_headers import Headers

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MAX_MANIFEST = 4 << 20
"""Bytes."""
_RELEASE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS_AHEAD = datetime.timedelta(days=1)
"""A day begins at another time elsewhere, and clocks differ."""


class Facts(TypedDict):
    """What a file has to be: its size in bytes, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the maker of a site signed."""

    files: Mapping[str, Facts]
    """By their paths, which begin without a slash."""
    headers: Headers
    release: str | None
    """The version of Taina whose pages these are; None where the manifest does not say."""
    released: str | None
    """The day of that version, such as 2026-11-28; None where the manifest does not say."""


def read_key(text: str) -> Ed25519PublicKey:
    """A public key in base64url or PEM. Raises: InvalidError."""
    if text.startswith("-----BEGIN"):
        return read_pem_key(text.encode())
    try:
        return Ed25519PublicKey.from_public_bytes(base64url.decode(text.strip()))
    except ValueError:
        raise InvalidError("This is not a public key: it has 43 letters, digits, - and _.", field="key") from None


def read_pem_key(data: bytes) -> Ed25519PublicKey:
    """A public key in PEM, as a release holds it. Raises: InvalidError."""
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidError("This is not a public key of Ed25519 in PEM.", field="key")
    return key


def read_manifest(key: Ed25519PublicKey, data: bytes, signature: bytes) -> Manifest:
    """Read the bytes of both files, once the signature is found to be of this key.

    Raises:
        TamperedError: it is not.
        InvalidError: it is, and the list has another shape than this version knows.
    """
    try:
        key.verify(base64url.decode(signature.decode("ascii").strip()), data)
        document = json.loads(data)
    except (InvalidSignature, ValueError):
        raise TamperedError(f"{MANIFEST} is not signed with this key: nothing that it says can be trusted.") from None
    try:
        files = {
            path: Facts(size=int(facts["size"]), sha256=str(facts["sha256"]))
            for path, facts in document["files"].items()
        }
        headers = Headers(**document["headers"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InvalidError(
            f"{MANIFEST} is signed, but this version of Taina cannot read it. Verify with the version of the pages.",
            field="manifest",
        ) from None
    release, released = document.get("release"), document.get("released")
    return Manifest(
        files=files,
        headers=headers,
        release=release if isinstance(release, str) and _RELEASE.fullmatch(release) else None,
        released=released if isinstance(released, str) and _day(released) else None,
    )


def facts_of(data: bytes) -> Facts:
    """What a manifest says of a file with these bytes."""
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


class Age:
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

    def judge(self, manifest: Manifest) -> Iterator[str]:
        """One sentence for whatever is wrong with the age of these pages."""
        wanted, day = self._wanted, _day(manifest.released or "")
        if wanted is not None and (least := _day(wanted)):
            if day is None:
                yield "These are the pages of a release that does not say its date."
            elif day < least:
                yield f"These are the pages of {day}, older than {least}."
        elif wanted is not None and _numbers(manifest.release or "") < _numbers(wanted):
            release = manifest.release or "a release that does not say its number"
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
