"""The calls of Onetime Secret's API, made on an instance of Taina."""

import base64
import secrets
import string
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import falcon

from taina.client import Client
from taina.client.answers import whole
from taina.client.bridge.callers import credentials
from taina.client.bridge.fields import read_fields
from taina.client.results import Outcome
from taina.errors import (
    FormatError,
    GoneError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    WrongPassphraseError,
)
from taina.format.links import decode_link

_RECENT = 1000
_RECEIPT_SECONDS = 30 * 86400
"""How long a receipt outlives its secret (specification: Receipts)."""
_LETTERS = "".join(letter for letter in string.ascii_letters + string.digits if letter not in "0O1Il")
_GENERATED = 16
# `received` is what the reader's proof shows, and not the server's word.
_STATES: dict[Outcome, str] = {
    "uploading": "new",
    "waiting": "new",
    "revealed": "viewed",
    "unproved": "viewed",
    "opened": "received",
    "burned": "burned",
    "locked": "burned",
    "expired": "expired",
}


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the bridge made: times in unix seconds, ttl in seconds."""

    custid: str
    ttl: int
    created: int
    passphrase: bool | None
    """None where another run of the bridge made it."""


class Calls:
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
        """`status`: whether the instance answers."""
        self._client.instance()
        response.media = {"status": "nominal", "locale": "en"}

    def on_get_authcheck(self, request: falcon.Request, response: falcon.Response) -> None:
        """`authcheck`: as `status`; whoever gets this far has shown the token."""
        self.on_get_status(request, response)

    def on_post_share(self, request: falcon.Request, response: falcon.Response) -> None:
        """`share`: send a text."""
        fields = read_fields(request)
        if not fields.get("secret"):
            raise falcon.HTTPNotFound(description="You did not provide anything to share")
        response.media = self._share(request, fields, fields["secret"])

    def on_post_generate(self, request: falcon.Request, response: falcon.Response) -> None:
        """`generate`: send a random text, and return it."""
        value = "".join(secrets.choice(_LETTERS) for _ in range(_GENERATED))
        response.media = {**self._share(request, read_fields(request), value), "value": value}

    def on_post_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`secret/KEY`: open a secret."""
        passphrase = read_fields(request).get("passphrase")
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
        """`private/KEY`: what became of a secret."""
        try:
            response.media = self._metadata(request, key)
        except (FormatError, NotFoundError) as error:
            _unknown(response, {"metadata_key": key, **error.members})

    on_get_private = on_post_private

    def on_post_burn(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`private/KEY/burn`: burn a secret."""
        try:
            self._client.burn(key)
            state = self._metadata(request, key)
        except (FormatError, GoneError, NotFoundError) as error:
            _unknown(response, {"metadata_key": key, **error.members})
            return
        response.media = {"state": state, "secret_shortkey": ""}

    def on_get_recent(self, request: falcon.Request, response: falcon.Response) -> None:
        """`private/recent`: what this user name has sent since the bridge was started, newest first."""
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

    def _share(self, request: falcon.Request, fields: dict[str, str], secret: str) -> dict[str, object]:
        if fields.get("recipient"):
            raise falcon.HTTPBadRequest(description="No mail is sent from here. Send the share_url to the recipient.")
        passphrase = fields.get("passphrase") or None
        ttl = self._ttl(fields.get("ttl"))
        sent = self._client.send(secret, ttl=ttl, passphrase=passphrase)
        now = int(self._clock())
        ttl = ttl or sent.expires - now
        shared = _Shared(_customer(request), ttl, now, passphrase is not None)
        key = sent.receipt.partition("#")[2]
        with self._lock:
            self._shared[key] = shared
            while len(self._shared) > _RECENT:
                self._shared.popitem(last=False)
        told = {"secret_key": sent.link.partition("#")[2], "share_url": sent.link}
        return {**self._describe(key, shared, "new", sent.expires, now, now), **told}

    def _ttl(self, asked: str | None) -> int | None:
        """Brought into the instance's bounds, as that service does; the answer says what it became."""
        if not asked:
            return None
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            raise falcon.HTTPBadRequest(description="ttl is a number of seconds")
        bounds = self._client.instance().get("ttl")
        return max(whole(bounds, "min"), min(int(asked), whole(bounds, "max")))

    def _metadata(self, request: falcon.Request, key: str) -> dict[str, object]:
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
    ) -> dict[str, object]:
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


def _customer(request: falcon.Request) -> str:
    return credentials(request)[0]


def _content(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()


def _unknown(response: falcon.Response, more: dict[str, object]) -> None:
    response.status = falcon.HTTP_404
    response.media = {"message": "Unknown secret", **more}
