"""What is due is destroyed whatever else fails, and a sweeper that does nothing any more is not a silent one."""

import json
import logging
import re
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest

from support.api import bearer, create, receipt_path, reveal
from support.clocks import Clock
from support.secrets import Made
from support.servers import start_server, stop_server
from support.waiting import wait_until
from taina.errors import UnavailableError
from taina.server import sweeper as rooms
from taina.server.sweeper import DEAD_SECONDS, Sweeper
from taina.server.takedowns import Takedowns
from taina.store.turns import Turns
from taina.web.health import STALLED_SECONDS

ERRORS = [OSError(28, "No space left", "/data/0123456789abcdef"), sqlite3.OperationalError("0123456789abcdef")]
ERRORS += [ValueError("0123456789abcdef"), UnavailableError("0123456789abcdef")]


class Sweep:
    """Has `due` things to do, unless it fails."""

    def __init__(self, due: int = 0, error: Exception | None = None) -> None:
        self.due = due
        self.error = error
        self.calls = 0

    def __call__(self, limit: int) -> int:
        self.calls += 1
        if self.error:
            raise self.error
        done = min(self.due, limit)
        self.due -= done
        return done


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("number", range(3))
def test_a_sweep_that_fails_keeps_no_other_from_its_work(
    error: Exception, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    sweeps = [Sweep(due=450) for _ in range(3)]
    sweeps[number].error = error
    clock = Clock(1000.0)
    sweeper = Sweeper(*sweeps, clock=clock)
    clock.now += 30
    sweeper.turn()
    clock.now += 1
    sweeper.turn()
    assert [sweep.due for sweep in sweeps] == [450 if n == number else 0 for n in range(3)]
    assert sweeper.age() == 31
    assert "0123456789abcdef" not in caplog.text
    sweeps[number].error = None
    sweeper.turn()
    assert sweeper.age() == 0
    assert sweeps[number].due == 0


def test_a_fault_that_lasts_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(1000.0)
    sweeper = Sweeper(Sweep(error=ValueError()), clock=clock)
    for _ in range(90):
        sweeper.turn()
        clock.now += 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "ValueError at test_sweeper.py" in caplog.text


def test_a_long_row_of_one_sweep_leaves_the_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "PAUSE", 0)
    first, second = Sweep(due=1_000_000), Sweep(due=1)
    Sweeper(first, second).turn()
    assert first.due == 1_000_000 - rooms.BATCH * rooms.BATCHES_PER_TURN
    assert second.due == 0


def test_it_sweeps_in_the_turns_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of its own took a third of an idle server's time, only to be told that nothing is due."""
    monkeypatch.setattr(rooms, "SWEEP_SECONDS", 0.001)
    turns, left, here = Turns(), [rooms.BATCH + 1], []

    def sweep(limit: int) -> int:
        here.append(turns.may_wait())
        done = min(left[0], limit)
        left[0] -= done
        return done

    woken, sweeper = threading.Event(), Sweeper(sweep, turns=turns, watched=False)
    before = threading.active_count()
    with turns.running(woken.set):
        with sweeper:
            assert threading.active_count() == before
            while len(here) < 3:
                woken.wait(turns.patience(1))
                turns.run()
        turns.run()
        woken.wait(0.01)
        for _ in range(3):
            turns.run()
        assert not turns._chores, "it has stopped"
    assert (here, left) == ([True] * 3, [0])


def test_a_sweeper_that_hangs_ends_the_process() -> None:
    ended: list[int] = []
    held, free = threading.Event(), threading.Event()

    def hang(limit: int) -> int:
        held.set()
        free.wait(60)
        return 0

    def end(code: int) -> None:
        ended.append(code)

    clock = Clock(1000.0)
    sweeper = Sweeper(hang, clock=clock, end_process=end)  # type: ignore[arg-type] # a process that goes on
    thread = threading.Thread(target=sweeper.turn)
    thread.start()
    assert held.wait(60)
    clock.now += DEAD_SECONDS
    sweeper.check()
    assert ended == []
    clock.now += 1
    sweeper.check()
    assert ended == [70]
    free.set()
    thread.join()


def test_notes_that_cannot_be_taken_away_stop_nothing(tmp_path: Path) -> None:
    """A folder where a note should be once ended the thread: leases were not ended, and all was "ready"."""
    server = start_server(tmp_path, "--metrics", "127.0.0.1:0")
    assert server.process.stdout is not None
    metrics = re.search(r"http://\S+", server.process.stdout.readline())
    assert metrics
    note = tmp_path / "takedowns" / ("0" * 32)
    note.mkdir()
    with httpx.Client(base_url=f"{server.url}/api/v1") as api:
        made = create(api, Made())
        taken = tmp_path / "takedowns" / made.id.hex()
        taken.touch()
        wait_until(lambda: not taken.exists())
        assert api.get(receipt_path(made), headers=bearer(made.receipt_token)).json()["state"] == "burned"
        assert reveal(api, made).status_code == 410
        assert api.get("/ready").json() == {"state": "ready"}
    age = re.search(r"^taina_sweep_age_seconds (\S+)$", httpx.get(metrics[0]).text, re.MULTILINE)
    assert age
    assert 0 <= float(age[1]) < STALLED_SECONDS
    assert stop_server(server) == ""


def test_only_notes_are_seen_to_and_where_no_folder_is_there_are_none(tmp_path: Path) -> None:
    ended: list[bytes] = []
    takedowns = Takedowns(tmp_path, [ended.append])
    assert takedowns.sweep() == 0
    folder = tmp_path / "takedowns"
    folder.write_text("")
    assert takedowns.sweep() == 0
    folder.unlink()
    takedowns.open()
    others = {"0" * 31, "0" * 33, "A" * 32, "." + "0" * 31, "note\n"}
    for name in {*others, "1" * 32, "a" * 32, "2" * 32}:
        (folder / name).touch()
    assert (takedowns.sweep(2), takedowns.sweep(2), takedowns.sweep(2)) == (2, 1, 0)
    assert ended == [b"\x11" * 16, b"\x22" * 16, b"\xaa" * 16]
    assert {path.name for path in folder.iterdir()} == others


def test_an_instance_whose_sweeper_stands_is_not_ready(tmp_path: Path) -> None:
    from falcon import testing

    from taina.rules.secret_requests import SecretRequests
    from taina.rules.types import Limits
    from taina.rules.vault import Vault
    from taina.store.sqlite import SqliteStore
    from taina.web.app import create_app

    store = SqliteStore(tmp_path / "taina.db")
    ages = iter([STALLED_SECONDS, STALLED_SECONDS + 1])
    app = create_app(Vault(store, Limits()), SecretRequests(store, Limits()), sweep_age=lambda: next(ages))
    client = testing.TestClient(app)
    assert client.simulate_get("/api/v1/ready").json == {"state": "ready"}
    assert client.simulate_get("/api/v1/ready").status_code == 503
    store.close()


def test_what_nobody_caught_is_a_line_without_values() -> None:
    import subprocess
    import sys

    script = (
        "import threading\n"
        "from taina.server.logs import set_up\n"
        "set_up('errors')\n"
        "def fail(): raise ValueError('0123456789abcdef')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "fail()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "0123456789abcdef" not in ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["message"] for line in lines] == ["uncaught: ValueError at <string>:4"] * 2
