"""The bundle that WEBCAT fetches from an enrolled host: enrollment, manifest, and proofs that the manifest is logged.

Whatever its extension would refuse is refused here first, with a sentence that says what to do.
"""

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from taina.site import SiteError
from taina.site.manifest import MANIFEST, SIGNATURE
from taina.site.sigsum import read_tree_head, seen_at, signer_of, tidy, verify_proof
from taina.site.webcat import Manifest, canonical, make_manifest
from taina.site.webcat_enrollment import Enrollment, parse_enrollment, read_enrollment
from taina.web.site_headers import WEBCAT_BUNDLE, WEBCAT_ENROLLMENT, WEBCAT_MANIFEST

DAY = 86400
_SOON = 14 * DAY
_LAST = 253402300799
"""The last second that has a date."""


@dataclass(frozen=True, slots=True)
class Validity:
    """Until when a bundle is good."""

    made: int
    """When the witnesses saw what the manifest was made after (Unix time): the middle one of them."""
    max_age: int

    @property
    def until(self) -> int:
        """Unix time."""
        return self.made + self.max_age

    @property
    def day(self) -> str:
        """The day on which it ends, such as 2027-05-27."""
        return datetime.datetime.fromtimestamp(min(self.until, _LAST), datetime.UTC).date().isoformat()

    def days_left(self, now: float) -> int:
        """Whole days; negative once it is over."""
        return int((self.until - now) // DAY)

    def is_short(self, now: float) -> bool:
        """Whether it is time to sign again: less than a third is left, or less than 14 days."""
        return self.until - now < max(self.max_age / 3, min(_SOON, self.max_age / 2))


def read_signed(data: bytes) -> Manifest:
    """The manifest that was written to be signed. Raises: SiteError: it is not one."""
    try:
        document: Manifest = json.loads(data, strict=False)  # line ends stand in it as they are
        same = canonical(document) == data
    except (RecursionError, ValueError):
        same = False
    if not same or not isinstance(document, dict):
        raise SiteError("This is not a manifest as `taina site webcat manifest` writes it, or it was changed since.")
    return document


def manifest_of(folder: Path, timestamp: str = "") -> Manifest:
    """The manifest of the pages in a folder. Raises: SiteError: they are not there, or not for WEBCAT."""
    signature = folder / SIGNATURE
    try:
        ours = (folder / MANIFEST).read_bytes()
        return make_manifest(ours, signature.read_bytes() if signature.exists() else None, timestamp)
    except OSError as error:
        raise SiteError(f"{folder} holds no built pages: {error.filename} cannot be read.") from None


def prepare(folder: Path, enrollment: Enrollment, tree_head: str, now: float) -> tuple[bytes, Validity]:
    """The manifest of the pages in a folder, as it has to be signed, and until when it will be good.

    Raises: SiteError: WEBCAT would refuse it, however it is signed.
    """
    text = tidy(tree_head).rstrip("\n")
    valid = validity(enrollment, text)
    if valid.until <= now:
        raise SiteError("This tree head is older than max_age of the enrollment. Fetch another from the log.")
    return canonical(manifest_of(folder, text)), valid


def join(folder: Path, enrollment: bytes, manifest: bytes, proofs: Iterable[str], now: float) -> Validity:
    """Verify everything, and write what WEBCAT fetches into the folder of the pages.

    Args:
        manifest: what was signed, as `prepare` made it.
        proofs: what `sigsum-submit` wrote, one for each signer.

    Raises:
        SiteError: WEBCAT would refuse it. Nothing was written.
        OSError: a file cannot be written. Each is as it was, or whole.
    """
    enrolled, signed = read_enrollment(enrollment), read_signed(manifest)
    if differs(signed, manifest_of(folder)):
        raise SiteError(f"The pages in {folder} are not those of this manifest. Make the manifest again, and sign it.")
    names = {key.hash: name for name, key in enrolled.signers.items()}
    signatures: dict[str, str] = {}
    for proof in proofs:
        name = names.get(signer_of(proof))
        if name is None:
            raise SiteError("A proof is of a key that the enrollment does not name as a signer.")
        signatures[name] = tidy(proof).rstrip("\n")
    valid = check(enrolled, signed, signatures)
    if valid.until <= now:
        raise SiteError("This manifest is older than max_age of the enrollment. Make it again with a new tree head.")
    document = {"manifest": signed, "signatures": signatures}
    _write(folder / WEBCAT_ENROLLMENT, enrollment)
    _write(folder / WEBCAT_MANIFEST, _to_json(document))
    _write(folder / WEBCAT_BUNDLE, _to_json({"enrollment": enrolled.document, **document}))
    return valid


def read_bundle(data: bytes) -> tuple[Enrollment, Mapping[str, object], Validity]:
    """What a host says to WEBCAT, once it is found to be true. Raises: SiteError: WEBCAT would refuse it."""
    try:
        bundle = json.loads(data)
        enrollment, manifest, signatures = (bundle[name] for name in ("enrollment", "manifest", "signatures"))
    except (LookupError, RecursionError, TypeError, ValueError):
        raise SiteError("It is not a bundle: JSON with enrollment, manifest and signatures.") from None
    enrolled = parse_enrollment(enrollment)
    if not isinstance(manifest, dict) or not isinstance(signatures, dict):
        raise SiteError("Its manifest or its signatures are not objects.")
    return enrolled, manifest, check(enrolled, manifest, signatures)


def check(enrollment: Enrollment, manifest: Mapping[str, object], signatures: Mapping[str, object]) -> Validity:
    """Until when a manifest is good. Raises: SiteError: too few signed it, or a proof is wrong."""
    try:
        data = canonical(manifest)
    except ValueError:
        raise SiteError("The manifest has no canonical form.") from None
    known = [name for name in signatures if name in enrollment.signers]
    for name in known:
        verify_proof(enrollment.policy, enrollment.signers[name], data, str(signatures[name]))
    if len(known) < enrollment.threshold:
        raise SiteError(f"The enrollment asks for the proofs of {enrollment.threshold} signers, and has {len(known)}.")
    return validity(enrollment, str(manifest.get("timestamp", "")))


def validity(enrollment: Enrollment, timestamp: str) -> Validity:
    """Until when a manifest with this tree head is good. Raises: SiteError: log or witnesses did not sign it."""
    times = seen_at(enrollment.policy, read_tree_head(timestamp))
    if not times:
        raise SiteError("No witness cosigned this tree head, so nobody knows how old it is.")
    return Validity(times[len(times) // 2], enrollment.max_age)


def differs(manifest: Mapping[str, object], ours: Mapping[str, object]) -> bool:
    """Whether a manifest says something else than ours, besides when it was made, and of which app."""
    free = {"timestamp": None, "app": None}
    return {**manifest, **free} != {**ours, **free}


def _to_json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all, whoever reads it meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_bytes(data)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
