"""Figures for Prometheus, on a listener of their own that only this machine reaches."""

import logging
import sys
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import prometheus_client

from taina import __version__
from taina.config.values import is_local
from taina.errors import describe

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

_log = logging.getLogger(__name__)


class Metrics:
    """
    Args:
        used: tells the bytes of ciphertext that are held or reserved, or raises a TainaError.
        most: the bytes that may be.
        sweep_age: tells the seconds since every sweep has last done its work.
    """

    def __init__(self, used: Callable[[], int], most: int, sweep_age: Callable[[], float]) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "taina_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = prometheus_client.Histogram(
            "taina_request_seconds", "Time to an answer.", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self._used = used
        self._held = prometheus_client.Gauge("taina_storage_bytes", "Bytes held or reserved.", registry=self.registry)
        self._held.set(float("nan"))
        prometheus_client.Gauge("taina_storage_bytes_most", "Bytes allowed.", registry=self.registry).set(most)
        age = prometheus_client.Gauge(
            "taina_sweep_age_seconds", "Time since every sweep has last done its work.", registry=self.registry
        )
        age.set_function(sweep_age)
        prometheus_client.Info("taina", "This program.", registry=self.registry).info({"version": __version__})
        prometheus_client.ProcessCollector(registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. Routes and methods are few, so that nobody can make the figures grow."""
        self._requests.labels(method, route, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)

    def look(self, _: int) -> int:
        """As a sweep: keep the figure that the database knows. Whoever asks for figures never waits for a database.

        Raises: TainaError: it is away; the figure stays.
        """
        self._held.set(self._used())
        return 0

    def serve(self, host: str, port: int) -> int:
        """Answer Prometheus in a thread; the port. Raises: OSError."""
        server, _ = prometheus_client.start_http_server(port, addr=host, registry=self.registry)
        figures = server.get_app()
        assert figures is not None  # noqa: S101 - it was started with it
        server.set_app(_for_this_machine(figures))
        # The server's own would print a traceback, and an address.
        server.handle_error = lambda request, client_address: _tell()  # type: ignore[method-assign]
        return int(server.server_port)


def _for_this_machine(figures: WSGIApplication) -> WSGIApplication:
    """Refuse other names: a page of the Web can have its own name point to this machine (DNS rebinding)."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            local = is_local(urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or "")
        except ValueError:
            local = False
        if local:
            try:
                return figures(environ, start_response)
            except Exception:
                _tell()
                start_response("500 Internal Server Error", [])
                return []
        start_response("421 Misdirected Request", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"Metrics are for this machine: ask for localhost, 127.0.0.1 or [::1].\n"]

    return answer


def _tell() -> None:
    """Log the error that is being handled; that somebody went away is none."""
    error = sys.exception()
    if error is not None and not isinstance(error, ConnectionError):
        _log.error("metrics failed: %s", describe(error))
