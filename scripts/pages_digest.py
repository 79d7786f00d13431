"""Print a digest of all that the pages are made from, in the current folder: the same for as long as they would be.

Dates would not tell: a file may be replaced by an older one, or be gone.
"""

import hashlib
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CONFIG = Path("taina.toml")


def _sources() -> Iterator[Path]:
    for path in sorted(Path("site").iterdir()):
        if path.name != "node_modules":  # its lock file stands for it
            yield from sorted(path.rglob("*")) if path.is_dir() else [path]
    # Not those of site/ alone: the page about the API is drawn from the others.
    yield from sorted(Path("backend/taina").rglob("*.py"))
    yield Path("requirements.lock")
    yield _CONFIG
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):  # no logo, or what the build refuses
        yield _CONFIG.parent / tomllib.loads(_CONFIG.read_text("utf-8-sig"))["site"]["logo"]


def main() -> None:
    """Print the digest."""
    digest = hashlib.sha256()
    for file in _sources():
        content = b""
        with suppress(OSError):  # there is none, or the build says why it cannot be read
            content = file.read_bytes()
        digest.update(f"{file}\n{len(content)}\n".encode("utf-8", "surrogateescape") + content)
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
