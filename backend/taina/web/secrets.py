"""The API's resources: each reads a request, calls the vault once, and writes the answer."""

from typing import ClassVar

import falcon

from taina import __version__, base64url
from taina.rules.types import Claim, Created, NewSecret
from taina.rules.uploads import SEALED_CHUNK
from taina.rules.vault import Vault
from taina.web.admission import Admission, charged, made_or_repeated
from taina.web.limits import Budgets, ClientLimits
from taina.web.parsing import bearer, parse_bytes, path_number, read_body, read_json
from taina.web.policy import Policy
from taina.web.proof_of_work import Work

Answer = dict[str, object]


class SecretResource:
    """`/secrets/{id}`: create, and status that consumes nothing."""

    budgets: ClassVar[Budgets] = {"PUT": "creates"}

    def __init__(self, vault: Vault, admission: Admission, limits: ClientLimits, work: Work) -> None:
        self._vault = vault
        self._admission = admission
        self._limits = limits
        self._work = work

    def on_put(self, request: falcon.Request, response: falcon.Response, secret_id: str) -> None:
        """Create it (201); the same once more changes nothing (200)."""
        identifier = parse_bytes("id", secret_id, 16)
        fields = read_json(request)
        order = NewSecret(
            link_hash=fields.bytes("link_hash", 32),
            reveal_hash=fields.bytes("reveal_hash", 32),
            receipt_id=fields.bytes("receipt_id", 16),
            receipt_hash=fields.bytes("receipt_hash", 32),
            ttl=fields.integer("ttl"),
            chunks=fields.integer("chunks"),
            size=fields.integer("size"),
            passphrase=fields.boolean("passphrase"),
            content=fields.bytes("content") if fields.has("content") else None,
        )
        answering = fields.bytes("request", 16) if fields.has("request") else None
        self._work.check(identifier, fields)
        fields.done()
        created = made_or_repeated(
            lambda: self._create(request, identifier, order, answering),
            lambda: self._vault.created(identifier, order),
        )
        response.status = falcon.HTTP_201 if created.new else falcon.HTTP_200
        response.media = {"state": created.state, "expires": created.expires}

    def _create(self, request: falcon.Request, identifier: bytes, order: NewSecret, answering: bytes | None) -> Created:
        # Of a secret that is too large nothing is kept: it costs nothing, and is refused for its size.
        size = order.size if order.size <= self._vault.limits.size else 0
        return charged(
            self._limits.charge_storage(request, size),
            lambda: self._admission.answer(
                request, answering, order.size, lambda admit: self._vault.create(identifier, order, admit)
            ),
        )

    def on_get(self, request: falcon.Request, response: falcon.Response, secret_id: str) -> None:
        status = self._vault.status(parse_bytes("id", secret_id, 16), bearer(request))
        response.media = {
            "state": status.state,
            "passphrase": status.passphrase,
            "size": status.size,
            "chunks": status.chunks,
            "expires": status.expires,
            "attempts_left": status.attempts_left,
        }


class ChunksResource:
    """`/secrets/{id}/chunks`: which of them have arrived."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_get(self, request: falcon.Request, response: falcon.Response, secret_id: str) -> None:
        present = self._vault.chunks_present(parse_bytes("id", secret_id, 16), bearer(request))
        response.media = {"present": present}


class ChunkResource:
    """`/secrets/{id}/chunks/{n}`: one sealed chunk on its way in."""

    budgets: ClassVar[Budgets] = {"PUT": "chunks"}

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_put(self, request: falcon.Request, response: falcon.Response, secret_id: str, n: str) -> None:
        identifier, token, number = parse_bytes("id", secret_id, 16), bearer(request), path_number(n)
        sealed = read_body(request, "application/octet-stream", SEALED_CHUNK)
        self._vault.put_chunk(identifier, token, number, sealed)
        response.status = falcon.HTTP_204


class RevealResource:
    """`/secrets/{id}/reveal`: the one reader."""

    budgets: ClassVar[Budgets] = {"POST": "reveals"}

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_post(self, request: falcon.Request, response: falcon.Response, secret_id: str) -> None:
        """The answer holds a chunk that is the only one; of more, whoever holds the claim fetches each."""
        identifier, link_proof = parse_bytes("id", secret_id, 16), bearer(request)
        fields = read_json(request)
        proof = fields.bytes("proof", 32)
        claim = None
        if fields.has("claim"):
            of_claim = fields.fields("claim")
            claim = Claim(of_claim.bytes("id", 16), of_claim.bytes("hash", 32))
            of_claim.done()
        fields.done()
        revealed = self._vault.reveal(identifier, link_proof, proof, claim)
        answer: Answer = {"chunks": revealed.chunks}
        if revealed.content is not None:
            answer["content"] = base64url.encode(revealed.content)
        response.media = answer


class ClaimResource:
    """`/claims/{id}`: what was revealed to the holder of the claim."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_get(self, request: falcon.Request, response: falcon.Response, claim_id: str) -> None:
        lease = self._vault.claimed(parse_bytes("id", claim_id, 16), bearer(request))
        response.media = {"chunks": lease.chunks, "size": lease.size, "expires": lease.expires}


class ClaimChunkResource:
    """`/claims/{id}/chunks/{n}`: one sealed chunk on its way out."""

    budgets: ClassVar[Budgets] = {"GET": "chunks"}

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_get(self, request: falcon.Request, response: falcon.Response, claim_id: str, n: str) -> None:
        response.data = self._vault.claimed_chunk(parse_bytes("id", claim_id, 16), bearer(request), path_number(n))
        response.content_type = "application/octet-stream"


class AcknowledgeResource:
    """`/claims/{id}/ack`: the reader has opened it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_post(self, request: falcon.Request, response: falcon.Response, claim_id: str) -> None:
        identifier, token = parse_bytes("id", claim_id, 16), bearer(request)
        fields = read_json(request)
        opened = fields.bytes("opened", 32)
        fields.done()
        response.media = {"state": self._vault.acknowledge(identifier, token, opened)}


class ReceiptResource:
    """`/receipts/{id}`: the state of a secret, for its sender."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_get(self, request: falcon.Request, response: falcon.Response, receipt_id: str) -> None:
        receipt = self._vault.receipt(parse_bytes("id", receipt_id, 16), bearer(request))
        answer: Answer = {
            "state": receipt.state,
            "created": receipt.created,
            "expires": receipt.expires,
            "failed_attempts": receipt.failed_attempts,
        }
        if receipt.ended is not None:
            answer["ended"] = receipt.ended
        if receipt.opened is not None:
            answer["opened"] = base64url.encode(receipt.opened)
        response.media = answer


class BurnResource:
    """`/receipts/{id}/burn`: destroy it unread."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_post(self, request: falcon.Request, response: falcon.Response, receipt_id: str) -> None:
        response.media = {"state": self._vault.burn(parse_bytes("id", receipt_id, 16), bearer(request))}


class StatusResource:
    """`/status`: version, limits and options of this instance."""

    def __init__(self, vault: Vault, admission: Admission, policy: Policy, *, mails: bool) -> None:
        limits = vault.limits
        self._answer: Answer = {
            "version": __version__,
            "protocol": 1,
            "limits": {
                "size": limits.size,
                "chunk": SEALED_CHUNK,
                "attempts": limits.attempts,
                "answers": limits.answers,
            },
            "ttl": {"min": limits.ttl_min, "max": limits.ttl_max, "default": limits.ttl_default},
            "lease": limits.lease,
            "options": {"create": admission.create, "mail": mails, **policy.told()},
        }

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = self._answer
