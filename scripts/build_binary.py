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
from pathlib import Path
from typing import Any, NamedTuple

import click

from taina.cli.licences import LIST, Part, read_parts

ROOT = Path(__file__).resolve().parent.parent
_UNWANTED = (
    *("tkinter", "unittest", "pydoc_data", "test", "xmlrpc", "lib2to3", "idlelib", "ensurepip"),
    # Nothing reads XML, and the library for it asks for a newer glibc than all else.
    *("pyexpat", "_elementtree"),
    # `taina agent` asks for its package: it is as large as all of the rest.
    "mcp",
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
    *("outcome", "sniffio", "msgpack"),
    *("pip", "trio", "rich", "pygments", "babel", "pytest", "_pytest"),
)
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")


class Built(NamedTuple):
    """What is to be known of a program that was built."""

    glibc: str
    """The oldest that runs it, such as `2.35`."""
    parts: list[Part]
    """What of others is in it."""


def build_binary(out: Path) -> Built:
    """Pack the program, with the built site and its sources, into one file.

    Raises:
        subprocess.CalledProcessError: the packer failed; it says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run(
            [
                *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
                *("--distpath", str(out.resolve().parent), "--workpath", str(work / "work")),
                *(str(ROOT / "scripts/binary/taina.spec"), "--", out.name, folder, *_UNWANTED),
            ],
            # The same bytes for the same source: no order of hashing, no time of building, no modules from elsewhere.
            env={**os.environ, "PYTHONPATH": "", "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "1767225600"},
            check=True,
        )
        glibc = oldest_glibc(_binaries(work / "work" / "taina"))
        return Built(glibc, read_parts((work / LIST).read_text("utf-8")))


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
    built = build_binary(out)
    click.echo(f"{out}: {out.stat().st_size / (1 << 20):.1f} MiB, for glibc {built.glibc} and newer")


if __name__ == "__main__":
    main()
