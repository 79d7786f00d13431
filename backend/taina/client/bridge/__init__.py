"""Onetime Secret's REST API, version 1, on this machine, for clients that know no other.

Fields and codes are those that its documentation names (docs.onetimesecret.com, REST API v1). A secret key is the
fragment of a secret's link and a metadata key that of its receipt, so that both outlive the bridge. A secret's key is
told once, in the answer to `share`, and not kept.

Loopback is not an identity: every user of the machine, and many a sandboxed program, reaches it. So each call shows the
token of this bridge as the password of basic authentication.
"""

import falcon

from taina.client import Client
from taina.client.bridge.callers import OwnUserOnly
from taina.client.bridge.calls import Calls
from taina.client.bridge.pages import API, Pages
from taina.errors import (
    KeyNeededError,
    KeyRefusedError,
    QuotaError,
    RateLimitedError,
    StorageFullError,
    TainaError,
    TooLargeError,
    UnavailableError,
    UnreachableError,
)

_STATUSES: dict[type[TainaError], int] = {
    UnreachableError: 502,
    KeyNeededError: 401,
    KeyRefusedError: 401,
    QuotaError: 403,
    TooLargeError: 413,
    RateLimitedError: 429,
    UnavailableError: 503,
    StorageFullError: 507,
}
"""HTTP statuses of what the instance may refuse; 400 for whatever else is wrong with a call."""
App = falcon.App[falcon.Request, falcon.Response]


def create_bridge(client: Client, token: str | None) -> App:
    """The WSGI application, for this machine only: what goes in is not encrypted yet.

    Args:
        token: wanted of every call, as the password of basic authentication; the name is anybody's choice. None where
            nobody else reaches it.
    """
    calls = Calls(client)
    pages = Pages(calls.url)
    app = falcon.App(middleware=[OwnUserOnly(token)])
    app.set_error_serializer(_say_error)
    app.add_error_handler(TainaError, _refuse)
    app.add_route(f"{API}/status", calls, suffix="status")
    app.add_route(f"{API}/authcheck", calls, suffix="authcheck")
    app.add_route(f"{API}/share", calls, suffix="share")
    app.add_route(f"{API}/generate", calls, suffix="generate")
    app.add_route(f"{API}/secret/{{key}}", calls, suffix="secret")
    app.add_route(f"{API}/private/recent", calls, suffix="recent")
    app.add_route(f"{API}/private/{{key}}", calls, suffix="private")
    app.add_route(f"{API}/private/{{key}}/burn", calls, suffix="burn")
    app.add_route("/", pages)
    app.add_route("/secret/{key}", pages, suffix="secret")
    app.add_route("/private/{key}", pages, suffix="private")
    return app


def _refuse(request: falcon.Request, response: falcon.Response, error: TainaError, params: dict[str, object]) -> None:
    response.status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400)
    response.media = {"message": error.detail}


def _say_error(request: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    response.media = {"message": error.description or error.title}
