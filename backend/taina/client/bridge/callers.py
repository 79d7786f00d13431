"""Who may call the bridge: programs of its own user, on this machine."""

import base64
import hmac

import falcon

from taina.client.bridge.calls import Calls
from taina.client.bridge.pages import Pages

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine in the header Host: another one there belongs to a page that had its name rebound."""

_NO_PAGES = "The bridge answers programs on this machine, not web pages."


class NotAuthorizedError(Exception):
    """The call does not show the token of this bridge. `asked`: whether it showed nothing, and may be asked for it."""

    def __init__(self, *, asked: bool) -> None:
        super().__init__()
        self.asked = asked


class OwnUserOnly:
    """Pages in a browser on this machine say who they are, and are refused; other users do not know the token."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Raises: HTTPForbidden to a page."""
        response.set_header("Cache-Control", "no-store")
        response.set_header("X-Content-Type-Options", "nosniff")
        if _host(request) not in _LOOPBACK or request.get_header("Origin"):
            raise falcon.HTTPForbidden(description=_NO_PAGES)

    def process_resource(
        self, request: falcon.Request, response: falcon.Response, resource: object, params: dict[str, object]
    ) -> None:
        """By what answers the call, and not by the path once more, which routes are found for in many spellings.

        Raises: HTTPForbidden to a page, NotAuthorizedError to whoever calls the API without the token.
        """
        if isinstance(resource, Pages):
            return  # tells nothing but what is in its own address
        if request.get_header("Sec-Fetch-Site"):
            raise falcon.HTTPForbidden(description=_NO_PAGES)
        if self._token is None:
            return
        _, password = credentials(request)
        if not hmac.compare_digest(password.encode(), self._token):
            raise NotAuthorizedError(asked=request.auth is None)


class Settled:
    """A call sees what the calls did that were answered before it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def process_resource(
        self, request: falcon.Request, response: falcon.Response, resource: object, params: dict[str, object]
    ) -> None:
        if not isinstance(resource, Pages):
            self._calls.settle()


def credentials(request: falcon.Request) -> tuple[str, str]:
    """Name and password of basic authentication (RFC 7617); empty ones where there are none."""
    scheme, _, encoded = (request.auth or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password


def customer(request: falcon.Request) -> str:
    """The user name that the call gave, whatever it is; `anon` as that service calls nobody."""
    return credentials(request)[0] or "anon"


def _host(request: falcon.Request) -> str:
    """The name in the header Host, without the port."""
    host = (request.get_header("Host") or "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
