"""What browsers with WEBCAT are told of a site: whether it is true of the pages, and for how long it is good."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from taina.site import SiteError
from taina.site.webcat import VERSION, canonical, make_manifest
from taina.site.webcat_bundle import differs, read_bundle
from taina.web.site_headers import (
    WEBCAT_BUNDLE,
    WEBCAT_ENROLLMENT,
    WEBCAT_MANIFEST,
    WEBCAT_PREVIOUS,
    WEBCAT_VERSION,
    Headers,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A bundle that is true of the pages."""

    version: str
    enrollment: str
    """Its hash, to be compared with what WEBCAT's list has for the host."""
    signers: list[str]
    """The public keys that may sign."""
    until: str
    """The day on which it ends, such as 2027-05-27."""
    days_left: int
    short: bool
    """Whether it is time to sign again."""

    def __str__(self) -> str:
        again = "; sign again soon" if self.short else ""
        return f"WEBCAT: version {self.version}, good for {self.days_left} more days, until {self.until}{again}."


def is_for_webcat(headers: Headers) -> bool:
    """Whether pages say a version to WEBCAT."""
    return WEBCAT_VERSION in headers.of("/")


def look_at_bundle(
    kept: Mapping[str, bytes], ours: bytes, signature: bytes | None, now: float, findings: list[str]
) -> Standing | None:
    """What is kept for WEBCAT, compared with the pages; whatever is wrong is added to the findings.

    Args:
        kept: the files that are there, by their paths.
        ours: the bytes of `manifest.json`.
        signature: those of `manifest.sig`.
    """
    standing = None
    if WEBCAT_BUNDLE not in kept:
        findings.append(
            f"{WEBCAT_BUNDLE} is missing: browsers with WEBCAT show nothing of an enrolled host without it."
        )
    for path in (WEBCAT_BUNDLE, WEBCAT_PREVIOUS):
        if path in kept:
            try:
                found = _standing(kept[path], ours, signature, now)
            except SiteError as error:
                findings.append(f"{path}, which browsers with WEBCAT go by, is not good. {error}")
            else:
                standing = found if path == WEBCAT_BUNDLE else standing
    if standing:
        findings += _compare_parts(kept)
    return standing


def _standing(data: bytes, ours: bytes, signature: bytes | None, now: float) -> Standing:
    """Raises: SiteError: the extension would refuse it, or these pages."""
    enrollment, manifest, valid = read_bundle(data)
    expected = make_manifest(ours, signature)
    version = str(manifest.get("version"))
    if version != expected["version"] and VERSION.fullmatch(version):
        raise SiteError(f"It is of version {version}, and the pages are of {expected['version']}.")
    if differs(manifest, expected):
        raise SiteError("It is not of these pages.")
    if valid.until <= now:
        raise SiteError("It has expired: make it again with a new tree head.")
    return Standing(
        expected["version"],
        enrollment.hash,
        list(enrollment.signers),
        valid.day,
        valid.days_left(now),
        valid.is_short(now),
    )


def _compare_parts(kept: Mapping[str, bytes]) -> Iterator[str]:
    """The two files that say parts of the bundle once more, for whoever enrolls or watches a host."""
    bundle = json.loads(kept[WEBCAT_BUNDLE])
    enrollment = bundle.pop("enrollment")
    for path, expected in ((WEBCAT_ENROLLMENT, enrollment), (WEBCAT_MANIFEST, bundle)):
        try:
            same = canonical(json.loads(kept[path])) == canonical(expected)
        except (KeyError, RecursionError, ValueError):
            same = False
        if not same:
            yield f"{path} {'does not say what the bundle says' if path in kept else 'is missing'}."
