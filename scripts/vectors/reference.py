"""The format once more, from its document alone (site/texts/en/format.md): what makes the expected values of vectors.

It knows hashes, AES-GCM and X25519, and nothing of Taina, so that both implementations are candidates and neither is
the judge. It only writes: what a reader has to refuse, and as what, each vector says itself.
"""

import base64
import hashlib
import hmac
import json
import unicodedata
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK_SIZE = 1 << 20
KINDS = {"secret": 0, "receipt": 1, "request": 2, "inbox": 3}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# Derivation


def hkdf(material: bytes, label: str, size: int) -> bytes:
    """At most 32 bytes: one block of RFC 5869 is enough for everything here."""
    return _hmac(_hmac(b"taina/v1", material), label.encode() + b"\x01")[:size]


def link_keys(key: bytes) -> dict[str, bytes]:
    return {"id": hkdf(key, "id", 16), "proof": hkdf(key, "link", 32), "salt": hkdf(key, "passphrase-salt", 16)}


def content_keys(key: bytes, passphrase: str | None) -> dict[str, bytes]:
    material = key
    if passphrase is not None:
        normalised = unicodedata.normalize("NFKC", passphrase).encode()
        material += hashlib.pbkdf2_hmac("sha256", normalised, link_keys(key)["salt"], 600_000, 32)
    return {name: hkdf(material, name, 32) for name in ("content", "reveal", "opened")}


# Links


def flags(kind: str, passphrase: bool = False) -> int:
    return 1 | KINDS[kind] << 4 | passphrase << 7


def link(kind: str, body: bytes, passphrase: bool = False) -> str:
    return raw_link(flags(kind, passphrase), body)


def raw_link(flags: int, body: bytes) -> str:
    """With any flags and any body, and the check that belongs to them."""
    start = bytes([flags]) + body
    return b64(start + sha256(b"taina/v1 link" + start)[:2])


# Content


def header(items: list[dict[str, Any]], expires: int) -> bytes:
    """The length and the document; the items with their members in the order of the document."""
    document = json.dumps({"v": 1, "items": items, "expires": expires}, ensure_ascii=False, separators=(",", ":"))
    encoded = document.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def padded_size(size: int) -> int:
    if size <= 1024:
        return 1024
    exponent = size.bit_length() - 1  # floor(log2 L)
    step = 1 << (exponent - exponent.bit_length())  # bit_length is floor(log2 E) + 1
    return -(-size // step) * step


def payload(items: list[dict[str, Any]], expires: int, bodies: list[bytes]) -> bytes:
    whole = header(items, expires) + b"".join(bodies)
    return whole + bytes(padded_size(len(whole)) - len(whole))


# Sealing


def chunk_count(size: int) -> int:
    """Of a payload of `size` bytes, which are never none."""
    return -(-size // CHUNK_SIZE)


def sealed_chunk(key: bytes, flags: int, secret_id: bytes, n: int, last: bool, plain: bytes) -> bytes:
    nonce, data = n.to_bytes(11, "big") + bytes([last]), b"taina/v1 content" + bytes([flags]) + secret_id
    return AESGCM(key).encrypt(nonce, plain, data)


def sealed(key: bytes, flags: int, secret_id: bytes, payload: bytes) -> list[bytes]:
    count = chunk_count(len(payload))
    return [
        sealed_chunk(key, flags, secret_id, n, n == count - 1, payload[n * CHUNK_SIZE : (n + 1) * CHUNK_SIZE])
        for n in range(count)
    ]


# Requests


def public_key(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def envelope(public: bytes, ephemeral: bytes, plain: bytes, info: bytes | None = None, aad: bytes = b"") -> bytes:
    """SealBase of RFC 9180 with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

    Args:
        ephemeral: the private key, which a writer draws.
        info, aad: other than the document's, for envelopes that have to be refused.
    """
    if info is None:
        info = b"taina/v1 request" + hkdf(public, "request-id", 16)
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"

    def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
        return _hmac(salt, b"HPKE-v1" + suite + label + material)

    def expand(suite: bytes, prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
        return _hmac(prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context + b"\x01")[:size]

    enc = public_key(ephemeral)
    agreed = X25519PrivateKey.from_private_bytes(ephemeral).exchange(X25519PublicKey.from_public_bytes(public))
    shared = expand(kem, extract(kem, b"", b"eae_prk", agreed), b"shared_secret", enc + public, 32)
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    key, nonce = expand(suite, secret, b"key", context, 32), expand(suite, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plain, aad)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
