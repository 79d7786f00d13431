"""The calls on a secret, its claim and its receipt."""

from taina.rules.guards import LIVE
from taina.rules.types import Limits
from taina.rules.uploads import SEALED_CHUNK, TAG
from taina.web.openapi.schema import (
    STATES,
    Schema,
    a_ttl,
    an_integer,
    an_object,
    call,
    id_in_path,
    json_body,
    number_in_path,
    one_of,
    some_bytes,
)


def secret_paths(limits: Limits) -> Schema:
    """By their paths."""
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
                open_to_anyone=True,
                body=json_body(_order(limits)),
                answers={200: ("It had already been stored.", live_state), 201: ("It has been stored.", live_state)},
                problems=(401, 403, 404, 409, 410, 413, 415, 507),
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
                        "It can be read until its expiry, which each read of a chunk puts off.",
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
                "Burn the unread secret. Idempotent.",
                security="receiptToken",
                answers={200: ("It has been burned.", state)},
                problems=(404, 410),
            ),
        },
    }


def _order(limits: Limits) -> Schema:
    required = {
        "link_hash": some_bytes(32),
        "reveal_hash": some_bytes(32),
        "receipt_id": some_bytes(16),
        "receipt_hash": some_bytes(32),
        "ttl": a_ttl(limits),
        "chunks": {"type": "integer", "minimum": 1},
        "size": {"type": "integer", "minimum": TAG + 1, "description": f"More than {limits.size} is refused with 413."},
        "passphrase": {"type": "boolean", **({"const": True} if limits.passphrase else {})},
    }
    return an_object(
        required,
        {"request": some_bytes(16), "work": an_integer(), "content": some_bytes()},
    )
