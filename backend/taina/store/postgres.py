"""PostgreSQL: many web hosts, one cluster that replicates synchronously.

Every request is a transaction of its own; PostgreSQL commits those that come together in one write to its log.
What was lost before its COMMIT is simply done again. A COMMIT of unknown outcome is never repeated here and never
answered: the client asks again, and creating and claiming are such that asking twice is asking once.
"""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from taina.errors import ConflictError, StorageFullError, UnavailableError
from taina.store import Transaction, UnusableError
from taina.store.postgres_commit import Commits, Connection
from taina.store.postgres_migrations import STEPS, migrate
from taina.store.postgres_time import ServerTime
from taina.store.postgres_transaction import PostgresTransaction

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
# The pool tells of each connection that it loses or fails to make: thousands of lines in an outage. We tell once.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)

_CONNECTIONS = 20
_PATIENCE = 10.0
_RECONNECT_SECONDS = 1.0
_PAUSE = 0.05
_NETWORK: dict[str, str | int] = {
    "application_name": "taina",
    "connect_timeout": 3,
    # A host that vanished without a word is given up after ten seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# Notices are how an unconfirmed commit shows: no setting of the cluster may hide them, and none may weaken a commit.
_SETTINGS = """
SELECT set_config('search_path', 'taina', false),
    set_config('client_min_messages', 'warning', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('lock_timeout', '10s', false),
    set_config('statement_timeout', '30s', false),
    set_config('idle_in_transaction_session_timeout', '30s', false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)
"""


class PostgresStore:
    """A store in the schema `taina` of a PostgreSQL database; see `taina.store.Store`."""

    def __init__(self, url: str, patience: float = _PATIENCE) -> None:
        """Connect, and bring the schema up to date.

        Args:
            url: as libpq takes it, with several hosts where there are several:
                postgresql://taina@one,two,three/taina?target_session_attrs=read-write
            patience: seconds that a request may wait for a server, and after that once more for its commit.

        Raises:
            UnusableError: no such server, user, database or schema; the message says what to do.
        """
        given = _read_address(url)
        conninfo = make_conninfo(url, **{name: n for name, n in _NETWORK.items() if name not in given})
        self._may_fail_over = "," in given.get("host", "")
        try:
            with Connection.connect(conninfo, autocommit=True) as connection:
                self.warnings = _examine(connection, self._may_fail_over)
                migrate(connection)
                offset = _offset(connection)
        except psycopg.Error as error:
            raise UnusableError(_explain(error)) from None
        self._patience = patience
        self._answering = True
        self._commits = Commits(patience)
        self._commits.start()
        self._pool = ConnectionPool(
            conninfo,
            connection_class=Connection,
            kwargs={"autocommit": True},
            configure=self._configure,
            min_size=1,
            max_size=_CONNECTIONS,
            reconnect_timeout=_RECONNECT_SECONDS,
            name="taina-store",
            open=True,
        )
        self._time = ServerTime(self._ask_time, offset)
        self._time.start()

    def atomically(self, work: Callable[[Transaction], Result]) -> Result:
        """See `taina.store.Store`.

        Raises:
            ConflictError: what `work` adds is there already, though `work` looked.
            StorageFullError: the disk has no room; nothing was changed.
            UnavailableError: no server takes writes, or it did not confirm the commit.
        """
        try:
            result = self._retried(work)
        except UnavailableError:
            if self._answering:
                _log.error("the database does not answer, or does not confirm commits; requests get 503 until it does")
            self._answering = False
            raise
        if not self._answering:
            _log.warning("the database answers again")
        self._answering = True
        return result

    def time(self) -> float:
        """By the server's clock, so that hosts need not agree; nobody waits for it."""
        return self._time.now()

    def close(self) -> None:
        """Close the connections; requests are answered by now."""
        self._pool.close()
        self._commits.stop()
        self._time.stop()

    def _ask_time(self) -> float:
        with self._pool.connection(timeout=_RECONNECT_SECONDS) as connection:
            return _offset(connection)

    def _retried(self, work: Callable[[Transaction], Result]) -> Result:
        end = time.monotonic() + self._patience
        met = False
        while True:
            try:
                return self._attempt(work, end)
            except errors.UniqueViolation:
                # Somebody added the same at the same moment; if `work` looks for that, it finds it now.
                if met:
                    raise ConflictError from None
                met = True
            except errors.DiskFull:
                raise StorageFullError from None
            except (errors.OperationalError, errors.ReadOnlySqlTransaction, errors.InFailedSqlTransaction):
                if time.monotonic() > end:
                    raise UnavailableError from None
                time.sleep(_PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    def _configure(self, connection: Connection) -> None:
        connection.execute(_SETTINGS)
        # After a failover too: a standby that was promoted has settings of its own.
        warnings = _examine(connection, self._may_fail_over)
        if warnings != self.warnings:
            self.warnings = warnings
            for warning in warnings:
                _log.warning(warning)

    def _attempt(self, work: Callable[[Transaction], Result], end: float) -> Result:
        # Asked for anew each second: a pool that gave up connecting tries again only when it is asked.
        connection = self._pool.getconn(timeout=min(max(end - time.monotonic(), _PAUSE), _RECONNECT_SECONDS))
        try:
            cursor = connection.cursor(binary=True)
            cursor.execute("BEGIN")
            try:
                transaction = PostgresTransaction(cursor)
                result = work(transaction)
                transaction.finish()
            except BaseException:
                connection.rollback()
                raise
            self._commits.commit(connection)
            return result
        except errors.ReadOnlySqlTransaction:
            connection.close()  # a primary once; the next connection finds the one that is it now
            raise
        finally:
            self._pool.putconn(connection)


def _examine(connection: Connection, may_fail_over: bool) -> tuple[str, ...]:
    """What an operator should know of this server. Raises: UnusableError if it takes no writes."""
    ((standby, synchronous, fsync, replicas),) = connection.execute(
        "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names'), current_setting('fsync'),"
        " (SELECT count(*) FROM pg_stat_replication)"
    ).fetchall()
    if standby:
        raise UnusableError(
            "This PostgreSQL is a standby and takes no writes. Name all hosts of the cluster, and add "
            "?target_session_attrs=read-write to the address, so that the primary is found."
        )
    warnings = []
    if (may_fail_over or replicas) and not synchronous:
        warnings.append(
            "The database replicates asynchronously: a failover could lose secrets, and bring back some that were "
            "revealed. Set synchronous_standby_names on every node, for instance to 'ANY 1 (*)'."
        )
    if fsync == "off":
        warnings.append("fsync is off in the database: a power failure could lose secrets and bring back others.")
    return tuple(warnings)


def _offset(connection: Connection) -> float:
    """The server's time less that of our monotonic clock."""
    ((now,),) = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchall()
    return float(now) - time.monotonic()


def _read_address(url: str) -> dict[str, str]:
    """What an address names, as libpq reads it. Raises: UnusableError: it cannot be read."""
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        # The reason that libpq gives could repeat a password.
        raise UnusableError(
            "The address of the database cannot be read. Write it like "
            "postgresql://user:password@host:5432/database; percent-encode what is special in it."
        ) from None


def hosts_of(url: str) -> list[str]:
    """The hosts that an address leads to; none for a socket of this machine, or where the address cannot be read."""
    try:
        given = _read_address(url)
    except UnusableError:
        return []
    # A password that was not percent-encoded makes a part of itself the name of a host.
    named = (given.get("hostaddr") or given.get("host", "")).rpartition("@")[2]
    return [host for host in named.split(",") if host and not host.startswith("/")]


def _explain(error: psycopg.Error) -> str:
    # A password that was not percent-encoded makes a part of itself the name of a host. A line behind a tab is libpq's
    # hint at what may be wrong; ours follows.
    said = re.sub(r"(['\"]?)\S*@", r"\1", re.sub(r"\n\t.*", "", str(error)))
    said = " ".join(said.split()).removesuffix(".")
    if isinstance(error, errors.InsufficientPrivilege):
        return (
            f"The database user may not set up Taina's tables ({said}). "
            "Let it: GRANT CREATE ON DATABASE name TO user; or make the user the database's owner."
        )
    return f"The database cannot be used: {said}. Is PostgreSQL running there, and are user, password and name right?"


def look(url: str) -> Iterator[tuple[bool, str]]:
    """What an operator should know of a database, from a look that changes nothing: whether it is good, and a sentence.

    Args:
        url: as of `PostgresStore`.
    """
    try:
        hosts = _read_address(url).get("host", "")
        with Connection.connect(url, autocommit=True, connect_timeout=3) as connection:
            yield True, f"PostgreSQL {connection.info.parameter_status('server_version')} answers."
            yield _look_at_schema(connection)
            warnings = _examine(connection, "," in hosts)
            yield from ((False, warning) for warning in warnings)
            if not warnings:
                yield _look_at_replicas(connection)
    except (psycopg.Error, UnusableError) as error:
        yield False, _explain(error) if isinstance(error, psycopg.Error) else str(error)


def _look_at_schema(connection: Connection) -> tuple[bool, str]:
    ((there,),) = connection.execute("SELECT to_regclass('taina.versions') IS NOT NULL").fetchall()
    if not there:
        return False, "It has no tables of Taina yet: the server makes them when it starts. Is it the right database?"
    ((version,),) = connection.execute("SELECT coalesce(max(version), 0) FROM taina.versions").fetchall()
    if version > len(STEPS):
        return False, f"Its tables are of a newer Taina (schema {version}; this one knows {len(STEPS)}). Update this."
    behind = "" if version == len(STEPS) else f" of {len(STEPS)}: the next start brings them up to date"
    return True, f"Its tables are of schema {version}{behind}."


def _look_at_replicas(connection: Connection) -> tuple[bool, str]:
    ((commit, names, replicas, told, synchronous),) = connection.execute(
        "SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), count(*),"
        " count(sync_state), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) FROM pg_stat_replication"
    ).fetchall()
    if names and (not replicas or (told == replicas and not synchronous)):
        return False, "synchronous_standby_names is set, but no standby follows: each commit waits until one does."
    own = "" if commit in ("on", "remote_apply") else f" (there it is {commit}; this program sets it for itself)"
    waits = f"a standby, of {replicas} that follow" if names else "its disk; it has no standbys"
    return True, f"A commit waits for {waits}. synchronous_commit is on{own}."
