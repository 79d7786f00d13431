"""The built site, held in memory: no request ever reaches the disk."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import falcon

from taina import base64url
from taina.errors import MethodNotAllowedError, TamperedError
from taina.web.archive import Files, open_files
from taina.web.codings import CODINGS, TYPES, decode
from taina.web.site_headers import Headers


class NoSiteError(Exception):
    """There is no built site, or it is damaged or of another version; the message says what is wrong."""


@dataclass(frozen=True)
class _Page:
    content_type: str
    headers: dict[str, str]
    encoded: dict[str, bytes]
    """The body by content coding. Where there are compressed copies, it is nowhere else: hardly anybody asks for it
    as it is, and it takes twice their room."""

    def body(self) -> bytes:
        """As it is, for whoever takes no coding that we have."""
        return self.encoded[""] if "" in self.encoded else gzip.decompress(self.encoded["gzip"])


class Site:
    """A Falcon sink that serves what `taina site build` made, a folder or an archive."""

    def __init__(self, place: Path) -> None:
        """Read all of it.

        Raises:
            NoSiteError: it is not there, or cannot be read.
        """
        self._pages: dict[str, _Page] = {}
        try:
            with open_files(place) as files:
                self._read(files)
        except Exception as error:  # archives, copies and JSON each have many ways to be damaged
            raise NoSiteError(str(error) or type(error).__name__) from error

    def _read(self, files: Files) -> None:
        manifest = json.loads(files.read("manifest.json"))
        if not isinstance(manifest, dict):
            raise TypeError("manifest.json is of another version")
        self._headers = Headers(**manifest["headers"])
        self.contact: bytes | None = base64url.decode(manifest["contact"]) if "contact" in manifest else None
        """The id of the request that its contact page shows."""
        names = set(files.names())
        for name in sorted(names):
            kind = PurePosixPath(name).suffix
            if kind not in TYPES:
                continue
            data = files.read(name)
            encoded = {coding: files.read(name + ending) for coding, ending in CODINGS if name + ending in names}
            for coding, copy in encoded.items():
                _check_copy(name, coding, copy, data)
            self._pages["/" + name.removesuffix("index.html")] = _Page(
                content_type=TYPES[kind],
                headers=self._headers.of("/" + name),
                encoded=encoded if "gzip" in encoded else {"": data},
            )
        if "/404.html" not in self._pages:
            raise ValueError("404.html is missing")

    def __call__(self, req: falcon.Request, resp: falcon.Response, **kwargs: Any) -> None:
        """Falcon calls a sink by these names."""
        request, response = req, resp
        page = self._pages.get(request.path)
        read = request.method in ("GET", "HEAD")
        if page is None or not read:
            # With hops and refusals, too: a browser that checks pages asks it of every answer.
            response.set_headers(self._headers.of(request.path))
        if not read:
            response.set_header("Allow", "GET, HEAD")
            raise MethodNotAllowedError
        if page is None:
            for folder in (request.path + "/", request.path.removesuffix("index.html")):
                if folder in self._pages:
                    # Within this origin, and never on a link's path: those end in a slash already.
                    raise falcon.HTTPPermanentRedirect(folder)
            response.status = falcon.HTTP_404
            language = request.path.split("/")[1]
            page = self._pages.get(f"/{language}/404.html") or self._pages["/404.html"]
        self._send(page, request, response)

    def _send(self, page: _Page, request: falcon.Request, response: falcon.Response) -> None:
        response.set_headers(page.headers)
        response.content_type = page.content_type
        if "" not in page.encoded:
            response.set_header("Vary", "Accept-Encoding")
        accepted = _codings(request.get_header("Accept-Encoding") or "")
        coding = next((coding for coding in page.encoded if coding in accepted), "")
        if coding:
            response.set_header("Content-Encoding", coding)
        response.data = page.encoded[coding] if coding else page.body()


def _check_copy(name: str, coding: str, copy: bytes, data: bytes) -> None:
    """Raises: ValueError: browsers would get something else than whoever looks at the file."""
    try:
        same = decode(coding, copy, len(data)) == data
    except TamperedError:
        same = False
    if not same:
        raise ValueError(f"the {coding} copy of {name} does not stand for it")


def _codings(header: str) -> set[str]:
    """The content codings of an Accept-Encoding header, without those of quality 0 (RFC 9110, 12.5.3)."""
    codings = set()
    for part in header.lower().split(","):
        name, _, quality = part.partition(";")
        if quality.strip().removeprefix("q=").strip("0.") or not quality:
            codings.add(name.strip())
    return codings
