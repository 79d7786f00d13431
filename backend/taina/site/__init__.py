"""The builder of the pages: templates and catalogs in, a folder of files for any web server out."""

from pathlib import Path

_PACKED = Path(__file__).parent / "sources"
SOURCE = _PACKED if _PACKED.is_dir() else Path(__file__).resolve().parents[3] / "site"
"""Of the pages: in a packed program beside this module, else in the checkout."""
BUILT = Path(__file__).parent / "pages"
"""The pages as they were built into a packed program, and nowhere else."""
RELEASED = "2026-11-28"
"""The day of this version, as in CHANGELOG.md: a time of building would make two builds differ."""


class SiteError(Exception):
    """The pages cannot be built; the message says what to do."""
