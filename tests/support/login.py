"""A small service that a proxy asks who has logged in, as oauth2-proxy is asked: a form, and a session in a cookie.

It is no OpenID provider: to Taina and its pages it is the same what stands behind the service.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COOKIE = "_oauth2_proxy"
_FORM = b"<!doctype html><title>Log in</title><form method=post><button id=enter>Enter as ann</button></form>"


class LoginServer(ThreadingHTTPServer):
    """Listens on a free port. `leads_on`: who is not known is led to the form, as Authelia does it."""

    daemon_threads = True

    def __init__(self, *, leads_on: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.leads_on = leads_on
        self.session = secrets.token_hex(16)
        self.asked = 0
        """How often a proxy wanted to know."""


class _Handler(BaseHTTPRequestHandler):
    server: LoginServer

    def do_GET(self) -> None:
        if self.path.startswith("/oauth2/start"):
            self._answer(200, _FORM)
            return
        self.server.asked += 1
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        if cookie is not None and cookie.value == self.server.session:
            self._answer(202, b"", {"X-Auth-Request-User": "ann"})
        elif self.server.leads_on:
            self._answer(302, b"", {"Location": "/oauth2/start?rd=/"})
        else:
            self._answer(401, b"<h1>Unauthorized</h1>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cookie = f"{COOKIE}={self.server.session}; Path=/; HttpOnly; SameSite=Lax"
        self._answer(303, b"", {"Set-Cookie": cookie, "Location": "/en/"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def login_server(*, leads_on: bool = False) -> Iterator[LoginServer]:
    """One that runs while it is needed."""
    with LoginServer(leads_on=leads_on) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
