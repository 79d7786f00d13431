"""Whatever cannot be done, said as the version that was called says it."""

import json
import logging
from collections.abc import Mapping
from types import MappingProxyType

import falcon

from taina.client.bridge.callers import NotAuthorizedError
from taina.errors import (
    GoneError,
    IncompleteLinkError,
    InvalidError,
    KeyNeededError,
    KeyRefusedError,
    LoginNeededError,
    NewerLinkError,
    NotFoundError,
    NotReadyError,
    QuotaError,
    RateLimitedError,
    StorageFullError,
    TainaError,
    TooLargeError,
    UnavailableError,
    WrongLinkError,
    WrongPassphraseError,
    describe,
)

_log = logging.getLogger(__name__)
_UNKNOWN = (GoneError, IncompleteLinkError, NewerLinkError, NotFoundError, NotReadyError, WrongLinkError)
_OF_THE_INSTANCE: dict[type[TainaError], int] = {
    KeyNeededError: 403,
    KeyRefusedError: 403,
    LoginNeededError: 403,
    QuotaError: 403,
    RateLimitedError: 429,
    StorageFullError: 507,
    TooLargeError: 413,
    UnavailableError: 503,
}
"""Statuses of what the instance refused, and not the bridge, the same in both versions; 502 for the rest."""
_HOW = "Give the password that `taina bridge` printed at its start (or TAINA_BRIDGE_TOKEN), with any user name."


def install(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Have every error of `app` answered in that service's shape."""
    app.add_error_handler(Exception, _unforeseen)
    app.add_error_handler(falcon.HTTPError, _of_falcon)
    app.add_error_handler(TainaError, _ours)
    app.add_error_handler(NotAuthorizedError, _not_authorized)


def body_of(path: str, detail: str, kind: str, more: Mapping[str, object] = MappingProxyType({})) -> dict[str, object]:
    """An error as the version at this path says it; `kind` is the name that version 2 gives it."""
    said = {"error": detail, "error_type": kind} if _is_new(path) else {"message": detail}
    return {**more, **said}


def refused_early(path: str, status: int, detail: str) -> bytes:
    """The body for what the HTTP server refuses by itself."""
    return json.dumps(body_of(path, detail, "TooLarge" if status == 413 else "BadRequest")).encode()


def _is_new(path: str) -> bool:
    return path.startswith("/api/v2/")


def _ours(request: falcon.Request, response: falcon.Response, error: TainaError, params: dict[str, object]) -> None:
    new = _is_new(request.path)
    for kind, status in _OF_THE_INSTANCE.items():
        if isinstance(error, kind):
            _answer(request, response, status, error.detail, kind.__name__.removesuffix("Error"), error.members)
            return
    if isinstance(error, WrongPassphraseError) and new:
        members = {"field": "passphrase", **error.members}
        _answer(request, response, 422, "Incorrect passphrase", "FormError", members)
    elif isinstance(error, (*_UNKNOWN, WrongPassphraseError)):
        members = error.members if new else {**error.members, "secret_key": str(params.get("key"))}
        _answer(request, response, 404, "Unknown secret", "RecordNotFound", members)
    elif isinstance(error, InvalidError):
        _mistaken(request, response, error.detail, error.members)
    else:
        _answer(request, response, 502, error.detail, "BadGateway", error.members)


def _of_falcon(
    request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, params: dict[str, object]
) -> None:
    headers = dict(error.headers or {})
    response.set_headers(headers)
    detail = error.description or error.title
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        detail = f"This call is made by another method: {headers.get('Allow')}."
    elif isinstance(error, falcon.HTTPNotFound):
        detail = "Not Found"
    elif error.status_code == 400:
        _mistaken(request, response, detail, {})
        return
    _answer(request, response, error.status_code, detail, type(error).__name__.removeprefix("HTTP"), {})


def _not_authorized(
    request: falcon.Request, response: falcon.Response, error: NotAuthorizedError, params: dict[str, object]
) -> None:
    """Who showed nothing is asked for it, for some clients show nothing before; that service takes strangers there."""
    status = 401
    if error.asked:
        response.set_header("WWW-Authenticate", 'Basic realm="taina bridge", charset="UTF-8"')
    elif not _is_new(request.path):
        status = 404
        response.set_header("X-OTS-Intended-Status", "401")
    _answer(request, response, status, "Not authorized", "Unauthorized", {"detail": _HOW})


def _unforeseen(
    request: falcon.Request, response: falcon.Response, error: Exception, params: dict[str, object]
) -> None:
    _log.error("unforeseen %s", describe(error))
    _answer(request, response, 500, TainaError.sentence, "ServerError", {})


def _mistaken(request: falcon.Request, response: falcon.Response, detail: str, more: Mapping[str, object]) -> None:
    """Something is wrong with the call. Version 1 says 404 to that too, and the status that it means in a header."""
    status = 422
    if not _is_new(request.path):
        response.set_header("X-OTS-Intended-Status", "400")
        status = 404
    _answer(request, response, status, detail, "FormError", more)


def _answer(
    request: falcon.Request,
    response: falcon.Response,
    status: int,
    detail: str,
    kind: str,
    more: Mapping[str, object],
) -> None:
    response.status = status
    if "retry_after" in more:
        response.set_header("Retry-After", str(more["retry_after"]))
    response.content_type = "application/json; charset=utf-8"
    response.media = body_of(request.path, detail, kind, more)
