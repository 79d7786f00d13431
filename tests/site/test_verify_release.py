"""`taina verify --release`: every lie that the folder of a release can tell is named."""

import hashlib
import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from release import bill_of_materials, copy_examples, pack_pages, sign_sums, write_sums
from taina import __version__
from taina.cli.verify import verify
from taina.errors import InvalidError
from taina.site import RELEASED
from taina.site.manifest import read_key
from taina.site.release import verify_release
from taina.site.signing import public_key, sign
from taina.site.verify import Report

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
PUBLIC = read_key(public_key(KEY))
PAGES, WHEEL, SOURCES = (
    f"pages-{__version__}.tar",
    f"taina-{__version__}-py3-none-any.whl",
    f"taina-{__version__}.tar.gz",
)
PROGRAM = f"taina-{__version__}-linux-x86_64"
NEEDS = ("click>=8.1", "httpx[socks]", 'Brotli>=1; python_version > "3"', 'pytest; extra == "test"')
LOCK = "".join(f"{name}==1.0 \\\n    --hash=sha256:{'0' * 64}\n" for name in ("brotli", "click", "httpx"))
"""Of a lock file."""
Lie = Callable[[Path], object]


def write_pages(folder: Path, headers: object, release: str) -> None:
    """A few pages, signed."""
    folder.mkdir()
    site = {"404.html": b"Nothing is here.", "index.html": b"Pages."}
    files = {path: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in site.items()}
    document = {"files": files, "headers": headers, "release": release, "released": RELEASED}
    for path, data in {**site, "manifest.json": json.dumps(document).encode()}.items():
        (folder / path).write_bytes(data)
    sign(folder, KEY)


def write_wheel(file: Path, *needs: str) -> None:
    with zipfile.ZipFile(file, "w") as wheel:
        metadata = "".join(f"Requires-Dist: {need}\n" for need in needs)
        wheel.writestr(f"taina-{__version__}.dist-info/METADATA", f"Metadata-Version: 2.4\nName: taina\n{metadata}\n")


def sign_again(folder: Path) -> None:
    """What its maker would do: what is wrong now was wrong at home."""
    write_sums(folder)
    sign_sums(folder, KEY)


@pytest.fixture(scope="module")
def made(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of small files in place of the large ones."""
    folder = tmp_path_factory.mktemp("made") / "release"
    folder.mkdir()
    headers = json.loads((built_site / "manifest.json").read_text())["headers"]
    write_pages(folder.with_name("pages"), headers, __version__)
    pack_pages(folder.with_name("pages"), folder / PAGES)
    write_wheel(folder / WHEEL, *NEEDS)
    (folder / SOURCES).write_bytes(b"sources")
    (folder / PROGRAM).write_bytes(b"program" * 1000)
    bill = json.dumps(bill_of_materials(LOCK, {"packages": {}}))
    for name in ("sbom.cdx.json", f"{PROGRAM}.cdx.json"):
        (folder / name).write_text(bill)
    copy_examples(folder)
    sign_again(folder)
    return folder


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "release"))


def findings(folder: Path) -> list[str]:
    return verify_release(folder, PUBLIC).findings


def test_a_release_as_it_was_signed_is_good(release: Path) -> None:
    files = len((release / "SHA256SUMS").read_text().splitlines())
    assert verify_release(release, PUBLIC) == Report(files, release=__version__, released=RELEASED)


def test_each_file_that_is_missing_changed_or_too_much_is_named(release: Path) -> None:
    for file in sorted(release.iterdir()):
        name, data = file.name, file.read_bytes()
        for changed in (data + b" ", data[:-1], bytes([data[0] ^ 1]) + data[1:], b"", None):
            file.unlink()
            if changed is not None:
                file.write_bytes(changed)
            if changed is not None and name == "release-key.pem" and changed.strip() == data.strip():
                continue  # the same key
            named = [finding for finding in findings(release) if name in finding or name == "SHA256SUMS.sig"]
            assert named, (name, changed and len(changed))
        file.write_bytes(data)
    for name in ("taina-9.9.9-linux-x86_64", ".hidden", "release-key.pem~"):
        (release / name).write_bytes(b"")
        assert findings(release) == [f"{name} should not be there."]
        (release / name).unlink()
    (release / "folder").mkdir()
    assert findings(release) == ["folder should not be there."]
    (release / "folder").rmdir()
    (release / PROGRAM).unlink()
    (release / "elsewhere").symlink_to("taina.toml")
    assert findings(release) == [f"{PROGRAM} is missing.", "elsewhere should not be there."]


def test_sums_of_another_s_key_are_worth_nothing(release: Path) -> None:
    sign_sums(release, OTHER)
    said = ["SHA256SUMS is not signed with this key: nothing that it says can be trusted."]
    assert findings(release) == said
    (release / "SHA256SUMS.sig").write_bytes(b"")
    assert findings(release) == said


def test_a_key_that_was_put_in_place_of_ours_is_named(release: Path) -> None:
    """Who takes the key from the release itself would verify with it."""
    copy = release.with_name("copy")
    shutil.copytree(release, copy)
    sign_sums(copy, OTHER)
    shutil.copy(copy / "release-key.pem", release)
    assert findings(release) == ["release-key.pem is another key than the one that signed."]
    (release / "release-key.pem").write_text("none")
    assert findings(release) == ["release-key.pem is not a public key."]


def test_signed_lines_that_are_no_sums(release: Path) -> None:
    for text in ("", "hello\n", f"{'0' * 64}  ../above\n", f"{'0' * 63}  short\n"):
        (release / "SHA256SUMS").write_text(text)
        sign_sums(release, KEY)
        assert findings(release) == ["SHA256SUMS is signed, but is not a list of SHA-256 digests and names."]


def _pages_of(key: Ed25519PrivateKey, version: str) -> Lie:
    def lie(release: Path) -> None:
        with tarfile.open(release / PAGES) as archive:
            archive.extractall(release / "pages", filter="data")
        manifest = json.loads((release / "pages/manifest.json").read_text()) | {"release": version}
        (release / "pages/manifest.json").write_text(json.dumps(manifest))
        sign(release / "pages", key)
        pack_pages(release / "pages", release / PAGES)
        shutil.rmtree(release / "pages")

    return lie


def _changed_page(release: Path) -> None:
    with tarfile.open(release / PAGES) as archive:
        archive.extractall(release / "pages", filter="data")
    (release / "pages/index.html").write_text("Pages!")
    (release / "pages/sw.js").write_text("")
    pack_pages(release / "pages", release / PAGES)
    shutil.rmtree(release / "pages")


def _strange_member(release: Path) -> None:
    with tarfile.open(release / PAGES, "a") as archive:
        for name in ("../above", "/etc/above", "link"):
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if name == "link" else tarfile.REGTYPE
            member.linkname = "index.html"
            archive.addfile(member)


def _bill(**changes: object) -> Lie:
    def lie(release: Path) -> None:
        file = release / "sbom.cdx.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return lie


LIES: dict[str, tuple[Lie, list[str]]] = {
    "no pages": (lambda release: (release / PAGES).unlink(), ["SHA256SUMS names no archive of the pages."]),
    "no wheel": (lambda release: (release / WHEEL).unlink(), ["SHA256SUMS names no wheel."]),
    "no sources": (lambda release: (release / SOURCES).unlink(), ["SHA256SUMS names no archive of the sources."]),
    "no bill": (lambda release: (release / "sbom.cdx.json").unlink(), ["SHA256SUMS names no sbom.cdx.json."]),
    "no bill of the program": (
        lambda release: (release / f"{PROGRAM}.cdx.json").unlink(),
        [f"SHA256SUMS names no {PROGRAM}.cdx.json."],
    ),
    "an older program": (
        lambda release: shutil.copy(release / "taina.toml", release / "taina-0.1.0.tar.gz"),
        [f"taina-0.1.0.tar.gz is of 0.1.0, and the pages are of {__version__}."],
    ),
    "older pages": (
        _pages_of(KEY, "0.1.0"),
        [f"{name} is of {__version__}, and the pages are of 0.1.0." for name in (WHEEL, SOURCES, PROGRAM, PAGES)]
        + [
            f"{name} is of {__version__}, and the pages are of 0.1.0."
            for name in ("sbom.cdx.json", f"{PROGRAM}.cdx.json")
        ],
    ),
    "pages of another key": (
        _pages_of(OTHER, __version__),
        [f"{PAGES}: manifest.json is not signed with this key: nothing that it says can be trusted."],
    ),
    "changed pages": (
        _changed_page,
        [f"{PAGES}: index.html was changed.", f"{PAGES}: sw.js should not be there."],
    ),
    "members that point elsewhere": (
        _strange_member,
        [f"{PAGES}: {name} should not be there." for name in ("../above", "/etc/above", "link")],
    ),
    "pages that are no archive": (
        lambda release: (release / PAGES).write_bytes(b"x" * 1000),
        [f"{PAGES}: This is not an archive that can be read."],
    ),
    "a bill of something else": (
        _bill(metadata={"component": {"name": "other", "version": __version__}}),
        ["sbom.cdx.json is not a bill of materials of Taina."],
    ),
    "a bill of another shape": (_bill(components={"name": 1}), ["sbom.cdx.json is not a bill of materials of Taina."]),
    "a bill of nothing": (_bill(components=[]), ["sbom.cdx.json is not a bill of materials of Taina."]),
    "a bill of another version": (
        _bill(metadata={"component": {"name": "taina", "version": "0.1.0"}}),
        [f"sbom.cdx.json is of 0.1.0, and the pages are of {__version__}."],
    ),
    "a package that no bill names": (
        lambda release: write_wheel(release / WHEEL, *NEEDS, "left-pad>=1", "Left_Pad; python_version < '4'"),
        [f"sbom.cdx.json does not name left-pad, which {WHEEL} needs."],
    ),
    "a wheel that is none": (lambda release: (release / WHEEL).write_bytes(b"x"), [f"{WHEEL} is not a wheel."]),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_its_maker_signed_by_mistake_is_named(release: Path, lie: str) -> None:
    tell, said = LIES[lie]
    tell(release)
    sign_again(release)
    assert findings(release) == said
    assert not (release.parent / "above").exists()


def test_an_older_release_may_be_refused(release: Path) -> None:
    found = verify_release(release, PUBLIC, at_least="99").findings
    assert found == [f"{PAGES}: These are the pages of {__version__}, older than 99."]
    with pytest.raises(InvalidError, match="is not a release"):
        verify_release(release, PUBLIC, at_least="new")


def test_the_command_takes_the_key_of_the_release_s_own_kind(release: Path, tmp_path: Path) -> None:
    pem = tmp_path / "elsewhere.pem"
    shutil.copy(release / "release-key.pem", pem)
    for key in (public_key(KEY), str(pem)):
        done = CliRunner().invoke(verify, ["--release", str(release), "--key", key])
        assert done.exit_code == 0, done.output
        assert re.search(rf"files of release {__version__} \({RELEASED}\), as signed", done.output)
    (release / PROGRAM).write_bytes(b"other")
    done = CliRunner().invoke(verify, ["--release", str(release), "--key", str(pem), "--json"])
    assert done.exit_code == 6
    assert json.loads(done.output)["findings"] == [f"{PROGRAM} was changed."]
    pem.write_text("-----BEGIN PUBLIC KEY-----\nnone\n")
    wrong = CliRunner().invoke(verify, ["--release", str(release), "--key", str(pem)])
    assert isinstance(wrong.exception, InvalidError)
    other = CliRunner().invoke(verify, ["--release", "https://secrets.example.org", "--key", public_key(KEY)])
    assert other.exit_code == 2
    missing = CliRunner().invoke(verify, ["--release", str(tmp_path / "missing"), "--key", public_key(KEY)])
    assert missing.exit_code == 2
    (tmp_path / "empty").mkdir()
    nothing = CliRunner().invoke(verify, ["--release", str(tmp_path / "empty"), "--key", public_key(KEY)])
    assert nothing.exit_code == 6
    assert "SHA256SUMS cannot be read: is this the folder of a release?" in nothing.output
