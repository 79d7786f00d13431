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

import time
from collections.abc import Callable

from taina.errors import (
    ConflictError,
    GoneError,
    InvalidError,
    NotReadyError,
    StorageFullError,
    TainaError,
    WrongPassphraseError,
)
from taina.rules import guards
from taina.rules.atomic import atomic
from taina.rules.guards import LIVE, gone, holds, same, sha256
from taina.rules.types import LONGEST_ANSWER, Claim, Created, Lease, Limits, NewSecret, Receipt, Revealed, Status
from taina.rules.uploads import SEALED_CHUNK, held_by_upload, idle_seconds
from taina.store import ROW, Changes, Secret, State, Store, Transaction

RECEIPT_KEPT = 30 * 86400
"""Seconds after a secret's expiry for which its receipt still answers."""
ANSWER_IDLE = 900
"""Seconds after which a secret that was made to answer a request is swept, if no envelope was left there since."""
MAX_LEASE = 86400
"""Seconds after a reveal beyond which reading chunks renews the lease no more."""
LEASE_PAST_EXPIRY = 3600
"""The same after the secret's own expiry: whoever revealed it in time can finish reading it."""

Admit = Callable[[Transaction, bytes, int], None]
"""Spends what a new secret is made on, in the transaction that makes it: its id, and the time. Raises TainaErrors."""


class Vault:
    """Keeps sealed secrets and gives each to exactly one reader."""

    def __init__(self, store: Store, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.limits = limits
        self._store = store
        self._clock = clock

    def create(self, secret_id: bytes, new: NewSecret, admit: Admit | None = None) -> Created:
        """Keep a secret, or begin an upload where it comes without content.

        Args:
            admit: spends an answer of the request that this secret is made for; it is swept soon unless an envelope
                is left there.

        Raises:
            InvalidError, TooLargeError, StorageFullError: nothing was kept.
            ConflictError: the id belongs to another secret or was used up.
        """
        guards.require_valid(new, self.limits)
        return self._create(secret_id, new, new.fingerprint(), admit)

    @atomic
    def _create(
        self, tx: Transaction, now: int, secret_id: bytes, new: NewSecret, fingerprint: bytes, admit: Admit | None
    ) -> Created:
        kept = _repeated(tx.find(secret_id), fingerprint, now)
        if kept is not None:
            return kept
        waiting = new.content is not None
        held = new.size if waiting else held_by_upload(new.size, arrived=0)
        usage = tx.usage()
        # Room for the whole of an upload has to be there when it begins, though it is not held yet.
        guards.require_room(usage, new.size + ROW, self.limits)
        if not waiting and usage.unfinished + held > self.limits.unfinished:
            raise StorageFullError
        if admit:
            admit(tx, secret_id, now)
        expires = now + new.ttl
        due = expires
        if not waiting:
            due = min(due, now + idle_seconds(usage, self.limits))
        elif admit:
            due = min(due, now + ANSWER_IDLE)
        secret = Secret(
            id=secret_id,
            link_hash=new.link_hash,
            reveal_hash=new.reveal_hash,
            receipt_id=new.receipt_id,
            receipt_hash=new.receipt_hash,
            fingerprint=fingerprint,
            passphrase=new.passphrase,
            size=new.size,
            chunks=new.chunks,
            missing=0 if waiting else new.chunks,
            held=held,
            state="waiting" if waiting else "uploading",
            created=now,
            expires=expires,
            due=due,
        )
        tx.put(secret)
        if new.content is not None:
            tx.put_chunk(secret_id, 0, new.content)
        return Created(state=secret.state, expires=expires, new=True)

    @atomic
    def created(self, tx: Transaction, now: int, secret_id: bytes, new: NewSecret) -> Created | None:
        """What `create` tells whoever sends the same again; None if there was no such secret. Changes nothing.

        Raises:
            ConflictError: the id belongs to another secret or was used up.
        """
        return _repeated(tx.find(secret_id), new.fingerprint(), now)

    @atomic
    def put_chunk(
        self, tx: Transaction, now: int, secret_id: bytes, receipt_token: bytes, n: int, sealed: bytes
    ) -> State:
        """Keep one sealed chunk; the secret goes live with the last. The same bytes may come again.

        Raises:
            NotFoundError, GoneError, InvalidError
            ConflictError: other bytes were uploaded for this chunk.
            StorageFullError: the chunk was not kept, and the upload may go on later.
        """
        secret = guards.require_upload(tx.find(secret_id), receipt_token, now)
        if n >= secret.chunks:
            raise InvalidError(f"This secret has {secret.chunks} chunks, counted from 0.", field="n")
        last = n == secret.chunks - 1
        length = secret.size - n * SEALED_CHUNK if last else SEALED_CHUNK
        if len(sealed) != length:
            raise InvalidError(f"Chunk {n} of this secret has {length} bytes.", field="body")
        if not tx.put_chunk(secret_id, n, sealed):
            return secret.state
        usage = tx.usage()
        held = held_by_upload(secret.size, secret.chunks - secret.missing + 1)
        guards.require_room(usage, held - secret.held, self.limits)
        state: State = "waiting" if secret.missing == 1 else "uploading"
        due = secret.expires
        if state == "uploading":
            due = min(due, now + idle_seconds(usage, self.limits))
        elif tx.requests.is_started(secret_id):
            due = min(due, now + ANSWER_IDLE)
        tx.update(secret, missing=secret.missing - 1, held=held, state=state, due=due)
        return state

    @atomic
    def chunks_present(self, tx: Transaction, now: int, secret_id: bytes, receipt_token: bytes) -> list[int]:
        """The numbers of the chunks that have arrived. Raises: NotFoundError, GoneError."""
        guards.require_upload(tx.find(secret_id), receipt_token, now)
        return tx.chunks_present(secret_id)

    @atomic
    def status(self, tx: Transaction, now: int, secret_id: bytes, link_proof: bytes) -> Status:
        """What a holder of the link may know before the reveal; changes nothing. Raises: NotFoundError, GoneError."""
        secret = guards.require_link_proof(tx.find(secret_id), link_proof, now)
        if secret.state not in LIVE:
            raise gone(secret)
        attempts_left = self.limits.attempts - secret.failed_attempts
        return Status(
            state=secret.state,
            passphrase=secret.passphrase,
            size=secret.size,
            chunks=secret.chunks,
            expires=secret.expires,
            attempts_left=max(attempts_left, 0),
        )

    def reveal(self, secret_id: bytes, link_proof: bytes, reveal_proof: bytes, claim: Claim | None = None) -> Revealed:
        """Give the sealed bytes to this caller and to nobody after him.

        Without a claim they are deleted in the same transaction. With one they stay for a lease, and only the
        claim reads them; the same claim may reveal again within it, also after the secret's expiry, so that a lost
        answer costs nothing.

        Raises:
            NotFoundError, NotReadyError, GoneError
            WrongPassphraseError: counted; the last attempt locks the secret.
            InvalidError: more than one chunk without a claim.
        """
        outcome = self._reveal(secret_id, link_proof, reveal_proof, claim if self.limits.lease else None)
        if isinstance(outcome, TainaError):
            raise outcome
        return outcome

    @atomic
    def _reveal(
        self, tx: Transaction, now: int, secret_id: bytes, link_proof: bytes, reveal_proof: bytes, claim: Claim | None
    ) -> Revealed | TainaError:
        secret = guards.require_link_proof(tx.find(secret_id), link_proof, now, claim)
        if holds(claim, secret, now):
            return self._answer(tx, secret, claim)
        if secret.state == "uploading":
            raise NotReadyError
        if secret.state != "waiting":
            raise gone(secret)
        if not same(sha256(reveal_proof), secret.reveal_hash):
            # Returned, not raised: what is raised is undone, and a wrong attempt has to count.
            return self._count_wrong(tx, secret, now)
        if claim is None:
            if secret.chunks > 1:
                raise InvalidError("A secret of more than one chunk is revealed with a claim.", field="claim")
            (content,) = tx.take(secret, **_ending(secret, "revealed", now))
            return Revealed(chunks=1, content=content)
        tx.update(
            secret,
            state="revealed",
            ended=now,
            due=now + self.limits.lease,
            claim_id=claim.id,
            claim_check=sha256(claim.hash),
        )
        tx.lock_to_claim(secret_id, claim.hash)
        return self._answer(tx, secret, claim)

    @atomic
    def claimed(self, tx: Transaction, now: int, claim_id: bytes, token: bytes) -> Lease:
        """What was revealed to this claim. Raises: NotFoundError, GoneError once the lease is over."""
        secret = guards.require_lease(tx.find_by_claim(claim_id), token, now)
        return Lease(chunks=secret.chunks, size=secret.size, expires=secret.due)

    @atomic
    def claimed_chunk(self, tx: Transaction, now: int, claim_id: bytes, token: bytes, n: int) -> bytes:
        """A sealed chunk; reading it renews the lease. Raises: NotFoundError, GoneError, InvalidError."""
        secret = guards.require_lease(tx.find_by_claim(claim_id), token, now)
        if n >= secret.chunks:
            raise InvalidError(f"This secret has {secret.chunks} chunks, counted from 0.", field="n")
        assert secret.ended is not None  # noqa: S101 - set with the claim
        latest = min(secret.ended + MAX_LEASE, secret.expires + LEASE_PAST_EXPIRY)
        # On a slow line nothing more is asked for until this chunk has come.
        renewed = min(now + LONGEST_ANSWER + self.limits.lease, latest)
        if renewed > secret.due:
            tx.update(secret, due=renewed)
        return tx.read_claimed(secret.id, n, sha256(token))

    @atomic
    def acknowledge(self, tx: Transaction, now: int, claim_id: bytes, token: bytes, opened: bytes) -> State:
        """The reader has opened it: delete the sealed bytes now and keep the opened proof for the receipt.

        Raises:
            NotFoundError
            ConflictError: another proof was left before.
        """
        secret = guards.require_claim_token(tx.find_by_claim(claim_id), token)
        if secret.opened is not None:
            if not same(secret.opened, opened):
                raise ConflictError("This secret was acknowledged with another proof.")
            return secret.state
        tx.erase(secret, **_ending(secret, "opened", secret.ended) | {"opened": opened})
        return "opened"

    @atomic
    def receipt(self, tx: Transaction, now: int, receipt_id: bytes, token: bytes) -> Receipt:
        """What became of the secret, for its sender. Raises: NotFoundError."""
        secret = guards.require_receipt_token(tx.find_by_receipt(receipt_id), token)
        state, ended = secret.state, secret.ended
        if state in LIVE and now >= secret.expires:
            state, ended = "expired", secret.expires
        return Receipt(
            state=state,
            created=secret.created,
            expires=secret.expires,
            ended=ended,
            failed_attempts=secret.failed_attempts,
            opened=secret.opened,
        )

    @atomic
    def burn(self, tx: Transaction, now: int, receipt_id: bytes, token: bytes) -> State:
        """Destroy an unread secret. Idempotent. Raises: NotFoundError; GoneError if it has ended some other way."""
        secret = guards.require_receipt_token(tx.find_by_receipt(receipt_id), token)
        if secret.state in LIVE and now >= secret.expires:
            raise GoneError(state="expired", ended=secret.expires)
        if secret.state in LIVE:
            tx.erase(secret, **_ending(secret, "burned", now))
            return "burned"
        if secret.state == "burned":
            return secret.state
        raise gone(secret)

    @atomic
    def take_down(self, tx: Transaction, now: int, secret_id: bytes) -> None:
        """End a secret at its operator's word, also where a reader holds a claim to it; do nothing if there is none."""
        secret = tx.find(secret_id)
        if secret is None:
            return
        if secret.state in LIVE:
            state: State = "burned" if now < secret.expires else "expired"
            tx.erase(secret, **_ending(secret, state, min(now, secret.expires)))
        elif secret.chunks:
            tx.erase(secret, **_ending(secret, secret.state, secret.ended))

    def used(self) -> int:
        """Bytes that are counted against the storage of the instance."""
        return self._store.atomically(lambda tx: tx.usage()).held

    def sweep(self, limit: int = 200, at: int | None = None) -> int:
        """Do what is due for at most `limit` secrets: expire, end leases, forget. Returns for how many.

        Args:
            at: the time (unix seconds) by which it is due, where that is not the clock's.
        """
        now = int(self._clock()) if at is None else at
        return self._store.atomically(lambda tx: _sweep(tx, now, limit))

    def _answer(self, tx: Transaction, secret: Secret, claim: Claim) -> Revealed:
        content = tx.read_claimed(secret.id, 0, claim.hash) if secret.chunks == 1 else None
        return Revealed(chunks=secret.chunks, content=content)

    def _count_wrong(self, tx: Transaction, secret: Secret, now: int) -> WrongPassphraseError:
        failed = secret.failed_attempts + 1
        if failed >= self.limits.attempts:
            tx.erase(secret, **_ending(secret, "locked", now) | {"failed_attempts": failed})
        else:
            tx.update(secret, failed_attempts=failed)
        return WrongPassphraseError(attempts_left=max(self.limits.attempts - failed, 0))


def _sweep(tx: Transaction, now: int, limit: int) -> int:
    due = tx.due(now, limit)
    for secret in due:
        if secret.state in LIVE:
            tx.erase(secret, **_ending(secret, "expired", min(now, secret.expires)))
        elif now >= secret.expires + RECEIPT_KEPT:
            tx.forget(secret)
        else:
            # A lease that ended unacknowledged: whether it was opened stays unknown.
            tx.erase(secret, **_ending(secret, secret.state, secret.ended))
    return len(due)


def _repeated(kept: Secret | None, fingerprint: bytes, now: int) -> Created | None:
    if kept is None:
        return None
    if kept.state in LIVE and now < kept.expires and same(kept.fingerprint, fingerprint):
        return Created(state=kept.state, expires=kept.expires, new=False)
    raise ConflictError


def _ending(secret: Secret, state: State, ended: int | None) -> Changes:
    """What stays of a secret whose sealed bytes and key go: how it ended, for its receipt."""
    return {"state": state, "ended": ended, "due": secret.expires + RECEIPT_KEPT}
