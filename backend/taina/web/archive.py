"""Pages, or their sources, as one file: hundreds of small ones would make each installation and each start slow."""

import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_DENSE = (".br", ".gz", ".png")
_TIME = (2026, 1, 1, 0, 0, 0)
"""Of every member, so that the same files give the same archive."""


class Files(Protocol):
    """Files below a folder, or in an archive, by their paths with slashes."""

    def names(self) -> Iterable[str]: ...

    def read(self, name: str) -> bytes:
        """Raises: KeyError, OSError: it is not there."""
        ...


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Iterable[str]:
        return [file.relative_to(self._folder).as_posix() for file in self._folder.rglob("*") if file.is_file()]

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class _Archive:
    """Where there is a copy by gzip, it alone is kept: it stands for the file."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._stored = set(archive.namelist())

    def names(self) -> Iterable[str]:
        return self._stored | {name.removesuffix(".gz") for name in self._stored}

    def read(self, name: str) -> bytes:
        if name not in self._stored and f"{name}.gz" in self._stored:
            return gzip.decompress(self._archive.read(f"{name}.gz"))
        return self._archive.read(name)


@contextmanager
def open_files(place: Path) -> Iterator[Files]:
    """What `taina site build` made, as a folder, or as `pack` packed it.

    Raises:
        OSError, ValueError: it is not there, or neither of them.
    """
    if place.is_dir():
        yield _Folder(place)
        return
    try:
        with zipfile.ZipFile(place) as archive:
            yield _Archive(archive)
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from None


def pack(files: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same files, whatever made them and when."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            if f"{name}.gz" in files:
                continue
            member = zipfile.ZipInfo(name, _TIME)
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_STORED if name.endswith(_DENSE) else zipfile.ZIP_DEFLATED
            archive.writestr(member, files[name])
    return out.getvalue()
