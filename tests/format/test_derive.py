"""Derivation against the RFCs written out once more, in the slowest and plainest way."""

import hmac
import unicodedata
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina.errors import FormatError
from taina.format import derive
from taina.format.derive import KEY_SIZE, derive_content_keys, derive_link_keys, hkdf, stretch


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


@given(st.binary(max_size=80), st.text("abc-", max_size=20), st.integers(1, 80))
def test_hkdf_is_rfc_5869(material: bytes, label: str, length: int) -> None:
    pseudorandom = hmac_sha256(b"taina/v1", material)
    block, output = b"", b""
    for number in range(1, 4):
        block = hmac_sha256(pseudorandom, block + label.encode() + bytes([number]))
        output += block
    assert hkdf(material, label, length) == output[:length]


def test_stretch_is_rfc_8018() -> None:
    block = total = hmac_sha256("тайна".encode(), b"0123456789abcdef" + b"\0\0\0\1")
    for _ in range(600_000 - 1):
        block = hmac_sha256("тайна".encode(), block)
        total = (int.from_bytes(total) ^ int.from_bytes(block)).to_bytes(32)
    assert stretch("тайна", b"0123456789abcdef") == total


def test_all_keys_differ() -> None:
    key = bytes(KEY_SIZE)
    link, content = derive_link_keys(key), derive_content_keys(key, None)
    keys = {link.id, link.proof, link.salt, content.content, content.reveal, content.opened}
    assert len(keys | {key, key[:16], link.proof[:16]}) == 9


@given(passphrase=st.text(st.characters(), min_size=1, max_size=8))
def test_passphrases_equal_after_nfkc_are_one(passphrase: str) -> None:
    """In one round, so that there is time for many: what is normalised does not depend on their number."""
    normal = unicodedata.normalize("NFKC", passphrase)
    with mock.patch.object(derive, "ROUNDS", 1):
        try:
            stretched = stretch(passphrase, bytes(16))
        except FormatError:
            assert not normal or any(unicodedata.category(letter) == "Cs" for letter in passphrase)
        else:
            assert stretched == stretch(normal, bytes(16))


@pytest.mark.parametrize("passphrase", ["", "\ud800", "a\udfff"])
def test_passphrases_that_cannot_be_written_are_refused(passphrase: str) -> None:
    with pytest.raises(FormatError):
        derive_content_keys(bytes(KEY_SIZE), passphrase)
