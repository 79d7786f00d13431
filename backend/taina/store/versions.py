"""A file that a newer version has set up is refused: only that version knows what stands in it."""

import sqlite_utils

from taina.store import UnusableError


def refuse_newer(steps: sqlite_utils.Migrations, db: sqlite_utils.Database, what: str) -> None:
    """Compare the steps that were applied to a database with those that this version knows.

    Args:
        what: names the file to its operator.

    Raises:
        UnusableError: there are others; nothing was changed.
    """
    known = {step.name for step in steps.pending(sqlite_utils.Database(memory=True))}
    unknown = sorted({step.name for step in steps.applied(db)} - known)
    if unknown:
        raise UnusableError(
            f"{what} was set up by a newer Taina (schema {unknown[-1]}, which this one does not know). "
            "Nothing was changed. Update this program."
        )
