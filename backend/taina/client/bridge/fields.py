"""The fields of a call, however a client sends them: in the query, a form of either kind, or JSON.

What cannot be kept as it is, is refused: never a secret that was altered, or that lost its passphrase.
"""

import json
import re
from typing import NoReturn
from urllib.parse import parse_qsl

import falcon

from taina.errors import InvalidError

_NESTED = re.compile(r"(\w+)\[(\w+)\]")
"""How forms name a field of a field: `secret[ttl]`."""
_UTF8 = ("utf-8", "utf8", "us-ascii")


class Fields:
    """Values by name; what is not there counts as empty."""

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A text, or a whole number as its digits. Raises: InvalidError: it is neither."""
        value = self._values.get(name)
        if value is None:
            return ""
        if type(value) not in (str, int):
            raise InvalidError(f"{name} has to be a text or a number", field=name)
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
            raise InvalidError(f"{name} is not Unicode. Nothing was kept.", field=name) from None
        return text

    def flag(self, name: str, default: bool = False) -> bool:
        """`true`, as JSON or as a word. Raises: InvalidError: it is neither that nor `false`."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        word = str(value).lower() if type(value) in (bool, str, int) else ""
        if word in ("true", "1"):
            return True
        if word in ("false", "0"):
            return False
        raise InvalidError(f"{name} is either true or false", field=name)

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number; None where there is none. Raises: InvalidError: it is none, or out of bounds."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise InvalidError(f"{name} is a whole number from {least} to {most}", field=name)
        return int(text)

    def inner(self, name: str) -> "Fields":
        """The fields of a field. Raises: InvalidError: it has none."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise InvalidError("Incorrect payload format", field=name)
        return Fields(value)

    def list(self, name: str) -> list[str]:
        """Texts, or one with commas between them. Raises: InvalidError."""
        value = self._values.get(name)
        if isinstance(value, list):
            return [Fields({name: one}).text(name) for one in value]
        return [one for one in self.text(name).split(",") if one]


def read_fields(request: falcon.Request) -> Fields:
    """Of the query and the body together.

    Raises:
        InvalidError: a field that appears twice, is not UTF-8, or cannot be read.
        falcon.HTTPUnsupportedMediaType: the body is neither a form nor JSON.
    """
    given = _pairs(request.query_string)
    if request.content_length:
        given += _of_body(request)
    values: dict[str, object] = {}
    for name, value in given:
        nested = _NESTED.fullmatch(name)
        if nested is None:
            inside, name = values, name
        else:
            found = values.setdefault(nested[1], {})
            inside, name = found if isinstance(found, dict) else values, nested[2]
        if name in inside:
            raise InvalidError("A field appears twice. Nothing was kept.", field=name)
        inside[name] = value
    return Fields(values)


def _of_body(request: falcon.Request) -> list[tuple[str, object]]:
    kind = _kind(request.content_type or "application/x-www-form-urlencoded")
    if kind == "multipart/form-data":
        given: list[tuple[str, object]] = []
        for part in request.get_media():
            _kind(part.content_type or "")
            given.append((part.name or "", _utf8(part.get_data())))
        return given
    body = request.bounded_stream.read()
    if kind == "application/x-www-form-urlencoded":
        return _pairs(_utf8(body))
    if kind == "application/json" or kind.endswith("+json"):
        try:
            values = _DECODER.decode(_utf8(body).removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            raise InvalidError("The body is not JSON, or a name appears twice in it. Nothing was kept.") from None
        if not isinstance(values, dict):
            raise InvalidError("Send a form or a JSON object.")
        return list(values.items())
    raise falcon.HTTPUnsupportedMediaType(
        description="Send a form (application/x-www-form-urlencoded or multipart/form-data) or application/json."
    )


def _kind(content_type: str) -> str:
    """The media type alone. Raises: InvalidError: its charset is not UTF-8."""
    kind, parameters = falcon.parse_header(content_type)
    if parameters.get("charset", "utf-8").lower() not in _UTF8:
        raise InvalidError("Send UTF-8, and no other charset. Nothing was kept.")
    return kind.strip().lower()


def _pairs(text: str) -> list[tuple[str, object]]:
    try:
        return list(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise InvalidError("A field is not UTF-8. Nothing was kept.") from None


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidError(
            "A field is not UTF-8. Nothing was kept. Files of any content are sent by `taina send`."
        ) from None


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name appears twice in an object")
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
