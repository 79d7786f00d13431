"""The enrollment of a host in WEBCAT: who may sign its pages, and which logs and witnesses have to have seen it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taina import base64url
from taina.site import SiteError
from taina.site.sigsum import Key, Policy, read_policy
from taina.site.webcat import canonical

_MAX_POLICY = 8192
"""Characters."""
_MAX_AGE = 366 * 86400


@dataclass(frozen=True, slots=True)
class Enrollment:
    """Who may sign the pages of a host, and which logs and witnesses have to have seen it."""

    document: Mapping[str, object]
    policy: Policy
    signers: Mapping[str, Key]
    """By their names in the document: base64url."""
    threshold: int
    """How many of the signers have to sign."""
    max_age: int
    """Seconds for which a manifest is good."""

    @property
    def hash(self) -> str:
        """By which WEBCAT's list names it: SHA-256 in base64url."""
        return base64url.encode(hashlib.sha256(canonical(self.document)).digest())


def read_enrollment(data: bytes) -> Enrollment:
    """What `enrollment.json` says. Raises: SiteError: WEBCAT would refuse it."""
    try:
        document = json.loads(data)
    except (RecursionError, ValueError):
        raise SiteError("The enrollment is not JSON. WEBCAT's own tool makes it: webcat enrollment create") from None
    return parse_enrollment(document)


def parse_enrollment(document: object) -> Enrollment:
    """As `read_enrollment`, of what was JSON. Raises: SiteError."""
    if not isinstance(document, dict) or document.get("type") != "sigsum":
        raise SiteError("The enrollment is not one for Sigsum: its type has to be sigsum.")
    try:
        canonical(document)
    except ValueError:
        raise SiteError("The enrollment has no canonical form: numbers in it have to be whole.") from None
    policy, names, logs = (document.get(name) for name in ("policy", "signers", "logs"))
    threshold, max_age = (_whole(document.get(name)) for name in ("threshold", "max_age"))
    if not isinstance(policy, str) or len(policy) > _MAX_POLICY:
        raise SiteError(f"The enrollment has no policy, or one of more than {_MAX_POLICY:,} characters.")
    if not isinstance(names, list) or not names:
        raise SiteError("The enrollment names no signers.")
    if not 1 <= threshold <= len(names):
        raise SiteError(f"The threshold of the enrollment has to be from 1 to {len(names)}, the number of signers.")
    if not 1 <= max_age <= _MAX_AGE:
        raise SiteError("max_age of the enrollment has to be a number of seconds, up to a year.")
    if not isinstance(logs, dict) or not logs or not all(isinstance(url, str) for url in logs.values()):
        raise SiteError("The enrollment has no addresses of logs, by their keys.")
    return Enrollment(document, read_policy(policy), _signers(names), threshold, max_age)


def _signers(names: Sequence[object]) -> dict[str, Key]:
    found = {}
    for name in names:
        try:
            found[str(name)] = Key(base64url.decode(str(name)))
        except ValueError:
            raise SiteError("A signer of the enrollment is not a public key: 43 letters, digits, - and _.") from None
    if len(found) != len(names):
        raise SiteError("The enrollment names a signer twice.")
    return found


def _whole(value: object) -> int:
    """The number; 0 for what is none."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
