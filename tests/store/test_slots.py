"""Slots of keys: made in advance, given out once, and given back with what a transaction undid or deleted."""

import sqlite3
from collections.abc import Iterator

import pytest
import sqlite_utils

from taina.store import shred
from taina.store.sqlite_migrations import migrations
from taina.store.sqlite_slots import Mark, Slots, rows_of

KEY = bytes(range(32))


@pytest.fixture
def slots() -> Iterator[Slots]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrations.apply(sqlite_utils.Database(connection))
    yield Slots(connection)
    connection.close()


def free(slots: Slots) -> list[int]:
    return list(slots._free)


def again(slots: Slots) -> Slots:
    """As another process finds them."""
    return Slots(slots._connection)


def put_chunk(slots: Slots, place: int) -> None:
    slots._connection.execute("INSERT INTO chunks (place, wrapped) VALUES (?, x'00')", (place,))


def places(slots: Slots) -> list[int]:
    return [place for (place,) in slots._connection.execute("SELECT place FROM chunks ORDER BY place")]


def test_slots_are_made_1024_at_a_time_where_too_few_are_free(slots: Slots) -> None:
    slots.prepare(0)
    assert free(slots) == []
    slots.prepare(1)
    assert free(slots) == list(range(1, 1025))
    assert slots.take() == 1
    slots.prepare(1023)
    assert free(slots) == list(range(2, 1025))
    slots.prepare(1024)
    assert free(slots) == free(again(slots))[1:] == list(range(2, 2049))
    keys = slots._connection.execute("SELECT DISTINCT key FROM slots").fetchall()
    assert keys == [(shred.NO_KEY,)]


def test_a_key_stands_in_its_own_slot_which_is_taken(slots: Slots) -> None:
    slots.prepare(1)
    slots.take()
    slots.set_key(slots.take(), KEY)
    assert slots._connection.execute("SELECT slot FROM slots WHERE key = ?", (KEY,)).fetchall() == [(2,)]
    assert free(again(slots)) == [1, *range(3, 1025)]


def test_few_chunks_are_deleted_with_the_key_and_nothing_of_the_neighbours(slots: Slots) -> None:
    slots.prepare(1)
    one, other, third = (slots.take() for _ in range(3))
    slots.committed()
    assert rows_of(other) == (2 << 20, (3 << 20) - 1)
    for slot in (one, other, third):
        slots.set_key(slot, KEY)
        for place in rows_of(slot):
            put_chunk(slots, place)
    slots.free(other, 4)
    assert places(slots) == [*rows_of(one), *rows_of(third)]
    assert free(slots)[-1] == 1024, "it is free once that is committed"
    slots.committed()
    assert (free(slots)[-1], slots.pending) == (other, False)
    slots.committed()
    slots.rolled_back()
    assert free(slots) == [*range(4, 1025), other], "it was given back once"
    assert free(again(slots)) == [other, *range(4, 1025)]


def test_many_chunks_are_left_for_later_and_their_slot_with_them(slots: Slots) -> None:
    slots.prepare(1)
    slot = slots.take()
    slots.committed()
    for n in range(5):
        put_chunk(slots, rows_of(slot)[0] + n)
    slots.free(slot, 5)
    assert not slots.pending
    for _ in range(2):
        slots.committed()
    assert slots.pending
    assert again(slots).pending
    assert len(places(slots)) == 5
    for left in (1, 0):
        assert slots.pending
        assert slot not in free(slots) + free(again(slots))
        slots.delete_some()
        assert len(places(slots)) == left
    assert (slots.pending, again(slots).pending) == (False, False)
    assert free(slots) == [*range(2, 1025), slot]


def test_what_is_undone_gives_back_what_it_took_and_frees_nothing(slots: Slots) -> None:
    slots.prepare(1)
    kept, small, large, larger = (slots.take() for _ in range(4))
    slots.committed()
    assert slots.mark() == Mark(0, 0, 0)
    slots.take()
    slots.free(kept, 1)
    mark = slots.mark()
    assert mark == Mark(1, 1, 0)

    def go_on() -> None:
        slots.take()
        slots.free(small, 1)
        slots.free(large, 5)
        slots.free(larger, 5)
        assert slots.mark() == Mark(2, 2, 2)
        slots._connection.execute("DELETE FROM pending_deletes")  # as the database undoes it

    go_on()
    slots.back_to(mark)
    assert slots.mark() == mark
    assert free(slots) == [*range(7, 1025), 6]
    go_on()
    slots.rolled_back()
    assert slots.mark() == Mark(0, 0, 0)
    assert free(slots) == [*range(8, 1025), 6, 5, 7]
    slots.committed()
    assert free(slots) == [*range(8, 1025), 6, 5, 7]
    assert not slots.pending
