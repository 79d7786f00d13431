"""What the documents say is so: commands exist, options are listed, links lead somewhere."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from taina import __version__
from taina.cli import main
from taina.cli.site import build
from taina.config import OPTIONS
from taina.config.values import shown
from taina.site import RELEASED

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "backend/README.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document: str) -> None:
    named = re.findall(
        r"(?<![\w/.])((?:backend|site|scripts|tests)/[\w./-]*[\w/])", (ROOT / document).read_text("utf-8")
    )
    missing = [name for name in named if "xx" not in name and not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("language", ["en", "bg"])
def test_the_page_for_operators_tells_every_option_and_no_other(language: str) -> None:
    text = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| `(--[\w-]+)` \| (`[^`-][^`]*`|\w[^`|]*) \| \S", text, re.MULTILINE)
    units = {"100MiB": str(100 << 20), "10GiB": str(10 << 30), "1GiB": str(1 << 30), "20GiB": str(20 << 30)}
    units |= {"5m": "300", "30d": str(30 * 86400), "7d": str(7 * 86400)}
    nothing = ["none", "the pages that came with the program", "няма", "страниците, които идват с програмата"]
    defaults = {f"`{written}`": value for written, value in units.items()} | dict.fromkeys(nothing, shown(None))
    told = [(key, flag, defaults.get(default, default.strip("`"))) for key, flag, default in rows]
    assert told == [(option.key, option.flag, shown(option.default)) for option in OPTIONS]


def test_serve_takes_every_option() -> None:
    serve = main.get_command(click.Context(main), "serve")
    assert serve
    there = {name for option in serve.params if isinstance(option, click.Option) for name in option.opts}
    assert there == {option.flag for option in OPTIONS} | {"--config"}


@pytest.mark.parametrize("language", ["en", "bg"])
def test_whoever_builds_to_compare_is_told_each_option_that_makes_other_pages(language: str) -> None:
    texts = [ROOT / "site/texts" / language / f"{name}.md" for name in ("verify", "verify-webcat")]
    told = "".join(text.read_text("utf-8") for text in texts)
    options = {flag for option in build.params for flag in option.opts} - {"--out"}
    assert "--api" in options
    assert {option for option in options if f"`{option} " not in told} == set()


def test_the_readme_names_every_command() -> None:
    assert [name for name in main.list_commands(click.Context(main)) if f"`taina {name}" not in README] == []


def test_the_first_screen_has_the_two_commands() -> None:
    first = README.split("## ")[0]
    assert re.findall(r"^    (\S+)", first, re.MULTILINE) == ["scripts/run", "scripts/test"]


def test_the_house_is_shown_whole() -> None:
    """Every room stands in the map, and what the map names is there."""
    shown = re.search(r"^## The house$(.*?)^Imports", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S | re.M)
    assert shown
    named = {name for line in shown[1].splitlines() for name in paths_in(line)}
    parents = ("backend/taina", "site", "site/js", "scripts")
    rooms = {
        f"{parent}/{path.name}"
        for parent in parents
        for path in (ROOT / parent).iterdir()
        if path.is_dir() and any(found.is_file() for found in path.iterdir() if found.name[0] not in "._")
    }
    assert rooms - {"backend/taina/__pycache__", "site/node_modules", "scripts/__pycache__", *parents} - named == set()
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def paths_in(line: str) -> list[str]:
    """What a row of the map names: whole paths first, then others in the folder of the last whole one."""
    paths: list[str] = []
    folder = ""
    for name in re.findall(r"`([\w./]+(?:/|\.\w+))`", line):
        if not paths or "/" in name.rstrip("/"):
            folder = name if name.endswith("/") else name.rpartition("/")[0] + "/"
            paths.append(name.rstrip("/"))
        else:
            paths.append((folder + name).rstrip("/"))
    return paths


def test_the_version_is_the_newest_that_has_a_heading() -> None:
    """What is not released yet may have one above it."""
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert released[0] == f"{__version__} ({RELEASED})"


def test_what_the_package_index_shows_reads_well_alone() -> None:
    """It is no page of the repository: nothing in it leads to a file or a picture, and its extras are there."""
    text = (ROOT / "backend/README.md").read_text("utf-8")
    assert re.findall(r"\]\(|scripts/|<img", text) == []
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(extras) - {"build", "binary", "test"}
