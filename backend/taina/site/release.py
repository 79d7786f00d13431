"""Compare the folder of a release with the sums that its maker signed, and what is in it with each other."""

import hashlib
import json
import re
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from taina.errors import InvalidError
from taina.site.manifest import read_pem_key
from taina.site.verify import Report, verify_folder

SUMS, SIGNATURE, PUBLIC_KEY = "SHA256SUMS", "SHA256SUMS.sig", "release-key.pem"
BILL = "sbom.cdx.json"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\n]+)")
_PARTS = {
    "wheel": r"taina-(.+)-py3-none-any\.whl",
    "archive of the sources": r"taina-(.+)\.tar\.gz",
    "program": r"taina-(.+)-linux-[a-z0-9_]+",
    "archive of the pages": r"pages-(.+)\.tar",
}
"""What every release holds, by its name; the group is the version."""
_NEEDED = re.compile(r"Requires-Dist: ([A-Za-z0-9._-]+)(?!.*\bextra\s*==)", re.MULTILINE)


def verify_release(
    folder: Path, key: Ed25519PublicKey, at_least: str | None = None, clock: Callable[[], float] = time.time
) -> Report:
    """Compare every file with the signed sums, and the pages with the list that is signed with the same key.

    Args:
        at_least: the oldest release that is good, as `verify_folder` takes it.

    Raises:
        InvalidError: the oldest release is none, or the list of the pages is not one that this version knows.
    """
    report = Report()
    sums = _signed_sums(folder, key, report)
    if sums is None:
        return report
    report.files = len(sums)
    whole = set()
    for name, digest in sums.items():
        if not (folder / name).is_file():
            report.findings.append(f"{name} is missing.")
        elif _digest(folder / name) != digest:
            report.findings.append(f"{name} was changed.")
        else:
            whole.add(name)
    there = {file.name for file in folder.iterdir()} - {SUMS, SIGNATURE, PUBLIC_KEY}
    report.findings += [f"{name} should not be there." for name in sorted(there - set(sums))]
    report.findings += _compare_key(folder, key)
    parts = {what: [name for name in sums if re.fullmatch(pattern, name)] for what, pattern in _PARTS.items()}
    report.findings += [f"{SUMS} names no {what}." for what, names in parts.items() if not names]
    if BILL not in sums:
        report.findings.append(f"{SUMS} names no {BILL}.")
    for name in parts["archive of the pages"]:
        if name in whole:
            pages = _verify_pages(folder / name, key, at_least, clock)
            report.release, report.released = pages.release, pages.released
            report.findings += [f"{name}: {finding}" for finding in pages.findings]
    report.findings += _compare_versions(parts, report.release)
    bills = [BILL, *(f"{name}.cdx.json" for name in parts["program"])]
    report.findings += [f"{SUMS} names no {name}." for name in bills[1:] if name not in sums]
    for name in bills:
        if name in whole:
            report.findings += _compare_bill(folder / name, report.release)
    for name in parts["wheel"]:
        if {name, BILL} <= whole:
            report.findings += _compare_needs(folder / name, folder / BILL)
    return report


def _signed_sums(folder: Path, key: Ed25519PublicKey, report: Report) -> dict[str, str] | None:
    """The digest of each file by its name; None, and a finding, where nothing that they say can be trusted."""
    try:
        data, signature = ((folder / name).read_bytes() for name in (SUMS, SIGNATURE))
    except OSError as error:
        report.findings.append(f"{Path(str(error.filename)).name} cannot be read: is this the folder of a release?")
        return None
    try:
        key.verify(signature, data)
    except InvalidSignature:
        report.findings.append(f"{SUMS} is not signed with this key: nothing that it says can be trusted.")
        return None
    lines = [_LINE.fullmatch(line) for line in data.decode("utf-8", "replace").splitlines()]
    if not lines or not all(lines):
        report.findings.append(f"{SUMS} is signed, but is not a list of SHA-256 digests and names.")
        return None
    return {line[2]: line[1] for line in lines if line}


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _compare_key(folder: Path, key: Ed25519PublicKey) -> Iterator[str]:
    try:
        found = read_pem_key((folder / PUBLIC_KEY).read_bytes())
    except OSError:
        yield f"{PUBLIC_KEY} is missing."
    except InvalidError:
        yield f"{PUBLIC_KEY} is not a public key."
    else:
        if found.public_bytes_raw() != key.public_bytes_raw():
            yield f"{PUBLIC_KEY} is another key than the one that signed."


def _verify_pages(archive: Path, key: Ed25519PublicKey, at_least: str | None, clock: Callable[[], float]) -> Report:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        strange = []
        try:
            with tarfile.open(archive, "r:") as opened:
                for member in opened:
                    file = opened.extractfile(member) if member.isreg() else None
                    if file is None or ".." in Path(member.name).parts or Path(member.name).is_absolute():
                        strange.append(f"{member.name} should not be there.")
                        continue
                    target = folder / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(file.read())
        except tarfile.TarError:
            return Report(findings=["This is not an archive that can be read."])
        except OSError as error:
            return Report(findings=[f"This cannot be unpacked here ({error.strerror})."])
        report = verify_folder(folder, key, at_least, clock)
        report.findings += strange
        return report


def _compare_versions(parts: dict[str, list[str]], release: str | None) -> Iterator[str]:
    """Whether all are of one version: that which the pages say, if they do."""
    for what, names in parts.items():
        for name in names:
            found = re.fullmatch(_PARTS[what], name)
            if release and found and found[1] != release:
                yield f"{name} is of {found[1]}, and the pages are of {release}."


def _compare_bill(file: Path, release: str | None) -> Iterator[str]:
    bill = _read_bill(file)
    if bill is None:
        yield f"{file.name} is not a bill of materials of Taina."
    elif release and bill.version != release:
        yield f"{file.name} is of {bill.version}, and the pages are of {release}."


def _compare_needs(wheel: Path, bill: Path) -> Iterator[str]:
    """Whether the bill names each package that the wheel cannot do without."""
    try:
        with zipfile.ZipFile(wheel) as opened:
            (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
            needed = {_normal(name) for name in _NEEDED.findall(opened.read(name).decode("utf-8", "replace"))}
    except (zipfile.BadZipFile, ValueError):
        yield f"{wheel.name} is not a wheel."
        return
    read = _read_bill(bill)
    missing = sorted(needed - read.names) if read else []
    yield from (f"{bill.name} does not name {name}, which {wheel.name} needs." for name in missing)


@dataclass(frozen=True)
class _Bill:
    version: str
    names: set[str]


def _read_bill(file: Path) -> _Bill | None:
    """None where it is not one of Taina, or names nothing."""
    try:
        document = json.loads(file.read_bytes())
        whole = document["metadata"]["component"]
        names = {_normal(part["name"]) for part in document["components"]}
        ours = document["bomFormat"] == "CycloneDX" and whole["name"] == "taina" and names
        return _Bill(version=str(whole["version"]), names=names) if ours else None
    except (ValueError, LookupError, TypeError):
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
