"""Onetime Secret's REST API, version 1, on this machine, for clients that know no other.

Fields and codes are those that its documentation names (docs.onetimesecret.com, REST API v1). A secret key is the
fragment of a secret's link and a metadata key that of its receipt, so that both outlive the bridge. What a receipt
does not tell (the secret's key, its first lifetime) is remembered while the bridge runs.
"""

import base64
import secrets
import string
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import falcon

from taina.client import Client
from taina.errors import (
    FormatError,
    GoneError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    TainaError,
    UnreachableError,
    WrongPassphraseError,
)
from taina.format.links import decode_link

API = "/api/v1"
_RECENT = 1000
_RECEIPT_SECONDS = 30 * 86400
"""How long a receipt outlives its secret (specification: Receipts)."""
_LETTERS = "".join(letter for letter in string.ascii_letters + string.digits if letter not in "0O1Il")
_GENERATED = 16
_STATES = {
    "uploading": "new",
    "waiting": "new",
    "revealed": "received",
    "opened": "received",
    "burned": "burned",
    "locked": "burned",
    "expired": "expired",
}
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")

App = falcon.App[falcon.Request, falcon.Response]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the bridge made: times in unix seconds, ttl in seconds."""

    custid: str
    secret_key: str
    ttl: int
    created: int
    passphrase: bool


class Bridge:
    """The calls, over a client of one instance. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.time) -> None:
        if client.url is None:
            raise InvalidError("Which instance? Give its address.", field="url")
        self._client = client
        self._url = client.url
        self._clock = clock
        self._lock = threading.Lock()
        self._shared: OrderedDict[str, _Shared] = OrderedDict()

    def on_get_status(self, request: falcon.Request, response: falcon.Response) -> None:
        self._client.instance()
        response.media = {"status": "nominal", "locale": "en"}

    def on_get_authcheck(self, request: falcon.Request, response: falcon.Response) -> None:
        if _customer(request) == "anon":
            raise falcon.HTTPUnauthorized(description="Not authorized")
        self.on_get_status(request, response)

    def on_post_share(self, request: falcon.Request, response: falcon.Response) -> None:
        fields = _fields(request)
        if not fields.get("secret"):
            raise falcon.HTTPNotFound(description="You did not provide anything to share")
        response.media = self._share(request, fields, fields["secret"])

    def on_post_generate(self, request: falcon.Request, response: falcon.Response) -> None:
        value = "".join(secrets.choice(_LETTERS) for _ in range(_GENERATED))
        response.media = {**self._share(request, _fields(request), value), "value": value}

    def on_post_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        passphrase = _fields(request).get("passphrase")
        try:
            needed = decode_link(key, "secret").passphrase
            opened = self._client.open(key, (passphrase or "") if needed else None)
        except (FormatError, GoneError, NotFoundError, NotReadyError, WrongPassphraseError, InvalidError) as error:
            _unknown(response, {"secret_key": key, **error.members})
            return
        response.media = {"value": opened.text, "secret_key": key}
        if opened.files:
            # That API knows no files; what only opens once must not be lost for that.
            response.media["files"] = [
                {"name": file.name, "content_base64": base64.b64encode(_content(file.content)).decode()}
                for file in opened.files
            ]

    def on_post_private(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        try:
            response.media = self._metadata(request, key)
        except (FormatError, NotFoundError) as error:
            _unknown(response, {"metadata_key": key, **error.members})

    on_get_private = on_post_private

    def on_post_burn(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        try:
            self._client.burn(key)
            state = self._metadata(request, key)
        except (FormatError, GoneError, NotFoundError) as error:
            _unknown(response, {"metadata_key": key, **error.members})
            return
        response.media = {"state": state, "secret_shortkey": state.get("secret_key", "")[:8]}

    def on_get_recent(self, request: falcon.Request, response: falcon.Response) -> None:
        with self._lock:
            keys = [key for key, shared in self._shared.items() if shared.custid == _customer(request)]
        recent = []
        for key in reversed(keys):
            try:
                metadata = self._metadata(request, key)
            except NotFoundError:
                continue
            recent.append({name: value for name, value in metadata.items() if name not in ("secret_key", "share_url")})
        response.media = recent

    on_post_recent = on_get_recent

    def _share(self, request: falcon.Request, fields: dict[str, str], secret: str) -> dict[str, Any]:
        if fields.get("recipient"):
            raise falcon.HTTPBadRequest(description="No mail is sent from here. Send the share_url to the recipient.")
        passphrase = fields.get("passphrase") or None
        ttl = self._ttl(fields.get("ttl"))
        sent = self._client.send(secret, ttl=ttl, passphrase=passphrase)
        now = int(self._clock())
        ttl = ttl or sent.expires - now
        shared = _Shared(_customer(request), sent.link.partition("#")[2], ttl, now, passphrase is not None)
        key = sent.receipt.partition("#")[2]
        with self._lock:
            self._shared[key] = shared
            while len(self._shared) > _RECENT:
                self._shared.popitem(last=False)
        return self._describe(key, shared, "new", sent.expires, now, now)

    def _ttl(self, asked: str | None) -> int | None:
        """Brought into the instance's bounds, as that service does; the answer says what it became."""
        if not asked:
            return None
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            raise falcon.HTTPBadRequest(description="ttl is a number of seconds")
        bounds = self._client.instance()["ttl"]
        return max(int(bounds["min"]), min(int(asked), int(bounds["max"])))

    def _metadata(self, request: falcon.Request, key: str) -> dict[str, Any]:
        receipt = self._client.receipt(key)
        with self._lock:
            shared = self._shared.get(key)
        if shared is None:
            shared = _Shared(_customer(request), "", receipt.expires - receipt.created, receipt.created, False)
        state = _STATES[receipt.state]
        updated = receipt.ended or receipt.created
        document = self._describe(key, shared, state, receipt.expires, receipt.created, updated)
        if not shared.secret_key:
            for name in ("secret_key", "share_url", "passphrase_required"):
                del document[name]
        if state == "received":
            document["received"] = updated
        return document

    def _describe(
        self, key: str, shared: _Shared, state: str, expires: int, created: int, updated: int
    ) -> dict[str, Any]:
        left = max(0, expires - int(self._clock()))
        return {
            "custid": shared.custid,
            "metadata_key": key,
            "secret_key": shared.secret_key,
            "share_url": f"{self._url}/s/#{shared.secret_key}",
            "share_domain": urlsplit(self._url).netloc,
            "ttl": shared.ttl,
            "metadata_ttl": left + _RECEIPT_SECONDS,
            "secret_ttl": left if state == "new" else 0,
            "state": state,
            "created": created,
            "updated": updated,
            "recipient": [],
            "passphrase_required": shared.passphrase,
        }


def create_bridge(client: Client) -> App:
    """The WSGI application, for loopback only: what goes in is not encrypted yet."""
    bridge = Bridge(client)
    app = falcon.App(middleware=[_OwnMachineOnly()])
    app.set_error_serializer(_say_error)
    app.add_error_handler(TainaError, _refuse)
    app.add_route(f"{API}/status", bridge, suffix="status")
    app.add_route(f"{API}/authcheck", bridge, suffix="authcheck")
    app.add_route(f"{API}/share", bridge, suffix="share")
    app.add_route(f"{API}/generate", bridge, suffix="generate")
    app.add_route(f"{API}/secret/{{key}}", bridge, suffix="secret")
    app.add_route(f"{API}/private/recent", bridge, suffix="recent")
    app.add_route(f"{API}/private/{{key}}", bridge, suffix="private")
    app.add_route(f"{API}/private/{{key}}/burn", bridge, suffix="burn")
    return app


class _OwnMachineOnly:
    """Pages in a browser on this machine could reach loopback, too: they say who they are, and are refused."""

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        response.set_header("Cache-Control", "no-store")
        named = (request.get_header("Host") or "").rsplit(":", 1)[0]
        if named not in _LOOPBACK or request.get_header("Origin") or request.get_header("Sec-Fetch-Site"):
            raise falcon.HTTPForbidden(description="The bridge answers programs on this machine, not web pages.")


def _customer(request: falcon.Request) -> str:
    """The name of basic authentication. Any password will do: the bridge is this user's own."""
    scheme, _, encoded = (request.auth or "").partition(" ")
    if scheme.lower() != "basic":
        return "anon"
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[0]
    except ValueError:
        raise falcon.HTTPUnauthorized(description="Not authorized") from None


def _fields(request: falcon.Request) -> dict[str, str]:
    """Of a JSON object, a form, or the query; a number is taken as its digits."""
    given: Any = {}
    if request.content_length:
        given = request.get_media()
    if not isinstance(given, dict):
        raise falcon.HTTPBadRequest(description="Send a form or a JSON object.")
    given = {**request.params, **given}
    return {name: str(value) for name, value in given.items() if isinstance(value, str | int)}


def _content(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()


def _unknown(response: falcon.Response, more: dict[str, Any]) -> None:
    response.status = falcon.HTTP_404
    response.media = {"message": "Unknown secret", **more}


def _refuse(request: falcon.Request, response: falcon.Response, error: TainaError, params: dict[str, Any]) -> None:
    response.status = 502 if isinstance(error, UnreachableError) else error.status
    response.media = {"message": error.detail}


def _say_error(request: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    response.media = {"message": error.description or error.title}
