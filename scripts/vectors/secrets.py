"""Whole secrets, from the items to the links and to the call that creates them."""

from collections.abc import Iterator

from taina.format.derive import derive_content_keys, derive_link_keys, derive_receipt, sha256
from taina.format.links import Link, encode_link
from taina.format.payload import CHUNK_SIZE, Header, Item, encode_header, pack
from taina.format.stream import StreamKey, seal
from vectors.spelling import EXPIRES, Vector, b64, bytes_of, fresh_key, patterned, pieces_of


def secrets() -> Iterator[Vector]:
    def vector(name: str, items: list[Vector], passphrase: str | None = None, sealed_whole: bool = False) -> Vector:
        bodies = [bytes_of(item["data"]) for item in items]
        header = Header(
            tuple(
                Item(item["type"], len(body), item.get("file"), item.get("mime"))
                for item, body in zip(items, bodies, strict=True)
            ),
            EXPIRES,
        )
        key, receipt_key = fresh_key(f"{name} K"), fresh_key(f"{name} R")
        link = Link("secret", key, passphrase is not None)
        keys, content, receipt = (
            derive_link_keys(key),
            derive_content_keys(key, passphrase),
            derive_receipt(receipt_key),
        )
        payload = b"".join(pack(header, bodies))
        sealed = list(seal(StreamKey(content.content, link.flags, keys.id), [payload]))
        create: Vector = {
            "link_hash": b64(sha256(keys.proof)),
            "reveal_hash": b64(sha256(content.reveal)),
            "receipt_id": b64(receipt.id),
            "receipt_hash": b64(sha256(receipt.token)),
            "ttl": 604_800,
            "chunks": len(sealed),
            "size": sum(map(len, sealed)),
            "passphrase": passphrase is not None,
        }
        if sealed_whole:
            create["content"] = b64(sealed[0])
        return {
            "name": name,
            "key": b64(key),
            "receipt_key": b64(receipt_key),
            "passphrase": passphrase,
            "expires": EXPIRES,
            "items": items,
            "header": b64(encode_header(header)),
            "payload": b64(sha256(payload)),
            "sealed": [b64(sha256(chunk)) for chunk in sealed],
            "id": b64(keys.id),
            "create": create,
            "link": encode_link(link),
            "receipt_link": encode_link(Link("receipt", receipt_key + sha256(content.opened)[:16])),
        }

    def text(value: str) -> Vector:
        return {"type": "text", "data": pieces_of(value.encode())}

    def file(name: str, size: int, mime: str = "application/octet-stream") -> Vector:
        return {"type": "file", "file": name, "mime": mime, "data": pieces_of(patterned(size))}

    yield vector("the worked example", [text("The safe opens with 4711.")], "тайна", sealed_whole=True)
    yield vector("without a passphrase", [text("The safe opens with 4711.")], sealed_whole=True)
    yield vector("an empty text", [text("")], sealed_whole=True)
    yield vector("a text in many scripts", [text("Здравей, مرحبا, שלום, 你好, 👩‍💻\r\n\0")], sealed_whole=True)
    yield vector("a text and two files", [text("two files"), file("а.bin", 10, ""), file("b.txt", 0, "text/plain")])
    yield vector("a file of exactly 1 MiB", [file("1.bin", CHUNK_SIZE)])
    yield vector("a file of 1 MiB + 1", [file("2.bin", CHUNK_SIZE + 1)])
    yield vector("three chunks with a passphrase", [file("3.bin", 2 * CHUNK_SIZE + 1)], "ﬁ 🔑")
