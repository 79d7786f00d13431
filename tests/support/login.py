"""A small service that a proxy asks who has logged in, as oauth2-proxy is asked. It asks an OpenID provider."""

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from support.http_server import HttpServer
from support.openid import ALGORITHM, Provider, openid_provider

COOKIE = "_oauth2_proxy"


class LoginServer(HttpServer):
    """Listens on a free port.

    Args:
        url: the address of the site, of which this is a part, without a slash at the end.
        leads_on: who is not known is led to the login, as Authelia does it.
    """

    def __init__(self, url: str, provider: Provider, *, leads_on: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.redirect_uri = redirect_uri_of(url)
        self.provider = provider
        self.leads_on = leads_on
        self.begun: dict[str, tuple[str, str]] = {}
        """Logins that have begun, by their state: nonce and code verifier."""
        self.sessions: dict[str, str] = {}
        """Who has logged in, by the value of the cookie."""
        self.asked = 0
        """How often a proxy wanted to know."""

    def begin(self) -> str:
        """Where the provider asks who it is."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self.begun[state] = nonce, verifier
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.provider.application.id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.provider.issuer}/authorize?{urlencode(asked)}"

    def finish(self, code: str, state: str) -> str:
        """The session of whoever came back with these.

        Raises:
            KeyError: no such login has begun.
            httpx.HTTPError, joserfc.errors.JoseError: the provider knows nothing of it, or is another.
        """
        nonce, verifier = self.begun.pop(state)
        application, issuer = self.provider.application, self.provider.issuer
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        with httpx.Client(base_url=issuer) as http:
            answer = http.post(
                "/token", data={**given, "code_verifier": verifier}, auth=(application.id, application.secret)
            )
            keys = http.get("/keys")
        token = jwt.decode(
            answer.raise_for_status().json()["id_token"], KeySet.import_key_set(keys.json()), algorithms=[ALGORITHM]
        )
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": application.id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        ).validate(token.claims)
        session = secrets.token_hex(16)
        self.sessions[session] = token.claims["preferred_username"]
        return session


class _Handler(BaseHTTPRequestHandler):
    server: LoginServer

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/oauth2/start":
            self._answer(302, b"", {"Location": self.server.begin()})
        elif path == "/oauth2/callback":
            session = self.server.finish(query["code"][0], query["state"][0])
            cookie = f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"
            self._answer(302, b"", {"Set-Cookie": cookie, "Location": "/en/"})
        else:
            self._tell()

    def _tell(self) -> None:
        self.server.asked += 1
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        user = cookie and self.server.sessions.get(cookie.value)
        if user:
            self._answer(202, b"", {"X-Auth-Request-User": user})
        elif self.server.leads_on:
            self._answer(302, b"", {"Location": "/oauth2/start?rd=/"})
        else:
            self._answer(401, b"<h1>Unauthorized</h1>")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def redirect_uri_of(url: str) -> str:
    """Where a provider sends people back to."""
    return f"{url}/oauth2/callback"


@contextmanager
def login_server(url: str, *, leads_on: bool = False) -> Iterator[LoginServer]:
    """One that runs while it is needed, with a provider of its own."""
    with openid_provider(redirect_uri_of(url)) as provider, LoginServer(url, provider, leads_on=leads_on) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def log_in(url: str) -> str:
    """The session of whoever goes through the login of a site, by each of its redirects."""
    with httpx.Client(follow_redirects=True) as http:
        form = http.get(f"{url}/oauth2/start?rd=/")
        http.post(form.url)
        return http.cookies[COOKIE]
