"""Write tests/vectors/*.json: the wire format as examples, which both implementations are held to.

Deterministic: the same code gives the same bytes. One vector has one reason, named for it; one that must be
refused names the error. Bytes are base64url, or pieces `{"repeat": pattern, "size": n}` for what is long;
hashes of long bytes are SHA-256. What each file's members mean is said by its `about`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from vectors.envelopes import envelopes, misaddressed, requests
from vectors.headers import headers
from vectors.keys import derivation, tokens
from vectors.links import links
from vectors.notation import Vector
from vectors.payloads import payloads, sizes
from vectors.secrets import secrets
from vectors.streams import missealed, streams, tampered

OUT = Path(__file__).parents[1] / "tests" / "vectors"


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for name, content in make().items():
        (OUT / name).write_bytes(content)


def make() -> dict[str, bytes]:
    """Every file's name and content."""
    files = {
        "derivation": ("Keys of a link (32 bytes), alone and with a passphrase.", derivation()),
        "tokens": ("What a receipt key and a claim seed (32 bytes) give.", tokens()),
        "links": ("Texts that are read as a link of `kind`; `written` marks what a writer gives.", links()),
        "headers": ("The start of a first chunk; `written` marks what a writer gives.", headers()),
        "sizes": ("Bytes before padding, of the payload, its chunks, and sealed.", sizes()),
        "payloads": ("Whole payloads, and the SHA-256 of each item.", payloads()),
        "streams": ("Payloads and the SHA-256 of each sealed chunk.", streams()),
        "tampered": ("Sealed streams that were changed: `chunks` says which stand where.", tampered()),
        "missealed": ("Chunks that were sealed with the right key, but not as a stream.", missealed()),
        "secrets": ("Whole secrets: from the items to the links and the call that creates them.", secrets()),
        "requests": ("What an asker's seed gives: the keys, tokens and links of a request.", requests()),
        "envelopes": (
            "What is left at a request. `ephemeral` and `plain` say how it was sealed, where that is the format's way.",
            envelopes(),
        ),
        "misaddressed": ("Public keys of requests to which nothing can be sealed.", misaddressed()),
    }
    return {f"{name}.json": _file(about, vectors) for name, (about, vectors) in files.items()}


def _file(about: str, vectors: Iterator[Vector]) -> bytes:
    # ASCII alone: an editor that normalises text must not change what a vector is about.
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    return f'{{"about": {json.dumps(about)},\n"vectors": [\n{lines}\n]}}\n'.encode()


if __name__ == "__main__":
    main()
