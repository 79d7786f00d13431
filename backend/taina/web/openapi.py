"""The OpenAPI 3.1 document of the API, with this instance's limits in it."""

from typing import Any

import falcon

from taina import __version__
from taina.errors import TainaError
from taina.rules.secret_requests import ENVELOPE_SIZE
from taina.rules.vault import SEALED_CHUNK, TAG, Limits

Schema = dict[str, Any]

_STATES = ["uploading", "waiting", "revealed", "opened", "burned", "expired", "locked"]
_MOST = (1 << 53) - 1


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
            "description": "One-time secrets. Clients encrypt; this API keeps ciphertext and gives it to one reader. "
            "Bytes in JSON are base64url without padding; times are unix seconds; sizes are bytes of ciphertext.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {**_paths(limits), **_request_paths(limits)},
        "components": {
            "schemas": {"Problem": _problem()},
            "securitySchemes": {
                "accessKey": _bearer(
                    "On a private instance: an access key, or the answer token of the request that the body names."
                ),
                "linkProof": _bearer("The link proof: shows that the caller holds the link."),
                "receiptToken": _bearer("The receipt token: the sender's."),
                "claimToken": _bearer("The claim token: the one reader's."),
                "answerToken": _bearer("The answer token: of all who hold the request's link."),
                "inboxToken": _bearer("The inbox token: the asker's."),
            },
        },
    }


def _paths(limits: Limits) -> Schema:
    secret, claim, receipt, n = _id("secret_id"), _id("claim_id"), _id("receipt_id"), _number("n")
    state = _object({"state": _one_of(_STATES)})
    live_state = _object({"state": _one_of(_STATES[:2]), "expires": _integer()})
    chunk_body = {"application/octet-stream": {"schema": {"type": "string", "maxLength": SEALED_CHUNK}}}
    return {
        "/secrets/{secret_id}": {
            "parameters": [secret],
            "put": _call(
                "createSecret",
                "Keep a secret, or begin an upload. The same request again gets the same answer.",
                security="accessKey",
                body=_json(_order(limits)),
                answers={200: ("It had been kept already.", live_state), 201: ("It is kept.", live_state)},
                problems=(401, 403, 409, 413, 415, 507),
            ),
            "get": _call(
                "secretStatus",
                "What a holder of the link may know; consumes nothing.",
                security="linkProof",
                answers={
                    200: (
                        "It waits for its reader, or for the rest of its upload.",
                        _object(
                            {
                                "state": _one_of(_STATES[:2]),
                                "passphrase": {"type": "boolean"},
                                "size": _integer(),
                                "chunks": _integer(),
                                "expires": _integer(),
                                "attempts_left": _integer(),
                            }
                        ),
                    )
                },
                problems=(404, 410),
            ),
        },
        "/secrets/{secret_id}/reveal": {
            "parameters": [secret],
            "post": _call(
                "revealSecret",
                "Give the sealed bytes to this caller alone, in one transaction with their deletion or claim.",
                security="linkProof",
                body=_json(
                    _object(
                        {"proof": _bytes(32)},
                        {"claim": _object({"id": _bytes(16), "hash": _bytes(32)})},
                    )
                ),
                answers={
                    200: (
                        "Revealed; the content is here if it is one chunk, else it is read by the claim.",
                        _object({"chunks": _integer()}, {"content": {"type": "string"}}),
                    )
                },
                problems=(403, 404, 409, 410, 413, 415),
            ),
        },
        "/secrets/{secret_id}/chunks": {
            "parameters": [secret],
            "get": _call(
                "chunksPresent",
                "Which chunks have arrived.",
                security="receiptToken",
                answers={200: ("Their numbers.", _object({"present": {"type": "array", "items": _integer()}}))},
                problems=(404, 410),
            ),
        },
        "/secrets/{secret_id}/chunks/{n}": {
            "parameters": [secret, n],
            "put": _call(
                "putChunk",
                "Upload a sealed chunk, in any order; the same bytes may come again. The last one makes it live.",
                security="receiptToken",
                body={"required": True, "content": chunk_body},
                answers={204: ("It is kept.", None)},
                problems=(404, 409, 410, 413, 415, 507),
            ),
        },
        "/claims/{claim_id}": {
            "parameters": [claim],
            "get": _call(
                "claimStatus",
                "What was revealed to the holder of this claim.",
                security="claimToken",
                answers={
                    200: (
                        "It can be read until `expires`; reading a chunk renews that.",
                        _object({"chunks": _integer(), "size": _integer(), "expires": _integer()}),
                    )
                },
                problems=(404, 410),
            ),
        },
        "/claims/{claim_id}/chunks/{n}": {
            "parameters": [claim, n],
            "get": _call(
                "claimedChunk",
                "A sealed chunk, as often as it takes within the lease.",
                security="claimToken",
                answers={200: ("The chunk.", "application/octet-stream")},
                problems=(404, 410),
            ),
        },
        "/claims/{claim_id}/ack": {
            "parameters": [claim],
            "post": _call(
                "acknowledge",
                "The reader has opened it: the sealed bytes go now, the opened proof stays with the receipt.",
                security="claimToken",
                body=_json(_object({"opened": _bytes(32)})),
                answers={200: ("Noted.", state)},
                problems=(404, 409, 413, 415),
            ),
        },
        "/receipts/{receipt_id}": {
            "parameters": [receipt],
            "get": _call(
                "receipt",
                "How it stands with the secret, for its sender.",
                security="receiptToken",
                answers={
                    200: (
                        "Its state and history.",
                        _object(
                            {
                                "state": _one_of(_STATES),
                                "created": _integer(),
                                "expires": _integer(),
                                "failed_attempts": _integer(),
                            },
                            {"ended": _integer(), "opened": _bytes(32)},
                        ),
                    )
                },
                problems=(404,),
            ),
        },
        "/receipts/{receipt_id}/burn": {
            "parameters": [receipt],
            "post": _call(
                "burn",
                "Destroy the secret unread; again and again does no harm.",
                security="receiptToken",
                answers={200: ("It is burned.", state)},
                problems=(404, 410),
            ),
        },
        "/mail": {
            "post": _call(
                "mail",
                "Have the instance mail the link of a secret that needs a passphrase, where it offers that.",
                security="accessKey",
                body=_json(
                    _object(
                        {
                            "link": {"type": "string", "minLength": 1, "maxLength": 300},
                            "to": {"type": "string", "minLength": 1, "maxLength": 254},
                            "language": {"type": "string", "minLength": 1, "maxLength": 20},
                        }
                    )
                ),
                answers={204: ("It is on its way.", None)},
                problems=(401, 404, 413, 415, 424),
            )
        },
        "/health": {
            "get": _call(
                "health",
                "Whether this server answers.",
                answers={200: ("It does.", _object({"state": _one_of(["up"])}))},
                problems=(),
            )
        },
        "/ready": {
            "get": _call(
                "ready",
                "Whether it can keep what it is given.",
                answers={200: ("It can.", _object({"state": _one_of(["ready"])}))},
                problems=(),
            )
        },
        "/status": {
            "get": _call(
                "status",
                "Version, limits and options of this instance.",
                answers={200: ("They are these.", _status())},
                problems=(),
            )
        },
    }


def _request_paths(limits: Limits) -> Schema:
    request = _id("request_id")
    expires, left = _object({"expires": _integer()}), _object({"answers_left": _integer()})
    envelope = _object({"envelope": _bytes(ENVELOPE_SIZE), "received": _integer()})
    asking = {
        "inbox_hash": _bytes(32),
        "answer_hash": _bytes(32),
        "ttl": _ttl(limits),
        "answers": {"type": "integer", "minimum": 1, "maximum": limits.answers},
    }
    return {
        "/requests/{request_id}": {
            "parameters": [request],
            "put": _call(
                "ask",
                "Ask for secrets. The same request again gets the same answer.",
                security="accessKey",
                body=_json(_object(asking, {"work": _integer()})),
                answers={200: ("It had been kept already.", expires), 201: ("It is kept.", expires)},
                problems=(401, 403, 409, 413, 415, 507),
            ),
            "get": _call(
                "requestStatus",
                "Whether an answer can be left; changes nothing.",
                security="answerToken",
                answers={
                    200: (
                        "It waits for answers, or has them all.",
                        _object(
                            {"state": _one_of(["open", "full"]), "answers_left": _integer(), "expires": _integer()}
                        ),
                    )
                },
                problems=(404, 410),
            ),
            "delete": _call(
                "deleteRequest",
                "Forget the request and what was left at it.",
                security="inboxToken",
                answers={204: ("It is forgotten.", None)},
                problems=(404,),
            ),
        },
        "/requests/{request_id}/envelopes": {
            "parameters": [request],
            "post": _call(
                "answer",
                "Leave an envelope: the link of a secret, sealed to the asker. The same one may come again.",
                security="answerToken",
                body=_json(_object({"envelope": _bytes(ENVELOPE_SIZE)})),
                answers={200: ("It had been left already.", left), 201: ("It is kept.", left)},
                problems=(404, 409, 410, 413, 415, 507),
            ),
            "get": _call(
                "inbox",
                "The envelopes that were left, for the asker.",
                security="inboxToken",
                answers={
                    200: (
                        "All of them, in the order in which they came.",
                        _object(
                            {
                                "answers": _integer(),
                                "expires": _integer(),
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
        "link_hash": _bytes(32),
        "reveal_hash": _bytes(32),
        "receipt_id": _bytes(16),
        "receipt_hash": _bytes(32),
        "ttl": _ttl(limits),
        "chunks": {"type": "integer", "minimum": 1},
        "size": {"type": "integer", "minimum": TAG + 1, "description": f"More than {limits.size} is refused by 413."},
        "passphrase": {"type": "boolean"},
    }
    return _object(
        required,
        {"request": _bytes(16), "work": _integer(), "content": {"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}},
    )


def _ttl(limits: Limits) -> Schema:
    return {"type": "integer", "minimum": limits.ttl_min, "maximum": limits.ttl_max}


def _status() -> Schema:
    numbers = {
        "limits": _object({"size": _integer(), "chunk": _integer(), "attempts": _integer(), "answers": _integer()}),
        "ttl": _object({"min": _integer(), "max": _integer(), "default": _integer()}),
        "lease": _integer(),
    }
    options = _object({"create": _one_of(["anyone", "keys"]), "mail": {"type": "boolean"}})
    return _object({"version": {"type": "string"}, "protocol": _integer(), **numbers, "options": options})


def _problem() -> Schema:
    text = {"type": "string"}
    facts = {
        "field": text,
        "state": _one_of(_STATES),
        "ended": _integer(),
        "attempts_left": _integer(),
        "retry_after": _integer(),
        "bits": _integer(),
    }
    required = {"title": text, "status": _integer(), "detail": text, "code": _one_of(_codes())}
    return {**_object(required, facts), "description": "Problem details, RFC 9457; `code` is stable."}


def _codes() -> list[str]:
    found, classes = [], [TainaError]
    while classes:
        kind = classes.pop()
        found.append(kind.code)
        classes += kind.__subclasses__()
    return sorted(found)


def _call(
    name: str,
    summary: str,
    answers: dict[int, tuple[str, Schema | str | None]],
    problems: tuple[int, ...],
    security: str | None = None,
    body: Schema | None = None,
) -> Schema:
    call: Schema = {"operationId": name, "summary": summary, "responses": {}}
    for status, (description, content) in answers.items():
        answer: Schema = {"description": description}
        if isinstance(content, str):
            answer["content"] = {content: {"schema": {"type": "string"}}}
        elif content is not None:
            answer["content"] = {"application/json": {"schema": content}}
        call["responses"][str(status)] = answer
    # Any call may be malformed, name a wrong field, come from another site's page, or from a client that has spent
    # its budget. Monitors are never refused.
    limited = set() if name in ("health", "ready") else {429}
    for status in sorted({400, 403, 422, *limited, *problems}):
        call["responses"][str(status)] = _refusal(status)
    if security:
        # A key is needed only where the instance is private; its status says so.
        call["security"] = [{security: []}, *([{}] if security == "accessKey" else [])]
    if body:
        call["requestBody"] = body
    return call


def _refusal(status: int) -> Schema:
    schema = {"$ref": "#/components/schemas/Problem"}
    refusal: Schema = {
        "description": f"A problem, status {status}.",
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status == 429:
        refusal["headers"] = {"Retry-After": {"description": "Seconds.", "required": True, "schema": _integer()}}
    return refusal


def _json(schema: Schema) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _bytes(length: int) -> Schema:
    # The last character of a whole encoding carries few bits; the pattern leaves out what strays beyond them.
    last = {1: "[AQgw]", 2: "[AEIMQUYcgkosw048]"}.get(length % 3, "")
    whole = -(-length * 8 // 6) - (1 if last else 0)
    return {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{whole}}}{last}$"}


def _integer() -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": _MOST}


def _one_of(values: list[str]) -> Schema:
    return {"type": "string", "enum": values}


def _id(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _bytes(16)}


def _number(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}


def _bearer(description: str) -> Schema:
    return {"type": "http", "scheme": "bearer", "description": description}
