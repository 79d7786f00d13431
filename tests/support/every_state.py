"""A store with a secret in every state and a request with an answer, and whether each goes on where it was."""

from support.clocks import START
from support.secrets import Made, MadeRequest, envelope, made_of_chunks
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import ROW, Store, Usage


class EveryState:
    """Secrets in every state, and a request with an answer."""

    def __init__(self, store: Store) -> None:
        vault = Vault(store, Limits(), lambda: START)
        self.waiting, self.claimed, self.opened, self.burned = Made(passphrase=True), Made(), Made(), Made()
        self.large, self.uploading = made_of_chunks(3), made_of_chunks(2)
        for made in (self.waiting, self.claimed, self.opened, self.burned, self.large, self.uploading):
            vault.create(made.id, made.order())
        for n, chunk in enumerate(self.large.chunks):
            vault.put_chunk(self.large.id, self.large.receipt_token, n, chunk)
        vault.put_chunk(self.uploading.id, self.uploading.receipt_token, 1, self.uploading.chunks[1])
        for made in (self.claimed, self.opened):
            vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
        vault.acknowledge(self.opened.claim_id, self.opened.claim_token, self.opened.opened_proof)
        vault.burn(self.burned.receipt_id, self.burned.receipt_token)
        requests = SecretRequests(store, Limits(), lambda: START)
        self.request, self.envelope = MadeRequest(answers=2), envelope()
        requests.create(self.request.id, self.request.asking())
        requests.answer(self.request.id, self.request.answer_token, self.envelope)

    def check(self, store: Store) -> None:
        """Each goes on where it was."""
        vault = Vault(store, Limits(), lambda: START)
        usage = store.atomically(lambda tx: tx.usage())
        uploading = sum(map(len, self.uploading.chunks))
        assert usage == Usage(8 * ROW + 2 * 1040 + sum(map(len, self.large.chunks)) + uploading, uploading)
        vault.put_chunk(self.uploading.id, self.uploading.receipt_token, 0, self.uploading.chunks[0])
        for made in (self.large, self.uploading):
            vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)
            read = tuple(vault.claimed_chunk(made.claim_id, made.claim_token, n) for n in range(len(made.chunks)))
            assert read == made.chunks
        for made in (self.waiting, self.claimed):
            assert vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim).content == made.chunks[0]
        assert vault.receipt(self.opened.receipt_id, self.opened.receipt_token).opened == self.opened.opened_proof
        assert vault.receipt(self.burned.receipt_id, self.burned.receipt_token).state == "burned"
        requests = SecretRequests(store, Limits(), lambda: START)
        (kept,) = requests.inbox(self.request.id, self.request.inbox_token).envelopes
        assert (kept.sealed, kept.received) == (self.envelope, START)
