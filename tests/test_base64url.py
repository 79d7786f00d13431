"""base64url is read strictly: each byte string has one spelling, and whatever is not it is refused."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina import base64url

ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.binary(max_size=200))
def test_it_is_that_of_the_standard_without_padding(data: bytes) -> None:
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert base64url.decode(text) == data


@given(st.text(alphabet=ALPHABET, max_size=12) | st.text(alphabet=ALPHABET + "+/= \n\0é", max_size=12) | st.text())
def test_what_is_read_is_what_would_be_written_and_nothing_else_is_refused(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        assert not is_spelling(text)
    else:
        assert base64url.encode(data) == text


def is_spelling(text: str) -> bool:
    """Whether it is the one of some bytes, by the decoder of the standard library, which passes over much."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("stranger", ["+", "/", "=", " ", "\n", "\r\n", "\0", "é", "а", "\ud800", "A=", "=="])
def test_a_stranger_is_refused_wherever_it_stands(size: int, stranger: str) -> None:
    text = base64url.encode(bytes(size))
    for place in range(len(text) + 1):
        for around in (text[:place] + stranger + text[place:], text[:place] + stranger + text[place + 1 :]):
            with pytest.raises(ValueError, match=r"base64url|stray bits"):
                base64url.decode(around)
