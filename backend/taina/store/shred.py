"""The second wrapping of sealed bytes at rest, so that deleting 32 bytes deletes the secret.

Databases leave stray copies of deleted rows behind. So a row holds what this module wrapped, under a random
key of its own; the key lives in a slot that is overwritten in place when the secret ends. This is no
part of the wire format: what is wrapped here is already ciphertext that the server cannot open.
"""

import hashlib
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE = 32
NO_KEY = bytes(KEY_SIZE)
_NONCE_SIZE = 12


def new_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_SIZE)


def wrap(key: bytes, secret_id: bytes, n: int, sealed: bytes) -> bytes:
    """nonce (12) || AES-256-GCM of a sealed chunk, bound to its secret and its number."""
    nonce = os.urandom(_NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, sealed, _place(secret_id, n))


def unwrap(key: bytes, secret_id: bytes, n: int, wrapped: bytes) -> bytes:
    """The sealed chunk again.

    Raises:
        cryptography.exceptions.InvalidTag: the key is another one, or the bytes were changed.
    """
    return AESGCM(key).decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], _place(secret_id, n))


def mask(key: bytes, claim_hash: bytes) -> bytes:
    """The key XOR SHA-256(`taina/v1 shred` || claim hash); doing it twice undoes it."""
    pad = hashlib.sha256(b"taina/v1 shred" + claim_hash).digest()
    return (int.from_bytes(key) ^ int.from_bytes(pad)).to_bytes(KEY_SIZE)


def _place(secret_id: bytes, n: int) -> bytes:
    return secret_id + n.to_bytes(4, "big")
