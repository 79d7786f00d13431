"""Which files are opened: those whose steps are all known, and a moved one by what goes on with the move alone."""

import pytest
import sqlite_utils

from taina.store import UnusableError
from taina.store.versions import MOVED, refuse_newer


def steps(*names: str) -> sqlite_utils.Migrations:
    known = sqlite_utils.Migrations("secrets")
    for name in names:
        known(name=name)(lambda db: None)
    return known


def applied(*names: str) -> sqlite_utils.Database:
    database = sqlite_utils.Database(memory=True)
    steps(*names).apply(database)
    return database


def test_a_file_of_this_version_or_an_older_one_is_opened() -> None:
    known = steps("0001_first", "0002_second")
    for database in (applied(), applied("0001_first"), applied("0001_first", "0002_second")):
        refuse_newer(known, database, "taina.db")


def test_a_file_of_a_newer_version_is_refused_by_its_newest_step() -> None:
    database = applied("0001_first", "0004_fourth", "0003_third")
    for moved in (False, True):
        with pytest.raises(UnusableError, match=r"^taina\.db was set up by a newer Taina \(schema 0004_fourth,"):
            refuse_newer(steps("0001_first", "0002_second"), database, "taina.db", moved=moved)


def test_a_file_that_was_moved_is_opened_to_go_on_with_that_alone() -> None:
    known, database = steps("0001_first"), applied("0001_first", MOVED)
    refuse_newer(known, database, "taina.db", moved=True)
    with pytest.raises(UnusableError, match=r"^taina\.db was moved to another database"):
        refuse_newer(known, database, "taina.db")
    with pytest.raises(UnusableError, match="newer Taina"):
        refuse_newer(known, applied("0002_second", MOVED), "taina.db", moved=True)
