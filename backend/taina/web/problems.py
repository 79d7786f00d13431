"""Errors on the wire: problem details (RFC 9457), with our stable code beside the status."""

import json
import logging
from http import HTTPStatus

import falcon

from taina.errors import MalformedError, MethodNotAllowedError, NotFoundError, TainaError, describe

_log = logging.getLogger(__name__)


def problem(error: TainaError) -> bytes:
    """The body of type application/problem+json."""
    title = HTTPStatus(error.status).phrase
    document = {"title": title, "status": error.status, "detail": error.detail, "code": error.code, **error.members}
    return json.dumps(document).encode()


def install(app: falcon.App[falcon.Request, falcon.Response]) -> None:
    """Have every error of `app` answered as a problem: ours, Falcon's own, and what nobody foresaw."""
    app.add_error_handler(Exception, _unforeseen)
    app.add_error_handler(falcon.HTTPError, _of_falcon)
    app.add_error_handler(TainaError, _ours)


def _ours(request: falcon.Request, response: falcon.Response, error: BaseException, params: object) -> None:
    assert isinstance(error, TainaError)  # noqa: S101 - by its registration
    response.status = error.status
    if "retry_after" in error.members:
        response.set_header("Retry-After", str(error.members["retry_after"]))
    if error.status == 401:
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
