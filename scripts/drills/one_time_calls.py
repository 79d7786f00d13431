"""Clients of the API that note what they were told: create, reveal, and ask again after no answer.

To a server the keys of a secret are random bytes, whatever they were derived from; so these are.
"""

import hashlib
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import httpx

from taina import base64url

_PAUSE = 0.05


def _random(size: int) -> Any:
    return field(default_factory=lambda: os.urandom(size))


@dataclass(frozen=True)
class Keys:
    """Of one secret and one reader."""

    id: bytes = _random(16)
    link_proof: bytes = _random(32)
    reveal_proof: bytes = _random(32)
    receipt_id: bytes = _random(16)
    receipt_token: bytes = _random(32)
    claim_id: bytes = _random(16)
    claim_token: bytes = _random(32)
    content: bytes = _random(1040)

    def another_reader(self) -> Self:
        return replace(self, claim_id=os.urandom(16), claim_token=os.urandom(32))


@dataclass(frozen=True)
class Told:
    """A final answer: its status, the content if it was a reveal that succeeded, and seconds since the first try."""

    status: int
    content: bytes | None = None
    waited: float = 0.0


class Network:
    """Calls to several web hosts in turn."""

    def __init__(self, urls: list[str]) -> None:
        self._hosts = itertools.cycle([httpx.Client(base_url=f"{url}/api/v1", timeout=30) for url in urls])

    def create(self, keys: Keys) -> Told:
        body = {
            "link_hash": _hash(keys.link_proof),
            "reveal_hash": _hash(keys.reveal_proof),
            "receipt_id": base64url.encode(keys.receipt_id),
            "receipt_hash": _hash(keys.receipt_token),
            "ttl": 3600,
            "chunks": 1,
            "size": len(keys.content),
            "passphrase": False,
            "content": base64url.encode(keys.content),
        }
        return Told(next(self._hosts).put(f"/secrets/{base64url.encode(keys.id)}", json=body).status_code)

    def reveal(self, keys: Keys) -> Told:
        answer = next(self._hosts).post(
            f"/secrets/{base64url.encode(keys.id)}/reveal",
            headers={"Authorization": f"Bearer {base64url.encode(keys.link_proof)}"},
            json={
                "proof": base64url.encode(keys.reveal_proof),
                "claim": {"id": base64url.encode(keys.claim_id), "hash": _hash(keys.claim_token)},
            },
        )
        content = base64url.decode(answer.json()["content"]) if answer.is_success else None
        return Told(answer.status_code, content)

    def until_told(self, call: Callable[[], Told]) -> Told:
        """Ask until the answer is final: a 5xx or a lost connection tells nothing."""
        begin = time.monotonic()
        while True:
            try:
                told = call()
            except httpx.TransportError:
                told = Told(599)
            if told.status < 500:
                return replace(told, waited=time.monotonic() - begin)
            time.sleep(_PAUSE)


def _hash(token: bytes) -> str:
    return base64url.encode(hashlib.sha256(token).digest())
