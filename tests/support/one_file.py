"""The one-file program, built once for the same sources."""

import fcntl
import hashlib
from pathlib import Path

from build_binary import build_binary

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    *("backend/taina", "site", "scripts/binary", "scripts/build_binary.py", "scripts/binary_contents.py"),
    *("pyproject.toml", "requirements.lock"),
)
"""What the program is made of: built once for the same bytes of them, for it takes a minute."""


def one_file_program() -> Path:
    """Beside it stands `glibc`: the version that it needs."""
    whole = hashlib.sha256()
    for source in SOURCES:
        top = ROOT / source
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            parts = set(file.relative_to(ROOT).parts)
            if file.is_file() and not parts & {"node_modules", "__pycache__", "screenshots"}:
                whole.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    folder = ROOT / "build" / "binary" / whole.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side, and one must not build over what another runs
        if not (folder / "taina").is_file():
            (folder / "glibc").write_text(build_binary(folder / "new" / "taina").glibc)
            (folder / "new" / "taina").rename(folder / "taina")
    return folder / "taina"
