"""What is too large for the memory comes out of a spool as it went in, and cannot be read on the disk."""

import os
import tempfile
import tracemalloc
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina.client import spool as spool_module
from taina.client.spool import HELD, Spool
from taina.errors import FileError, TamperedError

MEBI = 1 << 20
MARK = b"correct horse battery staple"


@given(pieces=st.lists(st.binary(max_size=40), max_size=12), held=st.integers(0, 200))
def test_it_gives_back_what_it_took_as_often_as_asked(pieces: list[bytes], held: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool_module, "HELD", held)
        spool = Spool()
        for n, piece in enumerate(pieces):
            spool.write(piece)
            assert b"".join(spool.pieces()) == b"".join(pieces[: n + 1])
            next(spool.pieces(), None)  # who stops early leaves the next piece its place
        assert spool.size == sum(map(len, pieces))
        one, other = spool.pieces(), spool.pieces()
        assert list(zip(one, other, strict=True)) == [(piece, piece) for piece in pieces if piece], (
            "two who read in turn"
        )


def test_it_holds_no_more_than_it_says() -> None:
    tracemalloc.start()
    try:
        spool = Spool()
        for _ in range(64):
            spool.write(os.urandom(MEBI))
        assert sum(map(len, spool.pieces())) == 64 * MEBI
        assert tracemalloc.get_traced_memory()[1] < HELD + 8 * MEBI
    finally:
        tracemalloc.stop()


@pytest.fixture
def spooled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Spool, Path]:
    """A spool that keeps everything in a file whose name we know."""
    path = tmp_path / "spool"

    def opened() -> IO[bytes]:
        return path.open("w+b")

    monkeypatch.setattr(tempfile, "TemporaryFile", opened)
    monkeypatch.setattr(spool_module, "HELD", 0)
    return Spool(), path


def test_nothing_can_be_read_on_the_disk(spooled: tuple[Spool, Path]) -> None:
    spool, path = spooled
    for _ in range(3):
        spool.write(MARK)
    data = path.read_bytes()
    sealed = [data[at : at + len(MARK) + 16] for at in range(0, len(data), len(MARK) + 16)]
    assert len(set(sealed)) == len(sealed) == 3, "each under a nonce of its own"
    assert MARK not in data


def test_what_was_changed_on_the_disk_is_never_given(spooled: tuple[Spool, Path]) -> None:
    spool, path = spooled
    spool.write(MARK)
    with path.open("r+b") as file:
        file.write(b"x")
    with pytest.raises(TamperedError):
        list(spool.pieces())


def test_its_file_has_no_name_and_goes_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spool_module, "HELD", 0)
    spool: Any = Spool()
    spool.write(MARK)
    file = spool._file
    assert not any(tmp_path.iterdir())
    assert os.fstat(file.fileno()).st_mode & 0o77 == 0
    del spool
    assert file.closed


def test_a_disk_without_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "HELD", 0)
    with Path("/dev/full").open("w+b", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
        with pytest.raises(FileError, match=r"No space left on device.*TMPDIR"):
            Spool().write(MARK)
