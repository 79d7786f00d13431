"""What a release is made of: its bill of materials, its hashes, and pages that are the same for everybody."""

import hashlib
import json
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import ROOT
from release import (
    audit,
    bill_of_materials,
    copy_examples,
    pack_pages,
    pack_webcat_pages,
    packed_materials,
    sign_sums,
    write_sums,
)
from support.sigsum import Log, to_json
from support.sites import write_site
from taina import __version__
from taina.cli.licences import Part
from taina.site import SiteError, build
from taina.site.signing import sign
from taina.site.sigsum import sign_request
from taina.site.verify import verify_folder
from taina.site.webcat_bundle import prepare
from taina.site.webcat_enrollment import read_enrollment

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PACKAGES = json.loads((ROOT / "site/package-lock.json").read_text("utf-8"))


def test_the_bill_names_every_package_with_its_hashes() -> None:
    document = bill_of_materials(LOCK, PACKAGES)
    named = {component["name"]: component for component in document["components"]}
    pinned = {line.partition("==")[0] for line in LOCK.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    assert pinned
    assert pinned <= set(named)
    for name in pinned:
        assert named[name]["hashes"], name
    assert "qrcode-generator" in named
    assert "typescript" not in named
    assert "brotli" in named


def test_the_bill_of_the_one_file_names_what_its_build_found() -> None:
    parts = [Part("Python", "3.11.7", "PSF-2.0", ("text",), "pkg:generic/python@3.11.7")]
    parts += [Part(f"libssl{where}", "", "", (), "pkg:generic/libssl") for where in ("", " (a wheel)")]
    document = packed_materials(parts)
    assert document["bomFormat"] == "CycloneDX"
    assert {part.name for part in parts} == {component["name"] for component in document["components"]}
    (python,) = [component for component in document["components"] if component["name"] == "Python"]
    assert python["licenses"] == [{"license": {"name": "PSF-2.0"}}]


def test_the_archive_of_the_pages_is_the_same_wherever_they_lie(built_site: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere with a space"
    subprocess.run(["cp", "-r", str(built_site), str(elsewhere)], check=True)
    (elsewhere / "404.html").chmod(0o600)
    pack_pages(built_site, tmp_path / "one.tar")
    pack_pages(elsewhere, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_release_has_pages_with_their_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that come before it give the pages of the release itself, or the proof would not be of them."""
    monkeypatch.setattr(build, "write", lambda out, webcat: write_site(out, webcat=webcat))
    key, log, now, before = Ed25519PrivateKey.generate(), Log(), int(time.time()), tmp_path / "before"
    write_site(before, webcat=__version__)
    sign(before, key)
    enrollment = to_json(log.enrollment(key))
    manifest, _ = prepare(before, read_enrollment(enrollment), log.tree_head(now), now)
    webcat = tmp_path / "webcat"
    webcat.mkdir()
    (webcat / "enrollment.json").write_bytes(enrollment)
    (webcat / "manifest").write_bytes(manifest)
    (webcat / "manifest.proof").write_text(log.submit(sign_request(key, manifest), now))
    pack_webcat_pages(tmp_path / "webcat.tar", key, webcat)
    with tarfile.open(tmp_path / "webcat.tar") as archive:
        archive.extractall(tmp_path / "after", filter="data")
    report = verify_folder(tmp_path / "after", key.public_key())
    assert report.findings == []
    assert report.webcat is not None
    assert report.webcat.version == __version__
    with pytest.raises(SiteError, match="are not those of this manifest"):
        pack_webcat_pages(tmp_path / "other.tar", Ed25519PrivateKey.generate(), webcat)
    assert not (tmp_path / "other.tar").exists()


def test_the_sums_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    write_sums(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert hashlib.sha256(b"a").hexdigest() in (tmp_path / "SHA256SUMS").read_text()


def test_nothing_is_released_while_nobody_can_say_what_is_vulnerable(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match="Nothing is released"):
        audit()


def verify_command(language: str) -> list[str]:
    """The command that the page tells, word for word."""
    page = (ROOT / "site/texts" / language / "verify.md").read_text("utf-8")
    (line,) = [line.strip() for line in page.splitlines() if "openssl pkeyutl" in line]
    return line.split()


@pytest.mark.parametrize("language", ["en", "bg"])
def test_the_sums_are_signed_and_the_page_s_own_command_verifies_them(tmp_path: Path, language: str) -> None:
    (tmp_path / "taina").write_bytes(b"a program")
    copy_examples(tmp_path)
    write_sums(tmp_path)
    sign_sums(tmp_path, Ed25519PrivateKey.generate())
    command = verify_command(language)
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    sums = (tmp_path / "SHA256SUMS").read_text()
    for name in ("taina", "taina.service", "taina.socket", "taina.toml", "Caddyfile", "nginx.conf", "Containerfile"):
        assert f"  {name}\n" in sums
    (tmp_path / "SHA256SUMS").write_text(sums.replace("a", "b", 1))
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode != 0
