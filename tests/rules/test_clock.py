"""Clocks that are wrong: they destroy nothing, and they bring no secret back."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.clocks import START
from support.secrets import Made, MadeRequest
from support.waiting import wait_until
from taina.errors import GoneError, NotFoundError, TainaError
from taina.rules.access_keys import AccessKeys
from taina.rules.clock import BATCH, CONFIRMED, NOTE_EVERY, STEP, WatchedClock, steady
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import RECEIPT_KEPT, Vault
from taina.store import Store
from taina.store.access_keys import KeyFile
from taina.store.sqlite import SqliteStore

DAY = 86400


class Machine:
    """An instance whose two clocks the test turns: the one that people set, and the one that nobody can."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, wall: float = START) -> None:
        self.wall, self.steady = wall, 98_765.0
        monkeypatch.setattr(store, "time", lambda: self.wall)
        self.clock = WatchedClock(store, lambda: self.steady)
        self.vault = Vault(store, Limits(), self.clock)
        self.requests = SecretRequests(store, Limits(), self.clock)
        self.clock.settle_with(self.vault.sweep, self.requests.sweep)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def sweep(self) -> int:
        """A turn of the sweeper."""
        self.clock.note(1)
        return self.clock.unless_paused(self.vault.sweep)(200) + self.clock.unless_paused(self.requests.sweep)(200)

    def run(self, seconds: int) -> int:
        """Sweep each second for so long."""
        swept = 0
        for _ in range(seconds):
            self.pass_time(1)
            swept += self.sweep()
        return swept

    def create(self, ttl: int = 3600) -> Made:
        made = Made(ttl=ttl)
        self.vault.create(made.id, made.order())
        return made

    def answers(self, made: Made) -> bool:
        try:
            self.vault.status(made.id, made.link_proof)
        except TainaError:
            return False
        return True


@pytest.fixture
def machine(store: Store, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(store, monkeypatch)


def test_time_that_passes_is_no_step(machine: Machine) -> None:
    made = machine.create()
    assert machine.run(60) == 0
    machine.pass_time(3540)  # a machine that slept
    assert not machine.answers(made)
    assert machine.sweep() == 1


def test_a_step_forward_destroys_nothing_until_it_is_confirmed(machine: Machine) -> None:
    made = machine.create()
    machine.wall += 31 * DAY
    assert not machine.answers(made), "refusing does no harm"
    assert machine.run(CONFIRMED - 1) == 0
    machine.wall -= 31 * DAY
    assert machine.sweep() == 0
    assert machine.answers(made)
    assert machine.run(CONFIRMED * 2) == 0


def test_a_step_of_more_than_five_minutes_is_confirmed_by_half_a_minute(machine: Machine) -> None:
    made = machine.create(ttl=300)
    machine.wall += 301
    assert not machine.answers(made)
    assert machine.run(29) == 0
    assert machine.run(1) == 1


def test_a_step_forward_that_lasts_is_the_time(machine: Machine) -> None:
    made = machine.create()
    machine.wall += DAY
    assert not machine.answers(made)
    assert machine.run(CONFIRMED - 1) == 0
    assert machine.run(1) == 1
    machine.wall -= DAY
    assert not machine.answers(made)
    assert machine.vault.receipt(made.receipt_id, made.receipt_token).state == "expired"


def test_a_second_step_is_confirmed_by_itself(machine: Machine) -> None:
    machine.create()
    machine.wall += DAY
    machine.run(CONFIRMED - 1)
    machine.wall += DAY
    assert machine.run(CONFIRMED - 1) == 0
    assert machine.run(2) == 1


@pytest.mark.parametrize("step", [1, 59, 300])
def test_small_corrections_pass(machine: Machine, step: int) -> None:
    machine.create(ttl=300)
    machine.pass_time(300 - step)
    machine.sweep()
    machine.wall += step
    assert machine.sweep() == 1


@pytest.mark.parametrize("step", [2, 59, 301, DAY, 3652 * DAY])
def test_a_step_back_brings_nothing_back(machine: Machine, step: int) -> None:
    """Not even what the sweeper had no time for."""
    made, asked = machine.create(), MadeRequest()
    machine.requests.create(asked.id, asked.asking())
    machine.pass_time(3600)
    assert not machine.answers(made)
    machine.wall -= step
    assert not machine.answers(made)
    assert machine.vault.receipt(made.receipt_id, made.receipt_token).state == "expired"
    later = machine.create()
    assert machine.vault.status(later.id, later.link_proof).expires == int(machine.wall) + 3600, (
        "new lifetimes are whole"
    )
    machine.pass_time(3599)
    assert machine.answers(later)
    machine.pass_time(1)
    assert not machine.answers(later)


def test_a_step_back_lets_requests_and_keys_be_valid_once_more(machine: Machine, tmp_path: Path) -> None:
    """As operators are told: only secrets end for good."""
    asked, keys = MadeRequest(), AccessKeys(KeyFile(tmp_path / "keys.db"), lambda: machine.wall)
    machine.requests.create(asked.id, asked.asking())
    key, _ = keys.issue("ann", ttl=3600)
    for change, valid in [(3600, False), (-60, True), (60, False)]:
        machine.wall += change
        assert keys.in_force(key) is valid
        if valid:
            assert machine.requests.status(asked.id, asked.answer_token).state == "open"
        else:
            with pytest.raises(GoneError):
                machine.requests.status(asked.id, asked.answer_token)


@pytest.mark.parametrize("step", [0.5, 1])
def test_within_a_second_the_clock_stands_still(machine: Machine, step: float) -> None:
    before = machine.clock()
    machine.wall -= step
    assert machine.clock() == before


def test_a_clock_that_ends_nothing_goes_back_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(store, monkeypatch)
    clock = WatchedClock(store, lambda: machine.steady)
    machine.wall -= 60
    assert clock() == START - 60


def test_the_mark_is_noted_once_a_minute(machine: Machine, store: Store) -> None:
    noted = []
    for seconds in (0, 59, 1, 1):
        machine.pass_time(seconds)
        assert machine.clock.note(1) == 0
        noted.append(store.atomically(lambda tx: tx.clock_mark()))
    assert noted == [START, START, START + 60, START + 60]


def test_a_step_forward_is_told_once(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.wall += DAY
    machine.run(CONFIRMED * 2)
    assert [record.getMessage() for record in caplog.records] == [
        "the clock was put forward by 86400 s; nothing is destroyed by it until it goes on so"
    ]


def test_a_small_correction_of_a_step_does_not_begin_it_anew(machine: Machine) -> None:
    machine.create()
    machine.wall += DAY
    machine.run(CONFIRMED - 1)
    machine.wall += STEP
    assert machine.run(2) == 1


def test_where_what_expired_cannot_be_ended_the_clock_does_not_go_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine.create()
    machine.pass_time(3600)
    assert not machine.answers(made)

    def fail(limit: int, at: int) -> int:
        raise TainaError

    machine.clock.settle_with(fail)
    machine.wall -= DAY
    assert not machine.answers(made)
    machine.clock.settle_with(machine.vault.sweep)
    with pytest.raises(NotFoundError):
        machine.vault.status(Made().id, bytes(32))
    assert not machine.answers(made)
    assert machine.clock() == machine.wall


def test_each_step_back_counts(machine: Machine) -> None:
    for step in (60, DAY):
        machine.wall -= step
        assert machine.clock() == machine.wall


def test_all_that_expired_is_ended_before_the_clock_goes_back(machine: Machine) -> None:
    """In as many portions as it takes, and by the time that it goes back from."""
    left = [0, 1, BATCH, BATCH]
    settled: list[tuple[int, int]] = []

    def settle(limit: int, at: int) -> int:
        settled.append((limit, at))
        return left.pop()

    machine.clock.settle_with(settle)
    machine.pass_time(60)
    machine.clock()
    machine.wall -= 30
    machine.clock()
    machine.clock()
    assert (settled, left) == ([(BATCH, START + 60)] * 3, [0])


def test_nothing_is_done_by_a_time_that_is_being_set_back(machine: Machine) -> None:
    """A lifetime of an hour became one of 16 days. Nobody waits, either: others have their turn meanwhile."""
    settling, settled = threading.Event(), threading.Event()

    def settle(limit: int, at: int) -> int:
        settling.set()
        assert settled.wait(60)
        return 0

    made, request = machine.create(ttl=30 * DAY), MadeRequest()
    machine.clock.settle_with(settle)
    machine.pass_time(16 * DAY)
    assert machine.answers(made)
    machine.wall -= 16 * DAY
    sweeper = threading.Thread(target=machine.clock.paused)
    sweeper.start()
    assert settling.wait(60)
    told: list[TainaError] = []

    def ask() -> None:
        for call in (machine.create, lambda: machine.requests.create(request.id, request.asking()), machine.clock):
            try:
                call()
            except TainaError as error:
                told.append(error)

    other = threading.Thread(target=ask)
    other.start()
    other.join(20)
    in_time = told.copy()
    settled.set()
    sweeper.join()
    other.join()
    assert [error.code for error in in_time] == ["unavailable"] * 3
    assert machine.clock() == START
    assert machine.vault.create((again := Made(ttl=3600)).id, again.order()).expires == START + 3600


def test_the_steady_clock_goes_by_seconds_and_nobody_sets_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, began = steady(), time.monotonic()
    wait_until(lambda: time.monotonic() >= began + 0.01)
    assert 0.01 <= steady() - before < 60
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 0.0)
        assert steady() >= before
    clock = WatchedClock(store)
    assert (abs(clock() - store.time()) < 60, clock.paused()) == (True, False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "taina.db"


@pytest.fixture
def used(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A secret of an instance that has run for two minutes, and was stopped."""
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch)
        made = machine.create()
        machine.run(NOTE_EVERY * 2)
    yield made


def test_a_step_while_it_was_stopped_is_seen(file: Path, used: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START + 31 * DAY)
        assert not machine.answers(used)
        assert machine.run(CONFIRMED - 1) == 0
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START + 200)
        assert machine.answers(used)
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START + RECEIPT_KEPT)
        assert machine.run(CONFIRMED + 1) == 1


def test_a_step_back_while_it_was_stopped_is_seen(file: Path, used: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START + 110)
        machine.pass_time(3600 - 110)
        machine.clock.note(1)  # it has expired, and the sweeper had no time
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START)
        assert not machine.answers(used)


def test_a_step_back_is_kept_across_a_restart(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made since is judged by the time that the clock went back to."""
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START + 10 * DAY)
        machine.run(NOTE_EVERY + 1)
        machine.wall = START
        made = machine.create()
    with closing(SqliteStore(file)) as store:
        machine = Machine(store, monkeypatch, START + 10)
        assert machine.run(5) == 0
        assert machine.answers(made)
