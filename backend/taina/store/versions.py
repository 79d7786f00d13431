"""A file that a newer version has set up is refused: only that version knows what stands in it."""

import sqlite_utils

from taina.store import UnusableError

MOVED = "9999_moved"
"""Stands among the steps of a file whose secrets are in another database now. Every version refuses what it does not
know there, so none ever hands a secret out a second time."""


def refuse_newer(steps: sqlite_utils.Migrations, db: sqlite_utils.Database, what: str, *, moved: bool = False) -> None:
    """Compare the steps that were applied to a database with those that this version knows.

    Args:
        what: names the file to its operator.
        moved: whether it may have been moved: for what goes on with that.

    Raises:
        UnusableError: there are others; nothing was changed.
    """
    with sqlite_utils.Database(memory=True) as empty:
        known = {step.name for step in steps.pending(empty)}
    unknown = sorted({step.name for step in steps.applied(db)} - known)
    if moved:
        unknown = [name for name in unknown if name != MOVED]
    if MOVED in unknown:
        raise UnusableError(
            f"{what} was moved to another database by `taina migrate`, and is never served again: what was revealed "
            "there would be revealed a second time. Use that database (store), or another folder (data)."
        )
    if unknown:
        raise UnusableError(
            f"{what} was set up by a newer Taina (schema {unknown[-1]}, which this one does not know). "
            "Nothing was changed. Update this program."
        )
