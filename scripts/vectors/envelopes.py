"""Requests and the envelopes left at them: whole, changed, misaddressed, and with something else in them."""

from collections.abc import Iterator

from vectors.notation import Vector, fresh_key
from vectors.reference import b64, envelope, hkdf, link, public_key

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
        private = hkdf(seed, "request-key", 32)
        public = public_key(private)
        yield {
            "name": name,
            "seed": b64(seed),
            "private": b64(private),
            "inbox_token": b64(hkdf(seed, "inbox", 32)),
            "public": b64(public),
            "id": b64(hkdf(public, "request-id", 16)),
            "answer_token": b64(hkdf(public, "answer", 32)),
            "request_link": link("request", public),
            "inbox_link": link("inbox", seed),
        }


def envelopes() -> Iterator[Vector]:
    """`ephemeral` and `plain` say how it was sealed; `link` what it gives."""
    private = hkdf(fresh_key("envelopes"), "request-key", 32)
    public = public_key(private)
    key, ephemeral = fresh_key("link in an envelope"), fresh_key("ephemeral")

    def read(name: str, plain: bytes, ephemeral: bytes = ephemeral) -> Vector:
        gives = link("secret", plain[1:], passphrase=plain[0] == 0x81)
        return made(name, plain, ephemeral) | {"link": gives}

    def made(name: str, plain: bytes, ephemeral: bytes = ephemeral) -> Vector:
        left = {"name": name, "private": b64(private), "envelope": b64(envelope(public, ephemeral, plain))}
        return left | {"ephemeral": b64(ephemeral), "plain": b64(plain)}

    def tampered(name: str, sealed: bytes) -> Vector:
        return {"name": name, "private": b64(private), "envelope": b64(sealed), "error": "tampered"}

    def other(name: str, info: bytes | None = None, to: bytes = public, aad: bytes = b"") -> Vector:
        return tampered(name, envelope(to, ephemeral, whole, info, aad))

    whole = b"\x01" + key
    yield read("a secret", whole)
    yield read("a secret with a passphrase", b"\x81" + key)
    yield read("another ephemeral key", whole, fresh_key("ephemeral, another"))
    yield read("an ephemeral key that begins with zero", whole, b"\0" + fresh_key("ephemeral")[1:])

    sealed = envelope(public, ephemeral, whole)
    for place in (0, 15, 31, 32, 33, 64, 65, 80):
        changed = bytearray(sealed)
        changed[place] ^= 1
        yield tampered(f"a bit of byte {place}", bytes(changed))
    yield tampered("nothing", b"")
    yield tampered("cut by a byte", sealed[:-1])
    yield tampered("only the encapsulated key", sealed[:32])
    yield tampered("a byte more", sealed + b"\0")
    yield tampered("twice", sealed + sealed)
    for name, point in LOW_ORDER.items():
        yield tampered(f"the encapsulated key is {name}", bytes.fromhex(point) + sealed[32:])
    yield other("to another request", to=public_key(fresh_key("another")))
    yield other("no info", info=b"")
    yield other("the label alone", info=b"taina/v1 request")
    yield other("the id alone", info=hkdf(public, "request-id", 16))
    yield other("another request's id", info=b"taina/v1 request" + hkdf(fresh_key("another"), "request-id", 16))
    yield other("additional data", aad=b"taina/v1 request")

    for name, plain in {
        "a receipt": b"\x11" + key,
        "a request": b"\x21" + key,
        "an inbox": b"\x31" + key,
        "kind 4": b"\x41" + key,
        "version 0": b"\x00" + key,
        "version 2": b"\x02" + key,
    }.items():
        yield made(f"{name} in it", plain) | {"error": "bad_format"}
    yield made("a key too short", whole[:-1]) | {"error": "tampered"}
    yield made("a key too long", whole + b"\0") | {"error": "tampered"}
    yield made("nothing in it", b"") | {"error": "tampered"}


def misaddressed() -> Iterator[Vector]:
    for name, point in LOW_ORDER.items():
        yield {"name": name, "public": b64(bytes.fromhex(point)), "error": "bad_format"}
