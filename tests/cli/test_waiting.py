"""Commands that wait: how often they look, and what they do when the server is away."""

from collections.abc import Iterator

import pytest

from taina.cli.exits import exit_code
from taina.cli.waiting import wait_for
from taina.errors import (
    GoneError,
    InvalidError,
    NotFoundError,
    NotTainaError,
    RateLimitedError,
    TainaError,
    UnavailableError,
    UnreachableError,
)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    yield pauses


def next_of(answers: list[str | TainaError]) -> str:
    answer = answers.pop(0)
    if isinstance(answer, TainaError):
        raise answer
    return answer


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
    answers: list[str | TainaError] = ["waiting", UnreachableError(), UnavailableError(), "waiting", "opened"]
    assert wait_for(lambda: next_of(answers), lambda found: found == "opened") == "opened"
    assert len(slept) == 4
    assert capsys.readouterr().err.count("does not answer") == 1


@pytest.mark.parametrize(
    "away",
    [
        UnreachableError("The server is out of order (502). Try again later."),
        NotTainaError(),
        UnavailableError(),
        TainaError(),
        RateLimitedError(),
        RateLimitedError(retry_after=3),
    ],
)
def test_what_passes_is_waited_for(slept: list[float], away: TainaError) -> None:
    """A database that was away, or a limit that was reached, ended the command with all that it had waited for."""
    answers: list[str | TainaError] = ["waiting", away, "opened"]
    assert wait_for(lambda: next_of(answers), lambda found: found == "opened") == "opened"
    assert slept == [5, 6.25]


@pytest.mark.parametrize(("asked", "waits"), [(600, 600), (2**53 - 1, 86_400)])
def test_a_server_that_asks_for_time_gets_it(slept: list[float], asked: int, waits: float) -> None:
    answers: list[str | TainaError] = ["waiting", RateLimitedError(retry_after=asked), "opened"]
    assert wait_for(lambda: next_of(answers), lambda found: found == "opened") == "opened"
    assert slept == [5, waits]


@pytest.mark.parametrize("later", [NotFoundError(), GoneError(), InvalidError()])
def test_what_is_refused_later_ends_it(slept: list[float], later: TainaError) -> None:
    answers: list[str | TainaError] = ["waiting", later, "opened"]
    with pytest.raises(type(later)):
        wait_for(lambda: next_of(answers), lambda found: found == "opened")


@pytest.mark.parametrize("error", [UnreachableError(), NotTainaError(), UnavailableError(), TainaError()])
def test_a_server_that_is_away_has_one_exit_code(error: TainaError) -> None:
    assert exit_code(error) == 5


@pytest.mark.parametrize("first", [UnreachableError(), NotFoundError(), UnavailableError()])
def test_what_waiting_does_not_mend_is_raised(slept: list[float], first: Exception) -> None:
    def look() -> str:
        raise first

    with pytest.raises(type(first)):
        wait_for(look, lambda found: True)
    assert slept == []
