"""Reads what a request carries, strictly: one shape, every field checked, nothing unknown let through."""

import json
from collections.abc import Mapping
from typing import NoReturn, TypeVar

import falcon

from taina import base64url
from taina.errors import InvalidError, MalformedError, MediaTypeError, NotFoundError, TooLargeError

T = TypeVar("T")

MAX_JSON = 1536 << 10
"""Bytes of a JSON body: a whole chunk as base64url (1.34 MiB) and the fields beside it."""


class Fields:
    """A JSON object whose fields are taken one by one; `done` refuses what was not asked for."""

    def __init__(self, values: Mapping[str, object], path: str = "") -> None:
        self._values = dict(values)
        self._path = path

    def bytes(self, name: str, length: int | None = None) -> bytes:
        """Bytes in base64url; of `length` bytes, where that is fixed. Raises: InvalidError, as all of these do."""
        return parse_bytes(self._path + name, self._take(name, str, "a string of base64url"), length)

    def integer(self, name: str) -> int:
        """A whole number from 0 to 2^53 - 1."""
        value = self._take(name, int, "a whole number")
        if not 0 <= value < 1 << 53:
            self._refuse(name, "a whole number from 0 to 2^53 - 1")
        return value

    def text(self, name: str, most: int) -> str:
        """A text of 1 to `most` characters."""
        value = self._take(name, str, "a text")
        if not 0 < len(value) <= most:
            self._refuse(name, f"a text of 1 to {most} characters")
        return value

    def boolean(self, name: str) -> bool:
        """True or false."""
        return self._take(name, bool, "true or false")

    def fields(self, name: str) -> "Fields":
        """An object, whose fields are taken in the same way."""
        return Fields(self._take(name, dict, "an object"), f"{self._path}{name}.")

    def has(self, name: str) -> bool:
        """Whether the field is there and was not taken yet."""
        return name in self._values

    def done(self) -> None:
        """Raises: InvalidError: a field was not taken, so nobody knows it."""
        for name in self._values:
            raise InvalidError("There is no such field; see /api/v1/openapi.json.", field=(self._path + name)[:100])

    def _take(self, name: str, kind: type[T], expected: str) -> T:
        if name not in self._values:
            raise InvalidError(f"The field is missing; it is {expected}.", field=self._path + name)
        value = self._values.pop(name)
        if type(value) is not kind:  # an exact test: True is an int to Python
            self._refuse(name, expected)
        return value

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise InvalidError(f"The field has to be {expected}.", field=self._path + name)


def parse_bytes(field: str, text: str, length: int | None = None) -> bytes:
    """Bytes of base64url; `field` is what an error names. Raises: InvalidError."""
    try:
        data = base64url.decode(text)
    except ValueError as error:
        raise InvalidError(f"The field cannot be read: {error}.", field=field) from None
    if length is not None and len(data) != length:
        raise InvalidError(f"The field has to be {length} bytes in base64url, not {len(data)}.", field=field)
    return data


def read_json(request: falcon.Request) -> Fields:
    """The body as an object. Raises: MediaTypeError, TooLargeError, MalformedError."""
    body = read_body(request, "application/json", MAX_JSON)
    try:
        values = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedError from None
    if not isinstance(values, dict):
        raise MalformedError
    return Fields(values)


def read_body(request: falcon.Request, content_type: str, most: int) -> bytes:
    """The whole body. Raises: MediaTypeError, TooLargeError."""
    given = (request.content_type or "").partition(";")[0].strip().lower()
    if given != content_type:
        raise MediaTypeError(f"Send this call's body as {content_type}.", field="Content-Type")
    if (request.content_length or 0) > most:
        raise TooLargeError(f"The body of this call has at most {most} bytes.", field="body")
    body: bytes = request.bounded_stream.read(most)
    return body


def bearer(request: falcon.Request) -> bytes:
    """The 32 bytes of `Authorization: Bearer …`.

    Raises:
        NotFoundError: there is none; the answer is that for everything unproved.
        InvalidError: it is not 32 bytes in base64url.
    """
    header = request.get_header("Authorization")
    if header is None:
        raise NotFoundError
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidError("The header has to be `Bearer` and a token.", field="Authorization")
    return parse_bytes("Authorization", token, 32)


def path_number(text: str) -> int:
    """A chunk's number from the path, written without sign, space or leading zero."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and str(int(text)) == text):
        raise InvalidError("A chunk's number is a whole number, counted from 0.", field="n")
    return int(text)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
