"""The OpenAPI 3.1 document of the API, with this instance's limits in it."""

from typing import get_args

import falcon

from taina import __version__
from taina.rules.guards import LIVE
from taina.rules.secret_requests import ENVELOPE_SIZE
from taina.rules.types import Limits, Openness
from taina.rules.uploads import SEALED_CHUNK, TAG
from taina.web.openapi_schema import (
    STATES,
    Schema,
    an_integer,
    an_object,
    bearer,
    call,
    id_in_path,
    json_body,
    number_in_path,
    one_of,
    problem,
    some_bytes,
)


class OpenApiResource:
    """`/openapi.json`"""

    def __init__(self, limits: Limits) -> None:
        self._document = document(limits)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = self._document


def document(limits: Limits) -> Schema:
    """The whole document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Taina",
            "version": __version__,
            "description": "One-time secrets. Clients encrypt; this API stores ciphertext and hands it to one reader. "
            "Bytes in JSON are base64url without padding; times are unix seconds; sizes are bytes of ciphertext.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {**_paths(limits), **_request_paths(limits)},
        "components": {
            "schemas": {"Problem": problem()},
            "securitySchemes": {
                "accessKey": bearer(
                    "On a private instance: an access key, or the answer token of the request that the body names."
                ),
                "linkProof": bearer("The link proof, which shows that the caller has the link."),
                "receiptToken": bearer("The receipt token, which the sender has."),
                "claimToken": bearer("The claim token, which the one reader has."),
                "answerToken": bearer("The answer token, which everyone with the link of the request has."),
                "inboxToken": bearer("The inbox token, which the person who asked has."),
            },
        },
    }


def _paths(limits: Limits) -> Schema:
    secret, claim, receipt, n = (
        id_in_path("secret_id"),
        id_in_path("claim_id"),
        id_in_path("receipt_id"),
        number_in_path("n"),
    )
    state = an_object({"state": one_of(STATES)})
    live_state = an_object({"state": one_of(LIVE), "expires": an_integer()})
    chunk_body = {"application/octet-stream": {"schema": {"type": "string", "maxLength": SEALED_CHUNK}}}
    return {
        "/secrets/{secret_id}": {
            "parameters": [secret],
            "put": call(
                "createSecret",
                "Store a secret, or begin an upload. The same request sent again gets the same answer.",
                security="accessKey",
                body=json_body(_order(limits)),
                answers={200: ("It had already been stored.", live_state), 201: ("It has been stored.", live_state)},
                problems=(401, 403, 409, 413, 415, 507),
            ),
            "get": call(
                "secretStatus",
                "What anyone with the link may know. Consumes nothing.",
                security="linkProof",
                answers={
                    200: (
                        "It is waiting for its reader, or for the rest of its upload.",
                        an_object(
                            {
                                "state": one_of(LIVE),
                                "passphrase": {"type": "boolean"},
                                "size": an_integer(),
                                "chunks": an_integer(),
                                "expires": an_integer(),
                                "attempts_left": an_integer(),
                            }
                        ),
                    )
                },
                problems=(404, 410),
            ),
        },
        "/secrets/{secret_id}/reveal": {
            "parameters": [secret],
            "post": call(
                "revealSecret",
                "Hand the sealed bytes to this caller and to no one else; the same transaction deletes or claims them.",
                security="linkProof",
                body=json_body(
                    an_object(
                        {"proof": some_bytes(32)},
                        {"claim": an_object({"id": some_bytes(16), "hash": some_bytes(32)})},
                    )
                ),
                answers={
                    200: (
                        "Revealed. The answer contains the content of a single chunk; several are read with the claim.",
                        an_object({"chunks": an_integer()}, {"content": some_bytes()}),
                    )
                },
                problems=(403, 404, 409, 410, 413, 415),
            ),
        },
        "/secrets/{secret_id}/chunks": {
            "parameters": [secret],
            "get": call(
                "chunksPresent",
                "Which chunks have arrived.",
                security="receiptToken",
                answers={200: ("Their numbers.", an_object({"present": {"type": "array", "items": an_integer()}}))},
                problems=(404, 410),
            ),
        },
        "/secrets/{secret_id}/chunks/{n}": {
            "parameters": [secret, n],
            "put": call(
                "putChunk",
                "Upload a sealed chunk, in any order. The same bytes may be sent again. The last chunk completes it.",
                security="receiptToken",
                body={"required": True, "content": chunk_body},
                answers={204: ("It has been stored.", None)},
                problems=(404, 409, 410, 413, 415, 507),
            ),
        },
        "/claims/{claim_id}": {
            "parameters": [claim],
            "get": call(
                "claimStatus",
                "What was revealed to whoever has this claim.",
                security="claimToken",
                answers={
                    200: (
                        "It can be read until `expires`, which each read of a chunk puts off.",
                        an_object({"chunks": an_integer(), "size": an_integer(), "expires": an_integer()}),
                    )
                },
                problems=(404, 410),
            ),
        },
        "/claims/{claim_id}/chunks/{n}": {
            "parameters": [claim, n],
            "get": call(
                "claimedChunk",
                "A sealed chunk, as often as needed within the lease.",
                security="claimToken",
                answers={200: ("The chunk.", "application/octet-stream")},
                problems=(404, 410),
            ),
        },
        "/claims/{claim_id}/ack": {
            "parameters": [claim],
            "post": call(
                "acknowledge",
                "Report that it was opened: deletes the sealed bytes now, and keeps the opened proof for the receipt.",
                security="claimToken",
                body=json_body(an_object({"opened": some_bytes(32)})),
                answers={200: ("The proof is kept.", state)},
                problems=(404, 409, 413, 415),
            ),
        },
        "/receipts/{receipt_id}": {
            "parameters": [receipt],
            "get": call(
                "receipt",
                "The state of the secret, for its sender.",
                security="receiptToken",
                answers={
                    200: (
                        "Its state and history.",
                        an_object(
                            {
                                "state": one_of(STATES),
                                "created": an_integer(),
                                "expires": an_integer(),
                                "failed_attempts": an_integer(),
                            },
                            {"ended": an_integer(), "opened": some_bytes(32)},
                        ),
                    )
                },
                problems=(404,),
            ),
        },
        "/receipts/{receipt_id}/burn": {
            "parameters": [receipt],
            "post": call(
                "burn",
                "Destroy the unread secret. Idempotent.",
                security="receiptToken",
                answers={200: ("It has been burned.", state)},
                problems=(404, 410),
            ),
        },
        "/mail": {
            "post": call(
                "mail",
                "Have the instance mail the link to a secret that needs a passphrase, if it offers that.",
                security="accessKey",
                body=json_body(
                    an_object(
                        {
                            "link": {"type": "string", "minLength": 1, "maxLength": 300},
                            "to": {"type": "string", "minLength": 1, "maxLength": 254},
                            "language": {"type": "string", "minLength": 1, "maxLength": 20},
                        }
                    )
                ),
                answers={204: ("The mail server has accepted it.", None)},
                problems=(401, 404, 413, 415, 424),
            )
        },
        "/health": {
            "get": call(
                "health",
                "Whether this server answers.",
                answers={200: ("It answers.", an_object({"state": one_of(["up"])}))},
                problems=(),
            )
        },
        "/ready": {
            "get": call(
                "ready",
                "Whether this server can store secrets, and deletes what is due.",
                answers={200: ("It is ready.", an_object({"state": one_of(["ready"])}))},
                problems=(),
            )
        },
        "/status": {
            "get": call(
                "status",
                "The version, limits and options of this instance.",
                answers={200: ("What they are.", _status())},
                problems=(),
            )
        },
    }


def _request_paths(limits: Limits) -> Schema:
    request = id_in_path("request_id")
    expires, left = an_object({"expires": an_integer()}), an_object({"answers_left": an_integer()})
    envelope = an_object({"envelope": some_bytes(ENVELOPE_SIZE), "received": an_integer()})
    asking = {
        "inbox_hash": some_bytes(32),
        "answer_hash": some_bytes(32),
        "ttl": _ttl(limits),
        "answers": {"type": "integer", "minimum": 1, "maximum": limits.answers},
    }
    return {
        "/requests/{request_id}": {
            "parameters": [request],
            "put": call(
                "ask",
                "Ask for secrets. The same request sent again gets the same answer.",
                security="accessKey",
                body=json_body(an_object(asking, {"work": an_integer()})),
                answers={200: ("It had already been stored.", expires), 201: ("It has been stored.", expires)},
                problems=(401, 403, 409, 413, 415, 507),
            ),
            "get": call(
                "requestStatus",
                "Whether an answer can be left. Changes nothing.",
                security="answerToken",
                answers={
                    200: (
                        "It is open for answers, or has as many as it accepts.",
                        an_object(
                            {
                                "state": one_of(get_args(Openness)),
                                "answers_left": an_integer(),
                                "expires": an_integer(),
                                "size": an_integer(),
                            }
                        ),
                    )
                },
                problems=(404, 410),
            ),
            "delete": call(
                "deleteRequest",
                "Delete the request and the answers that were left.",
                security="inboxToken",
                answers={204: ("It has been deleted.", None)},
                problems=(404,),
            ),
        },
        "/requests/{request_id}/envelopes": {
            "parameters": [request],
            "post": call(
                "answer",
                "Leave an envelope: the link to a secret, sealed to the asker. The same one may be sent again.",
                security="answerToken",
                body=json_body(an_object({"envelope": some_bytes(ENVELOPE_SIZE)})),
                answers={200: ("It had already been left.", left), 201: ("It has been left.", left)},
                problems=(404, 409, 410, 413, 415, 507),
            ),
            "get": call(
                "inbox",
                "The envelopes that were left, for the person who asked.",
                security="inboxToken",
                answers={
                    200: (
                        "All of them, in the order in which they arrived.",
                        an_object(
                            {
                                "answers": an_integer(),
                                "expires": an_integer(),
                                "envelopes": {"type": "array", "items": envelope},
                            }
                        ),
                    )
                },
                problems=(404,),
            ),
        },
    }


def _order(limits: Limits) -> Schema:
    required = {
        "link_hash": some_bytes(32),
        "reveal_hash": some_bytes(32),
        "receipt_id": some_bytes(16),
        "receipt_hash": some_bytes(32),
        "ttl": _ttl(limits),
        "chunks": {"type": "integer", "minimum": 1},
        "size": {"type": "integer", "minimum": TAG + 1, "description": f"More than {limits.size} is refused with 413."},
        "passphrase": {"type": "boolean"},
    }
    return an_object(
        required,
        {"request": some_bytes(16), "work": an_integer(), "content": some_bytes()},
    )


def _ttl(limits: Limits) -> Schema:
    return {"type": "integer", "minimum": limits.ttl_min, "maximum": limits.ttl_max}


def _status() -> Schema:
    numbers = {
        "limits": an_object(
            {"size": an_integer(), "chunk": an_integer(), "attempts": an_integer(), "answers": an_integer()}
        ),
        "ttl": an_object({"min": an_integer(), "max": an_integer(), "default": an_integer()}),
        "lease": an_integer(),
    }
    options = an_object({"create": one_of(["anyone", "keys"]), "mail": {"type": "boolean"}})
    return an_object({"version": {"type": "string"}, "protocol": an_integer(), **numbers, "options": options})
