"""Tells observers of each request: method, route, status and time, and nothing that names what it was about."""

import time
from collections.abc import Callable, Sequence

import falcon

Observer = Callable[[str, str, int, float], None]
"""Called with the method, the route with its placeholders, the status and the seconds it took."""

_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")


class Observing:
    """Falcon middleware; the first of all, so that it sees the whole."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        request.context.began = time.monotonic()

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        seconds = time.monotonic() - request.context.began
        method = request.method if request.method in _METHODS else "other"
        for observe in self._observers:
            observe(method, request.uri_template or "pages", response.status_code, seconds)
