"""Requests and the envelopes left at them: whole, changed, misaddressed, and with something else in them."""

import hashlib
import hmac
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from taina.errors import FormatError
from taina.format.derive import derive_inbox, derive_request
from taina.format.envelope import open_envelope, public_key, seal_envelope
from taina.format.links import Link, encode_link
from vectors.spelling import Vector, b64, checked, fresh_key

LOW_ORDER = {
    "0": "00" * 32,
    "1": "01" + "00" * 31,
    "of order 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "of order 8, the other": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "p - 1": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p, which is 0": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p + 1, which is 1": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}
"""Points with which X25519 gives zeros, whatever the other key (RFC 7748, section 6.1)."""


def requests() -> Iterator[Vector]:
    for name in ("one", "another"):
        seed = fresh_key(f"request {name}")
        inbox = derive_inbox(seed)
        public = public_key(inbox.private)
        request = derive_request(public)
        yield {
            "name": name,
            "seed": b64(seed),
            "private": b64(inbox.private),
            "inbox_token": b64(inbox.token),
            "public": b64(public),
            "id": b64(request.id),
            "answer_token": b64(request.token),
            "request_link": encode_link(Link("request", public)),
            "inbox_link": encode_link(Link("inbox", seed)),
        }


def envelopes() -> Iterator[Vector]:
    """`ephemeral` and `plain` say how it was sealed; `link` what it gives."""
    private = derive_inbox(fresh_key("envelopes")).private
    public = public_key(private)
    key, ephemeral = fresh_key("link in an envelope"), fresh_key("ephemeral")

    def vector(name: str, sealed: bytes, error: str | None = None, **made: str) -> Vector:
        found: Vector = {"name": name, "private": b64(private), "envelope": b64(sealed), **made}
        try:
            link = open_envelope(private, sealed)
        except FormatError as raised:
            return checked(found | {"error": raised.code}, error)
        return checked(found | {"link": encode_link(link)}, error)

    def made(name: str, plain: bytes, ephemeral: bytes = ephemeral, error: str | None = None) -> Vector:
        sealed = _seal(public, ephemeral, b"taina/v1 request" + derive_request(public).id, plain)
        return vector(name, sealed, error, ephemeral=b64(ephemeral), plain=b64(plain))

    def other(name: str, info: bytes | None = None, to: bytes = public, aad: bytes = b"") -> Vector:
        info = b"taina/v1 request" + derive_request(to).id if info is None else info
        return vector(name, _seal(to, ephemeral, info, whole, aad), "tampered")

    whole = b"\x01" + key
    yield made("a secret", whole)
    yield made("a secret with a passphrase", b"\x81" + key)
    yield made("another ephemeral key", whole, fresh_key("ephemeral, another"))
    yield made("an ephemeral key that begins with zero", whole, b"\0" + fresh_key("ephemeral")[1:])

    sealed = _seal(public, ephemeral, b"taina/v1 request" + derive_request(public).id, whole)
    for place in (0, 15, 31, 32, 33, 64, 65, 80):
        changed = bytearray(sealed)
        changed[place] ^= 1
        yield vector(f"a bit of byte {place}", bytes(changed), "tampered")
    yield vector("nothing", b"", "tampered")
    yield vector("cut by a byte", sealed[:-1], "tampered")
    yield vector("only the encapsulated key", sealed[:32], "tampered")
    yield vector("a byte more", sealed + b"\0", "tampered")
    yield vector("twice", sealed + sealed, "tampered")
    for name, point in LOW_ORDER.items():
        yield vector(f"the encapsulated key is {name}", bytes.fromhex(point) + sealed[32:], "tampered")
    yield other("to another request", to=public_key(fresh_key("another")))
    yield other("no info", info=b"")
    yield other("the label alone", info=b"taina/v1 request")
    yield other("the id alone", info=derive_request(public).id)
    yield other("another request's id", info=b"taina/v1 request" + derive_request(fresh_key("another")).id)
    yield other("additional data", aad=b"taina/v1 request")

    for name, plain in {
        "a receipt": b"\x11" + key,
        "a request": b"\x21" + key,
        "an inbox": b"\x31" + key,
        "kind 4": b"\x41" + key,
        "version 0": b"\x00" + key,
        "version 2": b"\x02" + key,
    }.items():
        yield made(f"{name} in it", plain, error="bad_format")
    yield made("a key too short", whole[:-1], error="tampered")
    yield made("a key too long", whole + b"\0", error="tampered")
    yield made("nothing in it", b"", error="tampered")


def misaddressed() -> Iterator[Vector]:
    for name, point in LOW_ORDER.items():
        found: Vector = {"name": name, "public": b64(bytes.fromhex(point))}
        try:
            seal_envelope(bytes.fromhex(point), Link("secret", fresh_key("link in an envelope")))
        except FormatError as raised:
            found["error"] = raised.code
        yield checked(found, "bad_format")


def _seal(public: bytes, ephemeral: bytes, info: bytes, plain: bytes, aad: bytes = b"") -> bytes:
    """SealBase of RFC 9180, written out: the library draws the ephemeral key by itself, and a vector needs its own."""
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = private.public_key().public_bytes_raw()
    kem, hpke = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"

    def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
        return _hmac(salt, b"HPKE-v1" + suite + label + material)

    def expand(suite: bytes, prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        return _hmac(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context + b"\1")[:length]

    agreed = private.exchange(X25519PublicKey.from_public_bytes(public))
    shared = expand(kem, extract(kem, b"", b"eae_prk", agreed), b"shared_secret", enc + public, 32)
    context = b"\0" + extract(hpke, b"", b"psk_id_hash", b"") + extract(hpke, b"", b"info_hash", info)
    secret = extract(hpke, shared, b"secret", b"")
    key, nonce = expand(hpke, secret, b"key", context, 32), expand(hpke, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plain, aad)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)
