"""How long an upload may rest, and what it counts for, in numbers."""

import pytest

from taina.rules.types import Limits
from taina.rules.uploads import SEALED_CHUNK, held_by_upload, idle_seconds
from taina.store import Usage

LIMITS = Limits(size=10, storage=1280)


def test_uploads_may_hold_a_fifth_and_one_secret_in_any_case() -> None:
    assert (LIMITS.unfinished, type(LIMITS.unfinished)) == (256, int)
    assert Limits(size=300, storage=1000).unfinished == 300
    assert type(Limits(size=1, storage=1001).unfinished) is int


@pytest.mark.parametrize(
    ("held", "unfinished", "seconds"),
    [
        (0, 0, 3600),
        (640, 0, 3600),
        (960, 0, 1800),
        (1120, 0, 900),
        (1220, 0, 337),
        (1280, 0, 300),
        (2000, 0, 300),
        (256, 128, 3600),
        (256, 192, 1800),
        (256, 256, 300),
        (640, 224, 900),
        (1120, 128, 900),
    ],
)
def test_the_scarcer_room_decides(held: int, unfinished: int, seconds: int) -> None:
    assert idle_seconds(Usage(held, unfinished), LIMITS) == seconds


def test_an_upload_is_counted_four_chunks_ahead_and_never_for_more_than_it_is() -> None:
    size = 6 * SEALED_CHUNK - 5
    assert [held_by_upload(size, n) // SEALED_CHUNK for n in range(3)] == [4, 5, 5]
    assert [held_by_upload(size, n) for n in (2, 3, 6)] == [size] * 3
