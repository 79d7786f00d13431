"""The vocabulary of the OpenAPI document: a call, its body and answers, and the types of fields (JSON Schema)."""

from collections.abc import Iterable
from typing import Any, get_args

from taina.rules.types import Limits
from taina.store import State
from taina.web.problems import STATUSES

Schema = dict[str, Any]

STATES: tuple[State, ...] = get_args(State)
_MAX_INTEGER = (1 << 53) - 1
"""The largest whole number that JavaScript keeps exactly."""


def problem() -> Schema:
    """The body of every refusal."""
    text = {"type": "string"}
    facts = {
        "field": text,
        "state": one_of(STATES),
        "ended": an_integer(),
        "attempts_left": an_integer(),
        "retry_after": an_integer(),
        "bits": an_integer(),
    }
    required = {
        "title": text,
        "status": an_integer(),
        "detail": text,
        "code": one_of(sorted({kind.code for kind in STATUSES})),
    }
    return {**an_object(required, facts), "description": "Problem details, RFC 9457; `code` is stable."}


def call(
    name: str,
    summary: str,
    answers: dict[int, tuple[str, Schema | str | None]],
    problems: tuple[int, ...],
    security: str | None = None,
    body: Schema | None = None,
    open_to_anyone: bool = False,
) -> Schema:
    """One operation.

    Args:
        problems: the statuses that it has besides those of every call.
        open_to_anyone: whether an instance may let in those who show nothing; its status says so.
    """
    operation: Schema = {"operationId": name, "summary": summary, "responses": {}}
    for status, (description, content) in answers.items():
        answer: Schema = {"description": description}
        if isinstance(content, str):
            answer["content"] = {content: {"schema": {"type": "string"}}}
        elif content is not None:
            answer["content"] = {"application/json": {"schema": content}}
        operation["responses"][str(status)] = answer
    # Any call may be malformed, name a wrong field, come from another site's page, or from a client that has spent
    # its budget; any that asks the store may come while that is away. Monitors are never refused.
    limited = set() if name in ("health", "ready") else {429}
    stored = set() if name in ("health", "status", "openapi") else {503}
    for status in sorted({400, 403, 422, *limited, *stored, *problems}):
        operation["responses"][str(status)] = _refusal(status)
    if security:
        operation["security"] = [{security: []}, *([{}] if open_to_anyone else [])]
    if body:
        operation["requestBody"] = body
    return operation


def _refusal(status: int) -> Schema:
    schema = {"$ref": "#/components/schemas/Problem"}
    refusal: Schema = {
        "description": f"A problem, status {status}.",
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status == 429:
        refusal["headers"] = {"Retry-After": {"description": "Seconds.", "required": True, "schema": an_integer()}}
    return refusal


def json_body(schema: Schema) -> Schema:
    """A body in JSON, which the call needs."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def an_object(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def some_bytes(length: int | None = None) -> Schema:
    """Bytes in base64url without padding; `length` where it is fixed."""
    schema: Schema = {"type": "string", "contentEncoding": "base64url"}
    if length is None:
        return schema | {"pattern": "^[A-Za-z0-9_-]*$"}
    # The last character of a whole encoding carries few bits; the pattern leaves out what strays beyond them.
    last = {1: "[AQgw]", 2: "[AEIMQUYcgkosw048]"}.get(length % 3, "")
    whole = -(-length * 8 // 6) - (1 if last else 0)
    return schema | {"x-bytes": length, "pattern": f"^[A-Za-z0-9_-]{{{whole}}}{last}$"}


def an_integer() -> Schema:
    """A whole number that JavaScript keeps exactly."""
    return {"type": "integer", "minimum": 0, "maximum": _MAX_INTEGER}


def one_of(values: Iterable[str]) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def a_ttl(limits: Limits) -> Schema:
    """Seconds, within what the instance allows."""
    return {"type": "integer", "minimum": limits.ttl_min, "maximum": limits.ttl_max}


def id_in_path(name: str) -> Schema:
    """An identifier of 16 bytes in the path."""
    return {"name": name, "in": "path", "required": True, "schema": some_bytes(16)}


def number_in_path(name: str) -> Schema:
    """A number in the path, counted from 0."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}


def bearer(description: str) -> Schema:
    """A token in the header Authorization (RFC 6750)."""
    return {"type": "http", "scheme": "bearer", "description": description}
