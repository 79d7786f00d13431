"""Onetime Secret's REST API, version 1, on this machine, for clients that know no other.

Fields and codes are those that its documentation names (docs.onetimesecret.com, REST API v1). A secret key is the
fragment of a secret's link and a metadata key that of its receipt, so that both outlive the bridge. A secret's key is
told once, in the answer to `share`, and not kept.

Loopback is not an identity: every user of the machine, and many a sandboxed program, reaches it. So each call shows the
token of this bridge as the password of basic authentication.
"""

import base64
import hmac
import secrets
import string
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import falcon

from taina.client import Client
from taina.errors import (
    FormatError,
    GoneError,
    InvalidError,
    KeyNeededError,
    KeyRefusedError,
    NotFoundError,
    NotReadyError,
    QuotaError,
    RateLimitedError,
    StorageFullError,
    TainaError,
    TooLargeError,
    UnavailableError,
    UnreachableError,
    WrongPassphraseError,
)
from taina.format.links import Kind, decode_link, encode_link

API = "/api/v1"
_RECENT = 1000
_RECEIPT_SECONDS = 30 * 86400
"""How long a receipt outlives its secret (specification: Receipts)."""
_LETTERS = "".join(letter for letter in string.ascii_letters + string.digits if letter not in "0O1Il")
_GENERATED = 16
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
# `received` is what the reader's proof shows, and not the server's word.
_STATES = {
    "uploading": "new",
    "waiting": "new",
    "revealed": "viewed",
    "unproved": "viewed",
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
    ttl: int
    created: int
    passphrase: bool | None
    """None where another run of the bridge made it."""


class Bridge:
    """The calls, over a client of one instance. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.time) -> None:
        if client.url is None:
            raise InvalidError("Which instance? Give its address.", field="url")
        self._client = client
        self.url = client.url
        self._clock = clock
        self._lock = threading.Lock()
        self._shared: OrderedDict[str, _Shared] = OrderedDict()

    def on_get_status(self, request: falcon.Request, response: falcon.Response) -> None:
        self._client.instance()
        response.media = {"status": "nominal", "locale": "en"}

    def on_get_authcheck(self, request: falcon.Request, response: falcon.Response) -> None:
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
        response.media = {"state": state, "secret_shortkey": ""}

    def on_get_recent(self, request: falcon.Request, response: falcon.Response) -> None:
        with self._lock:
            keys = [key for key, shared in self._shared.items() if shared.custid == _customer(request)]
        recent = []
        for key in reversed(keys):
            try:
                metadata = self._metadata(request, key)
            except NotFoundError:
                continue
            recent.append(metadata)
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
        shared = _Shared(_customer(request), ttl, now, passphrase is not None)
        key = sent.receipt.partition("#")[2]
        secret_key = sent.link.partition("#")[2]
        with self._lock:
            self._shared[key] = shared
            while len(self._shared) > _RECENT:
                self._shared.popitem(last=False)
        told = {"secret_key": secret_key, "share_url": f"{self.url}/s/#{secret_key}"}
        return {**self._describe(key, shared, "new", sent.expires, now, now), **told}

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
            shared = _Shared(_customer(request), receipt.expires - receipt.created, receipt.created, None)
        state = _STATES[receipt.state]
        updated = receipt.ended or receipt.created
        document = self._describe(key, shared, state, receipt.expires, receipt.created, updated)
        if shared.passphrase is None:
            del document["passphrase_required"]
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
            "share_domain": urlsplit(self.url).netloc,
            "ttl": shared.ttl,
            "metadata_ttl": left + _RECEIPT_SECONDS,
            "secret_ttl": left if state == "new" else 0,
            "state": state,
            "created": created,
            "updated": updated,
            "recipient": [],
            "passphrase_required": shared.passphrase,
        }


class Pages:
    """What a browser gets: clients build addresses of that service themselves, and those lead here."""

    def __init__(self, url: str) -> None:
        """`url`: the address of the instance."""
        self._url = url

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        _page(response, "Taina's bridge", f"Programs speak Onetime Secret's API with this address, at {API}.")

    def on_get_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        said = "This address leads nowhere but to your own machine. Send this link instead; it can be opened once:"
        self._link(response, "secret", key, "Link to the secret", said)

    def on_get_private(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        said = "This is the receipt. Keep it to yourself; it shows what became of the secret:"
        self._link(response, "receipt", key, "Receipt", said)

    def _link(self, response: falcon.Response, kind: Kind, key: str, title: str, said: str) -> None:
        try:
            fragment = encode_link(decode_link(key, kind))
        except FormatError:
            raise falcon.HTTPNotFound(description=f"This address does not contain the key of a {kind}.") from None
        _page(response, title, said, f"{self._url}/{'s' if kind == 'secret' else kind}/#{fragment}")


def _page(response: falcon.Response, title: str, said: str, link: str | None = None) -> None:
    response.content_type = "text/html; charset=utf-8"
    response.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.set_header("Referrer-Policy", "no-referrer")
    copied = "" if link is None else f'<p><textarea readonly rows="3" cols="80">{escape(link)}</textarea></p>\n'
    response.text = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<h1>{escape(title)}</h1>\n<p>{escape(said)}</p>\n{copied}</html>\n"
    )


def create_bridge(client: Client, token: str | None) -> App:
    """The WSGI application, for this machine only: what goes in is not encrypted yet.

    Args:
        token: wanted of every call, as the password of basic authentication; the name is anybody's choice. None where
            nobody else reaches it.
    """
    bridge = Bridge(client)
    pages = Pages(bridge.url)
    app = falcon.App(middleware=[_OwnUserOnly(token)])
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
    app.add_route("/", pages)
    app.add_route("/secret/{key}", pages, suffix="secret")
    app.add_route("/private/{key}", pages, suffix="private")
    return app


class _OwnUserOnly:
    """Pages in a browser on this machine say who they are, and are refused; other users do not know the token."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        response.set_header("Cache-Control", "no-store")
        named = (request.get_header("Host") or "").rsplit(":", 1)[0]
        called = request.path.startswith("/api/")
        by_a_page = request.get_header("Origin") or (called and request.get_header("Sec-Fetch-Site"))
        if named not in _LOOPBACK or by_a_page:
            raise falcon.HTTPForbidden(description="The bridge answers programs on this machine, not web pages.")
        if self._token is None or not called:
            return  # what is not called tells nothing but what is in its own address
        _, password = _credentials(request)
        if not hmac.compare_digest(password.encode(), self._token):
            raise falcon.HTTPUnauthorized(
                description="Give the password that `taina bridge` printed at its start, with any user name.",
                challenges=['Basic realm="taina bridge"'],
            )


def _customer(request: falcon.Request) -> str:
    return _credentials(request)[0]


def _credentials(request: falcon.Request) -> tuple[str, str]:
    """Name and password of basic authentication (RFC 7617); empty ones where there are none."""
    scheme, _, encoded = (request.auth or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password


def _fields(request: falcon.Request) -> dict[str, str]:
    """Of a JSON object, a form of either kind, or the query; a number is taken as its digits.

    What cannot be kept as it is, is refused: never a secret that was altered, or without its passphrase.
    """
    given = _pairs(request.query_string)
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if request.content_length and kind == "application/x-www-form-urlencoded":
        given += _pairs(_utf8(request.bounded_stream.read()))
    elif request.content_length and kind == "multipart/form-data":
        given += [(part.name or "", _utf8(part.get_data())) for part in request.get_media()]
    elif request.content_length:
        media = request.get_media()
        if not isinstance(media, dict):
            raise falcon.HTTPBadRequest(description="Send a form or a JSON object.")
        given += [(name, value) for name, value in media.items() if value is not None]
    fields = dict(given)
    if len(fields) != len(given):
        raise falcon.HTTPBadRequest(description="A field stands twice.")
    for name, value in fields.items():
        if type(value) not in (str, int):
            raise falcon.HTTPBadRequest(description=f"{name} has to be a text or a number.")
    return {name: str(value) for name, value in fields.items()}


def _pairs(text: str) -> list[tuple[str, Any]]:
    try:
        return list(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise falcon.HTTPBadRequest(description="A field is not UTF-8. Nothing was kept.") from None


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise falcon.HTTPBadRequest(description="A field is not UTF-8. Nothing was kept.") from None


def _content(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()


def _unknown(response: falcon.Response, more: dict[str, Any]) -> None:
    response.status = falcon.HTTP_404
    response.media = {"message": "Unknown secret", **more}


def _refuse(request: falcon.Request, response: falcon.Response, error: TainaError, params: dict[str, Any]) -> None:
    response.status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400)
    response.media = {"message": error.detail}


def _say_error(request: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    response.media = {"message": error.description or error.title}
