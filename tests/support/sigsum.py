"""A transparency log of Sigsum and its witnesses, in memory, and the enrollment of a site in WEBCAT that trusts them.

Written from Sigsum's documents, apart from what `taina.site.sigsum` does, so that the two can differ.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DAY = 86400


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def name_of(key: Ed25519PrivateKey) -> str:
    """As an enrollment names it."""
    return base64.urlsafe_b64encode(raw(key)).decode().rstrip("=")


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


@dataclass
class Log:
    """Has three entries of strangers, so that a proof of the fourth has a path."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    witnesses: list[Ed25519PrivateKey] = field(default_factory=lambda: [Ed25519PrivateKey.generate() for _ in range(3)])
    leaves: list[bytes] = field(default_factory=lambda: [_hash(b"\0", bytes([n]) * 128) for n in range(3)])

    def tree_head(self, now: int, present: tuple[int, ...] = (0, 1, 2)) -> str:
        """What it answers to get-tree-head; witness n saw it n seconds after `now`."""
        root = _root(self.leaves)
        origin = f"sigsum.org/v1/tree/{_hash(raw(self.key)).hex()}"
        checkpoint = f"{origin}\n{len(self.leaves)}\n{base64.b64encode(root).decode()}\n"
        lines = [f"size={len(self.leaves)}", f"root_hash={root.hex()}"]
        lines.append(f"signature={self.key.sign(checkpoint.encode()).hex()}")
        for n in present:
            seen = now + n
            signature = self.witnesses[n].sign(f"cosignature/v1\ntime {seen}\n{checkpoint}".encode())
            lines.append(f"cosignature={_hash(raw(self.witnesses[n])).hex()} {seen} {signature.hex()}")
        return "\n".join(lines) + "\n"

    def submit(self, request: str, now: int, present: tuple[int, ...] = (0, 1, 2), after: int = 2) -> str:
        """As `sigsum-submit`: the proof that the log has a request, with entries of strangers after it."""
        facts = dict(line.split("=") for line in request.splitlines())
        message, signature, public = (bytes.fromhex(facts[name]) for name in ("message", "signature", "public_key"))
        index = len(self.leaves)
        self.leaves.append(_hash(b"\0", _hash(message), signature, _hash(public)))
        self.leaves += [_hash(b"\0", bytes([index + n]) * 128) for n in range(after)]
        lines = ["version=2", f"log={_hash(raw(self.key)).hex()}", f"leaf={_hash(public).hex()} {signature.hex()}", ""]
        nodes = "".join(f"node_hash={node.hex()}\n" for node in _path(index, self.leaves))
        return "\n".join(lines) + "\n" + self.tree_head(now, present) + f"\nleaf_index={index}\n{nodes}"

    def policy(self, least: int = 2) -> bytes:
        """Compiled: at least so many of the witnesses."""
        witnesses = sorted((raw(key) for key in self.witnesses), key=_hash)
        rule = b"\x40" + b"".join(bytes([0x40 + n, 1]) for n in range(1, len(witnesses))) + bytes([0x80 + least])
        return bytes([0, 1, len(witnesses), len(rule)]) + raw(self.key) + b"".join(witnesses) + rule

    def enrollment(self, *signers: Ed25519PrivateKey, threshold: int = 1, max_age: int = 180 * DAY) -> dict[str, Any]:
        """As `webcat enrollment create` writes it."""
        return {
            "type": "sigsum",
            "policy": base64.urlsafe_b64encode(self.policy()).decode().rstrip("="),
            "signers": [name_of(key) for key in signers],
            "threshold": threshold,
            "max_age": max_age,
            "cas_url": "https://cas.example",
            "logs": {name_of(self.key): "https://log.example"},
        }


def to_json(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()


def _root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    half = _half(len(leaves))
    return _hash(b"\1", _root(leaves[:half]), _root(leaves[half:]))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*_path(index, leaves[:half]), _root(leaves[half:])]
    return [*_path(index - half, leaves[half:]), _root(leaves[:half])]


def _half(size: int) -> int:
    """The largest power of two below it."""
    return 1 << (size - 1).bit_length() - 1
