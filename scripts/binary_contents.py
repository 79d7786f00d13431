"""What of others is in the one file: packages, Python, libraries of the machine that built it, and with what texts.

PyInstaller says which files it packed; whose each is, the metadata of the installed packages and Debian's know.
"""

import importlib.metadata
import json
import platform
import re
import subprocess
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from taina.cli.licences import Part, described

ROOT = Path(__file__).resolve().parent.parent
_DOCUMENTS = Path("/usr/share/doc")
_WORDS = "https://www.eff.org/files/2016/07/18/eff_large_wordlist.txt"
_COMMON = re.compile(r"/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]")
_VENDORED = re.compile(r"(lib.+?)-[0-9a-f]{8}\.so")
"""A library within a wheel: auditwheel puts a digest into its name."""


def contents(files: Iterable[Path]) -> list[Part]:
    """The parts that these files of the packed program belong to; what is ours is none.

    Args:
        files: modules, extensions and libraries, where the packer found them.
    """
    owners = _owners()
    python = Path(sysconfig.get_path("stdlib")).resolve()
    parts: dict[str, Part] = {}
    for file in sorted({file.resolve() for file in files}):
        if file in owners:
            found = described(owners[file])
            vendored = _VENDORED.match(file.name)
            if vendored:
                library = _library(vendored[1], f"{vendored[1]}[.-]*so.*", found.name)
                parts[library.name] = library
        elif file.is_relative_to(python) or file.name.startswith("libpython"):
            found = _python()
        elif file.is_relative_to(ROOT):
            continue
        else:
            found = _library(file.name.partition(".so")[0], file.name, "")
        parts[found.name] = found
    return [*parts.values(), *_pages()]


def _owners() -> dict[Path, importlib.metadata.Distribution]:
    return {
        Path(str(package.locate_file(file))).resolve(): package
        for package in importlib.metadata.distributions()
        if package.name != "taina"
        for file in package.files or ()
        if ".dist-info" not in file.parts[0]
    }


@cache
def _python() -> Part:
    text = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    texts = (text.read_text("utf-8"),) if text.is_file() else ()
    version = platform.python_version()
    return Part(
        name="Python",
        version=version,
        licence="PSF-2.0",
        texts=texts,
        purl=f"pkg:generic/python@{version}",
    )


@cache
def _library(name: str, pattern: str, within: str) -> Part:
    """One of the machine's, or one like it within a wheel: then its version is not known.

    Args:
        pattern: its file's name, as `dpkg -S` looks for it.
        within: the package whose wheel has it.
    """
    package = _debian("dpkg-query", "-S", f"*/{pattern}").partition(":")[0]
    version = "" if within else _debian("dpkg-query", "-W", "-f", "${Version}", package).strip()
    text = _DOCUMENTS / package / "copyright"
    texts = [text.read_text("utf-8")] if package and text.is_file() else []
    common = sorted({Path(name) for text in texts for name in _COMMON.findall(text)})
    texts += [file.read_text("utf-8") for file in common if file.is_file()]
    return Part(
        name=f"{name} ({within})" if within else name,
        version=version,
        licence="",
        texts=tuple(texts),
        purl=f"pkg:generic/{name}" if within or not package else f"pkg:deb/debian/{package}@{version}",
    )


def _debian(*command: str) -> str:
    """What one of Debian's programs prints; nothing where there is none, or nothing that it knows."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _pages() -> list[Part]:
    """What is in the pages, as `taina.site.assets` takes it from packages."""
    lock = json.loads((ROOT / "site/package-lock.json").read_text("utf-8"))
    mit = (ROOT / "LICENSE").read_text("utf-8")
    ours = next(line for line in mit.splitlines() if line.startswith("Copyright"))
    found = []
    for path, facts in lock["packages"].items():
        if path and not facts.get("dev"):
            name, version = path.removeprefix("node_modules/"), facts["version"]
            about = json.loads((ROOT / "site" / path / "package.json").read_text("utf-8"))
            found.append(
                Part(
                    name=name,
                    version=version,
                    licence=about["license"],
                    texts=(mit.replace(ours, f"Copyright (c) {about['author']}"),),
                    purl=f"pkg:npm/{name}@{version}",
                )
            )
    found.append(
        Part(
            name="eff-long",
            version="2016",
            licence="CC-BY-3.0-US",
            texts=(
                "The long list of words for dice, by the Electronic Frontier Foundation, under CC BY 3.0 US:\n"
                f"{_WORDS}\nhttps://creativecommons.org/licenses/by/3.0/us/",
            ),
            purl=f"pkg:generic/eff-long?download_url={_WORDS}",
        )
    )
    return found
