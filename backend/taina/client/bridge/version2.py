"""Version 2 of the API: JSON goes in, a record with details comes out, and errors have statuses of their own."""

import falcon

from taina import __version__
from taina.client.bridge.callers import customer
from taina.client.bridge.calls import RECEIPT_SECONDS, Calls, Record, generate
from taina.client.bridge.contents import files_of
from taina.client.bridge.fields import Fields, read_fields
from taina.client.loopback import when_told
from taina.client.results import Status
from taina.errors import FormatError, GoneError, InvalidError, NotFoundError

_STATES = {"new": "new", "viewed": "previewed", "received": "revealed", "burned": "burned", "expired": "expired"}
"""From the words of version 1."""
_UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}


class Version2:
    """`/api/v2`"""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def on_get_status(self, request: falcon.Request, response: falcon.Response) -> None:
        """`status`: whether the instance answers."""
        self._calls.check()
        response.media = {"success": True, "status": "nominal", "locale": "en"}

    def on_get_version(self, request: falcon.Request, response: falcon.Response) -> None:
        """`version`: that of the bridge."""
        response.media = {"success": True, "version": __version__.split("."), "locale": "en"}

    def on_get_locales(self, request: falcon.Request, response: falcon.Response) -> None:
        """`supported-locales`"""
        response.media = {"success": True, "locales": ["en"], "default_locale": "en", "locale": "en"}

    def on_post_conceal(self, request: falcon.Request, response: falcon.Response) -> None:
        """`secret/conceal`: send a text."""
        fields = read_fields(request).inner("secret")
        secret = fields.text("secret")
        if not secret:
            raise InvalidError("You did not provide anything to share", field="secret")
        response.media = self._made(customer(request), "conceal", fields, secret)

    def on_post_generate(self, request: falcon.Request, response: falcon.Response) -> None:
        """`secret/generate`: send a random text. It is in the answer, for nothing else keeps it."""
        fields = read_fields(request).inner("secret")
        value = generate(fields)
        response.media = self._made(customer(request), "generate", fields, value, secret_value=value)

    def on_get_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`secret/KEY`: a secret unopened; no GET opens one, whatever else it asks for."""
        response.media = self._unopened(key, self._calls.look(key))

    def on_get_secret_status(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`secret/KEY/status`"""
        found = self._found(key)
        if found is None:
            response.media = {"record": {"state": "unknown"}}
            return
        details = {"current_expiration": self._calls.left(found.expires)}
        response.media = {"record": self._secret(key, found), "details": details}

    def on_post_statuses(self, request: falcon.Request, response: falcon.Response) -> None:
        """`secret/status`: of several secrets, those that there are."""
        found = [(key, self._found(key)) for key in read_fields(request).list("identifiers")]
        records = [self._secret(key, status) for key, status in found if status is not None]
        response.media = {"records": records, "count": len(records)}

    def on_post_reveal(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`secret/KEY/reveal`: open a secret, if `continue` says so."""
        fields = read_fields(request)
        status = self._calls.look(key)
        if not fields.flag("continue"):
            response.media = self._unopened(key, status)
            return
        opened, told = self._calls.open(key, fields.text("passphrase"))
        when_told(request.env, told)
        record = self._secret(key, status) | {"state": "revealed", "is_revealed": True, "is_received": True}
        lines = min(30, (80 + len(opened.text)) // 80 + opened.text.count("\n") + 3)
        response.media = {
            "record": {**record, "secret_value": opened.text, **files_of(opened)},
            "details": {
                "continue": True,
                "is_owner": False,
                "show_secret": True,
                "correct_passphrase": True,
                "display_lines": lines,
                "one_liner": "\n" not in opened.text if opened.text else None,
            },
        }

    def on_get_receipt(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`receipt/KEY`, `private/KEY`: what became of a secret."""
        record = self._calls.record(customer(request), key)
        response.media = {"record": self._whole_receipt(record), "details": self._details(record)}

    def on_post_burn(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """`receipt/KEY/burn`: burn a secret, if `continue` says so; `success` says whether this call did."""
        burned = False
        if read_fields(request).flag("continue"):
            try:
                self._calls.burn(key)
                burned = True
            except GoneError:
                burned = False
        record = self._calls.record(customer(request), key)
        response.media = {
            "success": burned,
            "record": self._whole_receipt(record),
            "details": self._details(record) | {"title": "Secret burned"},
        }

    def on_get_recent(self, request: falcon.Request, response: falcon.Response) -> None:
        """`receipt/recent`, `private/recent`: what this user name has sent since the start, newest first."""
        records = [self._receipt(record) for record in self._calls.recent(customer(request))]
        response.media = {
            "success": True,
            "custid": customer(request),
            "count": len(records),
            "records": records,
            "details": {
                "type": "list",
                "has_items": bool(records),
                "revealed_receipts": [record for record in records if record["is_destroyed"]],
                "pending_receipts": [record for record in records if not record["is_destroyed"]],
            },
        }

    def _made(self, custid: str, kind: str, fields: Fields, secret: str, **more: str) -> dict[str, object]:
        """`more`: members of the secret."""
        record, sent = self._calls.send(custid, kind, fields, secret)
        key = sent.link.partition("#")[2]
        receipt = self._receipt(record) | {
            "secret_identifier": key,
            "share_path": f"/secret/{key}",
            "share_url": sent.link,
        }
        status = Status("waiting", record.passphrase is True, 0, 0, record.expires, 0)
        return {
            "success": True,
            "record": {
                "receipt": receipt,
                "metadata": receipt,
                "secret": self._secret(key, status) | more,
                "share_domain": None,
            },
            "details": {"kind": kind, "recipient": [], "recipient_safe": []},
        }

    def _found(self, key: str) -> Status | None:
        try:
            return self._calls.look(key)
        except (FormatError, GoneError, NotFoundError):
            return None

    def _unopened(self, key: str, status: Status) -> dict[str, object]:
        details = {
            "continue": False,
            "is_owner": False,
            "show_secret": False,
            "correct_passphrase": not status.passphrase,
            "display_lines": 4,
            "one_liner": None,
        }
        return {"record": self._secret(key, status), "details": details}

    def _secret(self, key: str, status: Status) -> dict[str, object]:
        left = self._calls.left(status.expires)
        return {
            "identifier": key,
            "key": key,
            "shortid": "",  # it would be a part of the key
            "state": "new" if status.state in ("uploading", "waiting") else "previewed",
            "lifespan": left,
            "secret_ttl": left,
            "has_passphrase": status.passphrase,
            "verification": False,
            "is_previewed": False,
            "is_revealed": False,
            "is_viewed": False,
            "is_received": False,
        }

    def _receipt(self, record: Record) -> dict[str, object]:
        state = _STATES[record.state]
        left = self._calls.left(record.expires) + RECEIPT_SECONDS

        def since(*states: str) -> int | None:
            return record.ended if state in states else None

        return {
            "identifier": record.key,
            "key": record.key,
            "shortid": record.key[:8],
            "custid": record.custid,
            "owner_id": None,
            "state": state,
            "secret_shortid": "",
            "secret_identifier": None,
            "secret_ttl": record.ttl,
            "metadata_ttl": left,
            "receipt_ttl": left,
            "lifespan": left,
            "share_domain": None,
            "created": record.created,
            "updated": record.ended or record.created,
            "shared": None,
            "recipients": "",
            "recipient_name": None,
            "show_recipients": False,
            "memo": None,
            "previewed": since("previewed"),
            "viewed": since("previewed"),
            "revealed": since("revealed"),
            "received": since("revealed"),
            "burned": since("burned"),
            "is_previewed": state == "previewed",
            "is_viewed": state == "previewed",
            "is_revealed": state == "revealed",
            "is_received": state == "revealed",
            "is_burned": state == "burned",
            "is_expired": state == "expired",
            "is_orphaned": False,
            "is_destroyed": state in ("revealed", "burned", "expired"),
            "has_passphrase": record.passphrase,
            "kind": record.kind,
            "source": "api",
            "receipt_url": self._calls.address(record.key, "receipt"),
            "metadata_url": self._calls.address(record.key, "receipt"),
        }

    def _whole_receipt(self, record: Record) -> dict[str, object]:
        receipt = self._receipt(record)
        path = f"/receipt/{record.key}"
        return receipt | {
            "secret_state": "new" if record.state == "new" else None,
            "natural_expiration": _spoken(record.ttl),
            "expiration": record.expires,
            "expiration_in_seconds": record.ttl,
            "share_path": None,
            "share_url": None,
            "receipt_path": path,
            "metadata_path": path,
            "burn_path": f"{path}/burn",
            "burn_url": receipt["receipt_url"],
        }

    def _details(self, record: Record) -> dict[str, object]:
        new = record.state == "new"
        return {
            "type": "record",
            "display_lines": 4,
            "no_cache": True,
            "secret_realttl": self._calls.left(record.expires) if new else None,
            "view_count": 0,
            "has_passphrase": record.passphrase is True,
            "can_decrypt": False,
            "secret_value": None,
            "show_secret": False,
            "show_secret_link": False,
            "show_receipt_link": new,
            "show_receipt": True,
            "show_recipients": False,
        }


def _spoken(seconds: int) -> str:
    unit, size = next((unit, size) for unit, size in _UNITS.items() if seconds >= size or size == 1)
    count = seconds // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
