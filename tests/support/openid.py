"""A small provider of OpenID Connect, made with Authlib: whoever is led to it presses a button, and is ann."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.models import ClientMixin
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import ECKey, KeySet

from support.http_server import HttpServer

ALGORITHM = "ES256"
USER = "ann"
_FORM = b"<!doctype html><title>Log in</title><form method=post><button id=enter>Enter as ann</button></form>"


class Application(ClientMixin):  # type: ignore[misc] # Authlib is not typed
    """The one that sends people here, and may ask who they are."""

    def __init__(self, redirect_uri: str) -> None:
        self.id = "taina-login"
        self.secret = secrets.token_hex(16)
        self.redirect_uri = redirect_uri

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return "openid" if "openid" in scope.split() else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, self.secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, method: str, uri: str, headers: dict[str, str], form: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self._form = form
        self.payload = BasicOAuth2Payload({**self.args, **form})

    @property
    def args(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.uri).query))

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    def save_authorization_code(self, code: str, request: _Request) -> None:
        given = request.payload.data
        self.server.codes[code] = _Code(
            code,
            given["redirect_uri"],
            request.scope,
            given.get("nonce"),
            given.get("code_challenge"),
            given.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Application) -> _Code | None:
        found: _Code | None = self.server.codes.get(code)
        return found

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        del self.server.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: _Code) -> str:
        return USER


class _IdTokens(OpenIDCode):  # type: ignore[misc]
    def __init__(self, issuer: str, key: ECKey) -> None:
        super().__init__(require_nonce=True)
        self._issuer = issuer
        self._key = key

    def exists_nonce(self, nonce: str, request: _Request) -> bool:
        return False

    def resolve_client_private_key(self, client: Application) -> ECKey:
        return self._key

    def get_client_algorithm(self, client: Application) -> str:
        return ALGORITHM

    def get_encode_header(self, client: Application) -> dict[str, str]:
        return {"alg": ALGORITHM}

    def get_client_claims(self, client: Application) -> dict[str, object]:
        return {"iss": self._issuer, "aud": [client.id]}

    def generate_user_info(self, user: str, scope: str) -> UserInfo:
        return UserInfo(sub="1", preferred_username=user)


class _Authorization(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, issuer: str, key: ECKey, application: Application) -> None:
        super().__init__(scopes_supported=["openid"])
        self.codes: dict[str, _Code] = {}
        self._application = application
        self.register_token_generator("default", BearerTokenGenerator(lambda **_: secrets.token_hex(16)))
        self.register_grant(_CodeGrant, [_IdTokens(issuer, key), CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> Application | None:
        return self._application if client_id == self._application.id else None

    def save_token(self, token: object, request: _Request) -> None:
        """Nobody asks for it again."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def handle_response(self, status: int, body: object, headers: list[tuple[str, str]]) -> Any:
        return status, body, headers


class Provider(HttpServer):
    """Listens on a free port, and knows one application.

    Args:
        redirect_uri: where that wants people to be sent back to.
    """

    def __init__(self, redirect_uri: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://localhost:{self.server_port}"
        self.application = Application(redirect_uri)
        key = ECKey.generate_key("P-256", private=True)
        self.keys = KeySet([key]).as_dict(private=False)
        self.authorization = _Authorization(self.issuer, key, self.application)


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/keys":
            self._answer(200, self.server.keys, [])
        elif path == "/authorize":
            try:
                self.server.authorization.get_consent_grant(self._request({}), USER)
            except OAuth2Error as error:
                self._answer(400, str(error), [])
            else:
                self._answer(200, _FORM.decode(), [])
        else:
            self._answer(404, "", [])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request, authorization = self._request(dict(parse_qsl(body.decode()))), self.server.authorization
        if urlsplit(self.path).path == "/token":
            self._answer(*authorization.create_token_response(request))
        else:
            grant = authorization.get_consent_grant(request, USER)
            self._answer(*authorization.create_authorization_response(request, USER, grant))

    def _request(self, form: dict[str, str]) -> _Request:
        return _Request(self.command, self.server.issuer + self.path, dict(self.headers), form)

    def _answer(self, status: int, body: object, headers: list[tuple[str, str]]) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, **dict(headers), "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def openid_provider(redirect_uri: str) -> Iterator[Provider]:
    """One that runs while it is needed."""
    with Provider(redirect_uri) as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        try:
            yield provider
        finally:
            provider.shutdown()
