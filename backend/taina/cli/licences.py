"""`taina licences`: what of others is in this program."""

import importlib.metadata
import json
import re
from dataclasses import asdict, dataclass
from importlib import resources

import click

from taina import __version__
from taina.cli.output import say, write_script

LIST = "licences.json"
"""Beside this module in the one-file program: what its build found in it."""
EXTRAS = ("server", "postgres", "bridge", "socks", "agent", "site")
"""Those of taina that users install."""
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([^]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_TEXTS = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody else wrote: its name as its package has it, and what its authors ask for."""

    name: str
    version: str
    licence: str
    """An SPDX expression where its authors gave one; else their own words, which may be none."""
    texts: tuple[str, ...]
    purl: str
    """Its address as bills of materials have it (package-url)."""

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip()


@click.command()
@click.option("--texts", is_flag=True, help="Print the texts of the licences, too.")
def licences(texts: bool) -> None:
    """List what of others is in this program or installed for it, and under which licences."""
    found = parts()
    width = max(len(part.title) for part in found)
    say(f"{f'taina {__version__}':<{width}}  MIT")
    for part in found:
        say(f"{part.title:<{width}}  {part.licence or 'see its text'}")
    if texts:
        for part in found:
            for text in part.texts:
                write_script(f"\n{'=' * 80}\n{part.title}\n\n{text.strip()}\n")


def parts() -> list[Part]:
    """In the order of their names."""
    packed = resources.files("taina.cli") / LIST
    if packed.is_file():
        return read_parts(packed.read_text("utf-8"))
    return installed()


def write_parts(found: list[Part]) -> str:
    """The JSON that `read_parts` reads, in the order of names."""
    return json.dumps([asdict(part) for part in sorted(found, key=lambda part: part.name.lower())])


def read_parts(text: str) -> list[Part]:
    """What `write_parts` wrote."""
    return [Part(**{**part, "texts": tuple(part["texts"])}) for part in json.loads(text)]


def installed() -> list[Part]:
    """The packages that are there for taina, near and far, by what each says that it requires."""
    found: dict[str, Part] = {}
    waiting = [("taina", EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        for requirement in importlib.metadata.requires(name) or ():
            wanted, condition = _REQUIREMENT.match(requirement), _EXTRA.search(requirement)
            if wanted is None or (condition and condition[1] not in extras):
                continue
            try:
                package = importlib.metadata.distribution(wanted[1])
            except importlib.metadata.PackageNotFoundError:
                continue  # of another system, or of an extra that nobody asked for
            if package.name not in found:
                found[package.name] = described(package)
                waiting.append((package.name, tuple((wanted[2] or "").replace(" ", "").split(","))))
    return [found[name] for name in sorted(found, key=str.lower)]


def described(package: importlib.metadata.Distribution) -> Part:
    """What a package tells about itself."""
    about = package.metadata
    classified = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line[:7] == "License"]
    words = [*(about.get_all("License-Expression") or ()), " and ".join(classified), *(about.get_all("License") or ())]
    texts = [
        file.read_text("utf-8")
        for file in sorted(package.files or ())
        if ".dist-info" in file.parts[0] and _TEXTS.match(file.name)
    ]
    return Part(
        name=package.name,
        version=package.version,
        licence=next((word.strip().partition("\n")[0] for word in words if word.strip()), ""),
        texts=tuple(texts),
        purl=f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version}",
    )
