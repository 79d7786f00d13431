"""Commands that wait: how often they look, and what they do when the server is away."""

from collections.abc import Iterator

import pytest

from taina.cli.waiting import wait_for
from taina.errors import NotFoundError, UnreachableError


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    yield pauses


def test_it_looks_less_and_less_often_up_to_once_a_minute(slept: list[float]) -> None:
    looks = iter(range(30))
    assert wait_for(lambda: next(looks), lambda found: found == 29) == 29
    assert slept[:2] == [5, 6.25]
    assert slept == sorted(slept)
    assert slept[-5:] == [60] * 5
    assert len(slept) == 29


def test_what_has_ended_is_not_waited_for(slept: list[float]) -> None:
    assert wait_for(lambda: "opened", lambda found: True) == "opened"
    assert slept == []


def test_a_server_that_is_away_is_waited_for_and_said_once(
    slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[str | Exception] = ["waiting", UnreachableError(), UnreachableError(), "waiting", "opened"]

    def look() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert wait_for(look, lambda found: found == "opened") == "opened"
    assert len(slept) == 4
    assert capsys.readouterr().err.count("does not answer") == 1


@pytest.mark.parametrize("first", [UnreachableError(), NotFoundError()])
def test_what_waiting_does_not_mend_is_raised(slept: list[float], first: Exception) -> None:
    def look() -> str:
        raise first

    with pytest.raises(type(first)):
        wait_for(look, lambda found: True)
    assert slept == []
