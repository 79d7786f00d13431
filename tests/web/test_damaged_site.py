"""A built site that is damaged, incomplete or of another version: refused in words before anybody is served."""

import gzip
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from taina.config import Config
from taina.server.serve import StartError, application
from taina.web.archive import pack
from taina.web.site import NoSiteError, Site

Files = dict[str, bytes]
HEADERS: dict[str, Any] = {"rules": {"page": {"X": "1"}}, "paths": {"/": "page"}}
PAGE = b"<p>a page" * 100


def site(**members: object) -> Files:
    """A small one; `members` of its manifest are others."""
    pages = {"index.html": PAGE, "404.html": b"none"}
    copies = {f"{name}.gz": gzip.compress(data) for name, data in pages.items()}
    return pages | copies | {"manifest.json": json.dumps({"headers": HEADERS, "files": {}} | members).encode()}


def put(files: Files, folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def put_packed(files: Files, folder: Path) -> Path:
    (folder / "pages.zip").write_bytes(pack(files))
    return folder / "pages.zip"


NO_RULES: list[Any] = [[], {}, ["page"], {"page": []}, {"page": "X"}, {"page": {"X": 1}}]
NO_PATHS: list[Any] = [[], {}, ["/"], {"/": "other"}, {"/": []}, {"/s/": "page"}]
OTHER_HEADERS: list[Any] = [
    *(None, 7, [], {}, HEADERS | {"more": {}}, {"rules": HEADERS["rules"]}),
    *(HEADERS | {"rules": rules} for rules in NO_RULES),
    *(HEADERS | {"paths": paths} for paths in NO_PATHS),
]
DAMAGED = {
    "a copy that is cut off": site() | {"index.html.gz": gzip.compress(PAGE)[:-9]},
    "a copy without its end": site() | {"index.html.gz": gzip.compress(PAGE)[:-1]},
    "a copy that is damaged": site() | {"index.html.gz": gzip.compress(PAGE)[:12] + b"\xff" * 20},
    "an empty copy": site() | {"index.html.gz": b""},
    "no list": {name: data for name, data in site().items() if name != "manifest.json"},
    "an empty list": site() | {"manifest.json": b""},
    "a list that is none": site() | {"manifest.json": b"[]"},
    "a list that is nothing": site() | {"manifest.json": b"null"},
    "a list in no encoding": site() | {"manifest.json": b'{"\xff": 1}'},
    "a list that is nested deeply": site() | {"manifest.json": b"[" * 100_000},
    "a contact that is none": site(contact=7),
    "a contact in another alphabet": site(contact="a+b="),
    "no page for what is not found": {name: data for name, data in site().items() if not name.startswith("404")},
    **{f"headers {one}": site(headers=one) for one in OTHER_HEADERS},
}


@pytest.mark.parametrize("place", [put, put_packed])
def test_a_small_site(tmp_path: Path, place: Callable[[Files, Path], Path]) -> None:
    """What the damaged ones are made from is none itself."""
    Site(place(site(), tmp_path))


@pytest.mark.parametrize("place", [put, put_packed])
@pytest.mark.parametrize("files", DAMAGED.values(), ids=DAMAGED.keys())
def test_it_is_refused_and_named(tmp_path: Path, files: Files, place: Callable[[Files, Path], Path]) -> None:
    folder = place(files, tmp_path)
    with pytest.raises(NoSiteError):
        Site(folder)
    with pytest.raises(StartError) as caught, application(Config(data=tmp_path / "data", site=folder)):
        pass
    said = str(caught.value)
    assert said.startswith(f"{folder} holds no built site (")
    assert not said.startswith(f"{folder} holds no built site ()")
    assert said.endswith("). Build one with `taina site build`, or leave --site out.")


def test_an_archive_that_is_damaged_anywhere_is_refused_or_read_as_it_was(tmp_path: Path) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in site().items():
            archive.writestr(name, data)
    whole = out.getvalue()
    for place in range(len(whole)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x29]) + whole[place + 1 :]):
            (tmp_path / "pages.zip").write_bytes(damaged)
            with suppress(NoSiteError):
                assert Site(tmp_path / "pages.zip")._pages["/"].body() == PAGE
