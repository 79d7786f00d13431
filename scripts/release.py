"""Make everything of a release in one folder: wheel, one-file program, signed pages, bill of materials, hashes.

    python scripts/release.py --out build/release --key site.key

The folder holds the wheel and the source archive, `taina-VERSION-linux-ARCH`, packages of it for
Debian and Fedora's family, `pages-VERSION.tar`, with --webcat `webcat-pages-VERSION.tar`, bills of materials
(CycloneDX 1.6) as `sbom.cdx.json` (what an installation takes, with the hashes that it is held to) and beside the
program (what is packed into it), the examples of `scripts/deploy/`, and `SHA256SUMS` over all of them, with its
signature by the key that signs the pages.
"""

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from build_binary import ROOT, build_binary
from build_packages import build_package
from taina import __version__
from taina.cli.licences import Part
from taina.site import SiteError, build
from taina.site.release import PUBLIC_KEY, SIGNATURE, SUMS, verify_release
from taina.site.signing import load_key, sign
from taina.site.webcat_bundle import join

_EPOCH = 1767225600
"""A time for archives that is the same for everybody: 2026-01-01."""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\;]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def bill_of_materials(lock: str, packages: dict[str, Any]) -> dict[str, Any]:
    """A CycloneDX document of what an installation takes.

    Args:
        lock: the lock file of the Python packages.
        packages: package-lock.json of what pages ship.
    """
    components = [
        {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name.lower()}@{version}",
            "hashes": [{"alg": "SHA-256", "content": found} for found in re.findall(r"sha256:([0-9a-f]{64})", rest)],
        }
        for name, version, rest in _PIN.findall(lock)
    ]
    for path, facts in packages["packages"].items():
        if path and not facts.get("dev"):
            name = path.removeprefix("node_modules/")
            purl = f"pkg:npm/{name.replace('@', '%40')}@{facts['version']}"
            components.append({"type": "library", "name": name, "version": facts["version"], "purl": purl})
    return _document(components)


def packed_materials(parts: list[Part]) -> dict[str, Any]:
    """A CycloneDX document of what a build found in the program."""
    components = []
    for part in parts:
        component: dict[str, Any] = {"type": "library", "name": part.name, "version": part.version, "purl": part.purl}
        if part.licence:
            component["licenses"] = [{"license": {"name": part.licence}}]
        components.append(component)
    return _document(components)


def _document(components: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "taina", "version": __version__}},
        "components": sorted(components, key=lambda one: (one["purl"], one["name"])),
    }


def pack_pages(folder: Path, out: Path) -> None:
    """An archive that depends on nothing but its files' names and bytes."""
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(file.relative_to(folder).as_posix())
            member.size, member.mtime, member.mode = file.stat().st_size, _EPOCH, 0o644
            with file.open("rb") as opened:
                archive.addfile(member, opened)


def pack_webcat_pages(out: Path, key: Ed25519PrivateKey, webcat: Path) -> None:
    """Pages whose every answer tells WEBCAT this version, with the bundle that their makers signed for them.

    Args:
        webcat: folder with `enrollment.json`, and with `manifest` and `manifest.proof` of these very pages.

    Raises:
        SiteError: the proof is not of these pages, or the bundle would be refused.
        OSError: a file is not there.
    """
    enrollment, manifest = ((webcat / name).read_bytes() for name in ("enrollment.json", "manifest"))
    proof = (webcat / "manifest.proof").read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        build.write(Path(folder), webcat=__version__)
        sign(Path(folder), key)
        join(Path(folder), enrollment, manifest, [proof], time.time())
        pack_pages(Path(folder), out)


def copy_examples(folder: Path) -> None:
    """The files for systemd, proxies and containers, which the page for operators takes from a release."""
    for file in sorted((ROOT / "scripts" / "deploy").iterdir()):
        shutil.copyfile(file, folder / file.name)


def sign_sums(folder: Path, key: Ed25519PrivateKey) -> None:
    """Write SHA256SUMS.sig (64 bytes) and the public key (PEM), as `openssl pkeyutl -verify -rawin` reads them."""
    (folder / SIGNATURE).write_bytes(key.sign((folder / SUMS).read_bytes()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / PUBLIC_KEY).write_bytes(pem)


def write_sums(folder: Path) -> None:
    names = sorted(file.name for file in folder.iterdir() if file.name not in (SUMS, SIGNATURE, PUBLIC_KEY))
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(lines))


def audit() -> None:
    """Ask the advisory databases about every package that a server runs or a page ships.

    Raises:
        SystemExit: one is known to be vulnerable, or a database cannot be asked.
    """
    pip_audit = [sys.executable, "-m", "pip_audit", "--strict", "--require-hashes", "--disable-pip"]
    pip_audit += ["--progress-spinner", "off", "-r", "requirements.lock"]
    npm_audit = ["npm", "audit", "--prefix", "site", "--omit=dev"]
    for name, command in (("pip-audit", pip_audit), ("npm audit", npm_audit)):
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(f"Nothing is released: {name} knows of a vulnerability, or could not ask its database.")


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@click.option("--key", required=True, type=click.Path(path_type=Path, exists=True), help="Key to sign with.")
@click.option(
    "--webcat",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with enrollment.json, manifest and manifest.proof of this version's pages for WEBCAT.",
)
def main(out: Path, key: Path, webcat: Path | None) -> None:
    """Make everything of a release."""
    try:
        loaded = load_key(key)
    except SiteError as error:
        sys.exit(str(error))
    if out.exists() and any(out.iterdir()):
        sys.exit(f"{out} is not empty.")
    audit()
    out.mkdir(parents=True, exist_ok=True)
    if webcat:
        try:
            pack_webcat_pages(out / f"webcat-pages-{__version__}.tar", loaded, webcat)
        except (OSError, SiteError) as error:
            sys.exit(f"Nothing is released: {error}")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(out.resolve())], cwd=ROOT, check=True)
    program = out / f"taina-{__version__}-linux-{platform.machine()}"
    built = build_binary(program)
    (out / f"{program.name}.cdx.json").write_text(json.dumps(packed_materials(built.parts), indent=1) + "\n")
    for kind in ("deb", "rpm"):
        build_package(kind, program, out)
    with tempfile.TemporaryDirectory() as folder:
        build.write(Path(folder))
        sign(Path(folder), loaded)
        pack_pages(Path(folder), out / f"pages-{__version__}.tar")
    lock, packages = (ROOT / "requirements.lock").read_text(), json.loads((ROOT / "site/package-lock.json").read_text())
    (out / "sbom.cdx.json").write_text(json.dumps(bill_of_materials(lock, packages), indent=1) + "\n")
    copy_examples(out)
    write_sums(out)
    sign_sums(out, loaded)
    if findings := verify_release(out, loaded.public_key()).findings:
        sys.exit("\n".join(["This is not to be published:", *findings]))
    click.echo((out / SUMS).read_text(), nl=False)


if __name__ == "__main__":
    main()
