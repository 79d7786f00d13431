"""Send and open secrets from Python. All that leaves this module is sealed; the server learns hashes and sizes."""

import contextlib
import mimetypes
import re
import secrets
import time
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

import httpx

from taina import base64url
from taina.client.receiving import File, Receiver
from taina.client.results import Asked, Inbox, Opened, Receipt, RequestStatus, Sent, State, Status
from taina.client.transport import Transport
from taina.errors import AnsweredError, FileError, FormatError, InvalidError, NotFoundError, NotTainaError, TainaError
from taina.format.derive import (
    KEY_SIZE,
    derive_claim,
    derive_content_keys,
    derive_inbox,
    derive_link_keys,
    derive_receipt,
    derive_request,
    sha256,
)
from taina.format.envelope import open_envelope, public_key, seal_envelope
from taina.format.links import Kind, Link, decode_link, encode_link
from taina.format.payload import CHUNK_SIZE, Header, Item, Unpacker, pack, payload_size
from taina.format.stream import StreamKey, chunk_count, open_chunk, seal, sealed_size

Content = str | Path | File
"""What can be sent: a text, the path of a file, or a file from memory."""
OnProgress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""
T = TypeVar("T")
R = TypeVar("R")

_ADDRESS = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
_IN_FLIGHT = 3
"""Chunks on their way at a time: enough to fill a line, few enough to bound the memory."""
_ACK_PATIENCE = 5.0


class Client:
    """A client of one instance; links of other instances are asked where they point to. Thread-safe.

        with Client("https://taina.example") as client:
            sent = client.send("hunter2", ttl=3600)
            client.open(sent.link).text

    Args:
        url: address of the instance. Without one nothing can be sent, and links must be whole addresses.
        key: access key, for an instance that is private; no other instance ever sees it.
        patience: seconds for which a call is tried again while the network or the server is out.
        timeout: seconds that one try may hang.

    Every method may raise UnreachableError, and the link errors for what is no link of the kind.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        patience: float = 30.0,
        timeout: float = 30.0,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/") if url else None
        self._key = None if key is None else _read_key(key)
        self._http = httpx.Client(timeout=timeout)
        self._patience = patience
        self._clock = clock
        self._random = random
        self._sleep = sleep
        # The claim of each secret that was begun, so that another try is the same reader's.
        self._claims: dict[bytes, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def instance(self) -> dict[str, Any]:
        """Version, limits, lifetimes and options of the instance, as its API gives them."""
        return self._transport(self.url).json("GET", "/status")

    def send(
        self,
        *content: Content,
        ttl: int | None = None,
        passphrase: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Sent:
        """Seal texts and files into one secret and leave it with the server.

        Args:
            ttl: lifetime in seconds; None takes the instance's own.
            passphrase: what the reader has to type besides having the link.

        Raises:
            FileError: a file cannot be read, or changed on the way; nothing can be opened then.
            InvalidError, TooLargeError, StorageFullError: the server keeps nothing.
        """
        return self._send(self._transport(self.url), content, ttl, passphrase, on_progress, self._key)

    def _send(
        self,
        transport: Transport,
        content: tuple[Content, ...],
        ttl: int | None,
        passphrase: str | None,
        on_progress: OnProgress | None,
        admission: bytes | None,
        answering: bytes | None = None,
    ) -> Sent:
        if not content:
            raise InvalidError("There is nothing to send.", field="content")
        if ttl is None:
            ttl = _whole(transport.json("GET", "/status").get("ttl"), "default")
        key, receipt_key = self._random(KEY_SIZE), self._random(KEY_SIZE)
        link = Link("secret", key, passphrase is not None)
        link_keys = derive_link_keys(key)
        content_keys = derive_content_keys(key, passphrase)
        receipt = derive_receipt(receipt_key)
        stream = StreamKey(content_keys.content, link.flags, link_keys.id)

        header = Header(tuple(_item(one) for one in content), int(self._clock()) + ttl)
        size = payload_size(header)
        chunks = chunk_count(size)
        sealed = _seal(stream, header, content)
        path = f"/secrets/{base64url.encode(link_keys.id)}"
        order = {
            "link_hash": base64url.encode(sha256(link_keys.proof)),
            "reveal_hash": base64url.encode(sha256(content_keys.reveal)),
            "receipt_id": base64url.encode(receipt.id),
            "receipt_hash": base64url.encode(sha256(receipt.token)),
            "ttl": ttl,
            "chunks": chunks,
            "size": sealed_size(size),
            "passphrase": link.passphrase,
        }
        if chunks == 1:
            order["content"] = base64url.encode(b"".join(sealed))
        if answering is not None:
            order["request"] = base64url.encode(answering)
        expires = _whole(transport.create(path, link_keys.id, token=admission, body=order), "expires")
        if chunks > 1:

            def upload(chunk: tuple[int, bytes]) -> None:
                transport.put_bytes(f"{path}/chunks/{chunk[0]}", receipt.token, chunk[1])

            try:
                for n, _ in enumerate(_ahead(upload, enumerate(sealed))):
                    if on_progress:
                        on_progress(min((n + 1) * CHUNK_SIZE, size), size)
            except BaseException:
                # Half a secret is of no use to anybody; the server would sweep it in an hour.
                self._try_to_burn(transport, receipt_key)
                raise
        opened_hash = sha256(content_keys.opened)[:16]
        return Sent(
            f"{transport.url}/s/#{encode_link(link)}",
            f"{transport.url}/receipt/#{encode_link(Link('receipt', receipt_key + opened_hash))}",
            expires,
        )

    def send_each(
        self,
        recipients: int,
        *content: Content,
        ttl: int | None = None,
        passphrase: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> list[Sent]:
        """One link per recipient: independent secrets of the same content, or none at all.

        Raises: as `send`; the secrets that were made already are burned.
        """
        made: list[Sent] = []
        try:
            for _ in range(recipients):
                made.append(self.send(*content, ttl=ttl, passphrase=passphrase, on_progress=on_progress))
        except BaseException:
            for sent in made:
                self._try_to_burn(self._transport(self.url), decode_link(sent.receipt, "receipt").body[:KEY_SIZE])
            raise
        return made

    def mail(self, link: str, to: str, language: str = "en") -> None:
        """Have the instance mail a link, for which it wants an access key and a secret with a passphrase.

        Raises:
            NotFoundError: this instance mails nothing.
            KeyNeededError, KeyRefusedError, QuotaError, InvalidError, MailError: nothing was sent.
        """
        body = {"link": link, "to": to, "language": language}
        self._transport(self.url).post("/mail", self._key, body)

    def status(self, link: str) -> Status:
        """What may be known before the reveal; consumes nothing. Raises: NotFoundError, GoneError."""
        transport, parsed = self._find(link, "secret")
        keys = derive_link_keys(parsed.body)
        answer = transport.json("GET", f"/secrets/{base64url.encode(keys.id)}", token=keys.proof)
        return Status(
            _state(answer),
            parsed.passphrase,
            _whole(answer, "size"),
            _whole(answer, "chunks"),
            _whole(answer, "expires"),
            _whole(answer, "attempts_left"),
        )

    def open(
        self,
        link: str,
        passphrase: str | None = None,
        *,
        folder: Path | None = None,
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> Opened:
        """Reveal a secret: from then on nobody else can. After a failure, the same client may try again.

        Args:
            folder: where files are written to, under cleaned names; None keeps them in memory.
            overwrite: replace files of the same name, rather than number the new ones.

        Raises:
            NotFoundError, NotReadyError, GoneError
            WrongPassphraseError: its member `attempts_left` says how many tries remain.
            TamperedError, FormatError: what came is not what was sent.
            FileError: the folder cannot be written to.
        """
        transport, parsed = self._find(link, "secret")
        if parsed.passphrase != (passphrase is not None):
            wanted = "needs a passphrase" if parsed.passphrase else "has no passphrase"
            raise InvalidError(f"This link {wanted}.", field="passphrase")
        link_keys = derive_link_keys(parsed.body)
        content_keys = derive_content_keys(parsed.body, passphrase)
        claim = derive_claim(self._claims.setdefault(link_keys.id, self._random(KEY_SIZE)))
        stream = StreamKey(content_keys.content, parsed.flags, link_keys.id)
        answer = transport.json(
            "POST",
            f"/secrets/{base64url.encode(link_keys.id)}/reveal",
            token=link_keys.proof,
            body={
                "proof": base64url.encode(content_keys.reveal),
                "claim": {"id": base64url.encode(claim.id), "hash": base64url.encode(sha256(claim.token))},
            },
        )
        path = f"/claims/{base64url.encode(claim.id)}"
        chunks = _whole(answer, "chunks")

        def fetch(n: int) -> bytes:
            return transport.get_bytes(f"{path}/chunks/{n}", claim.token)

        sealed = [_bytes(answer, "content")] if "content" in answer else _ahead(fetch, range(chunks))
        receiver = Receiver(folder, overwrite=overwrite)
        unpacker = Unpacker()
        done = 0
        try:
            for n, chunk in enumerate(sealed):
                for item, piece in unpacker.push(open_chunk(stream, n, n == chunks - 1, chunk)):
                    assert unpacker.header is not None  # noqa: S101 - the first push reads it
                    receiver.write(unpacker.header.items[item], item, piece)
                    done += len(piece)
                    if on_progress:
                        on_progress(done, sum(one.size for one in unpacker.header.items))
            header = unpacker.finish()
            opened = Opened(receiver.finish(header), header.expires, late=self._clock() > header.expires)
        except BaseException:
            receiver.abandon()
            raise
        self._acknowledge(transport.url, path, claim.token, content_keys.opened)
        self._claims.pop(link_keys.id, None)
        return opened

    def receipt(self, receipt: str) -> Receipt:
        """What became of a secret that was sent. Raises: NotFoundError."""
        transport, parsed = self._find(receipt, "receipt")
        token = derive_receipt(parsed.body[:KEY_SIZE])
        answer = transport.json("GET", f"/receipts/{base64url.encode(token.id)}", token=token.token)
        return Receipt(
            _state(answer),
            _whole(answer, "created"),
            _whole(answer, "expires"),
            _whole(answer, "ended") if "ended" in answer else None,
            _whole(answer, "failed_attempts"),
            "opened" in answer and sha256(_bytes(answer, "opened"))[:16] == parsed.body[KEY_SIZE:],
        )

    def burn(self, receipt: str) -> None:
        """Destroy a secret unread. Raises: NotFoundError, GoneError where it ended in another way."""
        transport, parsed = self._find(receipt, "receipt")
        self._burn(transport, parsed.body[:KEY_SIZE])

    def request(self, *, ttl: int | None = None, answers: int = 1, passphrase: bool = False) -> Asked:
        """Ask for a secret: a link to send to who has it, and an inbox to keep.

        Args:
            ttl: seconds in which it can be answered; None takes the instance's own.
            answers: how many may be left.
            passphrase: whether answers are to have one, told by another way.

        Raises:
            InvalidError: the server keeps nothing.
        """
        transport = self._transport(self.url)
        if ttl is None:
            ttl = _whole(transport.json("GET", "/status").get("ttl"), "default")
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
        expires = _whole(transport.create(path, token.id, token=self._key, body=order), "expires")
        return Asked(
            f"{self.url}/r/#{encode_link(Link('request', public, passphrase))}",
            f"{self.url}/inbox/#{encode_link(Link('inbox', seed))}",
            expires,
        )

    def request_status(self, link: str) -> RequestStatus:
        """Whether a request can be answered; changes nothing. Raises: NotFoundError, GoneError."""
        transport, parsed = self._find(link, "request")
        token = derive_request(parsed.body)
        answer = transport.json("GET", f"/requests/{base64url.encode(token.id)}", token=token.token)
        return RequestStatus(_whole(answer, "answers_left"), parsed.passphrase, _whole(answer, "expires"))

    def answer(
        self,
        link: str,
        *content: Content,
        ttl: int | None = None,
        passphrase: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Sent:
        """Answer a request: send a secret, as `send` does, and seal its link to who asked.

        Raises:
            AnsweredError: somebody was first; the secret is burned again.
            NotFoundError, GoneError: the request is not there any more.
        """
        transport, parsed = self._find(link, "request")
        if parsed.passphrase and passphrase is None:
            raise InvalidError("Who asked wants a passphrase, told by another way.", field="passphrase")
        if not self.request_status(link).answers_left:
            raise AnsweredError
        token = derive_request(parsed.body)
        # A private instance lets in who has the request; another need not know which request it is.
        private = _is_private(transport.json("GET", "/status"))
        admission = (token.token, token.id) if private else (None, None)
        sent = self._send(transport, content, ttl, passphrase, on_progress, *admission)
        try:
            # Tried again, it is the same envelope: another one would be another answer.
            envelope = seal_envelope(parsed.body, decode_link(sent.link, "secret"))
            path = f"/requests/{base64url.encode(token.id)}/envelopes"
            transport.json("POST", path, token=token.token, body={"envelope": base64url.encode(envelope)})
        except BaseException:
            self._try_to_burn(transport, decode_link(sent.receipt, "receipt").body[:KEY_SIZE])
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
                answer = open_envelope(keys.private, _bytes(one, "envelope"))
                answers.append(f"{transport.url}/s/#{encode_link(answer)}")
            except FormatError:
                answers.append(None)
        return Inbox(tuple(answers), _whole(found, "answers"), _whole(found, "expires"))

    def withdraw(self, link: str) -> None:
        """Delete a request, by its inbox, with what was left at it. One that is not there any more is deleted."""
        transport, parsed = self._find(link, "inbox")
        keys = derive_inbox(parsed.body)
        token = derive_request(public_key(keys.private))
        with contextlib.suppress(NotFoundError):
            transport.delete(f"/requests/{base64url.encode(token.id)}", keys.token)

    def _burn(self, transport: Transport, receipt_key: bytes) -> None:
        token = derive_receipt(receipt_key)
        transport.json("POST", f"/receipts/{base64url.encode(token.id)}/burn", token=token.token)

    def _try_to_burn(self, transport: Transport, receipt_key: bytes) -> None:
        with contextlib.suppress(TainaError):
            self._burn(self._transport(transport.url, patience=0), receipt_key)

    def _acknowledge(self, url: str, path: str, token: bytes, opened: bytes) -> None:
        """The reader has it: that this fails must not take it away again."""
        transport = self._transport(url, patience=_ACK_PATIENCE)
        with contextlib.suppress(TainaError):
            transport.json("POST", f"{path}/ack", token=token, body={"opened": base64url.encode(opened)})

    def _find(self, link: str, kind: Kind) -> tuple[Transport, Link]:
        parsed = decode_link(link, kind)
        return self._transport(_address_of(link) or self.url), parsed

    def _transport(self, url: str | None, patience: float | None = None) -> Transport:
        if url is None:
            raise InvalidError("Which instance? Give its address, or a whole link that names it.", field="url")
        patience = self._patience if patience is None else patience
        return Transport(url, self._http, patience, sleep=self._sleep)


def _address_of(link: str) -> str | None:
    """The instance that a link names: what stands before its path. None for a bare fragment."""
    found = _ADDRESS.search(link)
    return found[0] if found else None


def _item(content: Content) -> Item:
    if isinstance(content, str):
        try:
            return Item("text", len(content.encode("utf-8")))
        except UnicodeEncodeError:
            raise InvalidError("The text holds half a character.", field="content") from None
    file = _file(content)
    return Item("file", file.size, file.name, file.mime)


def _file(content: Path | File) -> File:
    if isinstance(content, File):
        return content
    mime, _ = mimetypes.guess_type(content.name)
    # A name that is no text (POSIX allows any bytes) travels with marks in place of what cannot be written.
    name = content.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return File(name, content, mime or "application/octet-stream")


def _seal(stream: StreamKey, header: Header, contents: Iterable[Content]) -> Iterator[bytes]:
    try:
        yield from seal(stream, pack(header, _read(contents)))
    except FormatError:
        raise FileError("A file changed while it was read. Nothing of it can be opened; send it again.") from None


def _read(contents: Iterable[Content]) -> Iterator[bytes]:
    for content in contents:
        body = content.encode("utf-8") if isinstance(content, str) else _file(content).content
        if isinstance(body, bytes):
            yield body
            continue
        try:
            with body.open("rb") as file:
                while piece := file.read(CHUNK_SIZE):
                    yield piece
        except OSError as error:
            raise FileError(f"{body} cannot be read: {error.strerror}.") from None


def _ahead(work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """The results in order, with a few calls under way at a time."""
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        try:
            for thing in things:
                pending.append(pool.submit(work, thing))
                if len(pending) == _IN_FLIGHT:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for call in pending:
                call.cancel()


def _whole(answer: Any, name: str) -> int:
    value = answer.get(name) if isinstance(answer, dict) else None
    if type(value) is not int or value < 0:
        raise NotTainaError
    return value


def _bytes(answer: dict[str, Any], name: str) -> bytes:
    try:
        return base64url.decode(answer[name])
    except (TypeError, ValueError):
        raise NotTainaError from None


def _state(answer: dict[str, Any]) -> State:
    for state in get_args(State):
        if answer.get("state") == state:
            return state  # type: ignore[no-any-return]
    raise NotTainaError


def _read_key(key: str) -> bytes:
    try:
        token = base64url.decode(key.strip())
    except ValueError:
        token = b""
    if len(token) != 32:
        raise InvalidError("This is no access key: it has 43 letters, digits, - and _.", field="key")
    return token


def _is_private(status: dict[str, Any]) -> bool:
    options = status.get("options")
    return isinstance(options, dict) and options.get("create") == "keys"
