"""The packages for Debian and Fedora's family: what is in them, and what dpkg makes of one in a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from build_packages import build_package, unit

pytestmark = pytest.mark.skipif(
    not Path(sys.executable).with_name("nfpm").exists(), reason="nfpm is not installed: see requirements-dev.lock"
)
FILES = {
    "usr/bin/taina",
    "usr/lib/systemd/system/taina.service",
    "usr/lib/systemd/system/taina.socket",
    "usr/lib/sysusers.d/taina.conf",
    "etc/taina/taina.toml",
    "usr/share/man/man1/taina.1",
    "usr/share/bash-completion/completions/taina",
    "usr/share/fish/vendor_completions.d/taina.fish",
}
ZSH = {"deb": "usr/share/zsh/vendor-completions/_taina", "rpm": "usr/share/zsh/site-functions/_taina"}
"""Where zsh looks, in each family."""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The real one is large, and test_binary.py tries it."""
    file = tmp_path / "taina"
    file.write_text("#!/bin/sh\n")
    return file


Dpkg = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where packages are installed."""
    root = tmp_path / "root"
    (root / "var/lib/dpkg/info").mkdir(parents=True)
    (root / "var/lib/dpkg/updates").mkdir()
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    return root


@pytest.fixture
def dpkg(root: Path) -> Dpkg:
    """What it prints; `before` are words that come before its own."""
    if not shutil.which("dpkg"):
        pytest.skip("there is no dpkg")

    def dpkg(*arguments: str | Path, before: tuple[str, ...] = ()) -> str:
        options = ["--force-script-chrootless", "--force-depends", "--force-not-root", f"--root={root}"]
        done = subprocess.run([*before, "dpkg", *options, *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    return dpkg


def test_dpkg_installs_upgrades_removes_and_purges(program: Path, root: Path, dpkg: Dpkg, tmp_path: Path) -> None:
    package = build_package("deb", program, tmp_path / "out")
    dpkg("--install", package)
    assert [name for name in FILES | {ZSH["deb"]} if not (root / name).is_file()] == []
    assert (root / "usr/bin/taina").stat().st_mode & 0o777 == 0o755
    options = root / "etc/taina/taina.toml"
    options.write_text('url = "https://ours.example"\n')
    data = root / "var/lib/taina"
    data.mkdir(parents=True)
    dpkg("--install", package)
    assert options.read_text() == 'url = "https://ours.example"\n'
    dpkg("--remove", "taina")
    assert not (root / "usr/bin/taina").exists()
    assert options.exists()
    assert data.exists()
    dpkg("--purge", "taina")
    assert not options.exists()
    assert not data.exists()


def test_dpkg_names_what_hides_its_files(program: Path, root: Path, dpkg: Dpkg, tmp_path: Path) -> None:
    """What the page has installed by hand comes first for systemd and for shells: the old program would go on."""
    package = build_package("deb", program, tmp_path / "out")
    by_hand = ["/usr/local/bin/taina", "/etc/systemd/system/taina.service", "/etc/systemd/system/taina.socket"]
    files = [root / file.removeprefix("/") for file in by_hand]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    files[1].write_text("[Service]\nExecStart=/usr/local/bin/taina serve\n")
    assert f"\nrm {' '.join(by_hand)}\n" in dpkg("--install", package)
    files[0].unlink()
    assert f"\nrm {' '.join(by_hand[1:])}\n" in dpkg("--install", package)
    # By `systemctl edit --full` of the package's own unit.
    files[1].write_text("[Service]\nExecStart=/usr/bin/taina serve --port 8081\n")
    assert "\nrm " not in dpkg("--install", package)
    files[1].unlink()
    files[1].symlink_to("/dev/null")  # masked
    assert "\nrm " not in dpkg("--install", package)


@pytest.mark.parametrize("name", ["lib", "cache"])
def test_dpkg_purges_what_a_link_leads_to(program: Path, root: Path, dpkg: Dpkg, tmp_path: Path, name: str) -> None:
    """systemd makes such links for a user that comes and goes with the service, operators for another disk."""
    dpkg("--install", build_package("deb", program, tmp_path / "out"))
    data, link = root / f"var/{name}/private/taina", root / f"var/{name}/taina"
    data.mkdir(parents=True)
    (data / "taina.db").touch()
    link.symlink_to("private/taina")
    dpkg("--purge", "taina")
    assert not link.is_symlink()
    assert not data.exists()


def test_dpkg_purges_in_its_own_root_alone(program: Path, root: Path, dpkg: Dpkg, tmp_path: Path) -> None:
    """Seen from here, links of another root lead to our own files."""
    dpkg("--install", build_package("deb", program, tmp_path / "out"))
    ours = tmp_path / "ours"
    ours.mkdir()
    link = root / "var/lib/taina"
    link.symlink_to(ours)
    dpkg("--purge", "taina")
    assert not link.is_symlink()
    assert ours.exists()


@pytest.mark.parametrize("dangling", ["nothing", "no/thing"])
def test_dpkg_purges_where_a_link_leads_nowhere(
    program: Path, root: Path, dpkg: Dpkg, tmp_path: Path, dangling: str
) -> None:
    dpkg("--install", build_package("deb", program, tmp_path / "out"))
    link = root / "var/lib/taina"
    link.symlink_to(dangling)
    dpkg("--purge", "taina")
    assert not link.is_symlink()


def test_dpkg_purges_what_is_mounted(program: Path, root: Path, dpkg: Dpkg, tmp_path: Path) -> None:
    """Its folder cannot be removed, and that is no reason to fail."""
    dpkg("--install", build_package("deb", program, tmp_path / "out"))
    data = root / "var/lib/taina"
    disk = tmp_path / "disk"
    for folder in (data, disk):
        folder.mkdir()
    (disk / "taina.db").touch()
    script = 'mount --bind "$1" "$2"; shift 2; exec "$@"'
    mounted = ("unshare", "--mount", "sh", "-ec", script, "sh", str(disk), str(data))
    if not shutil.which("unshare") or subprocess.run([*mounted, "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    dpkg("--purge", "taina", before=mounted)
    assert list(disk.iterdir()) == []


def test_two_packages_of_the_same_program_are_the_same(program: Path, tmp_path: Path) -> None:
    for kind in ("deb", "rpm"):
        one, other = (build_package(kind, program, tmp_path / name).read_bytes() for name in ("one", "other"))
        assert one == other, kind


@pytest.mark.skipif(not shutil.which("rpm"), reason="there is no rpm to ask")
def test_rpm_lists_the_same_files(program: Path, tmp_path: Path) -> None:
    package = build_package("rpm", program, tmp_path)
    done = subprocess.run(["rpm", "-qlp", package], capture_output=True, text=True, check=True)
    assert {f"/{name}" for name in FILES | {ZSH["rpm"]}} <= set(done.stdout.split())


def test_the_completion_of_zsh_is_where_fedora_has_them(program: Path, tmp_path: Path) -> None:
    """The header of an rpm has the names of folders as they are."""
    header = build_package("rpm", program, tmp_path).read_bytes()
    folders = {kind: f"\0/{name.removesuffix('_taina')}\0".encode() for kind, name in ZSH.items()}
    assert folders["rpm"] in header
    assert folders["deb"] not in header


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd to ask")
def test_systemd_understands_the_unit_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "taina.service").write_text(unit().replace("/usr/bin/taina", "/bin/true"), "utf-8")
    shutil.copy(Path("scripts/deploy/taina.socket"), tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "taina.service"], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "taina" in line and "man" not in line] == []
