"""Build the one-file program: server, pages and command line, for machines of this kind without Python.

python scripts/build_binary.py --out build/taina
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from taina.site.build import write_archives

ROOT = Path(__file__).resolve().parent.parent
_UNWANTED = ("tkinter", "unittest", "pydoc_data", "test", "xmlrpc", "lib2to3", "numpy", "playwright", "selenium", "PIL")


def build_binary(out: Path) -> None:
    """Pack the program, with the built site and its sources, into one file.

    Raises:
        subprocess.CalledProcessError: the packer failed; it says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        pages = write_archives(work)
        commands = [f"taina.cli.{module.stem}" for module in (ROOT / "backend/taina/cli").glob("*.py")]
        subprocess.run(
            [
                *(sys.executable, "-m", "PyInstaller", "--onefile", "--noconfirm", "--log-level", "WARN", "--strip"),
                *("--name", out.name, "--distpath", str(out.resolve().parent), "--paths", str(ROOT / "backend")),
                *("--workpath", str(work / "work"), "--specpath", str(work)),
                *(argument for file in pages for argument in ("--add-data", f"{file}:taina/site")),
                *("--collect-data", "xkcdpass"),
                *(argument for name in [*commands, "taina.store.postgres"] for argument in ("--hidden-import", name)),
                *(argument for name in _UNWANTED for argument in ("--exclude-module", name)),
                str(ROOT / "scripts/binary/start.py"),
            ],
            # The same bytes for the same source: no order of hashing, no time of building.
            env={**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "1767225600"},
            check=True,
        )


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
def main(out: Path) -> None:
    """Build the one-file program."""
    build_binary(out)
    click.echo(f"{out}: {out.stat().st_size / (1 << 20):.1f} MiB")


if __name__ == "__main__":
    main()
