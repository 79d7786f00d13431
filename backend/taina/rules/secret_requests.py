"""The rules of requests for secrets: one asks, others leave envelopes. No HTTP here and no SQL.

What is in an envelope, and who asked whom, this side never learns. Every public method is one transaction of the
store: what it returns is durable, and what it raises has changed nothing.
"""

import time
from collections.abc import Callable

from taina.errors import AnsweredError, ConflictError, GoneError, InvalidError, NotFoundError
from taina.rules import guards
from taina.rules.atomic import atomic
from taina.rules.types import Answered, CreatedRequest, Inbox, Limits, NewRequest, RequestStatus
from taina.rules.uploads import SEALED_CHUNK
from taina.rules.vault import Admit
from taina.store import ROW, Envelope, Request, Store, Transaction

SPARE_TRIES = 5
"""Secrets that may be started for a request beyond its answers: a sender whose network breaks begins again."""
ENVELOPE_SIZE = 81
"""Bytes of an envelope: an encapsulated key (32) and a sealed link (33 and its tag)."""
CONTACT_SIZE = SEALED_CHUNK
"""Bytes of an answer to the request of a contact page, whose link anybody has: a message, and no upload."""


class SecretRequests:
    """Keeps requests, and the envelopes that are left at them until their asker has read them.

    Args:
        contact: the id of the request that the contact page shows, if only few may create: its answers are bounded.
    """

    def __init__(
        self, store: Store, limits: Limits, clock: Callable[[], float] = time.time, contact: bytes | None = None
    ) -> None:
        self.limits = limits
        self._contact = contact
        self._store = store
        self._clock = clock

    def create(self, request_id: bytes, new: NewRequest, key: str | None = None) -> CreatedRequest:
        """Keep a request. The same one may come again.

        Args:
            key: the name of the access key that makes it, on a private instance.

        Raises:
            InvalidError, StorageFullError: nothing was kept.
            ConflictError: the id belongs to another request, or its time is over.
        """
        limits = self.limits
        guards.require_lifetime(new.ttl, limits)
        if not 1 <= new.answers <= limits.answers:
            raise InvalidError(f"A request takes 1 to {limits.answers} answers.", field="answers")
        return self._create(request_id, new, key)

    @atomic
    def _create(self, tx: Transaction, now: int, request_id: bytes, new: NewRequest, key: str | None) -> CreatedRequest:
        kept = _repeated(tx.requests.find(request_id), new, now)
        if kept is not None:
            return kept
        guards.require_room(tx.usage(), ROW, self.limits)
        expires = now + new.ttl
        request = Request(
            id=request_id,
            inbox_hash=new.inbox_hash,
            answer_hash=new.answer_hash,
            answers=new.answers,
            created=now,
            expires=expires,
            # A secret that was left as an answer at the last moment may live this long, and so may the way to it.
            due=expires + self.limits.ttl_max,
            key=key,
        )
        tx.requests.put(request)
        return CreatedRequest(expires=expires, new=True)

    @atomic
    def created(self, tx: Transaction, now: int, request_id: bytes, new: NewRequest) -> CreatedRequest | None:
        """What `create` tells whoever sends the same again; None if there was no such request. Changes nothing.

        Raises:
            ConflictError: the id belongs to another request, or its time is over.
        """
        return _repeated(tx.requests.find(request_id), new, now)

    @atomic
    def key_of(self, tx: Transaction, now: int, request_id: bytes, answer_token: bytes) -> str | None:
        """The name of the access key that made the request, for whoever may answer it.

        Raises:
            NotFoundError
            GoneError: it has expired.
        """
        return _require_open(_require_answer_token(tx, request_id, answer_token, now), now).key

    def start_answer(self, request_id: bytes, answer_token: bytes) -> Admit:
        """What spends one of the answers that a request is good for, within the transaction that makes a secret.

        It raises:
            NotFoundError: there is no such request, or the token is not its own.
            GoneError: it has expired.
            AnsweredError: it has its answers, or too many were started and broken off.
        """

        def admit(tx: Transaction, secret_id: bytes, now: int) -> None:
            request = _require_open(_require_answer_token(tx, request_id, answer_token, now), now)
            full = len(tx.requests.envelopes(request_id)) >= request.answers
            if full or request.started >= request.answers + SPARE_TRIES:
                raise AnsweredError
            tx.requests.start(request_id, secret_id)

        return admit

    def most(self, request_id: bytes) -> int:
        """Bytes of ciphertext that one answer to this request may have."""
        return min(self.limits.size, CONTACT_SIZE) if request_id == self._contact else self.limits.size

    @atomic
    def status(self, tx: Transaction, now: int, request_id: bytes, answer_token: bytes) -> RequestStatus:
        """Whether an answer can be left; changes nothing. Raises: NotFoundError, GoneError once it has expired."""
        request = _require_open(_require_answer_token(tx, request_id, answer_token, now), now)
        left = request.answers - len(tx.requests.envelopes(request_id))
        return RequestStatus(
            state="open" if left else "full", answers_left=left, expires=request.expires, most=self.most(request_id)
        )

    @atomic
    def answer(self, tx: Transaction, now: int, request_id: bytes, answer_token: bytes, sealed: bytes) -> Answered:
        """Leave an envelope. The same one may come again, and takes no second place.

        Raises:
            NotFoundError, InvalidError, StorageFullError
            AnsweredError: there are as many as the request takes.
            GoneError: it has expired.
        """
        if len(sealed) != ENVELOPE_SIZE:
            raise InvalidError(f"An envelope has {ENVELOPE_SIZE} bytes.", field="envelope")
        request = _require_answer_token(tx, request_id, answer_token, now)
        there = tx.requests.envelopes(request_id)
        left = request.answers - len(there)
        if any(envelope.sealed == sealed for envelope in there):
            return Answered(answers_left=left, new=False)
        _require_open(request, now)
        if not left:
            raise AnsweredError
        guards.require_room(tx.usage(), ROW, self.limits)
        tx.requests.put_envelope(request_id, len(there), Envelope(sealed, now))
        for secret_id in tx.requests.settle(request_id):
            # Which of them is in the envelope, nobody here can know: all that were started may stay.
            secret = tx.find(secret_id)
            if secret is not None and secret.state == "waiting":
                tx.update(secret, due=secret.expires)
        return Answered(answers_left=left - 1, new=True)

    @atomic
    def inbox(self, tx: Transaction, now: int, request_id: bytes, inbox_token: bytes) -> Inbox:
        """What was left, for the asker; changes nothing. Raises: NotFoundError."""
        request = _require_inbox_token(tx, request_id, inbox_token, now)
        return Inbox(answers=request.answers, expires=request.expires, envelopes=tx.requests.envelopes(request_id))

    @atomic
    def delete(self, tx: Transaction, now: int, request_id: bytes, inbox_token: bytes) -> None:
        """End the request and delete what was left at it. Its id is never given again. Raises: NotFoundError."""
        _require_inbox_token(tx, request_id, inbox_token, now)
        tx.requests.end(request_id, now)

    @atomic
    def take_down(self, tx: Transaction, now: int, request_id: bytes) -> None:
        """As `delete`, at its operator's word; do nothing if there is none."""
        tx.requests.end(request_id, now)

    def sweep(self, limit: int = 200, at: int | None = None) -> int:
        """Forget at most `limit` requests whose time is over. Returns how many.

        Args:
            at: the time (unix seconds) by which it is over, where that is not the clock's.
        """
        now = int(self._clock()) if at is None else at
        return self._store.atomically(lambda tx: _sweep(tx, now, limit))


def _sweep(tx: Transaction, now: int, limit: int) -> int:
    due = tx.requests.due(now, limit)
    for request_id in due:
        tx.requests.forget(request_id)
    return len(due)


def _repeated(kept: Request | None, new: NewRequest, now: int) -> CreatedRequest | None:
    if kept is None:
        return None
    if now < kept.expires and kept.ended is None and _of(kept) == new:
        return CreatedRequest(expires=kept.expires, new=False)
    raise ConflictError("This identifier is taken or was used up. Make a new request with a new key.")


def _of(kept: Request) -> NewRequest:
    return NewRequest(
        inbox_hash=kept.inbox_hash,
        answer_hash=kept.answer_hash,
        ttl=kept.expires - kept.created,
        answers=kept.answers,
    )


def _require_answer_token(tx: Transaction, request_id: bytes, answer_token: bytes, now: int) -> Request:
    request = tx.requests.find(request_id)
    return _proved(request, request.answer_hash if request else bytes(32), answer_token, now)


def _require_inbox_token(tx: Transaction, request_id: bytes, inbox_token: bytes, now: int) -> Request:
    request = tx.requests.find(request_id)
    return _proved(request, request.inbox_hash if request else bytes(32), inbox_token, now)


def _proved(request: Request | None, kept: bytes, token: bytes, now: int) -> Request:
    """The comparison is made in either case, so that time tells nothing."""
    proved = guards.same(kept, guards.sha256(token))
    if request is None or not proved or now >= request.due or request.ended is not None:
        raise NotFoundError
    return request


def _require_open(request: Request, now: int) -> Request:
    if now >= request.expires:
        raise GoneError("This request has expired.", state="expired", ended=request.expires)
    return request
