"""The one-time rules, in the words of the specification. No HTTP here and no SQL.

Every public method is one transaction of the store: what it returns is durable, and what it raises has
changed nothing, but for a wrong reveal proof, whose counting is durable too.

    create ──▶ uploading ──last chunk──▶ waiting ──reveal──▶ revealed ──acknowledge──▶ opened
                   │                      │   └───────────── locked    (the last wrong reveal proof)
                   └──────────┬───────────┘
                              ├── burned     (burn by the receipt token, take_down by the operator)
                              └── expired    (sweep: the lifetime is over, or an upload makes no progress)

The sealed bytes are there in uploading and waiting, and in revealed until the lease ends, `acknowledge` or `take_down`.
scripts/drills/protocol.pml is a model of these rules, which is searched exhaustively.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from taina.errors import (
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    StorageFullError,
    TainaError,
    TooLargeError,
    WrongPassphraseError,
)
from taina.store import ROW, Changes, Secret, State, Store, Transaction, Usage

SEALED_CHUNK = (1 << 20) + 16
"""Bytes of a sealed chunk that is not the last: 1 MiB and its tag."""
TAG = 16
UPLOAD_IDLE = 3600
"""Seconds without progress after which an unfinished upload is swept, as long as half of the room is free."""
UPLOAD_IDLE_MIN = 300
"""The same where no room is left. A slow line takes minutes for its first chunks."""
UPLOAD_AHEAD = 4
"""Chunks that an upload holds room for, beyond those that have arrived."""
RECEIPT_KEPT = 30 * 86400
"""Seconds after a secret's expiry for which its receipt still answers."""
ANSWER_IDLE = 900
"""Seconds after which a secret that was made to answer a request is swept, if no envelope was left there since."""
LEASE_MOST = 86400
"""Seconds after a reveal beyond which reading chunks renews the lease no more."""
LEASE_PAST_EXPIRY = 3600
"""The same after the secret's own expiry: whoever revealed it in time can finish reading it."""

Admit = Callable[[Transaction, bytes, int], None]
"""Spends what a new secret is made on, in the transaction that makes it: its id, and the time. Raises TainaErrors."""

_LIVE: tuple[State, ...] = ("uploading", "waiting")


@dataclass(frozen=True, slots=True)
class Limits:
    """What this instance accepts; sizes are bytes of ciphertext, times seconds."""

    size: int = 100 << 20
    storage: int = 10 << 30
    ttl_min: int = 300
    ttl_max: int = 30 * 86400
    ttl_default: int = 7 * 86400
    attempts: int = 10
    lease: int = 60
    answers: int = 100
    """To one request for secrets."""

    @property
    def unfinished(self) -> int:
        """What uploads may hold before they are finished: a fifth of the storage, and room for one in any case."""
        return max(self.storage // 5, self.size)


@dataclass(frozen=True, slots=True)
class Order:
    """A request to keep a secret: hashes (32 bytes), receipt id (16), lifetime in seconds, sealed bytes if inline."""

    link_hash: bytes
    reveal_hash: bytes
    receipt_id: bytes
    receipt_hash: bytes
    ttl: int
    chunks: int
    size: int
    passphrase: bool
    content: bytes | None = None

    def fingerprint(self) -> bytes:
        """SHA-256 over every field, each of a fixed length, so that the same order is known again."""
        numbers = b"".join(n.to_bytes(8, "big") for n in (self.ttl, self.chunks, self.size, self.passphrase))
        content = b"" if self.content is None else hashlib.sha256(self.content).digest()
        return _sha256(self.link_hash + self.reveal_hash + self.receipt_id + self.receipt_hash + numbers + content)


@dataclass(frozen=True, slots=True)
class Claim:
    """By which one reader alone may come back: an id (16 bytes) and the SHA-256 of a token (32)."""

    id: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Created:
    state: State
    expires: int
    new: bool
    """False where the same request had been kept already."""


@dataclass(frozen=True, slots=True)
class Status:
    state: State
    passphrase: bool
    size: int
    chunks: int
    expires: int
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Revealed:
    chunks: int
    content: bytes | None
    """The sealed bytes where there is one chunk; more are fetched by the claim."""


@dataclass(frozen=True, slots=True)
class Lease:
    chunks: int
    size: int
    expires: int
    """When the lease ends, unless a chunk is read before."""


@dataclass(frozen=True, slots=True)
class Receipt:
    state: State
    created: int
    expires: int
    ended: int | None
    failed_attempts: int
    opened: bytes | None


class Vault:
    """Keeps sealed secrets and gives each to exactly one reader."""

    def __init__(self, store: Store, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.limits = limits
        self._store = store
        self._clock = clock

    def create(self, secret_id: bytes, order: Order, admit: Admit | None = None) -> Created:
        """Keep a secret, or begin an upload where `order` brings no content.

        Args:
            admit: spends an answer of the request that this secret is made for; it is swept soon unless an envelope
                is left there.

        Raises:
            InvalidError, TooLargeError, StorageFullError: nothing was kept.
            ConflictError: the id belongs to another request or was used up.
        """
        self._check(order)
        now = self._now()
        fingerprint = order.fingerprint()
        waiting = order.content is not None
        held = order.size if waiting else _held(order.size, arrived=0)
        expires = now + order.ttl
        secret = Secret(
            id=secret_id,
            link_hash=order.link_hash,
            reveal_hash=order.reveal_hash,
            receipt_id=order.receipt_id,
            receipt_hash=order.receipt_hash,
            fingerprint=fingerprint,
            passphrase=order.passphrase,
            size=order.size,
            chunks=order.chunks,
            missing=0 if waiting else order.chunks,
            held=held,
            state="waiting" if waiting else "uploading",
            created=now,
            expires=expires,
            due=min(expires, now + ANSWER_IDLE) if admit else expires,
        )

        def work(tx: Transaction) -> Created:
            kept = _repeated(tx.find(secret_id), fingerprint, now)
            if kept is not None:
                return kept
            usage = tx.usage()
            # Room for the whole of an upload has to be there when it begins, though it is not held yet.
            if usage.held + order.size + ROW > self.limits.storage:
                raise StorageFullError
            if not waiting and usage.unfinished + held > self.limits.unfinished:
                raise StorageFullError
            if admit:
                admit(tx, secret_id, now)
            tx.put(secret if waiting else replace(secret, due=min(expires, now + self._idle(usage))))
            if order.content is not None:
                tx.put_chunk(secret_id, 0, order.content)
            return Created(secret.state, secret.expires, new=True)

        return self._store.atomically(work)

    def created(self, secret_id: bytes, order: Order) -> Created | None:
        """What `create` tells whoever sends the same order again; None if there was no such order. Changes nothing.

        Raises:
            ConflictError: the id belongs to another request or was used up.
        """
        now = self._now()
        return self._store.atomically(lambda tx: _repeated(tx.find(secret_id), order.fingerprint(), now))

    def put_chunk(self, secret_id: bytes, receipt_token: bytes, n: int, sealed: bytes) -> State:
        """Keep one sealed chunk; the secret goes live with the last. The same bytes may come again.

        Raises:
            NotFoundError, GoneError, InvalidError
            ConflictError: other bytes were uploaded for this chunk.
            StorageFullError: the chunk was not kept, and the upload may go on later.
        """
        now = self._now()

        def work(tx: Transaction) -> State:
            secret = _uploader(tx.find(secret_id), receipt_token, now)
            if n >= secret.chunks:
                raise InvalidError(f"This secret has {secret.chunks} chunks, counted from 0.", field="n")
            last = n == secret.chunks - 1
            length = secret.size - n * SEALED_CHUNK if last else SEALED_CHUNK
            if len(sealed) != length:
                raise InvalidError(f"Chunk {n} of this secret has {length} bytes.", field="body")
            if not tx.put_chunk(secret_id, n, sealed):
                return secret.state
            usage = tx.usage()
            held = _held(secret.size, secret.chunks - secret.missing + 1)
            if usage.held + held - secret.held > self.limits.storage:
                raise StorageFullError
            state: State = "waiting" if secret.missing == 1 else "uploading"
            due = secret.expires
            if state == "uploading":
                due = min(due, now + self._idle(usage))
            elif tx.requests.is_started(secret_id):
                due = min(due, now + ANSWER_IDLE)
            tx.update(secret, missing=secret.missing - 1, held=held, state=state, due=due)
            return state

        return self._store.atomically(work)

    def chunks_present(self, secret_id: bytes, receipt_token: bytes) -> list[int]:
        """The numbers of the chunks that have arrived. Raises: NotFoundError, GoneError."""
        now = self._now()

        def work(tx: Transaction) -> list[int]:
            _uploader(tx.find(secret_id), receipt_token, now)
            return tx.chunks_present(secret_id)

        return self._store.atomically(work)

    def status(self, secret_id: bytes, link_proof: bytes) -> Status:
        """What a holder of the link may know before the reveal; changes nothing. Raises: NotFoundError, GoneError."""
        now = self._now()

        def work(tx: Transaction) -> Status:
            secret = _linked(tx.find(secret_id), link_proof, now)
            if secret.state not in _LIVE:
                raise _gone(secret)
            attempts_left = self.limits.attempts - secret.failed_attempts
            return Status(
                secret.state, secret.passphrase, secret.size, secret.chunks, secret.expires, max(attempts_left, 0)
            )

        return self._store.atomically(work)

    def reveal(self, secret_id: bytes, link_proof: bytes, reveal_proof: bytes, claim: Claim | None = None) -> Revealed:
        """Give the sealed bytes to this caller and to nobody after him.

        Without a claim they are deleted in the same transaction. With one they stay for a lease, and only the
        claim reads them; the same claim may reveal again within it, so that a lost answer costs nothing.

        Raises:
            NotFoundError, NotReadyError, GoneError
            WrongPassphraseError: counted; the last attempt destroys the secret.
            InvalidError: more than one chunk without a claim.
        """
        now = self._now()
        if self.limits.lease == 0:
            claim = None

        def work(tx: Transaction) -> Revealed | TainaError:
            secret = _linked(tx.find(secret_id), link_proof, now)
            if secret.state == "revealed" and claim is not None and now < secret.due and _holds(claim, secret):
                return self._answer(tx, secret, claim)
            if secret.state == "uploading":
                raise NotReadyError
            if secret.state != "waiting":
                raise _gone(secret)
            if not _same(_sha256(reveal_proof), secret.reveal_hash):
                # Returned, not raised: what is raised is undone, and a wrong attempt has to count.
                return self._count_wrong(tx, secret, now)
            if claim is None:
                if secret.chunks > 1:
                    raise InvalidError("A secret of more than one chunk is revealed with a claim.", field="claim")
                (content,) = tx.take(secret, **_ending(secret, "revealed", now))
                return Revealed(1, content)
            tx.update(
                secret,
                state="revealed",
                ended=now,
                due=now + self.limits.lease,
                claim_id=claim.id,
                claim_check=_sha256(claim.hash),
            )
            tx.lock_to_claim(secret_id, claim.hash)
            return self._answer(tx, secret, claim)

        outcome = self._store.atomically(work)
        if isinstance(outcome, TainaError):
            raise outcome
        return outcome

    def claimed(self, claim_id: bytes, token: bytes) -> Lease:
        """What was revealed to this claim. Raises: NotFoundError, GoneError once the lease is over."""
        now = self._now()

        def work(tx: Transaction) -> Lease:
            secret = _leased(tx.find_by_claim(claim_id), token, now)
            return Lease(secret.chunks, secret.size, secret.due)

        return self._store.atomically(work)

    def claimed_chunk(self, claim_id: bytes, token: bytes, n: int) -> bytes:
        """A sealed chunk; reading it renews the lease. Raises: NotFoundError, GoneError, InvalidError."""
        now = self._now()

        def work(tx: Transaction) -> bytes:
            secret = _leased(tx.find_by_claim(claim_id), token, now)
            if n >= secret.chunks:
                raise InvalidError(f"This secret has {secret.chunks} chunks, counted from 0.", field="n")
            assert secret.ended is not None  # noqa: S101 - set with the claim
            renewed = min(now + self.limits.lease, secret.ended + LEASE_MOST, secret.expires + LEASE_PAST_EXPIRY)
            if renewed > secret.due:
                tx.update(secret, due=renewed)
            return tx.read_claimed(secret.id, n, _sha256(token))

        return self._store.atomically(work)

    def acknowledge(self, claim_id: bytes, token: bytes, opened: bytes) -> State:
        """The reader has opened it: delete the sealed bytes now and keep the opened proof for the receipt.

        Raises:
            NotFoundError
            ConflictError: another proof was left before.
        """

        def work(tx: Transaction) -> State:
            secret = _claimed(tx.find_by_claim(claim_id), token)
            if secret.opened is not None:
                if not _same(secret.opened, opened):
                    raise ConflictError("This secret was acknowledged with another proof.")
                return secret.state
            tx.erase(secret, **_ending(secret, "opened", secret.ended) | {"opened": opened})
            return "opened"

        return self._store.atomically(work)

    def receipt(self, receipt_id: bytes, token: bytes) -> Receipt:
        """How it stands with the secret, for its sender. Raises: NotFoundError."""
        now = self._now()

        def work(tx: Transaction) -> Receipt:
            secret = _sent(tx.find_by_receipt(receipt_id), token)
            state, ended = secret.state, secret.ended
            if state in _LIVE and now >= secret.expires:
                state, ended = "expired", secret.expires
            return Receipt(state, secret.created, secret.expires, ended, secret.failed_attempts, secret.opened)

        return self._store.atomically(work)

    def burn(self, receipt_id: bytes, token: bytes) -> State:
        """Destroy a secret unread; again and again does no harm. Raises: NotFoundError, GoneError if it ended else."""
        now = self._now()

        def work(tx: Transaction) -> State:
            secret = _sent(tx.find_by_receipt(receipt_id), token)
            if secret.state in _LIVE and now >= secret.expires:
                raise GoneError(state="expired", ended=secret.expires)
            if secret.state in _LIVE:
                tx.erase(secret, **_ending(secret, "burned", now))
                return "burned"
            if secret.state == "burned":
                return secret.state
            raise _gone(secret)

        return self._store.atomically(work)

    def take_down(self, secret_id: bytes) -> None:
        """End a secret at its operator's word, also where a reader holds a claim to it; do nothing if there is none."""
        now = self._now()

        def work(tx: Transaction) -> None:
            secret = tx.find(secret_id)
            if secret is None:
                return
            if secret.state in _LIVE:
                state: State = "burned" if now < secret.expires else "expired"
                tx.erase(secret, **_ending(secret, state, min(now, secret.expires)))
            elif secret.chunks:
                tx.erase(secret, **_ending(secret, secret.state, secret.ended))

        self._store.atomically(work)

    def used(self) -> int:
        """Bytes that are counted against the storage of the instance."""
        return self._store.atomically(lambda tx: tx.usage()).held

    def sweep(self, limit: int = 200, at: int | None = None) -> int:
        """Do what is due for at most `limit` secrets: expire, end leases, forget. Returns for how many.

        Args:
            at: the time (unix seconds) by which it is due, where that is not the clock's.
        """
        now = self._now() if at is None else at

        def work(tx: Transaction) -> int:
            due = tx.due(now, limit)
            for secret in due:
                if secret.state in _LIVE:
                    tx.erase(secret, **_ending(secret, "expired", min(now, secret.expires)))
                elif now >= secret.expires + RECEIPT_KEPT:
                    tx.forget(secret)
                else:
                    # A lease that ended unacknowledged: whether it was opened stays unknown.
                    tx.erase(secret, **_ending(secret, secret.state, secret.ended))
            return len(due)

        return self._store.atomically(work)

    def _now(self) -> int:
        return int(self._clock())

    def _check(self, order: Order) -> None:
        limits = self.limits
        if not limits.ttl_min <= order.ttl <= limits.ttl_max:
            raise InvalidError(f"A lifetime is {limits.ttl_min} to {limits.ttl_max} seconds.", field="ttl")
        if order.size > limits.size or (limits.lease == 0 and order.chunks > 1):
            raise TooLargeError(field="size")
        if order.chunks < 1:
            raise InvalidError("A secret has at least one chunk.", field="chunks")
        whole = (order.chunks - 1) * SEALED_CHUNK
        if not whole + TAG < order.size <= whole + SEALED_CHUNK:
            raise InvalidError(
                f"{order.chunks} chunks hold more than {whole + TAG} and at most {whole + SEALED_CHUNK} bytes.",
                field="size",
            )
        if order.content is not None:
            if order.chunks > 1:
                raise InvalidError("Only a secret of one chunk comes inline.", field="content")
            if len(order.content) != order.size:
                raise InvalidError(f"The content has {len(order.content)} bytes, not `size`.", field="content")

    def _answer(self, tx: Transaction, secret: Secret, claim: Claim) -> Revealed:
        content = tx.read_claimed(secret.id, 0, claim.hash) if secret.chunks == 1 else None
        return Revealed(secret.chunks, content)

    def _count_wrong(self, tx: Transaction, secret: Secret, now: int) -> WrongPassphraseError:
        failed = secret.failed_attempts + 1
        if failed >= self.limits.attempts:
            tx.erase(secret, **_ending(secret, "locked", now) | {"failed_attempts": failed})
        else:
            tx.update(secret, failed_attempts=failed)
        return WrongPassphraseError(attempts_left=max(self.limits.attempts - failed, 0))

    def _idle(self, usage: Usage) -> int:
        """Seconds that an upload may make no progress: the fewer, the less room there is, once half is taken."""
        limits = self.limits
        free = min(1 - usage.held / limits.storage, (limits.unfinished - usage.unfinished) / limits.unfinished)
        return min(max(int(UPLOAD_IDLE * 2 * free), UPLOAD_IDLE_MIN), UPLOAD_IDLE)


def _repeated(kept: Secret | None, fingerprint: bytes, now: int) -> Created | None:
    if kept is None:
        return None
    if kept.state in _LIVE and now < kept.expires and _same(kept.fingerprint, fingerprint):
        return Created(kept.state, kept.expires, new=False)
    raise ConflictError


def _held(size: int, arrived: int) -> int:
    """Bytes that count for an upload of which so many chunks have arrived."""
    return min(size, (arrived + UPLOAD_AHEAD) * SEALED_CHUNK)


def _ending(secret: Secret, state: State, ended: int | None) -> Changes:
    """What stays of a secret whose sealed bytes and key go: how it ended, for its receipt."""
    return {"state": state, "ended": ended, "due": secret.expires + RECEIPT_KEPT}


def _linked(secret: Secret | None, link_proof: bytes, now: int) -> Secret:
    """Only a holder of the link learns that there is, or was, a secret, and only until its expiry."""
    secret = _proved(secret, _hash_of(secret, "link_hash"), link_proof)
    if now >= secret.expires:
        raise NotFoundError
    return secret


def _sent(secret: Secret | None, receipt_token: bytes) -> Secret:
    return _proved(secret, _hash_of(secret, "receipt_hash"), receipt_token)


def _uploader(secret: Secret | None, receipt_token: bytes, now: int) -> Secret:
    secret = _sent(secret, receipt_token)
    if secret.state not in _LIVE:
        raise _gone(secret)
    if now >= secret.expires:
        raise GoneError(state="expired", ended=secret.expires)
    return secret


def _claimed(secret: Secret | None, token: bytes) -> Secret:
    return _proved(secret, _hash_of(secret, "claim_check"), _sha256(token))


def _leased(secret: Secret | None, token: bytes, now: int) -> Secret:
    secret = _claimed(secret, token)
    # Once its bytes are gone a secret has no chunks; within the sweeper's delay the lease alone tells.
    if secret.state != "revealed" or now >= secret.due or secret.chunks == 0:
        raise _gone(secret)
    return secret


def _hash_of(secret: Secret | None, field: Literal["link_hash", "receipt_hash", "claim_check"]) -> bytes:
    return (secret and getattr(secret, field)) or bytes(32)


def _proved(secret: Secret | None, kept: bytes, proof: bytes) -> Secret:
    """The comparison is made in either case, so that time tells nothing."""
    same = _same(kept, _sha256(proof))
    if secret is None or not same:
        raise NotFoundError
    return secret


def _holds(claim: Claim, secret: Secret) -> bool:
    return secret.chunks > 0 and secret.claim_id == claim.id and _same(_sha256(claim.hash), secret.claim_check or b"")


def _gone(secret: Secret) -> GoneError:
    return GoneError(state=secret.state, ended=secret.ended if secret.ended is not None else secret.expires)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _same(a: bytes, b: bytes) -> bool:
    return hmac.compare_digest(a, b)
