"""Build the one-file program: server, pages and command line, for machines of this kind without Python.

python scripts/build_binary.py --out build/taina
"""

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import click

from taina.site.build import write_archives

ROOT = Path(__file__).resolve().parent.parent
_UNWANTED = (
    *("tkinter", "unittest", "pydoc_data", "test", "xmlrpc", "lib2to3", "idlelib", "ensurepip"),
    # readline is under the GPL; the others come with the environment of a developer.
    *(
        "readline",
        "numpy",
        "playwright",
        "selenium",
        "PIL",
        "hypothesis",
        "attr",
        "attrs",
        "setuptools",
        "pkg_resources",
    ),
    *("pip", "trio", "rich", "pygments", "babel", "pytest", "_pytest"),
)
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")


def build_binary(out: Path) -> str:
    """Pack the program, with the built site and its sources, into one file. Returns the oldest glibc that runs it.

    Raises:
        subprocess.CalledProcessError: the packer failed; it says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        pages = write_archives(work)
        words = resources.files("xkcdpass") / "static" / "eff-long"
        commands = [f"taina.cli.{module.stem}" for module in (ROOT / "backend/taina/cli").glob("*.py")]
        subprocess.run(
            [
                *(sys.executable, "-m", "PyInstaller", "--onefile", "--noconfirm", "--log-level", "WARN", "--strip"),
                *("--name", out.name, "--distpath", str(out.resolve().parent), "--paths", str(ROOT / "backend")),
                *("--workpath", str(work / "work"), "--specpath", str(work)),
                *(argument for file in pages for argument in ("--add-data", f"{file}:taina/site")),
                *("--add-data", f"{words}:xkcdpass/static"),
                *(argument for name in [*commands, "taina.store.postgres"] for argument in ("--hidden-import", name)),
                *(argument for name in _UNWANTED for argument in ("--exclude-module", name)),
                str(ROOT / "scripts/binary/start.py"),
            ],
            # The same bytes for the same source: no order of hashing, no time of building.
            env={**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "1767225600"},
            check=True,
        )
        return oldest_glibc(_binaries(work / "work" / out.name))


def _binaries(work: Path) -> list[Path]:
    """The machine code in it, by the list that the packer leaves behind: (name, source, kind) of each entry."""
    (table,) = work.glob("PKG-*.toc")
    entries = ast.literal_eval(table.read_text("utf-8"))
    return [Path(source) for _, source, kind in _flat(entries) if kind in ("BINARY", "EXTENSION", "EXECUTABLE")]


def _flat(entries: Any) -> Iterator[tuple[str, str, str]]:
    for entry in entries if isinstance(entries, list | tuple) else ():
        if isinstance(entry, tuple) and len(entry) == 3 and all(isinstance(part, str) for part in entry):
            yield entry
        else:
            yield from _flat(entry)


def oldest_glibc(binaries: list[Path]) -> str:
    """The highest version of a symbol that they ask for, such as `2.35`."""
    found = [tuple(map(int, pair)) for file in binaries for pair in _GLIBC.findall(file.read_bytes())]
    return ".".join(map(str, max(found)))


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
def main(out: Path) -> None:
    """Build the one-file program."""
    glibc = build_binary(out)
    click.echo(f"{out}: {out.stat().st_size / (1 << 20):.1f} MiB, for glibc {glibc} and newer")


if __name__ == "__main__":
    main()
