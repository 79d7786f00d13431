"""Whole secrets, from the items to the links and to the call that creates them."""

from collections.abc import Iterator

from vectors.notation import EXPIRES, Vector, fresh_key, patterned, pieces_of
from vectors.reference import (
    CHUNK_SIZE,
    b64,
    content_keys,
    flags,
    header,
    hkdf,
    link,
    link_keys,
    payload,
    sealed,
    sha256,
)


def secrets() -> Iterator[Vector]:
    def vector(
        name: str, items: list[tuple[Vector, bytes]], passphrase: str | None = None, sealed_whole: bool = False
    ) -> Vector:
        key, receipt_key = fresh_key(f"{name} K"), fresh_key(f"{name} R")
        keys, content = link_keys(key), content_keys(key, passphrase)
        members = [{**item, "size": len(body)} for item, body in items]
        whole = payload(members, EXPIRES, [body for _, body in items])
        chunks = sealed(content["content"], flags("secret", passphrase is not None), keys["id"], whole)
        create: Vector = {
            "link_hash": b64(sha256(keys["proof"])),
            "reveal_hash": b64(sha256(content["reveal"])),
            "receipt_id": b64(hkdf(receipt_key, "receipt-id", 16)),
            "receipt_hash": b64(sha256(hkdf(receipt_key, "receipt-token", 32))),
            "ttl": 604_800,
            "chunks": len(chunks),
            "size": sum(map(len, chunks)),
            "passphrase": passphrase is not None,
        }
        if sealed_whole:
            create["content"] = b64(chunks[0])
        return {
            "name": name,
            "key": b64(key),
            "receipt_key": b64(receipt_key),
            "passphrase": passphrase,
            "expires": EXPIRES,
            "items": [_given(item, body) for item, body in items],
            "header": b64(header(members, EXPIRES)),
            "payload": b64(sha256(whole)),
            "sealed": [b64(sha256(chunk)) for chunk in chunks],
            "id": b64(keys["id"]),
            "create": create,
            "link": link("secret", key, passphrase is not None),
            "receipt_link": link("receipt", receipt_key + sha256(content["opened"])[:16]),
        }

    def text(value: str) -> tuple[Vector, bytes]:
        return {"type": "text"}, value.encode()

    def file(name: str, size: int, mime: str = "application/octet-stream") -> tuple[Vector, bytes]:
        return {"type": "file", "name": name, "mime": mime}, patterned(size)

    yield vector("the worked example", [text("The safe opens with 4711.")], "тайна", sealed_whole=True)
    yield vector("without a passphrase", [text("The safe opens with 4711.")], sealed_whole=True)
    yield vector("an empty text", [text("")], sealed_whole=True)
    yield vector("a text in many scripts", [text("Здравей, مرحبا, שלום, 你好, 👩‍💻\r\n\0")], sealed_whole=True)
    yield vector("a text and two files", [text("two files"), file("а.bin", 10, ""), file("b.txt", 0, "text/plain")])
    yield vector("a file of exactly 1 MiB", [file("1.bin", CHUNK_SIZE)])
    yield vector("a file of 1 MiB + 1", [file("2.bin", CHUNK_SIZE + 1)])
    yield vector("three chunks with a passphrase", [file("3.bin", 2 * CHUNK_SIZE + 1)], "ﬁ 🔑")


def _given(item: Vector, body: bytes) -> Vector:
    """An item as a writer is given it; `name` is the vector's own."""
    named = {"file": item["name"], "mime": item["mime"]} if item["type"] == "file" else {}
    return {"type": item["type"], **named, "data": pieces_of(body)}
