"""Headers of every API answer, and which pages of other sites may use it."""

import re
from collections.abc import Collection

import falcon

from taina.errors import CrossSiteError
from taina.web.site_headers import API_POLICY

CALLS = re.compile(r"/api/(?!index\.html\Z)(?=.)")
"""What the API answers: all below `/api/`, which itself is a page."""
HEADERS = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", API_POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_PUBLIC = ("/api/v1/status", "/api/v1/openapi.json")
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, PUT, POST, DELETE"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "7200"),
]


class ApiSecurity:
    """Falcon middleware for all calls.

    Args:
        origins: other addresses whose pages may use the API.
    """

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(origins)

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Give the answer the headers of the API, and see to it whose pages ask.

        Raises:
            CrossSiteError: a page of an address that may not.
        """
        # The router passes over slashes that lead, and not every server folds them before.
        path = "/" + request.path.lstrip("/")
        if not CALLS.match(path):
            return
        response.set_headers(HEADERS)
        origin = request.get_header("Origin")
        if self._origins:
            response.append_header("Vary", "Origin")
        if origin in self._origins:
            response.set_header("Access-Control-Allow-Origin", origin)
            response.set_header("Access-Control-Expose-Headers", "Retry-After")
            if request.method == "OPTIONS":
                response.set_headers(_PREFLIGHT)
                response.status = falcon.HTTP_204
                response.complete = True
        elif path not in _PUBLIC and _from_elsewhere(request):
            raise CrossSiteError


def _from_elsewhere(request: falcon.Request) -> bool:
    """Browsers say where a request comes from; a command line says nothing and may come in."""
    site = request.get_header("Sec-Fetch-Site")
    if site is not None:
        navigated = request.get_header("Sec-Fetch-Mode") in ("navigate", "no-cors")
        return site not in ("same-origin", "none") or navigated
    origin = request.get_header("Origin")
    return origin is not None and origin.partition("://")[2] != request.get_header("Host")
