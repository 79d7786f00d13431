"""A database on a disk that fails."""

import sqlite3
from collections.abc import Callable


def refuse(connection: sqlite3.Connection, refused: int, name: str) -> Callable[[], None]:
    """Let one kind of action on a table or pragma fail, as a disk might; what ends that."""
    connection.set_authorizer(
        lambda action, of, *_: sqlite3.SQLITE_DENY if (action, of) == (refused, name) else sqlite3.SQLITE_OK
    )
    return lambda: connection.set_authorizer(None)
