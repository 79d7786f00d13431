"""A COMMIT that can be believed.

PostgreSQL commits first and then waits for its synchronous standbys. When that wait is cancelled (by an operator, a
shutdown, or by us) the COMMIT still succeeds and only a WARNING says that no standby has it: after a failover it would
never have happened. So a commit counts when its answer was clean, and everything else is in doubt.
"""

import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.errors import Diagnostic

from taina.store import InDoubtError

_LOOK_SECONDS = 1.0


class Connection(psycopg.Connection[Any]):
    """A connection that remembers what the server remarked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notices: list[str] = []
        self.add_notice_handler(self._note)

    def _note(self, diagnostic: Diagnostic) -> None:
        self.notices.append(diagnostic.sqlstate or "")


class Commits(threading.Thread):
    """Commits, and gives one up that no standby confirms: a request should not wait for ever.

    Args:
        patience: seconds that a commit may take.
    """

    def __init__(self, patience: float) -> None:
        super().__init__(name="taina-commits", daemon=True)
        self._patience = patience
        self._pending: dict[Connection, float] = {}
        self._end = threading.Event()

    def commit(self, connection: Connection) -> None:
        """Return when the transaction is durable, on the synchronous standbys too.

        Raises:
            InDoubtError: it may be or may not be; nobody must be told that it is.
        """
        connection.notices.clear()
        self._pending[connection] = time.monotonic() + self._patience
        try:
            done = connection.execute("COMMIT")
        except psycopg.Error:
            connection.close()
            raise InDoubtError from None
        finally:
            del self._pending[connection]
        if connection.notices or done.statusmessage != "COMMIT":
            raise InDoubtError

    def run(self) -> None:
        """Cancel each commit that has taken longer than it may, until `stop`."""
        while not self._end.wait(_LOOK_SECONDS):
            now = time.monotonic()
            for connection, end in list(self._pending.items()):
                if now >= end:
                    # Where the server is beyond reach, the network's own limits end the wait.
                    with suppress(psycopg.Error):
                        connection.cancel_safe(timeout=_LOOK_SECONDS)

    def stop(self) -> None:
        """End the thread; no commit may be under way."""
        self._end.set()
        self.join()
