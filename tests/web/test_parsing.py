"""What a request carries, read to the edge: each bound from both sides, and which field an error names."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import falcon
import pytest
from falcon.testing import create_environ

from taina import base64url
from taina.errors import InvalidError, MalformedError, MediaTypeError, NotFoundError, TooLargeError
from taina.web.parsing import MAX_JSON, Fields, bearer, parse_bytes, path_number, read_body, read_json

EIGHT = base64url.encode(b"8 bytes.")


def request(body: bytes = b"", content_type: str | None = "application/json", **headers: str) -> falcon.Request:
    own = {} if content_type is None else {"Content-Type": content_type}
    return falcon.Request(create_environ(method="PUT", headers={**own, **headers}, body=body))


def refused(read: Callable[[], object], field: str, detail: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        read()
    assert refusal.value.members["field"] == field
    assert detail in str(refusal.value)


@pytest.mark.parametrize("number", [0, 1, 2**53 - 1])
def test_a_whole_number_is_read(number: int) -> None:
    fields = Fields({"n": number})
    assert fields.integer("n") == number
    fields.done()


@pytest.mark.parametrize("number", [-1, 2**53, 2**53 + 1, -(2**53)])
def test_a_number_that_other_languages_could_not_hold_is_refused(number: int) -> None:
    refused(lambda: Fields({"n": number}).integer("n"), "n", "has to be a whole number from 0 to 2^53 - 1")


@pytest.mark.parametrize(("text", "taken"), [("", False), ("a", True), ("äöü", True), ("abcd", False)])
def test_a_text_has_a_character_at_least_and_so_many_at_most(text: str, taken: bool) -> None:
    fields = Fields({"name": text})
    if taken:
        assert fields.text("name", 3) == text
        fields.done()
    else:
        refused(lambda: fields.text("name", 3), "name", "has to be a text of 1 to 3 characters")


def test_bytes_are_of_their_length_where_one_is_fixed() -> None:
    assert Fields({"b": EIGHT}).bytes("b") == Fields({"b": EIGHT}).bytes("b", 8) == b"8 bytes."
    assert Fields({"b": ""}).bytes("b") == Fields({"b": ""}).bytes("b", 0) == b""
    for length in (0, 7, 9):
        detail = f"has to be {length} bytes in base64url, not 8"
        refused(partial(Fields({"b": EIGHT}).bytes, "b", length), "b", detail)
    refused(lambda: parse_bytes("b", "A"), "b", "cannot be read: not a possible length of base64url")


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_read(value: bool) -> None:
    assert Fields({"flag": value}).boolean("flag") is value


READ: list[tuple[Callable[[Fields, str], object], str, list[Any]]] = [
    (lambda fields, name: fields.bytes(name), "a string of base64url", [None, 1, True, b""]),
    (lambda fields, name: fields.integer(name), "a whole number", [None, "1", True, 1.0]),
    (lambda fields, name: fields.text(name, 3), "a text", [None, 1, ["a"]]),
    (lambda fields, name: fields.boolean(name), "true or false", [None, 0, 1, "true"]),
    (lambda fields, name: fields.fields(name), "an object", [None, [], "a"]),
]


@pytest.mark.parametrize(("read", "expected", "wrong"), READ, ids=[expected for _, expected, _ in READ])
@pytest.mark.parametrize("path", ["", "claim."])
def test_an_error_names_the_field_by_its_whole_path(
    path: str, read: Callable[[Fields, str], object], expected: str, wrong: list[Any]
) -> None:
    def given(**values: object) -> Fields:
        return Fields({"claim": values}).fields("claim") if path else Fields(values)

    refused(lambda: read(given(), "x"), f"{path}x", f"The field is missing; it is {expected}.")
    for value in wrong:
        refused(partial(read, given(x=value), "x"), f"{path}x", f"The field has to be {expected}.")
    refused(given(x=1).done, f"{path}x", "no such field")


def test_what_is_read_wrong_within_an_object_is_named_by_its_path() -> None:
    claim = {"number": -1, "text": "", "bytes": "="}
    refused(lambda: Fields({"claim": claim}).fields("claim").integer("number"), "claim.number", "2^53")
    refused(lambda: Fields({"claim": claim}).fields("claim").text("text", 1), "claim.text", "1 to 1")
    refused(lambda: Fields({"claim": claim}).fields("claim").bytes("bytes"), "claim.bytes", "cannot be read")
    deep = Fields({"a": {"b": {"c": 1}}}).fields("a").fields("b")
    refused(deep.done, "a.b.c", "no such field")


def test_a_field_is_taken_once() -> None:
    values = {"a": 1, "b": 2}
    fields = Fields(values)
    assert (fields.has("a"), fields.has("c")) == (True, False)
    assert fields.integer("a") == 1
    assert not fields.has("a")
    refused(lambda: fields.integer("a"), "a", "missing")
    refused(fields.done, "b", "no such field")
    assert values == {"a": 1, "b": 2}, "what was handed in is not changed"


def test_of_the_name_of_an_unknown_field_no_more_than_a_hundred_characters_are_said() -> None:
    refused(Fields({"n" * 100: 1}).done, "n" * 100, "no such field")
    refused(Fields({"n" * 101: 1}).done, "n" * 100, "no such field")


def test_an_object_is_read() -> None:
    fields = read_json(request(b'{"a": 1, "b": {"c": "\xc3\xa4"}}'))
    assert fields.integer("a") == 1
    assert fields.fields("b").text("c", 1) == "ä"
    fields.done()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"text"', b"1", b"{}{}", b"\xff\xfe", b'{"a": "\xff"}'),
        *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}'),
        *(b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}'),
        *(b"[" * 100_000, b'{"a":' + b"1" * 100_000 + b"}"),
    ],
)
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        read_json(request(body))


def test_a_body_of_json_has_a_mebibyte_and_a_half() -> None:
    assert MAX_JSON == 1_572_864
    body = json.dumps({"a": ""}).encode()
    longest = body[:-2] + b"a" * (MAX_JSON - len(body)) + body[-2:]
    assert len(read_json(request(longest)).text("a", MAX_JSON)) == MAX_JSON - len(body)
    with pytest.raises(TooLargeError, match="at most 1572864 bytes") as refusal:
        read_json(request(longest + b" "))
    assert refusal.value.members["field"] == "body"


def test_a_body_is_read_whole_and_no_further() -> None:
    environ = create_environ(method="PUT", headers={"Content-Type": "text/plain"}, body=b"abcdef")
    environ["CONTENT_LENGTH"] = "4"
    assert read_body(falcon.Request(environ), "text/plain", 4) == b"abcd"
    assert read_body(request(content_type="text/plain"), "text/plain", 0) == b""


@pytest.mark.parametrize(
    "given", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", " application/json ;"]
)
def test_a_type_is_the_same_however_it_is_written(given: str) -> None:
    assert read_body(request(b"{}", given), "application/json", 2) == b"{}"


@pytest.mark.parametrize("given", [None, "", "text/plain", "application/json2", "text/plain; application/json"])
def test_another_type_is_refused_before_the_size(given: str | None) -> None:
    with pytest.raises(MediaTypeError, match="as application/json") as refusal:
        read_body(request(b"{}", given), "application/json", 1)
    assert refusal.value.members["field"] == "Content-Type"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_read(scheme: str) -> None:
    assert bearer(request(Authorization=f"{scheme} {base64url.encode(bytes(32))}")) == bytes(32)


def test_who_proves_nothing_finds_nothing() -> None:
    with pytest.raises(NotFoundError):
        bearer(request())


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("", "`Bearer` and a token"),
        ("Basic dXNlcjpwYXNz", "`Bearer` and a token"),
        (base64url.encode(bytes(32)), "`Bearer` and a token"),
        ("Bearer", "32 bytes"),
        (f"Bearer {base64url.encode(bytes(31))}", "32 bytes"),
        (f"Bearer {base64url.encode(bytes(33))}", "32 bytes"),
        (f"Bearer  {base64url.encode(bytes(32))}", "cannot be read"),
    ],
)
def test_what_is_no_token_of_32_bytes_is_refused(header: str, detail: str) -> None:
    refused(lambda: bearer(request(Authorization=header)), "Authorization", detail)


@pytest.mark.parametrize("text", ["0", "7", "10", "99", "999999999"])
def test_a_chunk_has_a_plain_number(text: str) -> None:
    assert path_number(text) == int(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "x", "1.0", "01", "00", "1e3", "1_0", " 1", "٣", "²", "1000000000"])
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    refused(lambda: path_number(text), "n", "counted from 0")
