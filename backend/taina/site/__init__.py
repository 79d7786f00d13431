"""The builder of the pages: templates and catalogs in, a folder of files for any web server out."""

from pathlib import Path

PACKED = Path(__file__).parent / "sources.zip"
"""What the pages are made of, in a program that was installed; a checkout has it in its own folder."""
BUILT = Path(__file__).parent / "pages.zip"
"""The pages as they were built into such a program, and nowhere else."""
RELEASED = "2026-11-28"
"""The day of this version, as in CHANGELOG.md: a time of building would make two builds differ."""


class SiteError(Exception):
    """The pages cannot be built; the message says what to do."""
