"""What is PostgreSQL's own: many hosts on one database, and how it starts or says why not."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial

import pytest
from psycopg import errors

from support.clocks import START
from support.postgres_cluster import PASSWORD, Node
from support.secrets import Made, MadeRequest, envelope, made_of_chunks, reveal
from support.servers import free_port
from support.waiting import wait_until
from taina.errors import ConflictError, StorageFullError, TainaError
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Answered, Limits
from taina.rules.vault import Vault
from taina.store import ROW, Transaction, UnusableError
from taina.store.postgres import PostgresStore, look
from taina.store.postgres_migrations import STEPS


def new_vault(store: PostgresStore, now: int = START) -> Vault:
    return Vault(store, Limits(), lambda: now)


def create(store: PostgresStore, made: Made) -> bool:
    return new_vault(store).create(made.id, made.order()).new


@pytest.fixture
def hosts(database: str) -> Iterator[list[PostgresStore]]:
    """Four web hosts on one database."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(PostgresStore(database))) for _ in range(4)]


def in_parallel(work: list[Callable[[], object]]) -> list[object]:
    """The results, or the codes of the errors, in the order of their end."""
    gate = threading.Barrier(len(work))
    results: list[object] = []

    def run(one: Callable[[], object]) -> None:
        gate.wait(60)
        try:
            results.append(one())
        except TainaError as error:
            results.append(error.code)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# Many hosts


def test_readers_race_across_hosts_and_one_wins(hosts: list[PostgresStore]) -> None:
    vaults = [new_vault(store) for store in hosts]
    for _ in range(20):
        made = Made()
        vaults[0].create(made.id, made.order())
        answers = in_parallel([partial(reveal, vault, made.another_reader()) for vault in vaults for _ in range(16)])
        assert answers.count(made.chunks[0]) == 1
        assert answers.count("gone") == 63


def test_the_same_request_at_once_at_several_hosts_makes_one_secret(hosts: list[PostgresStore]) -> None:
    for _ in range(20):
        made = Made()
        answers = in_parallel([partial(create, store, made) for store in hosts])
        assert sorted(answers) == [False, False, False, True]  # type: ignore[type-var]
        assert hosts[0].atomically(lambda tx: tx.usage().held) >= 1040


def test_one_receipt_id_for_two_secrets_at_once(hosts: list[PostgresStore]) -> None:
    for _ in range(10):
        first = Made()
        second = Made(receipt_id=first.receipt_id)
        answers = in_parallel([partial(create, hosts[0], first), partial(create, hosts[1], second)])
        assert sorted(map(str, answers)) == ["True", "conflict"]


def test_chunks_arrive_at_all_hosts_at_once(hosts: list[PostgresStore]) -> None:
    made = made_of_chunks(8)
    vaults = [new_vault(store) for store in hosts]
    vaults[0].create(made.id, made.order())
    in_parallel(
        [
            partial(vault.put_chunk, made.id, made.receipt_token, n, made.chunks[n])
            for n in range(8)
            for vault in (vaults[n % 4], vaults[(n + 1) % 4])
        ]
    )
    assert vaults[0].status(made.id, made.link_proof).state == "waiting"
    reveal(vaults[1], made)
    read = [vaults[n % 4].claimed_chunk(made.claim_id, made.claim_token, n) for n in range(8)]
    assert read == list(made.chunks)


def test_answers_to_a_request_come_to_all_hosts_at_once(hosts: list[PostgresStore]) -> None:
    requests = [SecretRequests(store, Limits(), lambda: START) for store in hosts]
    made = MadeRequest(answers=3)
    requests[0].create(made.id, made.asking())
    answers = in_parallel([partial(each.answer, made.id, made.answer_token, envelope()) for each in requests * 8])
    assert answers.count("answered") == 29
    assert sorted(each.answers_left for each in answers if isinstance(each, Answered)) == [0, 1, 2]


def test_all_hosts_sweep_and_none_waits_for_another(hosts: list[PostgresStore]) -> None:
    made = [Made() for _ in range(100)]
    for one in made:
        new_vault(hosts[0]).create(one.id, one.order())
    later = [new_vault(store, START + 3600) for store in hosts]
    held, release = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        tx.find(made[0].id)
        held.set()
        release.wait(60)

    reader = threading.Thread(target=hosts[3].atomically, args=(hold,))
    reader.start()
    held.wait(60)
    swept: list[int] = []

    def sweep(vault: Vault) -> None:
        while done := vault.sweep(7):
            swept.append(done)

    in_parallel([partial(sweep, vault) for vault in later[:3]])
    assert sum(swept) == 99
    release.set()
    reader.join()
    assert later[0].sweep() == 1
    assert hosts[0].atomically(lambda tx: tx.usage().held) == 100 * ROW


def test_whom_a_deadlock_undoes_is_done_again(hosts: list[PostgresStore]) -> None:
    made = [Made(), Made()]
    for one in made:
        new_vault(hosts[0]).create(one.id, one.order())
    meeting = threading.Barrier(2)
    tries: list[int] = []

    def cross(first: int) -> Callable[[Transaction], str]:
        def work(tx: Transaction) -> str:
            tries.append(first)
            tx.find(made[first].id)
            if len(tries) <= 2:
                meeting.wait(60)
            tx.find(made[1 - first].id)
            return "done"

        return work

    answers = in_parallel([partial(hosts[n].atomically, cross(n)) for n in (0, 1)])
    assert answers == ["done", "done"]
    assert len(tries) > 2


def test_the_second_conflict_is_one(hosts: list[PostgresStore]) -> None:
    """Two claims of one id: `update` meets what it never looked for."""
    vault, made, other = new_vault(hosts[0]), Made(), Made()
    for one in (made, other):
        vault.create(one.id, one.order())
    reveal(vault, made)
    with pytest.raises(ConflictError):
        vault.reveal(other.id, other.link_proof, other.reveal_proof, made.claim)
    assert reveal(vault, other) == other.chunks[0]


# Start


def test_hosts_that_start_at_once_make_the_schema_once(database: str, postgres: Node) -> None:
    in_parallel([lambda: PostgresStore(database).close() for _ in range(8)])
    assert postgres.execute("SELECT version FROM taina.versions ORDER BY 1", database="taina") == [
        (n,) for n in range(1, len(STEPS) + 1)
    ]


def test_a_newer_schema_is_refused(database: str, postgres: Node) -> None:
    PostgresStore(database).close()
    postgres.execute("INSERT INTO taina.versions (version) VALUES (99)", database="taina")
    with pytest.raises(UnusableError, match="newer Taina"):
        PostgresStore(database)


def test_the_time_is_that_of_the_database(hosts: list[PostgresStore], monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose own clock is wrong would otherwise end the secrets of all."""
    right = time.time()
    monkeypatch.setattr(time, "time", lambda: right + 31 * 86400)
    assert all(abs(store.time() - right) < 60 for store in hosts)


def test_the_time_is_asked_again_and_goes_on_while_the_database_is_away(database: str) -> None:
    with closing(PostgresStore(database)) as store:
        right = store.time()
        store._time._offset += 86400
        wait_until(lambda: right <= store.time() < right + 60)
        store._pool.close()
        before = store.time()
        assert before <= store.time() < before + 60


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("127.0.0.1:{port}", "127.0.0.1:{closed}"), "Connection refused"),
        (("taina:", "nobody:"), "authentication failed"),
        ((PASSWORD, "guess"), "authentication failed"),
        (("/taina", "/elsewhere"), 'database "elsewhere" does not exist'),
        (("/taina", "/postgres"), "GRANT CREATE ON DATABASE"),
        (("/taina", "/taina?nonsense=1"), "address of the database cannot be read"),
        (("127.0.0.1", "no.such.host.invalid"), "Is PostgreSQL running there"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(postgres: Node, change: tuple[str, str], said: str) -> None:
    old, new = (part.format(port=postgres.port, closed=free_port()) for part in change)
    with pytest.raises(UnusableError, match=said) as caught:
        PostgresStore(new.join(postgres.url.rsplit(old, 1)))
    assert PASSWORD not in str(caught.value)


def test_a_server_that_may_forget_is_warned_of(postgres: Node, database: str) -> None:
    with closing(PostgresStore(database)) as store:
        assert store.warnings == ()
    postgres.configure(fsync="off")
    try:
        wait_until(lambda: postgres.execute("SHOW fsync") == [("off",)])
        with closing(PostgresStore(database)) as store:
            (warning,) = store.warnings
            assert "fsync is off" in warning
    finally:
        postgres.configure(fsync="on")


def test_a_disk_without_room_is_told_and_changes_nothing(database: str) -> None:
    with closing(PostgresStore(database)) as store:

        def fill_up(tx: Transaction) -> None:
            tx.set_clock_mark(START)
            raise errors.DiskFull

        with pytest.raises(StorageFullError):
            store.atomically(fill_up)
        assert store.atomically(lambda tx: tx.clock_mark()) is None


def test_a_look_at_a_database_tells_what_is_there_and_changes_nothing(database: str, postgres: Node) -> None:
    def seen() -> list[tuple[bool, str]]:
        answers, *rest = look(database)
        assert answers[0]
        assert answers[1].startswith("PostgreSQL ")
        return rest

    own_disk = (True, "A commit waits for its disk; it has no standbys. synchronous_commit is on.")
    newest = len(STEPS)
    bare, _ = seen()
    assert (bare[0], "no tables of Taina yet" in bare[1]) == (False, True)
    assert postgres.execute("SELECT to_regclass('taina.versions')", database="taina") == [(None,)]
    PostgresStore(database).close()
    assert seen() == [(True, f"Its tables are of schema {newest}."), own_disk]
    postgres.execute("DELETE FROM taina.versions WHERE version = %s", newest, database="taina")
    behind = f"Its tables are of schema {newest - 1} of {newest}: the next start brings them up to date."
    assert seen()[0] == (True, behind)
    postgres.execute("INSERT INTO taina.versions (version) VALUES (99)", database="taina")
    assert (seen()[0][0], "of a newer Taina (schema 99" in seen()[0][1]) == (False, True)
    ((good, said),) = look(database.replace(PASSWORD, "guess"))
    assert (good, "authentication failed" in said) == (False, True)
