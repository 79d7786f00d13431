"""What is taken, and who may do what: each guard of a secret gives it back, or raises.

Whoever shows no right proof gets the same answer, in the same time, as if there were nothing.
"""

import hashlib
import hmac
from typing import Literal, TypeGuard

from taina.errors import GoneError, InvalidError, NotFoundError, StorageFullError, TooLargeError
from taina.rules.types import Claim, Limits, NewSecret
from taina.rules.uploads import SEALED_CHUNK, TAG
from taina.store import Secret, State, Usage

LIVE: tuple[State, ...] = ("uploading", "waiting")


def require_lifetime(ttl: int, limits: Limits) -> None:
    """Raises: InvalidError."""
    if not limits.ttl_min <= ttl <= limits.ttl_max:
        raise InvalidError(f"A lifetime is {limits.ttl_min} to {limits.ttl_max} seconds.", field="ttl")


def require_room(usage: Usage, more: int, limits: Limits) -> None:
    """Room for so many bytes more. Raises: StorageFullError."""
    if usage.held + more > limits.storage:
        raise StorageFullError


def require_valid(new: NewSecret, limits: Limits) -> None:
    """Raises: InvalidError, TooLargeError."""
    require_lifetime(new.ttl, limits)
    if limits.passphrase and not new.passphrase:
        raise InvalidError("Every secret needs a passphrase here.", field="passphrase")
    if new.size > limits.size or (limits.lease == 0 and new.chunks > 1):
        raise TooLargeError(field="size")
    if new.chunks < 1:
        raise InvalidError("A secret has at least one chunk.", field="chunks")
    whole = (new.chunks - 1) * SEALED_CHUNK
    if not whole + TAG < new.size <= whole + SEALED_CHUNK:
        raise InvalidError(
            f"{new.chunks} chunks hold more than {whole + TAG} and at most {whole + SEALED_CHUNK} bytes.",
            field="size",
        )
    if new.content is not None:
        if new.chunks > 1:
            raise InvalidError("Only a secret of one chunk comes inline.", field="content")
        if len(new.content) != new.size:
            raise InvalidError(f"The content has {len(new.content)} bytes, not `size`.", field="content")


def require_link_proof(secret: Secret | None, link_proof: bytes, now: int, claim: Claim | None = None) -> Secret:
    """Only a holder of the link learns that there is, or was, a secret, and only until its expiry.

    Args:
        claim: whoever revealed the secret in time goes on for as long as the lease lasts, past the expiry, too.
    """
    secret = _proved(secret, _hash_of(secret, "link_hash"), link_proof)
    if now >= secret.expires and not holds(claim, secret, now):
        raise NotFoundError
    return secret


def require_receipt_token(secret: Secret | None, receipt_token: bytes) -> Secret:
    """The secret, for its sender. Raises: NotFoundError: there is none, or the token is not its own."""
    return _proved(secret, _hash_of(secret, "receipt_hash"), receipt_token)


def require_upload(secret: Secret | None, receipt_token: bytes, now: int) -> Secret:
    """The secret, for its sender, while it takes chunks or waits. Raises: NotFoundError, GoneError."""
    secret = require_receipt_token(secret, receipt_token)
    if secret.state not in LIVE:
        raise gone(secret)
    if now >= secret.expires:
        raise GoneError(state="expired", ended=secret.expires)
    return secret


def require_claim_token(secret: Secret | None, token: bytes) -> Secret:
    """The secret, for its one reader. Raises: NotFoundError."""
    return _proved(secret, _hash_of(secret, "claim_check"), sha256(token))


def require_lease(secret: Secret | None, token: bytes, now: int) -> Secret:
    """The secret, for its one reader, while its chunks can be read. Raises: NotFoundError, GoneError."""
    secret = require_claim_token(secret, token)
    # Once its bytes are gone a secret has no chunks; within the sweeper's delay the lease alone tells.
    if now >= secret.due or secret.chunks == 0:
        raise gone(secret)
    return secret


def _hash_of(secret: Secret | None, field: Literal["link_hash", "receipt_hash", "claim_check"]) -> bytes:
    return (secret and getattr(secret, field)) or bytes(32)


def _proved(secret: Secret | None, kept: bytes, proof: bytes) -> Secret:
    """The comparison is made in either case, so that time tells nothing."""
    proved = same(kept, sha256(proof))
    if secret is None or not proved:
        raise NotFoundError
    return secret


def holds(claim: Claim | None, secret: Secret, now: int) -> TypeGuard[Claim]:
    """Whether this claim is the one by which the secret was revealed, and its chunks can still be read."""
    if claim is None or now >= secret.due or secret.chunks == 0:
        return False
    return secret.claim_id == claim.id and same(_hash_of(secret, "claim_check"), sha256(claim.hash))


def gone(secret: Secret) -> GoneError:
    """The error that says how and when the secret ended."""
    return GoneError(state=secret.state, ended=secret.ended if secret.ended is not None else secret.expires)


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4), 32 bytes."""
    return hashlib.sha256(data).digest()


def same(a: bytes, b: bytes) -> bool:
    """Whether both are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(a, b)
