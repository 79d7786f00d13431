"""Bounds of what a request carries and of what a client may spend, to the last byte, letter and call."""

from types import SimpleNamespace
from typing import Any

import falcon
import pytest
from falcon import testing

from taina.config import load
from taina.errors import InvalidError, RateLimitedError, TooLargeError
from taina.server.serve import _rates
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


def test_what_is_no_refusal_of_a_proof_is_no_miss() -> None:
    limits = ClientLimits(Rates(calls=0, misses=1))
    response = falcon.Response()
    response.status = 404
    for headers, succeeded in (({}, False), ({"Authorization": "Bearer x"}, True)):
        for _ in range(11):
            limits.process_response(asked(headers=headers), response, object(), succeeded=succeeded)
    limits.process_resource(asked(headers={"Authorization": "Bearer x"}), falcon.Response(), object(), {})


def test_without_bounds_nothing_is_charged() -> None:
    limits = ClientLimits(Rates(creates=0, reveals=0, calls=0, misses=0, storage=0, transfer=0))
    request, response = asked(headers={"Authorization": "Bearer x"}), falcon.Response()
    response.status = 404
    for name in ("creates", "reveals", "calls", "chunks"):
        limits.process_resource(request, response, SimpleNamespace(budgets={"GET": name}), {})
    limits.process_response(request, response, object(), succeeded=False)
    limits.charge_storage(request, 1 << 50)()


def test_bytes_are_those_of_a_day() -> None:
    limits = ClientLimits(Rates(storage=1000, transfer=2 * ((1 << 20) + 16)))
    limits.charge_storage(asked(), 1000)()
    limits.charge_storage(asked(), 1000)
    with pytest.raises(RateLimitedError) as caught:
        limits.charge_storage(asked(), 1000)
    assert caught.value.members["retry_after"] == 86400
    chunks = SimpleNamespace(budgets={"PUT": "chunks"})
    charge(limits, "PUT", chunks)
    charge(limits, "PUT", chunks)
    with pytest.raises(RateLimitedError):
        charge(limits, "PUT", chunks)


def test_the_budgets_are_those_that_the_options_name() -> None:
    """Each default stands with the options and with the budgets."""
    assert _rates(load(environment={}).config) == Rates()
    flags = {"client_creates": 1, "client_reveals": 2, "client_calls": 3, "client_misses": 4}
    rates = _rates(load(flags | {"client_storage": "5", "client_transfer": "6"}, environment={}).config)
    assert rates == Rates(creates=1, reveals=2, calls=3, misses=4, storage=5, transfer=6)
