"""Every key, identifier and proof from the one link secret (specification: Derivation)."""

import hashlib
import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from taina.errors import FormatError

KEY_SIZE = 32
"""Bytes of a link secret, a receipt key, a claim seed."""
SALT = b"taina/v1"
ROUNDS = 600_000


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """What the link alone gives: secret id (16 bytes), link proof (32), passphrase salt (16)."""

    id: bytes
    proof: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class ContentKeys:
    """What link and passphrase give together: content key, reveal proof, opened proof (32 bytes each)."""

    content: bytes
    reveal: bytes
    opened: bytes


@dataclass(frozen=True, slots=True)
class Token:
    """A name for the server and what proves it: id (16 bytes), token (32)."""

    id: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class InboxKeys:
    """What an asker's seed gives: X25519 private key (32 bytes), token that reads and deletes the request (32)."""

    private: bytes
    token: bytes


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4), 32 bytes."""
    return hashlib.sha256(data).digest()


def hkdf(material: bytes, label: str, length: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869), salt `taina/v1`, info = the label in ASCII."""
    return HKDF(hashes.SHA256(), length, SALT, label.encode("ascii")).derive(material)


def derive_link_keys(key: bytes) -> LinkKeys:
    """What the 32 bytes of a link to a secret give without a passphrase."""
    return LinkKeys(hkdf(key, "id", 16), hkdf(key, "link", 32), hkdf(key, "passphrase-salt", 16))


def derive_content_keys(key: bytes, passphrase: str | None) -> ContentKeys:
    """
    Raises:
        FormatError: the passphrase is empty or no well-formed text.
    """
    material = key if passphrase is None else key + stretch(passphrase, derive_link_keys(key).salt)
    return ContentKeys(hkdf(material, "content", 32), hkdf(material, "reveal", 32), hkdf(material, "opened", 32))


def stretch(passphrase: str, salt: bytes) -> bytes:
    """PBKDF2-HMAC-SHA-256 (RFC 8018) of the passphrase in NFKC as UTF-8, 600,000 rounds, 32 bytes.

    Raises:
        FormatError: the passphrase is empty or no well-formed text.
    """
    try:
        encoded = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        raise FormatError("The passphrase holds half a character.") from None
    if not encoded:
        raise FormatError("The passphrase is empty.")
    return hashlib.pbkdf2_hmac("sha256", encoded, salt, ROUNDS, 32)


def derive_claim(seed: bytes) -> Token:
    """From 32 random bytes, which only the reader has."""
    return Token(hkdf(seed, "claim-id", 16), hkdf(seed, "claim-token", 32))


def derive_receipt(key: bytes) -> Token:
    """From the 32 bytes of the receipt key."""
    return Token(hkdf(key, "receipt-id", 16), hkdf(key, "receipt-token", 32))


def derive_inbox(seed: bytes) -> InboxKeys:
    """From the 32 bytes of the inbox's link."""
    return InboxKeys(hkdf(seed, "request-key", 32), hkdf(seed, "inbox", 32))


def derive_request(public: bytes) -> Token:
    """From the X25519 public key in the request link; the token may leave an envelope."""
    return Token(hkdf(public, "request-id", 16), hkdf(public, "answer", 32))
