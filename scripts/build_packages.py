"""Build the packages for Debian and for Fedora's family from the one-file program.

python scripts/build_packages.py build/taina --out build/packages

Each has the program, unit and socket, a user `taina`, the configuration in /etc/taina, completions and the man page.
Nothing is started by an installation: the address of the instance has to be set first.
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from manuals import MAN_PAGE
from taina import __version__
from taina.cli import main as program_

ROOT = Path(__file__).resolve().parent.parent
_DEPLOY = ROOT / "scripts" / "deploy"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_COMPLETIONS = {
    "bash": "/usr/share/bash-completion/completions/taina",
    "zsh": "/usr/share/zsh/{zsh}/_taina",
    "fish": "/usr/share/fish/vendor_completions.d/taina.fish",
}
_ZSH = {"deb": "vendor-completions", "rpm": "site-functions"}
"""Where the zsh of each family looks."""
_USER = 'u taina - "Taina, one-time secrets" /var/lib/taina\n'
# dpkg gives a script a word, rpm a number: of how many versions there will be.
_INSTALLED = """\
#!/bin/sh
set -e
# What was installed by hand comes before our files, for systemd and for shells: the old program would go on.
earlier=
program=/usr/local/bin/taina
unit=/etc/systemd/system/taina.service
socket=/etc/systemd/system/taina.socket
[ ! -f "$DPKG_ROOT$program" ] || earlier=" $program"
# What `systemctl edit --full` leaves in the same place is the operator's own, and starts the package's program.
! grep -qs "^ExecStart=$program " "$DPKG_ROOT$unit" || earlier="$earlier $unit"
[ -z "$earlier" ] || [ ! -f "$DPKG_ROOT$socket" ] || earlier="$earlier $socket"
if [ -n "$earlier" ]; then
    echo "Taina was installed by hand before, and that comes first. To go on with this package:"
    echo "systemctl disable --now taina.socket taina.service"
    echo "rm$earlier"
    # As long as its service runs, a user that comes and goes with it has the name of ours, which is not made then.
    echo "systemd-sysusers taina.conf"
    echo "systemctl enable --now taina.socket taina.service"
fi
[ -z "$DPKG_ROOT" ] || exit 0
systemd-sysusers taina.conf
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl try-restart taina.service
case "$1 $2$earlier" in "configure " | "1 ")
    echo "Set the address of your instance in /etc/taina/taina.toml, then:"
    echo "systemctl enable --now taina.socket taina.service" ;;
esac
"""
_BEFORE_REMOVAL = """\
#!/bin/sh
set -e
[ -z "$DPKG_ROOT" ] || exit 0
case "$1" in remove | 0)
    [ -d /run/systemd/system ] || exit 0
    systemctl disable --quiet --now taina.socket taina.service || true ;;
esac
"""
_REMOVED = """\
#!/bin/sh
set -e
if [ "$1" = purge ]; then
    for folder in "$DPKG_ROOT/var/lib/taina" "$DPKG_ROOT/var/cache/taina"; do
        # It may be a link: of an installation by hand, or to another disk. Links of another root can lead out of it.
        data=$(readlink -f "$folder") || true
        case $data in "$DPKG_ROOT"/*) rm -rf "$data" || true ;; esac # a mount point is emptied, and stays
        rm -rf "$folder" || true
    done
    rm -rf "$DPKG_ROOT/etc/taina"
fi
[ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
"""


def unit() -> str:
    """The example, for a user who is there for good: what root makes for it with `taina keys` has an owner to be of."""
    text = (_DEPLOY / "taina.service").read_text("utf-8").replace("/usr/local/bin/taina", "/usr/bin/taina")
    text = text.replace("DynamicUser=yes\n", "User=taina\nGroup=taina\n")
    head, _, rest = text.partition("[Unit]\n")
    return f"{head.splitlines()[0].partition(' Install:')[0]}\n[Unit]\nDocumentation=man:taina(1)\n{rest}"


def build_package(kind: str, program: Path, out: Path) -> Path:
    """Returns the package.

    Args:
        kind: `deb` or `rpm`.

    Raises:
        subprocess.CalledProcessError: nfpm failed; it says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        contents: list[dict[str, Any]] = []

        def add(name: str, to: str, text: str | Path, mode: int = 0o644, **more: str) -> None:
            file = text if isinstance(text, Path) else work / name
            if isinstance(text, str):
                file.write_text(text, "utf-8")
            contents.append({"src": str(file), "dst": to, "file_info": {"mode": mode, "mtime": _TIME}, **more})

        add("taina", "/usr/bin/taina", program, 0o755)
        add("unit", "/usr/lib/systemd/system/taina.service", unit())
        add("socket", "/usr/lib/systemd/system/taina.socket", _DEPLOY / "taina.socket")
        add("user", "/usr/lib/sysusers.d/taina.conf", _USER)
        add("options", "/etc/taina/taina.toml", _DEPLOY / "taina.toml", type="config|noreplace")
        add("man", "/usr/share/man/man1/taina.1", MAN_PAGE)
        add("licence", "/usr/share/doc/taina/copyright", ROOT / "LICENSE")
        for name in ("Caddyfile", "nginx.conf"):
            add(name, f"/usr/share/doc/taina/examples/{name}", _DEPLOY / name)
        for shell, place in _COMPLETIONS.items():
            found = get_completion_class(shell)
            assert found is not None  # noqa: S101 - one of click's own
            add(shell, place.format(zsh=_ZSH[kind]), found(program_, {}, "taina", "_TAINA_COMPLETE").source() + "\n")
        scripts = {"postinstall": _INSTALLED, "preremove": _BEFORE_REMOVAL, "postremove": _REMOVED}
        for name, text in scripts.items():
            (work / name).write_text(text, "utf-8")
        settings = {
            "name": "taina",
            "arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "version": __version__,
            "mtime": _TIME,
            "maintainer": "Taina",
            "description": "One-time secrets: encrypted before they leave you, opened once, gone.",
            "section": "web",
            "license": "MIT",
            "contents": contents,
            "scripts": {name: str(work / name) for name in scripts},
            "overrides": {"deb": {"depends": ["systemd"]}, "rpm": {"depends": ["systemd"]}},
        }
        (work / "nfpm.json").write_text(json.dumps(settings), "utf-8")
        out.mkdir(parents=True, exist_ok=True)
        nfpm = Path(sys.executable).with_name("nfpm")
        command = [str(nfpm), "package", "--config", str(work / "nfpm.json"), "--packager", kind, "--target", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.PIPE)
    (package,) = out.glob(f"taina*.{kind}")
    return package


_TIME = "2026-01-01T00:00:00Z"
"""Of every file, so that the same program gives the same package."""


@click.command()
@click.argument("program", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
def main(program: Path, out: Path) -> None:
    """Build the packages from the one-file program."""
    for kind in ("deb", "rpm"):
        package = build_package(kind, program, out)
        click.echo(f"{package}: {package.stat().st_size / (1 << 20):.1f} MiB")


if __name__ == "__main__":
    main()
