"""Files that were revealed to us and to nobody else: whatever happens, they are somewhere, and it is said where."""

import errno
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taina.client.receiving import File, Receiver
from taina.errors import FileError
from taina.format.payload import Header, Item


def receive(folder: Path, *names: str, overwrite: bool = False) -> tuple[str | File, ...]:
    receiver = Receiver(folder, overwrite=overwrite)
    items = tuple(Item("file", 2, name, "text/plain") for name in names)
    for n, item in enumerate(items):
        receiver.write(item, n, b"%02d" % (n % 100))
    try:
        return receiver.finish(Header(items, 0))
    except BaseException:
        receiver.abandon()
        raise


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(items: tuple[str | File, ...]) -> list[tuple[str, bytes]]:
    found = []
    for item in items:
        assert isinstance(item, File)
        assert isinstance(item.content, Path)
        found.append((item.content.name, item.content.read_bytes()))
    return found


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_that_name_is_never_in_the_way(tmp_path: Path, overwrite: bool) -> None:
    """With --force the secret was once gone, and its content lay in a hidden file that nobody was told of."""
    (tmp_path / "a.txt").mkdir()
    assert contents(receive(tmp_path, "a.txt", overwrite=overwrite)) == [("a (2).txt", b"00")]
    assert names_in(tmp_path) == ["a (2).txt", "a.txt"]


def test_files_of_one_name_are_numbered_without_looking_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0
    real = Path.open

    def counting(self: Path, *arguments: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        return real(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", counting)
    items = receive(tmp_path, *["a"] * 200)
    monkeypatch.undo()
    assert len({name for name, _ in contents(items)}) == 200
    assert tries < 3 * 200


def test_what_cannot_get_its_name_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.replace
    done: list[Path] = []

    def failing(self: Path, target: Path) -> Path:
        if done:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done.append(target)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(FileError) as raised:
        receive(tmp_path, "a", "b", "c")
    kept = [path for path in tmp_path.iterdir() if path.suffix == ".part"]
    assert len(kept) == 2
    assert all(str(path) in raised.value.detail for path in kept)
    assert sorted(path.read_bytes() for path in kept) == [b"01", b"02"]
    assert (tmp_path / "a").read_bytes() == b"00"


def test_what_cannot_be_taken_away_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever receives learned that a scrap could not be removed, and not that the file could not be written."""
    tried: list[Path] = []

    def failing(self: Path, missing_ok: bool = False) -> None:
        tried.append(self)
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    receiver = Receiver(tmp_path)
    for n, name in enumerate("ab"):
        receiver.write(Item("file", 1, name, ""), n, b"x")
    monkeypatch.setattr(Path, "unlink", failing)
    receiver.abandon()
    assert len(tried) == 2


def test_the_folder_is_synced_after_its_files_have_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a power cut after the acknowledgement could lose the only copy."""
    synced: list[tuple[bool, list[str]]] = []
    real = os.fsync

    def noting(number: int) -> None:
        synced.append((Path(f"/proc/self/fd/{number}").readlink() == tmp_path, names_in(tmp_path)))
        real(number)

    monkeypatch.setattr(os, "fsync", noting)
    receive(tmp_path, "a", "b")
    assert synced[-1] == (True, ["a", "b"])
    assert [folder for folder, _ in synced] == [False, False, True]


@pytest.mark.parametrize("names", [["a", "a"], ["\u00e9.txt", "e\u0301.txt", "\u00c9.txt"], ["a?", "a*", "A_"]])
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("folding", [False, True])
def test_files_of_one_secret_never_overwrite_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], overwrite: bool, folding: bool
) -> None:
    """Also where the file system takes two names for one, as those of macOS and Windows do."""
    if folding:
        fold_names(monkeypatch)
    items = receive(tmp_path, *names, overwrite=overwrite)
    assert sorted(content for _, content in contents(items)) == sorted(b"%02d" % n for n in range(len(names)))
    again = receive(tmp_path, *names, overwrite=overwrite)
    assert len(list(tmp_path.iterdir())) == len(names) * (1 if overwrite else 2)
    assert len(contents(again)) == len(names)


def fold_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files be called, on the disk, by one form of their names in small letters."""

    def folded(path: Path) -> Path:
        return path.with_name(unicodedata.normalize("NFD", path.name).lower())

    def folding(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Path, *arguments: Any, **more: Any) -> Any:
            places = [folded(one) if isinstance(one, Path) else one for one in arguments]
            return real(folded(self), *places, **more)

        return call

    for name in ("open", "is_dir", "stat", "lstat", "replace", "read_bytes", "unlink"):
        monkeypatch.setattr(Path, name, folding(getattr(Path, name)))
