"""Secrets of tests: an order with its keys, as a client would make it, and what a store has of one."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import Any

from support.clocks import START
from taina import base64url
from taina.rules.types import Claim, NewRequest, NewSecret
from taina.rules.vault import Vault
from taina.store import Secret

SEALED_CHUNK = (1 << 20) + 16


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass(frozen=True)
class Made:
    """Keys of one secret; to a server they are random bytes, whatever they were derived from."""

    id: bytes = field(default_factory=lambda: os.urandom(16))
    link_proof: bytes = field(default_factory=lambda: os.urandom(32))
    reveal_proof: bytes = field(default_factory=lambda: os.urandom(32))
    opened_proof: bytes = field(default_factory=lambda: os.urandom(32))
    receipt_id: bytes = field(default_factory=lambda: os.urandom(16))
    receipt_token: bytes = field(default_factory=lambda: os.urandom(32))
    claim_id: bytes = field(default_factory=lambda: os.urandom(16))
    claim_token: bytes = field(default_factory=lambda: os.urandom(32))
    chunks: tuple[bytes, ...] = field(default_factory=lambda: (os.urandom(1040),))
    passphrase: bool = False
    ttl: int = 3600

    @property
    def claim(self) -> Claim:
        return Claim(self.claim_id, sha256(self.claim_token))

    def another_reader(self) -> "Made":
        return replace(self, claim_id=os.urandom(16), claim_token=os.urandom(32))

    def order(self, *, inline: bool = True) -> NewSecret:
        return NewSecret(
            link_hash=sha256(self.link_proof),
            reveal_hash=sha256(self.reveal_proof),
            receipt_id=self.receipt_id,
            receipt_hash=sha256(self.receipt_token),
            ttl=self.ttl,
            chunks=len(self.chunks),
            size=sum(map(len, self.chunks)),
            passphrase=self.passphrase,
            content=self.chunks[0] if inline and len(self.chunks) == 1 else None,
        )

    def body(self, *, inline: bool = True) -> dict[str, Any]:
        """The create request's JSON."""
        order = self.order(inline=inline)
        body: dict[str, Any] = {
            "link_hash": base64url.encode(order.link_hash),
            "reveal_hash": base64url.encode(order.reveal_hash),
            "receipt_id": base64url.encode(order.receipt_id),
            "receipt_hash": base64url.encode(order.receipt_hash),
            "ttl": order.ttl,
            "chunks": order.chunks,
            "size": order.size,
            "passphrase": order.passphrase,
        }
        if order.content is not None:
            body["content"] = base64url.encode(order.content)
        return body

    def reveal_body(self, *, claim: bool = True) -> dict[str, Any]:
        body: dict[str, Any] = {"proof": base64url.encode(self.reveal_proof)}
        if claim:
            body["claim"] = {
                "id": base64url.encode(self.claim_id),
                "hash": base64url.encode(sha256(self.claim_token)),
            }
        return body


def made_of_chunks(count: int, last: int = 40) -> Made:
    """A secret of `count` chunks, the last of `last` bytes."""
    whole = [os.urandom(SEALED_CHUNK) for _ in range(count - 1)]
    return Made(chunks=(*whole, os.urandom(last)))


@dataclass(frozen=True)
class MadeRequest:
    """Keys of one request for secrets; to a server they are random bytes."""

    id: bytes = field(default_factory=lambda: os.urandom(16))
    inbox_token: bytes = field(default_factory=lambda: os.urandom(32))
    answer_token: bytes = field(default_factory=lambda: os.urandom(32))
    ttl: int = 3600
    answers: int = 1

    def asking(self) -> NewRequest:
        return NewRequest(
            inbox_hash=sha256(self.inbox_token),
            answer_hash=sha256(self.answer_token),
            ttl=self.ttl,
            answers=self.answers,
        )

    def body(self) -> dict[str, Any]:
        """The request's JSON."""
        asking = self.asking()
        return {
            "inbox_hash": base64url.encode(asking.inbox_hash),
            "answer_hash": base64url.encode(asking.answer_hash),
            "ttl": asking.ttl,
            "answers": asking.answers,
        }


def new_secret(*, chunks: int = 1, state: str = "waiting", due: int = START + 3600) -> Secret:
    """As a store has it, with identifiers of its own; each chunk has 40 bytes."""
    return Secret(
        id=os.urandom(16),
        link_hash=os.urandom(32),
        reveal_hash=os.urandom(32),
        receipt_id=os.urandom(16),
        receipt_hash=os.urandom(32),
        fingerprint=os.urandom(32),
        passphrase=True,
        size=40 * chunks,
        chunks=chunks,
        missing=0,
        held=40 * chunks,
        state=state,  # type: ignore[arg-type]
        created=START,
        expires=START + 3600,
        due=due,
    )


def envelope() -> bytes:
    return os.urandom(81)


def reveal(vault: Vault, made: Made) -> bytes | None:
    """What the reader gets at once: the sealed chunk, if there is no other."""
    return vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim).content


def mailed_link() -> str:
    """To a secret of this instance that needs a passphrase."""
    raw = bytes([0b1000_0001]) + bytes(32)
    return "https://secrets.example/s/#" + base64url.encode(raw + hashlib.sha256(b"taina/v1 link" + raw).digest()[:2])
