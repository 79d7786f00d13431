"""Errors on the wire: problem details (RFC 9457), with our stable code beside the status."""

import json
import logging
from http import HTTPStatus

import falcon

from taina.errors import (
    AnsweredError,
    ConflictError,
    CrossSiteError,
    GoneError,
    InvalidError,
    KeyNeededError,
    KeyRefusedError,
    LoginNeededError,
    MailError,
    MalformedError,
    MediaTypeError,
    MethodNotAllowedError,
    NotFoundError,
    NotReadyError,
    QuotaError,
    RateLimitedError,
    StorageFullError,
    TainaError,
    TooLargeError,
    UnavailableError,
    WorkNeededError,
    WrongPassphraseError,
    describe,
)

_log = logging.getLogger(__name__)


STATUSES: dict[type[TainaError], int] = {
    TainaError: 500,
    MalformedError: 400,
    KeyNeededError: 401,
    KeyRefusedError: 401,
    LoginNeededError: 401,
    QuotaError: 403,
    WorkNeededError: 403,
    CrossSiteError: 403,
    WrongPassphraseError: 403,
    NotFoundError: 404,
    MethodNotAllowedError: 405,
    ConflictError: 409,
    NotReadyError: 409,
    AnsweredError: 409,
    GoneError: 410,
    TooLargeError: 413,
    MediaTypeError: 415,
    InvalidError: 422,
    MailError: 424,
    RateLimitedError: 429,
    UnavailableError: 503,
    StorageFullError: 507,
}
"""Every error that a server sends, and its HTTP status. Those that only clients find are not among them."""


def status_of(error: TainaError) -> int:
    """The HTTP status of an error; 500 for one that no server should have met."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def problem(error: TainaError, status: int | None = None) -> bytes:
    """The body of type application/problem+json; `status` where it is not that of the error."""
    status = status or status_of(error)
    title = HTTPStatus(status).phrase
    document = {"title": title, "status": status, "detail": error.detail, "code": error.code, **error.members}
    return json.dumps(document).encode()


def install(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Have every error of `app` answered as a problem: ours, Falcon's own, and what nobody foresaw."""
    app.add_error_handler(Exception, _unforeseen)
    app.add_error_handler(falcon.HTTPError, _of_falcon)
    app.add_error_handler(TainaError, _ours)


def _ours(request: falcon.Request, response: falcon.Response, error: BaseException, params: object) -> None:
    assert isinstance(error, TainaError)  # noqa: S101 - by its registration
    status = status_of(error)
    response.status = status
    if "retry_after" in error.members:
        response.set_header("Retry-After", str(error.members["retry_after"]))
    if status == 401:
        response.set_header("WWW-Authenticate", "Bearer")
    response.content_type = "application/problem+json"
    response.data = problem(error)


def _of_falcon(request: falcon.Request, response: falcon.Response, error: BaseException, params: object) -> None:
    assert isinstance(error, falcon.HTTPError)  # noqa: S101 - by its registration
    if error.headers:
        response.set_headers(error.headers)
    ours: TainaError
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        ours = MethodNotAllowedError()
    elif isinstance(error, falcon.HTTPNotFound):
        ours = NotFoundError()
    else:
        ours = MalformedError(error.description or error.title)
    _ours(request, response, ours, params)


def _unforeseen(request: falcon.Request, response: falcon.Response, error: BaseException, params: object) -> None:
    _log.error("unforeseen %s", describe(error))
    _ours(request, response, TainaError(), params)
