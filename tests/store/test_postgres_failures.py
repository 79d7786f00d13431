"""PostgreSQL when it breaks in the middle: what is not confirmed is never handed out, and asking again is safe."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Literal, TypeVar

import pytest

from support.clocks import START
from support.cutting_proxy import CuttingProxy
from support.postgres_cluster import Cluster, Node
from support.secrets import Made, reveal
from support.waiting import wait_until
from taina.errors import GoneError, TainaError, UnavailableError
from taina.rules.clock import WatchedClock
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import ROW, InDoubtError, Transaction, UnusableError
from taina.store.postgres import PostgresStore, look
from taina.store.postgres_commit import Connection

Result = TypeVar("Result")


def new_vault(store: PostgresStore) -> Vault:
    return Vault(store, Limits(), lambda: START)


def create(vault: Vault, made: Made) -> bool:
    return vault.create(made.id, made.order()).new


def acknowledge(vault: Vault, made: Made) -> str:
    return vault.acknowledge(made.claim_id, made.claim_token, made.opened_proof)


class Call(threading.Thread):
    """A call in the background, and what came of it."""

    def __init__(self, work: Callable[[Vault, Made], object], vault: Vault, made: Made) -> None:
        super().__init__()
        self._work, self._vault, self._made = work, vault, made
        self.start()

    def run(self) -> None:
        try:
            self._came = str(self._work(self._vault, self._made))
        except TainaError as error:
            self._came = error.code

    def ended_by(self, ending: str, primary: Node) -> str:
        """What came of it, where every commit that waits for a standby is ended in this way."""
        while self.is_alive():
            primary.execute(f"SELECT {ending}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            time.sleep(0.02)
        return self._came

    def ended(self) -> str:
        """What came of it."""
        self.join()
        return self._came


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A primary that commits only with its standby."""
    with Cluster("s1") as cluster:
        cluster.primary.configure(synchronous_standby_names="s1")
        yield cluster


@pytest.mark.parametrize("ending", ["pg_cancel_backend", "pg_terminate_backend"])
@pytest.mark.parametrize("step", [create, reveal, acknowledge])
def test_a_commit_that_no_standby_confirmed_is_not_told(
    cluster: Cluster, ending: str, step: Callable[[Vault, Made], object]
) -> None:
    primary, standby = cluster.nodes
    made = Made()
    with closing(PostgresStore(cluster.url)) as store, closing(PostgresStore(cluster.url)) as other:
        for before in (create, reveal, acknowledge):
            if before is step:
                break
            before(new_vault(store), made)
        standby.stop()
        try:
            # Each try finds what the one before left behind unconfirmed, at the other host too, and is not told either.
            for host in (store, other, store):
                call = Call(step, new_vault(host), made)
                assert call.ended_by(ending, primary) == "unavailable"
        finally:
            standby.start()
        again = step(new_vault(other), made)
        assert again == {create: False, reveal: made.chunks[0], acknowledge: "opened"}[step]  # type: ignore[index]
        if step is not create:
            with pytest.raises(GoneError):
                reveal(new_vault(store), made.another_reader())


def test_a_commit_that_nobody_confirms_is_given_up_in_time(cluster: Cluster) -> None:
    standby = cluster.nodes[1]
    with closing(PostgresStore(cluster.url, patience=1)) as store:
        made = Made()
        standby.stop()
        try:
            with pytest.raises(InDoubtError):
                create(new_vault(store), made)
        finally:
            standby.start()
        assert not create(new_vault(store), made)
        assert reveal(new_vault(store), made) == made.chunks[0]


def test_no_setting_of_the_cluster_hides_an_unconfirmed_commit(cluster: Cluster) -> None:
    primary, standby = cluster.nodes
    settings = {"client_min_messages": "error", "synchronous_commit": "off"}
    for name, value in settings.items():
        primary.execute(f"ALTER ROLE taina SET {name} = '{value}'")
    try:
        with closing(PostgresStore(cluster.url)) as store:
            standby.stop()
            try:
                call = Call(create, new_vault(store), Made())
                assert call.ended_by("pg_cancel_backend", primary) == "unavailable"
            finally:
                standby.start()
    finally:
        primary.execute("ALTER ROLE taina RESET ALL")


def test_a_server_that_went_away_is_told_and_its_return_found(cluster: Cluster) -> None:
    made = Made()
    with closing(PostgresStore(cluster.url, patience=1)) as store:
        create(new_vault(store), made)
        cluster.primary.kill()
        with pytest.raises(UnavailableError):
            reveal(new_vault(store), made)
        cluster.primary.start()
        assert asking_again(lambda: reveal(new_vault(store), made)) == made.chunks[0]


def test_no_request_waits_for_the_time_of_a_server_that_went_away(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that did held the clock, and all others came after it, one a second."""
    askers: list[str] = []
    calls: list[Call] = []
    with closing(PostgresStore(cluster.url, patience=1)) as store:
        vault, made = Vault(store, Limits(), WatchedClock(store)), Made()
        create(vault, made)
        connection = store._pool.connection

        def noted(timeout: float | None = None) -> AbstractContextManager[Connection]:
            askers.append(threading.current_thread().name)
            return connection(timeout)

        monkeypatch.setattr(store._pool, "connection", noted)
        cluster.primary.kill()
        try:
            while not askers:
                calls += [Call(lambda vault, made: vault.status(made.id, made.link_proof), vault, made) for _ in "123"]
                assert {call.ended() for call in calls} == {"unavailable"}
        finally:
            cluster.primary.start()
        assert set(askers).isdisjoint(call.name for call in calls)


@contextmanager
def committing_alone(primary: Node) -> Iterator[None]:
    """Meanwhile no standby has to confirm a commit."""

    def wait_for(standbys: str) -> None:
        primary.configure(synchronous_standby_names=standbys)
        wait_until(lambda: primary.execute("SHOW synchronous_standby_names") == [(standbys,)])

    try:
        wait_for("")
        yield
    finally:
        wait_for("s1")


def test_a_standby_is_refused_and_a_primary_that_commits_alone_is_warned_of(cluster: Cluster) -> None:
    primary, standby = cluster.nodes
    with pytest.raises(UnusableError, match="target_session_attrs=read-write"):
        PostgresStore(standby.url)
    with committing_alone(primary):
        # It may be on its way back from what another test has done to it.
        wait_until(lambda: primary.execute("SELECT count(*) FROM pg_stat_replication") == [(1,)])
        for url in (cluster.url, primary.url):  # it has a standby, whether the address names that or not
            with closing(PostgresStore(url)) as store:
                (warning,) = store.warnings
                assert "replicates asynchronously" in warning


def test_a_look_tells_what_a_commit_waits_for(cluster: Cluster) -> None:
    primary, standby = cluster.nodes
    PostgresStore(cluster.url).close()
    # Which standby is synchronous is for the superuser alone to see.
    *_, last = look(cluster.url)
    assert last == (True, "A commit waits for a standby, of 1 that follow. synchronous_commit is on.")
    ((good, said),) = [fact for fact in look(standby.url) if not fact[0]]
    assert (good, "takes no writes" in said) == (False, True)
    standby.stop()
    try:
        wait_until(lambda: primary.execute("SELECT count(*) FROM pg_stat_replication") == [(0,)])
        *_, last = look(cluster.url)
        assert (last[0], "no standby follows" in last[1]) == (False, True)
    finally:
        standby.start()
        standby.wait_until_followed(primary)
    with committing_alone(primary):
        *_, last = look(primary.url)
        assert (last[0], "replicates asynchronously" in last[1]) == (False, True)


def test_what_changes_while_it_runs_is_warned_of_once(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    primary = cluster.primary
    disconnect = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'taina'"

    def lines() -> list[str]:
        return [record.message for record in caplog.records if "replicates" in record.message]

    with closing(PostgresStore(cluster.url)) as store:
        assert store.warnings == ()
        with committing_alone(primary):
            for _ in range(3):
                primary.execute(disconnect)
                assert asking_again(lambda: create(new_vault(store), Made()))
            assert len(store.warnings) == len(lines()) == 1
        primary.execute(disconnect)
        assert asking_again(lambda: create(new_vault(store), Made()))
        assert (store.warnings, len(lines())) == ((), 1)


def test_a_primary_that_takes_no_writes_any_more_is_left(cluster: Cluster) -> None:
    """As one that was made a standby: the same connection would find it so for ever."""
    with closing(PostgresStore(cluster.url, patience=5)) as store:
        used: set[int] = set()

        def look(tx: Transaction) -> int:
            cursor = tx._cursor  # type: ignore[attr-defined]
            used.add(cursor.connection.info.backend_pid)
            if len(used) == 1:
                cursor.execute("SET TRANSACTION READ ONLY")
            tx.set_clock_mark(START)
            return len(used)

        assert store.atomically(look) == 2


# Breaking at random: whoever gets an answer may rely on it, whoever gets none asks again.


def asking_again(call: Callable[[], Result]) -> Result:
    while True:
        try:
            return call()
        except UnavailableError:
            time.sleep(0.01)


def lead_a_life(vault: Vault, trouble: list[str], end: threading.Event) -> int:
    """Create and reveal until the end; a second reader must always come too late."""
    lives = 0
    while not end.is_set():
        made = Made(chunks=(os.urandom(random.choice([1040, 30_000])),))
        asking_again(lambda made=made: create(vault, made))  # type: ignore[misc]
        if asking_again(lambda made=made: reveal(vault, made)) != made.chunks[0]:  # type: ignore[misc]
            trouble.append("lost")
        try:
            asking_again(lambda made=made: reveal(vault, made.another_reader()))  # type: ignore[misc]
            trouble.append("revealed twice")
        except GoneError:
            pass
        if asking_again(lambda made=made: acknowledge(vault, made)) != "opened":  # type: ignore[misc]
            trouble.append("not acknowledged")
        lives += 1
    return lives


def live_in_parallel(vault: Vault, disturb: Callable[[threading.Event], None]) -> int:
    trouble: list[str] = []
    lives: list[int] = []
    end = threading.Event()

    def run() -> None:
        try:
            lives.append(lead_a_life(vault, trouble, end))
        except TainaError as error:
            trouble.append(f"{error.code}: {error.members}")
            end.set()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    disturb(end)
    end.set()
    for thread in threads:
        thread.join()
    assert trouble == []
    return sum(lives)


def test_backends_are_terminated_all_the_time(database: str, postgres: Node) -> None:
    ended = 0

    def terminate(end: threading.Event) -> None:
        nonlocal ended
        while ended < 300 and not end.is_set():
            ended += len(
                postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'taina'")
            )
            time.sleep(0.05)

    with closing(PostgresStore(database)) as store:
        lives = live_in_parallel(new_vault(store), terminate)
        assert lives > 8
        assert ended >= 300
        assert store.atomically(lambda tx: tx.usage().held) == lives * ROW


@pytest.mark.parametrize("cutting", ["requests", "answers"])
def test_connections_are_cut_anywhere(database: str, postgres: Node, cutting: Literal["requests", "answers"]) -> None:
    """Each time at another byte: before a commit arrives, and before its answer does."""
    PostgresStore(database).close()
    lives = 0
    for after in range(6_000, 30_000, 2_345):
        with CuttingProxy(postgres.port, after=after, cutting=cutting) as proxy:

            def cut(end: threading.Event, proxy: CuttingProxy = proxy) -> None:
                while proxy.cuts < 20 and not end.wait(0.01):
                    pass
                proxy.heal()

            with closing(PostgresStore(database.replace(f":{postgres.port}/", f":{proxy.port}/"))) as store:
                lives += live_in_parallel(new_vault(store), cut)
                assert proxy.cuts >= 20
                assert store.atomically(lambda tx: tx.usage().held) == lives * ROW
