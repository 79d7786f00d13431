"""Where the sources of the pages are: in the checkout, or unpacked for as long as this program runs."""

import tempfile
import zipfile
from pathlib import Path

from taina.site import PACKED, SiteError

_unpacked = tempfile.TemporaryDirectory(prefix="taina-") if PACKED.is_file() else None
"""Held here: it goes when the program ends."""


def _find() -> Path:
    if _unpacked is None:
        folder = Path(__file__).resolve().parents[3] / "site"
        if not (folder / "locales").is_dir():
            raise SiteError("The sources of the pages are not here. Install Taina again, or use a checkout.")
        return folder
    with zipfile.ZipFile(PACKED) as archive:
        archive.extractall(_unpacked.name)
    return Path(_unpacked.name)


SOURCE = _find()
