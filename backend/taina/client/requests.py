"""Ask for secrets, answer a request, read an inbox."""

import contextlib

from taina import base64url
from taina.client.answers import bytes_of, point, whole
from taina.client.contents import Content, settled
from taina.client.results import Asked, Inbox, RequestStatus, Sent
from taina.client.rules import read_rules
from taina.client.secrets import OnProgress, Secrets
from taina.client.transport import Transport
from taina.client.types import need, need_seconds
from taina.errors import (
    AnsweredError,
    FormatError,
    GoneError,
    InvalidError,
    KeyNeededError,
    KeyRefusedError,
    LoginNeededError,
    NotFoundError,
    NotTainaError,
    TainaError,
    is_final,
)
from taina.format.derive import KEY_SIZE, derive_inbox, derive_request, sha256
from taina.format.envelope import open_envelope, public_key, seal_envelope
from taina.format.links import Link, decode_link, page_address

_MAYBE = "It may have arrived: ask whoever wanted it before you answer again."

_ASKERS_KEY = "The access key of whoever asked is not valid any more. Nothing was sent. Ask for a new link."


class Requests(Secrets):
    """The calls of `taina.Client` about requests."""

    def request(self, *, ttl: int | None = None, answers: int = 1, passphrase: bool = False) -> Asked:
        """Ask for a secret: a link for whoever has it, and an inbox to keep.

        Args:
            ttl: seconds in which it can be answered; None takes the instance's own.
            answers: how many may be left.
            passphrase: whether answers are to have one, shared some other way.

        Raises:
            InvalidError: the server keeps nothing.
        """
        need_seconds(ttl)
        need(answers, "answers", int, "a number")
        transport = self._transport(self.url)
        if ttl is None:
            ttl = read_rules(transport).ttl
        seed = self._random(KEY_SIZE)
        inbox = derive_inbox(seed)
        public = public_key(inbox.private)
        token = derive_request(public)
        order = {
            "inbox_hash": base64url.encode(sha256(inbox.token)),
            "answer_hash": base64url.encode(sha256(token.token)),
            "ttl": ttl,
            "answers": answers,
        }
        path = f"/requests/{base64url.encode(token.id)}"
        expires = point(transport.create(path, token.id, token=self._key, body=order), "expires")
        return Asked(
            page_address(transport.url, Link("request", public, passphrase)),
            page_address(transport.url, Link("inbox", seed)),
            expires,
        )

    def request_status(self, link: str) -> RequestStatus:
        """Whether a request can be answered; changes nothing. Raises: NotFoundError, GoneError."""
        transport, parsed = self._find(link, "request")
        token = derive_request(parsed.body)
        try:
            answer = transport.json("GET", f"/requests/{base64url.encode(token.id)}", token=token.token)
        except GoneError as error:
            raise GoneError("This request has expired. Ask for a new link.", **error.members) from None
        most = whole(answer, "size") if "size" in answer else None
        return RequestStatus(whole(answer, "answers_left"), parsed.passphrase, point(answer, "expires"), most)

    def answer(
        self,
        link: str,
        *content: Content,
        ttl: int | None = None,
        passphrase: str | None = None,
        on_progress: OnProgress | None = None,
        looked: RequestStatus | None = None,
    ) -> Sent:
        """Answer a request: send a secret, as `send` does, and seal its link to who asked.

        Args:
            looked: what `request_status` told a moment ago, so that it need not be asked again.

        Raises:
            AnsweredError: somebody was first; the secret is burned again.
            TooLargeError: this request takes less; nothing was sent.
            KeyRefusedError: the access key of whoever asked is not valid any more.
            NotFoundError, GoneError: the request is not there any more.
            UnreachableError, UnavailableError, RateLimitedError: maybe only after it arrived; the message says so, and
                nothing is burned then.
        """
        transport, parsed = self._find(link, "request")
        if parsed.passphrase and passphrase is None:
            raise InvalidError("Whoever asked wants a passphrase, shared some other way.", field="passphrase")
        status = self.request_status(link) if looked is None else looked
        if not status.answers_left:
            raise AnsweredError
        ttl = read_rules(transport).ttl if ttl is None else ttl
        content = tuple(settled(one) for one in content)
        try:
            return self._leave(transport, parsed.body, content, ttl, passphrase, on_progress, status.most)
        except GoneError:
            # Is it the request that has ended, or the upload of its answer?
            self.request_status(link)
            raise

    def _leave(
        self,
        transport: Transport,
        public: bytes,
        content: tuple[Content, ...],
        ttl: int,
        passphrase: str | None,
        on_progress: OnProgress | None,
        most: int | None,
    ) -> Sent:
        token = derive_request(public)
        # A private instance lets in who has the request; another need not know which request it is.
        try:
            sent = self._send(transport, content, ttl, passphrase, on_progress, None, most=most)
        except (KeyNeededError, LoginNeededError):
            try:
                sent = self._send(transport, content, ttl, passphrase, on_progress, token.token, token.id, most)
            except KeyRefusedError as error:
                # Whoever answers never had a key.
                raise KeyRefusedError(_ASKERS_KEY, **error.members) from None
        path = f"/requests/{base64url.encode(token.id)}/envelopes"
        try:
            # Tried again, it is the same envelope: another one would be another answer.
            envelope = seal_envelope(public, decode_link(sent.link, "secret"))
            transport.json("POST", path, token=token.token, body={"envelope": base64url.encode(envelope)})
        except TainaError as error:
            # Burned while its envelope is there, it would be the answer that the request is used up for.
            if not is_final(error):
                raise type(error)(f"The server has not confirmed this answer. {_MAYBE}", **error.members) from error
            self._try_to_burn(transport.url, decode_link(sent.receipt, "receipt").body[:KEY_SIZE])
            raise
        except BaseException as error:
            error.add_note(_MAYBE)
            raise
        return sent

    def inbox(self, link: str) -> Inbox:
        """What was left at a request; changes nothing, for each answer opens once by itself. Raises: NotFoundError."""
        transport, parsed = self._find(link, "inbox")
        keys = derive_inbox(parsed.body)
        token = derive_request(public_key(keys.private))
        found = transport.json("GET", f"/requests/{base64url.encode(token.id)}/envelopes", token=keys.token)
        envelopes = found.get("envelopes")
        if not isinstance(envelopes, list):
            raise NotTainaError
        answers: list[str | None] = []
        for one in envelopes:
            try:
                answer = open_envelope(keys.private, bytes_of(one, "envelope"))
                answers.append(page_address(transport.url, answer))
            except FormatError:
                answers.append(None)
        return Inbox(tuple(answers), whole(found, "answers"), point(found, "expires"))

    def withdraw(self, link: str) -> None:
        """Delete a request, by its inbox, with what was left at it. One that is not there any more is deleted."""
        transport, parsed = self._find(link, "inbox")
        keys = derive_inbox(parsed.body)
        token = derive_request(public_key(keys.private))
        with contextlib.suppress(NotFoundError):
            transport.delete(f"/requests/{base64url.encode(token.id)}", keys.token)
