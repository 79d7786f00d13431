"""Keys from a link, a passphrase, a receipt key, a claim seed."""

from collections.abc import Iterator

from taina.errors import FormatError
from taina.format.derive import derive_claim, derive_content_keys, derive_link_keys, derive_receipt
from vectors.spelling import Vector, b64, checked, fresh_key


def derivation() -> Iterator[Vector]:
    def vector(name: str, passphrase: str | None, error: str | None = None) -> Vector:
        key = fresh_key("derivation")
        link = derive_link_keys(key)
        found: Vector = {"name": name, "key": b64(key), "passphrase": passphrase}
        found |= {"id": b64(link.id), "proof": b64(link.proof), "salt": b64(link.salt)}
        try:
            content = derive_content_keys(key, passphrase)
        except FormatError as raised:
            return checked(found | {"error": raised.code}, error)
        found |= {"content": b64(content.content), "reveal": b64(content.reveal), "opened": b64(content.opened)}
        return checked(found, error)

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
        receipt, claim = derive_receipt(key), derive_claim(key)
        yield {
            "name": name,
            "key": b64(key),
            "receipt_id": b64(receipt.id),
            "receipt_token": b64(receipt.token),
            "claim_id": b64(claim.id),
            "claim_token": b64(claim.token),
        }
