"""Under a real systemd: the package is installed, upgraded, removed and purged, and the page's own commands work."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import build_packages
from conftest import ROOT
from support.machine import CannotBootError, Machine, booted
from support.one_file import one_file_program
from taina import __version__

pytestmark = pytest.mark.release
DEPLOY = ROOT / "scripts" / "deploy"
START = "systemctl enable --now taina.socket taina.service 2>&1"
URL = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if not shutil.which("dpkg"):
        pytest.skip("there is no dpkg")
    if not Path(sys.executable).with_name("nfpm").exists():
        pytest.skip("nfpm is not installed: see requirements-dev.lock")
    shared = tmp_path_factory.mktemp("shared")
    try:
        with booted(tmp_path_factory.mktemp("machine"), shared) as machine:
            fill(shared)
            yield machine
    except CannotBootError as error:
        pytest.skip(f"no systemd of our own: {error}")


def fill(shared: Path) -> None:
    """A release, and a package of the version before it, which is the same program."""
    program = shared / f"taina-{__version__}-linux-x86_64"
    shutil.copy(one_file_program(), program)
    for file in DEPLOY.iterdir():
        shutil.copy(file, shared)
    build_packages.build_package("deb", program, shared / "new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_packages, "__version__", "0.1.9")
        build_packages.build_package("deb", program, shared / "old")


def states(machine: Machine) -> list[str]:
    return machine.attempt("systemctl is-active taina.service taina.socket").stdout.split()


def send(machine: Machine, text: str) -> str:
    return machine.run(f"printf {text} | TAINA_URL={URL} taina send - 2>/dev/null")


def test_the_package_comes_is_upgraded_and_goes(machine: Machine) -> None:
    said = machine.run("dpkg --install /mnt/old/*.deb 2>&1")
    assert START.removesuffix(" 2>&1") in said, "it says what to do next"
    assert states(machine) == ["inactive", "inactive"], "its address has to be set first"
    machine.run(START)
    assert states(machine) == ["active", "active"]
    assert "ready" in machine.run(f"curl --silent --fail {URL}/api/v1/ready")
    assert machine.run("stat -c %U /proc/$(systemctl show --value --property MainPID taina.service)") == "taina"
    link = send(machine, "before")
    machine.run("taina keys add ann")
    assert machine.run("stat -c %U:%a /var/lib/taina/*.db").split() == ["taina:600"] * 2
    machine.run("""echo 'create = "keys"' >>/etc/taina/taina.toml""")

    machine.run("dpkg --install /mnt/new/*.deb 2>&1")
    assert states(machine) == ["active", "active"]
    assert machine.run(f"taina open '{link}'") == "before"
    assert machine.attempt(f"TAINA_URL={URL} taina send refused").returncode == 6, "the options were kept"
    assert machine.run("taina keys list").split()[0] == "ann"

    machine.run("dpkg --remove taina 2>&1")
    assert states(machine) == ["inactive", "inactive"]
    assert ":8080 " not in machine.run("ss --listening --tcp --numeric")
    assert machine.run("ls /var/lib/taina /etc/taina | sort").split()[-4:] == [
        "keys.db",
        "taina.db",
        "taina.toml",
        "takedowns",
    ]

    machine.run("dpkg --install /mnt/new/*.deb 2>&1")
    assert machine.attempt("systemctl is-enabled taina.service").stdout.strip() == "disabled"
    machine.run("dpkg --purge taina 2>&1")
    assert machine.attempt("ls -d /var/lib/taina /etc/taina /var/cache/taina /usr/bin/taina").stdout == ""
    assert machine.attempt("systemctl cat taina.service").returncode != 0


def test_the_commands_of_the_page_make_a_service(machine: Machine) -> None:
    """With a user that comes and goes with the service: what root makes beside its files has to become that user's."""
    page = (ROOT / "site/texts/en/self-host.md").read_text("utf-8")
    for line in re.findall(r"^    (install .*)$", page, re.MULTILINE):
        if "Caddyfile" not in line:
            machine.run(f"cd /mnt; {line}")
    try:
        machine.run(f"systemctl daemon-reload; {START}")
        link = send(machine, "waits")
        machine.run("taina keys add ann")
        machine.run("systemctl restart taina.service")
        assert states(machine) == ["active", "active"]
        owned = [line for line in machine.attempt("taina doctor").stdout.splitlines() if "taina.db" in line]
        assert [line for line in owned if not line.startswith("ok ")] == []
        assert owned
        assert machine.run(f"taina open '{link}'") == "waits"
        assert machine.attempt(f"taina open '{link}'").returncode == 3
        assert machine.run("taina keys list").split()[0] == "ann"

        link = send(machine, "moves")
        said = machine.run("dpkg --install /mnt/new/*.deb 2>&1")
        commands = [line for line in said.splitlines() if line.startswith(("systemctl ", "systemd-sysusers ", "rm "))]
        machine.run("\n".join(["exec 2>&1", *commands]))
        assert states(machine) == ["active", "active"]
        main = "/proc/$(systemctl show --value --property MainPID taina.service)"
        assert machine.run(f"readlink {main}/exe; stat -c %U {main}").split() == ["/usr/bin/taina", "taina"]
        assert machine.run(f"taina open '{link}'") == "moves"
        assert machine.run("taina keys list").split()[0] == "ann"
    finally:
        machine.attempt("systemctl disable --now taina.socket taina.service 2>&1; rm -rf /etc/systemd/system/taina.*")
        machine.attempt("dpkg --purge taina")
