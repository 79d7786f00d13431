"""Keys from a link, a passphrase, a receipt key, a claim seed."""

from collections.abc import Iterator

from vectors.notation import Vector, encoded, fresh_key
from vectors.reference import b64, content_keys, hkdf, link_keys


def derivation() -> Iterator[Vector]:
    def vector(name: str, passphrase: str | None, error: str | None = None) -> Vector:
        key = fresh_key("derivation")
        made = {"name": name, "key": b64(key), "passphrase": passphrase, **encoded(link_keys(key))}
        return made | ({"error": error} if error else encoded(content_keys(key, passphrase)))

    yield vector("no passphrase", None)
    yield vector("ASCII", "correct horse battery staple")
    yield vector("not trimmed", " correct horse battery staple\n")
    yield vector("Bulgarian", "тайна")
    yield vector("emoji outside the first plane", "🔑👩‍💻")
    yield vector("composed", "caf\u00e9")
    yield vector("decomposed, the same as composed", "cafe\u0301")
    yield vector("two letters", "fish")
    yield vector("a ligature, the same as two letters", "\ufb01sh")
    yield vector("full width, the same as two letters", "\uff46\uff49\uff53\uff48")
    yield vector("a no-break space, the same as a space", "a\u00a0b")
    yield vector("a space", "a b")
    yield vector("a null inside", "a\0b")
    yield vector("longer than a block of SHA-256", "x" * 65)
    yield vector("empty", "", "bad_format")
    yield vector("half a character", "a\ud83d", "bad_format")
    yield vector("halves in the wrong order", "\udd11\ud83d", "bad_format")


def tokens() -> Iterator[Vector]:
    for name in ("one", "another"):
        key = fresh_key(f"token {name}")
        yield {
            "name": name,
            "key": b64(key),
            "receipt_id": b64(hkdf(key, "receipt-id", 16)),
            "receipt_token": b64(hkdf(key, "receipt-token", 32)),
            "claim_id": b64(hkdf(key, "claim-id", 16)),
            "claim_token": b64(hkdf(key, "claim-token", 32)),
        }
