"""What the page about the API shows, drawn from the OpenAPI document: each call with its fields and a curl command."""

import json
import re
from dataclasses import dataclass

from taina.rules.types import Limits
from taina.rules.uploads import TAG
from taina.web.openapi import document
from taina.web.openapi.schema import Schema

_HOST = "https://secrets.example"
_TOKENS = re.compile(r"[A-Z]?[a-z]+")


@dataclass(frozen=True)
class Field:
    """A field of a body or an answer."""

    name: str
    kind: str
    """Its JSON type and what limits it, in words."""
    required: bool


@dataclass(frozen=True)
class Call:
    """One call of the API, as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    token: str
    """Who may call it, or nothing."""
    fields: list[Field]
    """Of a JSON body."""
    answers: list[tuple[str, str]]
    """Status and description of what succeeds."""
    problems: list[str]
    """Statuses of what fails."""
    curl: str


def calls() -> list[Call]:
    """Every call of the API, in the document's order, with the limits of a server that sets none."""
    whole = document(Limits())
    tokens = {name: scheme["description"] for name, scheme in whole["components"]["securitySchemes"].items()}
    found = []
    for path, operations in whole["paths"].items():
        for method in ("put", "get", "post", "delete"):
            if method in operations:
                found.append(_call(f"{whole['servers'][0]['url']}{path}", method.upper(), operations[method], tokens))
    return found


def _call(path: str, method: str, operation: Schema, tokens: dict[str, str]) -> Call:
    schemes = [name for requirement in operation.get("security", []) for name in requirement]
    content: Schema = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    answers = operation["responses"]
    return Call(
        name=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        token=" ".join(tokens[name] for name in schemes),
        fields=_fields(schema) if schema else [],
        answers=[(status, answer["description"]) for status, answer in answers.items() if status < "400"],
        problems=[status for status in answers if status >= "400"],
        curl=_curl(path, method, schemes, schema, binary="application/octet-stream" in content),
    )


def _fields(schema: Schema, prefix: str = "") -> list[Field]:
    found = []
    for name, child in schema["properties"].items():
        required = name in schema.get("required", [])
        if "properties" in child:
            found += [Field(field.name, field.kind, required) for field in _fields(child, f"{prefix}{name}.")]
        else:
            found.append(Field(prefix + name, _kind(child), required))
    return found


def _kind(schema: Schema) -> str:
    words = [schema["type"]]
    if "contentEncoding" in schema:
        size = schema.get("x-bytes")
        words.append(schema["contentEncoding"] if size is None else f"{schema['contentEncoding']} of {size} bytes")
    if "enum" in schema:
        words.append(" | ".join(schema["enum"]))
    if "minimum" in schema and "maximum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    elif "minimum" in schema:
        words.append(f"at least {schema['minimum']}")
    kind = ", ".join(words)
    return f"{kind}. {schema['description']}" if "description" in schema else kind


def _curl(path: str, method: str, schemes: list[str], schema: Schema | None, binary: bool) -> str:
    parts = [f"curl -X {method}" if method != "GET" else "curl"]
    parts += [f'-H "Authorization: Bearer ${_variable(name)}"' for name in schemes]
    if schema:
        body = json.dumps(_sample(schema), indent=1, ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d '{body}'"]
    if binary:
        parts += ["-H 'Content-Type: application/octet-stream'", "--data-binary @chunk"]
    address = re.sub(r"\{(\w+)\}", lambda name: f"${name[1].upper()}", path)
    return " \\\n  ".join([*parts, f'"{_HOST}{address}"' if "$" in address else f"{_HOST}{address}"])


def _variable(name: str) -> str:
    return "_".join(_TOKENS.findall(name)).upper()


def _sample(schema: Schema) -> object:
    if "properties" in schema:
        return {name: _sample(child) for name, child in schema["properties"].items()}
    if "contentEncoding" in schema:
        return "A" * -(-schema.get("x-bytes", TAG + 1) * 8 // 6)
    if "enum" in schema:
        return schema["enum"][0]
    samples = {"integer": schema.get("minimum", 0), "boolean": False, "string": "…", "array": []}
    return samples[schema["type"]]
