"""Headers of every API answer, and the refusal of requests that another site's page sent."""

import falcon

from taina.errors import CrossSiteError

_HEADERS = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_PUBLIC = ("/api/v1/status", "/api/v1/openapi.json")


class ApiSecurity:
    """Falcon middleware for all that lies under /api/, which itself is a page."""

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        if not request.path.startswith("/api/") or request.path == "/api/":
            return
        response.set_headers(_HEADERS)
        if request.path not in _PUBLIC and _from_elsewhere(request):
            raise CrossSiteError


def _from_elsewhere(request: falcon.Request) -> bool:
    """Browsers say where a request comes from; a command line says nothing and may come in."""
    site = request.get_header("Sec-Fetch-Site")
    if site is not None:
        navigated = request.get_header("Sec-Fetch-Mode") in ("navigate", "no-cors")
        return site not in ("same-origin", "none") or navigated
    origin = request.get_header("Origin")
    return origin is not None and origin.partition("://")[2] != request.get_header("Host")
