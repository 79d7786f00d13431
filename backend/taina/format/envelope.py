"""How an answer reaches the asker: the key of a secret's link, sealed to a request (specification: Requests).

HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. An envelope is
`enc (32) || ciphertext (49)` of `flags || K`, bound to the request's id.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from taina.errors import FormatError, TamperedError
from taina.format.derive import KEY_SIZE, derive_request
from taina.format.links import PASSPHRASE, VERSION, Link

ENVELOPE_SIZE = 81
_INFO = b"taina/v1 request"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def public_key(private: bytes) -> bytes:
    """The X25519 public key (RFC 7748) of 32 bytes, which a request link carries."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_envelope(public: bytes, link: Link) -> bytes:
    """Seal a secret's link to a request. Draws a key of its own: never twice the same bytes.

    Raises:
        FormatError: `public` is none of the keys that X25519 can agree with.
    """
    try:
        return _SUITE.encrypt(bytes([link.flags]) + link.body, X25519PublicKey.from_public_bytes(public), _info(public))
    except ValueError:
        raise FormatError("The request's key is not a key.") from None


def open_envelope(private: bytes, envelope: bytes) -> Link:
    """The secret's link.

    Raises:
        TamperedError: another request's, or changed bytes.
        FormatError: it opens, but what it contains is not a link to a secret of this version.
    """
    if len(envelope) != ENVELOPE_SIZE:
        raise TamperedError
    try:
        opened = _SUITE.decrypt(envelope, X25519PrivateKey.from_private_bytes(private), _info(public_key(private)))
    except InvalidTag:
        raise TamperedError from None
    flags, key = opened[0], opened[1:]
    if flags & ~PASSPHRASE != VERSION or len(key) != KEY_SIZE:
        raise FormatError("The envelope holds no link to a secret.")
    return Link("secret", key, bool(flags & PASSPHRASE))


def _info(public: bytes) -> bytes:
    return _INFO + derive_request(public).id
