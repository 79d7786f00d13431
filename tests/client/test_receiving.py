"""Files that were revealed to us and to nobody else: whatever happens, they are somewhere, and it is said where."""

import errno
import os
import stat
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taina.client.agent.folder import replace, write_new
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


def refuse_folders(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> list[int]:
    """Have `os.open` or `os.fsync` fail on every folder, and note it."""
    real = getattr(os, call)
    refused: list[int] = []

    def refusing(what: Any, *arguments: Any, **more: Any) -> Any:
        try:
            is_folder = stat.S_ISDIR(os.stat(what).st_mode)  # noqa: PTH116 - of a number, too
        except FileNotFoundError:  # yet to be created
            is_folder = False
        if is_folder:
            refused.append(number)
            raise OSError(number, os.strerror(number))
        return real(what, *arguments, **more)

    monkeypatch.setattr(os, call, refusing)
    return refused


UNABLE = [
    ("fsync", errno.EINVAL),
    ("fsync", errno.ENOTSUP),
    ("fsync", errno.EBADF),
    ("open", errno.EACCES),
    ("open", errno.EPERM),
    ("open", errno.EISDIR),
]


@pytest.mark.parametrize(("call", "number"), UNABLE)
def test_a_folder_that_cannot_be_synced_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """Some file systems cannot, nor a folder that may be written to and not listed: every secret was lost there."""
    refused = refuse_folders(monkeypatch, call, number)
    assert contents(receive(tmp_path, "a")) == [("a", b"00")]
    write_new(tmp_path / "b", b"1")
    replace(tmp_path / "b", b"2")
    assert (tmp_path / "b").read_bytes() == b"2"
    assert len(refused) == 4
    assert names_in(tmp_path) == ["a", "b"]


def test_windows_is_not_asked_to_sync_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = refuse_folders(monkeypatch, "open", errno.EIO)
    monkeypatch.setattr(sys, "platform", "win32")
    assert contents(receive(tmp_path, "a")) == [("a", b"00")]
    assert not refused


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_still_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The server must not forget what may not be on the disk."""
    refuse_folders(monkeypatch, "fsync", number)
    with pytest.raises(FileError, match="cannot be written to"):
        receive(tmp_path, "a")


def test_a_text_needs_nothing_of_the_folder(tmp_path: Path) -> None:
    """It was never shown where the current folder could not be synced, although nothing goes there."""
    receiver = Receiver(tmp_path / "gone")
    text = Item("text", 2)
    receiver.write(text, 0, b"hi")
    assert receiver.finish(Header((text,), 0)) == ("hi",)


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
