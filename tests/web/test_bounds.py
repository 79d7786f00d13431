"""Bounds of what a request carries and of what a client may spend, to the last byte, letter and call."""

from types import SimpleNamespace
from typing import Any

import falcon
import pytest
from falcon import testing

from taina.errors import InvalidError, RateLimitedError, TooLargeError
from taina.web.limits import ClientLimits, Rates
from taina.web.parsing import Fields, path_number, read_body


def asked(method: str = "GET", **more: Any) -> falcon.Request:
    return falcon.Request(testing.create_environ(method=method, **more))


def test_a_body_of_just_the_most_bytes_is_taken() -> None:
    def read(size: int) -> bytes:
        request = asked("PUT", body=b"x" * size, headers={"Content-Type": " Application/JSON ; charset=utf-8"})
        return read_body(request, "application/json", 10)

    assert read(10) == b"x" * 10
    with pytest.raises(TooLargeError):
        read(11)


def test_of_an_unknown_field_a_hundred_letters_are_named() -> None:
    for length, named in ((100, 100), (101, 100)):
        with pytest.raises(InvalidError) as caught:
            Fields({"x" * length: 1}).done()
        assert caught.value.members["field"] == "x" * named


def test_a_number_in_a_path_has_nine_digits_at_most() -> None:
    assert path_number("999999999") == 999999999
    for text in ("1000000000", "٣", "²", "1_0", ""):
        with pytest.raises(InvalidError):
            path_number(text)


def charge(limits: ClientLimits, method: str, resource: object) -> None:
    limits.process_resource(asked(method), falcon.Response(), resource, {})


@pytest.mark.parametrize("first", ["GET", "HEAD"])
def test_a_head_is_charged_as_the_get_that_it_is(first: str) -> None:
    limits, resource = ClientLimits(Rates(reveals=1, calls=0)), SimpleNamespace(budgets={"GET": "reveals"})
    for _ in range(10):
        charge(limits, first, resource)
    with pytest.raises(RateLimitedError):
        charge(limits, "HEAD", resource)
    unbounded = SimpleNamespace(budgets={"GET": None})
    charge(limits, "HEAD", unbounded)


def test_whoever_has_to_wait_is_never_told_to_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than a second is one: a client that came back at once would be refused again."""
    limits, now = ClientLimits(Rates(calls=60)), 0.0
    budget = limits._budgets["calls"]
    assert budget is not None
    monkeypatch.setattr(budget, "_clock", lambda: now)
    for _ in range(600):
        charge(limits, "GET", object())
    for now, told in ((0.0, 1), (0.9, 1)):  # noqa: B007 - the clock reads it
        with pytest.raises(RateLimitedError) as caught:
            charge(limits, "GET", object())
        assert caught.value.members["retry_after"] == told


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_each_refusal_of_a_proof_is_a_miss(status: int) -> None:
    limits = ClientLimits(Rates(calls=0, misses=1))
    response = falcon.Response()
    response.status = status
    for _ in range(10):
        request = asked(headers={"Authorization": "Bearer x"})
        limits.process_resource(request, falcon.Response(), object(), {})
        limits.process_response(request, response, object(), succeeded=False)
    request = asked(headers={"Authorization": "Bearer x"})
    if status == 410:
        limits.process_resource(request, falcon.Response(), object(), {})
        return
    with pytest.raises(RateLimitedError):
        limits.process_resource(request, falcon.Response(), object(), {})
    limits.process_resource(asked(), falcon.Response(), object(), {})
