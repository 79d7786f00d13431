"""Send and open secrets. All that leaves this module is sealed; the server learns hashes and sizes."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from taina import base64url
from taina.client.ahead import ahead
from taina.client.answers import bytes_of, point, state_of, whole
from taina.client.connection import Connection
from taina.client.contents import Content, item_of, seal_contents, settled
from taina.client.receiving import Receiver
from taina.client.results import Opened, Receipt, Sent, Status
from taina.client.rules import read_rules
from taina.client.transport import MAX_CONTENT, Transport
from taina.client.types import need, need_passphrase, need_seconds
from taina.errors import (
    GoneError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    NotTainaError,
    TainaError,
    TamperedError,
    TooLargeError,
    UnreachableError,
    WrongPassphraseError,
)
from taina.format.derive import KEY_SIZE, derive_claim, derive_content_keys, derive_link_keys, derive_receipt, sha256
from taina.format.links import Link, decode_link, page_address
from taina.format.payload import CHUNK_SIZE, Header, Unpacker, payload_size
from taina.format.stream import StreamKey, chunk_count, open_chunk, sealed_size

OnProgress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""
_ACK_PATIENCE = 5.0
_ACK_TIMEOUT = 15.0
_BURN_TIMEOUT = 5.0
"""Seconds for a small call; it may be made because the server hangs."""
CLOCKS_DIFFER = 600
"""Seconds by which the clocks of sender and reader may be apart."""


class Secrets(Connection):
    """The calls of `taina.Client` about secrets."""

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
        most: int | None = None,
    ) -> Sent:
        if not content:
            raise InvalidError("There is nothing to send.", field="content")
        need_seconds(ttl)
        need_passphrase(passphrase)
        content = tuple(settled(one) for one in content)
        if ttl is None or not all(isinstance(one, str) for one in content):
            rules = read_rules(transport)
            rules.need_text(content)
            ttl = rules.ttl if ttl is None else ttl
        key, receipt_key = self._random(KEY_SIZE), self._random(KEY_SIZE)
        link = Link("secret", key, passphrase is not None)
        link_keys = derive_link_keys(key)
        content_keys = derive_content_keys(key, passphrase)
        receipt = derive_receipt(receipt_key)
        stream = StreamKey(content_keys.content, link.flags, link_keys.id)

        header = Header(tuple(item_of(one) for one in content), int(self._clock()) + ttl)
        size = payload_size(header)
        if most is not None and sealed_size(size) > most:
            from taina.client.spoken import spoken_size  # only for who is refused

            raise TooLargeError(f"An answer to this request may hold at most {spoken_size(most)}. Nothing was sent.")
        chunks = chunk_count(size)
        sealed = seal_contents(stream, header, content)
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
        expires = point(transport.create(path, link_keys.id, token=admission, body=order), "expires")
        if chunks > 1:

            def upload(chunk: tuple[int, bytes]) -> None:
                transport.put_bytes(f"{path}/chunks/{chunk[0]}", receipt.token, chunk[1])

            try:
                for n, _ in enumerate(ahead(upload, enumerate(sealed))):
                    if on_progress:
                        on_progress(min((n + 1) * CHUNK_SIZE, size), size)
            except BaseException:
                transport.give_up()
                # Half a secret is of no use to anybody; the server would sweep it in an hour.
                self._try_to_burn(transport.url, receipt_key)
                raise
        opened_hash = sha256(content_keys.opened)[:16]
        return Sent(
            page_address(transport.url, link),
            page_address(transport.url, Link("receipt", receipt_key + opened_hash)),
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
        """One link per recipient: independent secrets of the same content.

        Raises: as `send`; the secrets that were made already are burned, where the server can still be reached.
        """
        need(recipients, "recipients", int, "a number")
        content = tuple(settled(one) for one in content)  # a pipe can be read only once
        made: list[Sent] = []
        try:
            for _ in range(recipients):
                made.append(self.send(*content, ttl=ttl, passphrase=passphrase, on_progress=on_progress))
        except BaseException:
            self._try_to_burn(self.url, *(decode_link(sent.receipt, "receipt").body[:KEY_SIZE] for sent in made))
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
        state = state_of(answer)
        if state not in ("uploading", "waiting"):
            raise NotTainaError  # of one that has ended the API says so by an error
        return Status(
            state,
            parsed.passphrase,
            whole(answer, "size"),
            whole(answer, "chunks"),
            point(answer, "expires"),
            whole(answer, "attempts_left"),
        )

    def open(
        self,
        link: str,
        passphrase: str | None = None,
        *,
        folder: Path | None = None,
        spool: bool = False,
        overwrite: bool = False,
        hidden: bool = False,
        on_progress: OnProgress | None = None,
        deliver: Callable[[Opened], None] | None = None,
    ) -> Opened:
        """Reveal a secret: from then on nobody else can. After a failure, the same client may try again.

        Args:
            folder: where files are written to, under cleaned names; None keeps them in memory.
            spool: without a folder, large files are kept sealed on the disk; `File.pieces` reads them.
            overwrite: replace files of the same name, rather than number the new ones.
            hidden: names such as `.env` keep their dot; not for a folder where programs look for such files.
            deliver: brings what came to where it is wanted, before the server is told that it may forget. What it
                raises is raised, and the server is not told.

        Raises:
            NotFoundError, NotReadyError, GoneError
            WrongPassphraseError: its member `attempts_left` says how many tries remain; without it, this client had
                revealed the secret before, by another passphrase, and may try again.
            TamperedError, FormatError: what came is not what was sent.
            FileError: the folder cannot be written to.
        """
        opened, acknowledge = self.open_unacknowledged(
            link, passphrase, folder=folder, spool=spool, overwrite=overwrite, hidden=hidden, on_progress=on_progress
        )
        if deliver is not None:
            deliver(opened)
        acknowledge()
        return opened

    def open_unacknowledged(
        self,
        link: str,
        passphrase: str | None = None,
        *,
        folder: Path | None = None,
        spool: bool = False,
        overwrite: bool = False,
        hidden: bool = False,
        on_progress: OnProgress | None = None,
    ) -> tuple[Opened, Callable[[], None]]:
        """As `open`, but the server is told only by a call of what is returned besides: once all is where it belongs.

        Until then, while the server's lease lasts, the same client may open it again.

        Raises: as `open`.
        """
        need_passphrase(passphrase)
        if folder is not None:
            need(folder, "folder", (str, Path), "a Path")
            folder = Path(folder)
        transport, parsed = self._find(link, "secret")
        if parsed.passphrase != (passphrase is not None):
            wanted = "needs a passphrase" if parsed.passphrase else "has no passphrase"
            raise InvalidError(f"This link {wanted}.", field="passphrase")
        link_keys = derive_link_keys(parsed.body)
        content_keys = derive_content_keys(parsed.body, passphrase)
        begun = self._claims.begun(link_keys.id)
        claim = derive_claim(self._claims.take(link_keys.id, lambda: self._random(KEY_SIZE)))
        stream = StreamKey(content_keys.content, parsed.flags, link_keys.id)
        proofs = {
            "proof": base64url.encode(content_keys.reveal),
            "claim": {"id": base64url.encode(claim.id), "hash": base64url.encode(sha256(claim.token))},
        }
        reveal = f"/secrets/{base64url.encode(link_keys.id)}/reveal"
        try:
            answer = transport.json("POST", reveal, token=link_keys.proof, body=proofs, limit=MAX_CONTENT)
        except (GoneError, NotFoundError, NotReadyError, WrongPassphraseError):
            self._claims.forget(link_keys.id)
            raise
        path = f"/claims/{base64url.encode(claim.id)}"
        chunks = whole(answer, "chunks")

        def fetch(n: int) -> bytes:
            return transport.get_bytes(f"{path}/chunks/{n}", claim.token)

        sealed = [bytes_of(answer, "content")] if "content" in answer else ahead(fetch, range(chunks))
        receiver = Receiver(folder, spool=spool, overwrite=overwrite, hidden=hidden)
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
            late = self._clock() > header.expires + CLOCKS_DIFFER
            opened = Opened(receiver.finish(header), header.expires, late)
        except BaseException as error:
            transport.give_up()
            receiver.abandon()
            # The server asks no proof of a reader who goes on: this is where a wrong passphrase shows.
            if begun and passphrase is not None and unpacker.header is None and isinstance(error, TamperedError):
                raise WrongPassphraseError from None
            raise

        def acknowledge() -> None:
            self._acknowledge(transport.url, path, claim.token, content_keys.opened)
            self._claims.forget(link_keys.id)

        return opened, acknowledge

    def has_begun(self, link: str) -> bool:
        """Whether this client, or an earlier one with the same `state`, has begun to open it and did not end."""
        return self._claims.begun(derive_link_keys(decode_link(link, "secret").body).id)

    def receipt(self, receipt: str) -> Receipt:
        """What became of a secret that was sent. Raises: NotFoundError."""
        transport, parsed = self._find(receipt, "receipt")
        token = derive_receipt(parsed.body[:KEY_SIZE])
        answer = transport.json("GET", f"/receipts/{base64url.encode(token.id)}", token=token.token)
        proved = "opened" in answer and sha256(bytes_of(answer, "opened"))[:16] == parsed.body[KEY_SIZE:]
        state = state_of(answer)
        return Receipt(
            "unproved" if state == "opened" and not proved else state,
            point(answer, "created"),
            point(answer, "expires"),
            point(answer, "ended") if "ended" in answer else None,
            whole(answer, "failed_attempts"),
            proved,
        )

    def burn(self, receipt: str) -> None:
        """Destroy a secret unread. Raises: NotFoundError, GoneError where it ended in another way."""
        transport, parsed = self._find(receipt, "receipt")
        self._burn(transport, parsed.body[:KEY_SIZE])

    def _burn(self, transport: Transport, receipt_key: bytes) -> None:
        token = derive_receipt(receipt_key)
        transport.json("POST", f"/receipts/{base64url.encode(token.id)}/burn", token=token.token)

    def _try_to_burn(self, url: str | None, *receipt_keys: bytes) -> None:
        """As far as the server answers soon: whoever ended what was under way waits for this."""
        transport = self._transport(url, patience=0, timeout=_BURN_TIMEOUT)
        for key in receipt_keys:
            try:
                self._burn(transport, key)
            except UnreachableError:
                break
            except TainaError:
                continue

    def _acknowledge(self, url: str, path: str, token: bytes, opened: bytes) -> None:
        """The reader has it: that this fails must not take it away again."""
        transport = self._transport(url, patience=_ACK_PATIENCE, timeout=_ACK_TIMEOUT)
        with contextlib.suppress(TainaError):
            transport.json("POST", f"{path}/ack", token=token, body={"opened": base64url.encode(opened)})
