"""Built sites on disk, for tests."""

import fcntl
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from taina.site import build as build_site
from taina.site.branding import Looks


@cache
def built_files(webcat: str | None = None) -> dict[str, bytes]:
    """The site of the sources, without compressed copies: all tests of a process share it, so change a copy."""
    return build_site.build(webcat=webcat)


FEW = ("ar", "bg", "en")
"""Languages that stand for all: both directions, two scripts beside Latin, and those of the long texts."""


@cache
def few_languages() -> TemporaryDirectory[str]:
    """The sources in `FEW` languages: thirty take ten times as long to build, and to verify."""
    kept = TemporaryDirectory()
    others = {file.stem for file in (build_site.SOURCE / "locales").iterdir()} - {*FEW}
    left_out = shutil.ignore_patterns("node_modules", *others, *(f"{language}.json" for language in others))
    shutil.copytree(build_site.SOURCE, kept.name, ignore=left_out, dirs_exist_ok=True)
    return kept


def write_site(
    folder: Path,
    looks: Looks | None = None,
    api: str | None = None,
    webcat: str | None = None,
    *,
    compressed: bool = False,
) -> None:
    """In `FEW` languages; with compressed copies where they are asked for, which take most of the time."""
    site = build_site.build(Path(few_languages().name), looks, api, webcat)
    _write(folder, build_site.with_compressed(site) if compressed else site)


def whole_site(temporary: Path) -> Path:
    """The folder of the site of the sources, with its compressed copies: the first of all processes writes it.

    Args:
        temporary: where this process keeps its own files; processes of pytest-xdist share the folder above it.
    """
    common = temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary
    folder = common / "site"
    with (common / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _write(common / "site.part", build_site.with_compressed(build_site.build()))
            (common / "site.part").rename(folder)
    return folder


def _write(folder: Path, site: dict[str, bytes]) -> None:
    for path, data in site.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
