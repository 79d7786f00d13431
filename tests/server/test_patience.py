"""How long a connection may take, to the second: by the clock that is asked, and with stand-ins for the rest."""

from types import SimpleNamespace
from typing import Any

import pytest

from taina.server.listener.channel import Channel

BEGUN = 1000.0
HEAD = SimpleNamespace(headers_finished=False, body_bytes_received=0)


def body(received: int) -> Any:
    return SimpleNamespace(headers_finished=True, body_bytes_received=received)


def connection(**facts: Any) -> Any:
    usual: dict[str, Any] = {
        "silent": False,
        "lingering": False,
        "requests": [],
        "held_back": False,
        "total_outbufs_len": 0,
        "begun": BEGUN,
        "request": None,
    }
    return SimpleNamespace(**usual | facts)


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({"request": HEAD}, 10),
        ({"request": body(0)}, 15),
        ({"request": body(10 * 4096)}, 25),
        ({"request": body(4 << 20)}, 120),
        ({"total_outbufs_len": 1}, 120),
        ({"total_outbufs_len": 1, "request": HEAD}, 120),
        ({"total_outbufs_len": 1, "requests": ["next"], "held_back": True}, 120),
        ({"lingering": True, "requests": ["at work"]}, 2),
    ],
)
def test_whoever_is_slower_is_late(facts: dict[str, Any], seconds: float) -> None:
    for waited, late in ((0, False), (seconds, False), (seconds + 0.001, True)):
        assert Channel.overdue(connection(**facts), BEGUN + waited) is late


@pytest.mark.parametrize(
    "facts",
    [{"requests": ["at work"], "total_outbufs_len": 1}, {}, {"request": HEAD, "begun": None}],
)
def test_nobody_is_late_who_owes_nothing(facts: dict[str, Any]) -> None:
    assert Channel.overdue(connection(**facts), 1e9) is False


def test_who_lingers_without_a_beginning_is_late() -> None:
    assert Channel.overdue(connection(lingering=True, begun=None), 0) is True


def test_an_answer_begins_when_it_is_first_seen_to_wait() -> None:
    one = connection(total_outbufs_len=1, begun=None)
    assert [Channel.overdue(one, now) for now in (7.0, 127.0, 127.5)] == [False, False, True]
    one.total_outbufs_len = 0
    assert Channel.overdue(one, 128.0) is False
    assert one.begun is None, "what comes next begins anew"


@pytest.mark.parametrize("facts", [{"silent": True}, {"lingering": True}, {"silent": True, "requests": ["one"]}])
def test_a_stop_waits_two_seconds_for_who_may_still_ask_or_read(facts: dict[str, Any]) -> None:
    one = connection(**facts)
    assert [Channel.unfinished(one, waited) for waited in (0, 1.999, 2)] == [True, True, False]


@pytest.mark.parametrize("facts", [{"requests": ["one"]}, {"request": HEAD}, {"total_outbufs_len": 1}, {}])
def test_a_stop_waits_for_what_has_begun(facts: dict[str, Any]) -> None:
    assert Channel.unfinished(connection(**facts), 9) is bool(facts)


def test_bodies_in_memory_are_those_that_came() -> None:
    read: Any = Channel.in_memory.fget  # type: ignore[attr-defined] # a property
    assert read(connection()) == 0
    assert read(connection(request=body(5))) == 5
    assert read(connection(request=body(5), requests=[body(7), body(11)])) == 23
