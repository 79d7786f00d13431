"""An answer to a request whose arrival nobody confirms, and one that is refused."""

from collections.abc import Callable

import httpx
import pytest

from support.servers import Server
from taina import Client
from taina.errors import (
    AnsweredError,
    NotTainaError,
    RateLimitedError,
    StorageFullError,
    TainaError,
    UnavailableError,
    UnreachableError,
)

MAYBE = "ask whoever wanted it before you answer again"


def problem(status: int, code: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, json={"code": code})


def interrupted() -> httpx.Response:
    raise KeyboardInterrupt


def cut() -> httpx.Response:
    raise httpx.ReadError("reset")


class Lossy(httpx.HTTPTransport):
    """Each envelope arrives, or not; instead of what the server says of it comes something else."""

    def __init__(self, says: Callable[[], httpx.Response], *, arrives: bool = True) -> None:
        super().__init__()
        self._says = says
        self._arrives = arrives

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/envelopes"):
            return super().handle_request(request)
        if self._arrives:
            passed = super().handle_request(request)
            passed.read()
            assert passed.status_code == 201
            passed.close()
        return self._says()


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (cut, UnreachableError),
        (lambda: httpx.Response(502), UnreachableError),
        (lambda: httpx.Response(200, text="a page"), NotTainaError),
        (problem(503, "unavailable"), UnavailableError),
        (problem(500, "internal"), TainaError),
        (problem(429, "rate_limited"), RateLimitedError),
    ],
)
def test_an_answer_that_may_have_arrived_is_not_burned(
    taina: Server, client: Client, says: Callable[[], httpx.Response], kind: type[TainaError]
) -> None:
    """It was burned: what the asker had then was one burned secret, and a request that was used up."""
    asked = client.request()
    with Client(taina.url, patience=0, transport=Lossy(says)) as cut_off, pytest.raises(kind) as failed:
        cut_off.answer(asked.link, "here it is")
    assert type(failed.value) is kind
    assert MAYBE in failed.value.detail
    (link,) = client.inbox(asked.inbox).answers
    assert link is not None
    assert client.open(link).text == "here it is"


def test_whoever_interrupts_it_is_told_too(taina: Server, client: Client) -> None:
    asked = client.request()
    with Client(taina.url, transport=Lossy(interrupted)) as cut_off, pytest.raises(KeyboardInterrupt) as failed:
        cut_off.answer(asked.link, "here it is")
    assert MAYBE in "".join(failed.value.__notes__)
    (link,) = client.inbox(asked.inbox).answers
    assert link is not None
    assert client.open(link).text == "here it is"


@pytest.mark.parametrize(
    ("says", "kind"), [(problem(409, "answered"), AnsweredError), (problem(507, "storage_full"), StorageFullError)]
)
def test_an_answer_that_was_refused_is_burned(
    taina: Server, client: Client, says: Callable[[], httpx.Response], kind: type[TainaError]
) -> None:
    asked = client.request()
    transport = Lossy(says, arrives=False)
    burned: list[str] = []

    def note(request: httpx.Request) -> None:
        if request.url.path.endswith("/burn"):
            burned.append(request.url.path)

    with Client(taina.url, patience=0, transport=transport) as late:
        late._http.event_hooks["request"].append(note)
        with pytest.raises(kind) as failed:
            late.answer(asked.link, "too late")
    assert MAYBE not in failed.value.detail
    assert len(burned) == 1
