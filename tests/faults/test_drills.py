"""Every drill in its short form; scripts/drills/ says how to run them at length."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drills import (
    clock,
    cut,
    full_disk,
    fuzzing,
    hostile_files,
    hostile_servers,
    kill,
    logs,
    model,
    race,
    reservations,
    residue,
    slow,
    smuggling,
    sweeper,
)
from drills.promises import BrokenPromiseError, promise
from support.servers import free_port
from support.turns import watching
from support.waiting import wait_until

SHORT: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
    "clock": (clock.run, 5),
    "cut": (cut.run, 100),
    "full_disk": (full_disk.run, 2),
    "fuzzing": (fuzzing.run, 100),
    "hostile_files": (hostile_files.run, 15),
    "hostile_servers": (hostile_servers.run, 60),
    "kill": (kill.run, 4),
    "logs": (logs.run, 5),
    "race": (race.run, 20),
    "reservations": (reservations.run, 60),
    "residue": (residue.run, 200),
    "slow": (slow.run, 50),
    "smuggling": (smuggling.run, 1),
    "sweeper": (sweeper.run, 60),
}


@pytest.mark.parametrize("name", SHORT)
def test_the_promise_holds_for_a_few_rounds(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing blocks in a turn. How long they were is told, not held: that depends on the machine."""
    run, rounds = SHORT[name]
    with watching(tmp_path) as watched:
        assert list(run(rounds))
    assert watched.blocking == []
    with capsys.disabled():
        print(f"\n{name}: the longest {watched}" if watched.longest else "", end="")


def test_a_broken_promise_ends_a_drill() -> None:
    with pytest.raises(BrokenPromiseError, match="what happened"):
        promise(False, "what happened")


def test_a_parser_is_slow_by_what_it_computes_not_by_waiting_for_a_busy_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzzing, "_SLOW", 0.005)

    def computes(_: bytes) -> None:
        began = time.thread_time()
        while time.thread_time() - began < 0.01:
            pass

    fuzzing.fuzz_parser(lambda _: time.sleep(0.05), 1)
    with pytest.raises(BrokenPromiseError, match="took too long"):
        fuzzing.fuzz_parser(computes, 1)


@pytest.mark.release
def test_every_run_of_the_model_keeps_the_properties_and_its_mutants_break_them() -> None:
    told = list(model.run(model.SHORT))
    assert len([line for line in told if line.startswith("holds: ")]) == len(model.PROPERTIES)
    assert len([line for line in told if line.startswith("fails as it should: ")]) == len(model.MUTANTS) == 2


def test_a_drill_ends_whose_server_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object) -> None:
        raise RuntimeError("the port is taken")

    monkeypatch.setattr(kill, "_again", again)
    with pytest.raises(RuntimeError, match="the port is taken"):
        list(kill.run(1))
    wait_until(lambda: not any(type(thread).__module__ == kill.__name__ for thread in threading.enumerate()))


def test_a_server_that_is_killed_finds_its_port_free() -> None:
    """Callers from this machine could be given one of theirs, were it among those; then its drill waited for ever."""
    callers = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()
    assert all(free_port() < int(callers[0]) for _ in range(100))
