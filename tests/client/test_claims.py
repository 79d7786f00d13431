"""The claim of each secret whose opening was begun is on the disk, whatever else lies there."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taina.client.claims import Claims

IDENTIFIER, SEED = bytes(16), bytes(range(32))


def is_kept(folder: Path) -> bool:
    Claims(folder).take(IDENTIFIER, lambda: SEED)
    return Claims(folder).begun(IDENTIFIER)


def make_old(path: Path) -> None:
    before = time.time() - 7 * 86400
    os.utime(path, (before, before))


def test_claims_that_others_drop_meanwhile_are_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of parallel openings every twentieth claim was not written, and an interruption lost its secret."""
    real = Path.glob

    def outdated(self: Path, pattern: str, **more: Any) -> Iterator[Path]:
        yield tmp_path / "ended.claim"
        yield from real(self, pattern, **more)

    monkeypatch.setattr(Path, "glob", outdated)
    assert is_kept(tmp_path)


@pytest.mark.parametrize("kind", ["broken link", "folder"])
def test_what_cannot_be_dropped_is_no_trouble(tmp_path: Path, kind: str) -> None:
    """One of these was enough for no claim to be written ever again."""
    found = tmp_path / "0.claim"
    if kind == "broken link":
        found.symlink_to("nowhere")
    else:
        found.mkdir()
        make_old(found)
    (tmp_path / "00.claim").write_bytes(SEED)
    make_old(tmp_path / "00.claim")
    assert is_kept(tmp_path)
    assert not (tmp_path / "00.claim").exists()
