"""Version 1 of the API: forms go in, flat objects come out, and whatever was wrong is 404."""

import falcon

from taina.client.bridge.callers import customer
from taina.client.bridge.calls import RECEIPT_SECONDS, Calls, Record, generate
from taina.client.bridge.contents import files_of
from taina.client.bridge.fields import read_fields
from taina.client.loopback import when_told
from taina.client.results import Sent
from taina.errors import InvalidError

_NEWER_NAMES = {
    "identifier": "metadata_key",
    "secret_identifier": "secret_key",
    "has_passphrase": "passphrase_required",
    "recipients": "recipient",
    "receipt_ttl": "metadata_ttl",
    "receipt_url": "metadata_url",
    "secret_value": "value",
}
"""Since 0.24 that service says these beside the names that they replace."""


class Version1:
    """`/api/v1`"""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def on_get_status(self, request: falcon.Request, response: falcon.Response) -> None:
        """`status`: whether the instance answers."""
        self._calls.check()
        response.media = {"status": "nominal", "locale": "en"}

    def on_get_authcheck(self, request: falcon.Request, response: falcon.Response) -> None:
        """`authcheck`: as `status`; whoever gets this far has shown the token."""
        self.on_get_status(request, response)

    def on_post_share(self, request: falcon.Request, response: falcon.Response) -> None:
        """`share`, `create`: send a text."""
        fields = read_fields(request)
        secret = fields.text("secret")
        if not secret:
            raise InvalidError("You did not provide anything to share", field="secret")
        response.media = self._shared(*self._calls.send(customer(request), "conceal", fields, secret))

    def on_post_generate(self, request: falcon.Request, response: falcon.Response) -> None:
        """`generate`: send a random text, and return it."""
        fields = read_fields(request)
        value = generate(fields)
        made = self._calls.send(customer(request), "generate", fields, value)
        response.media = self._shared(*made, value=value)

    def on_post_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`secret/KEY`: open a secret."""
        opened, told = self._calls.open(key, read_fields(request).text("passphrase"))
        when_told(request.env, told)
        response.media = {"value": opened.text, "secret_key": key, "share_domain": "", **files_of(opened)}

    def on_post_receipt(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`private/KEY`: what became of a secret."""
        response.media = self._receipt(self._calls.record(customer(request), key))

    on_get_receipt = on_post_receipt

    def on_post_burn(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`private/KEY/burn`: burn a secret."""
        self._calls.burn(key)
        response.media = {"state": self._receipt(self._calls.record(customer(request), key)), "secret_shortkey": ""}

    def on_get_recent(self, request: falcon.Request, response: falcon.Response) -> None:
        """`private/recent`: what this user name has sent since the bridge was started, newest first."""
        response.media = [self._receipt(record) for record in self._calls.recent(customer(request))]

    on_post_recent = on_get_recent

    def _shared(self, record: Record, sent: Sent, **more: str) -> dict[str, object]:
        told = {"secret_key": sent.link.partition("#")[2], "share_url": sent.link, **more}
        return self._receipt(record, **told)

    def _receipt(self, record: Record, **more: object) -> dict[str, object]:
        left = self._calls.left(record.expires)
        document: dict[str, object] = {
            "custid": record.custid,
            "metadata_key": record.key,
            "ttl": record.ttl,
            "metadata_ttl": left + RECEIPT_SECONDS,
            "metadata_url": self._calls.address(record.key, "receipt"),
            "state": record.state,
            "created": record.created,
            "updated": record.ended or record.created,
            "recipient": [],
            "share_domain": "",
            **more,
        }
        if record.state == "received":
            document["received"] = record.ended or record.created
        else:
            document["secret_ttl"] = left if record.state == "new" else 0
        if record.passphrase is not None:
            document["passphrase_required"] = record.passphrase
        document |= {new: document[old] for new, old in _NEWER_NAMES.items() if old in document}
        return document
