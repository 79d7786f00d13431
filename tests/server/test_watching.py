"""What the loop waits for, on pairs of sockets."""

import socket
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from taina.server.listener.watching import Watched


class End:
    """One end of a pair, as Waitress's connections are: what became of it is noted."""

    made: ClassVar[list[socket.socket]] = []

    def __init__(self, watched: Watched, name: str, told: list[str]) -> None:
        self.socket, self.other = socket.socketpair()
        End.made += [self.socket, self.other]
        self.socket.setblocking(False)
        self.number = self.socket.fileno()
        self.reads, self.writes, self.accepting = True, False, False
        self.watched, self.name, self.told = watched, name, told
        self.at_read: Callable[[], object] = lambda: self.socket.recv(100)
        watched[self.number] = self

    def readable(self) -> bool:
        return self.reads

    def writable(self) -> bool:
        return self.writes

    def handle_read_event(self) -> None:
        self.told.append(f"{self.name} reads")
        self.at_read()

    def handle_write_event(self) -> None:
        self.told.append(f"{self.name} writes")

    def handle_expt_event(self) -> None:
        raise AssertionError

    handle_close = handle_error = handle_expt_event


@pytest.fixture
def watched() -> Iterator[Watched]:
    one = Watched()
    yield one
    one.clear()
    assert (one, one._epoll.closed) == ({}, True)
    while End.made:
        End.made.pop().close()


@pytest.fixture
def told() -> list[str]:
    return []


def test_who_is_sent_something_reads_and_nobody_else(watched: Watched, told: list[str]) -> None:
    one, other = End(watched, "one", told), End(watched, "other", told)
    watched.poll(0)
    assert told == []
    for _ in range(2):
        one.other.send(b"x")
        watched.poll(0)
    assert told == ["one reads"] * 2
    other.other.send(b"x")
    watched.poll(0)
    assert told[2:] == ["other reads"]


def test_what_somebody_waits_for_may_change(watched: Watched, told: list[str]) -> None:
    one = End(watched, "one", told)
    watched.poll(0)
    for reads, writes, seen in (
        (False, False, []),
        (False, True, ["one writes"]),
        (True, True, ["one reads", "one writes"]),
        (True, False, ["one reads"]),
        (False, False, []),
        (True, False, ["one reads"]),
    ):
        one.reads, one.writes = reads, writes
        one.other.send(b"x")
        watched.touch(one.number)
        watched.poll(0)
        assert told == seen, (reads, writes)
        told.clear()


def test_one_that_changes_untouched_is_asked_after_it_was_called(watched: Watched, told: list[str]) -> None:
    one = End(watched, "one", told)
    one.at_read = lambda: setattr(one, "reads", False)  # and leaves what came where it is
    one.other.send(b"x")
    watched.poll(0)
    watched.poll(0)
    assert told == ["one reads"]


def test_what_accepts_never_writes(watched: Watched, told: list[str]) -> None:
    one = End(watched, "one", told)
    one.accepting = one.writes = True
    watched.poll(0)
    assert told == []


def test_one_that_is_taken_out_is_called_no_more(watched: Watched, told: list[str]) -> None:
    one = End(watched, "one", told)
    watched.poll(0)
    one.other.send(b"x")
    watched.touch(one.number)
    watched.touch(None)
    del watched[one.number]
    watched.poll(0)
    assert told == []
    watched[one.number] = one
    watched.poll(0)
    assert told == ["one reads"], "and may come back under its number"


def test_one_that_was_never_asked_may_be_taken_out(watched: Watched, told: list[str]) -> None:
    one = End(watched, "one", told)
    del watched[one.number]
    watched.poll(0)
    assert told == []


@pytest.mark.parametrize("follows", [False, True])
def test_what_came_for_one_that_another_closed_reaches_nobody(watched: Watched, told: list[str], follows: bool) -> None:
    """The next socket may get the number of one that was closed in the same round."""
    ends = [End(watched, "one", told), End(watched, "other", told)]

    def close_the_other(one: End, other: End) -> None:
        one.socket.recv(100)
        del watched[other.number]
        other.socket.close()
        if follows:
            new = End(watched, "new", told)
            assert new.number == other.number

    for one, other in (ends, ends[::-1]):
        one.at_read = lambda one=one, other=other: close_the_other(one, other)  # type: ignore[misc]
        one.other.send(b"x")
    watched.poll(0)
    assert told in (["one reads"], ["other reads"])
    watched.poll(0)
    assert len(told) == 1


def test_asking_one_may_bring_others(watched: Watched, told: list[str]) -> None:
    one, other = End(watched, "one", told), End(watched, "other", told)
    other.reads = False
    watched.poll(0)

    def ask() -> bool:
        other.reads = True
        watched.touch(other.number)
        return True

    one.readable = ask  # type: ignore[method-assign]
    other.other.send(b"x")
    watched.touch(one.number)
    watched.poll(0)
    assert told == ["other reads"]


def test_one_that_ends_itself_when_it_is_asked_is_not_waited_for(watched: Watched, told: list[str]) -> None:
    one = End(watched, "one", told)

    def end() -> bool:
        del watched[one.number]
        return True

    one.readable = end  # type: ignore[method-assign]
    one.other.send(b"x")
    watched.poll(0)
    assert told == []
    assert watched._wanted == {}
