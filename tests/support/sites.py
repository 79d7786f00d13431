"""Built sites on disk, for tests."""

import fcntl
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from taina.site import build as build_site
from taina.site.branding import Looks


@cache
def built_files(webcat: str | None = None) -> dict[str, bytes]:
    """The site of the sources, without compressed copies: all tests of a process share it, so change a copy."""
    return build_site.build(webcat=webcat)


def write_site(folder: Path, looks: Looks | None = None, api: str | None = None, webcat: str | None = None) -> None:
    """Without compressed copies, which take ten seconds of a processor."""
    _write(folder, build_site.build(looks=looks, api=api, webcat=webcat))


def whole_site(temporary: Path) -> Path:
    """The folder of the site of the sources, with its compressed copies; see `shared`."""
    return shared(temporary, "site", lambda folder: _write(folder, build_site.with_compressed(build_site.build())))


def shared(temporary: Path, name: str, write: Callable[[Path], object]) -> Path:
    """A folder that the first of all processes writes, and that the others find.

    Args:
        temporary: where this process keeps its own files; processes of pytest-xdist share the folder above it.
    """
    common = temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary
    folder = common / name
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            write(common / f"{name}.part")
            (common / f"{name}.part").rename(folder)
    return folder


def _write(folder: Path, site: dict[str, bytes]) -> None:
    for path, data in site.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
