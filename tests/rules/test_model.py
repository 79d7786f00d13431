"""Any order of calls, by many readers, as time goes on: the vault does what a model of thirty lines says."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from support.clocks import START
from support.secrets import Made, made_of_chunks
from taina.errors import TainaError
from taina.rules.types import LONGEST_ANSWER, Limits
from taina.rules.uploads import UPLOAD_IDLE
from taina.rules.vault import LEASE_PAST_EXPIRY, MAX_LEASE, RECEIPT_KEPT, Vault
from taina.store import ROW
from taina.store.sqlite import SqliteStore

TTL = 7200
ATTEMPTS, LEASE = 2, 60
MEMORY = "/dev/shm"
"""Where Linux has files that no disk keeps."""


class Model:
    """One secret, by the words of the specification."""

    def __init__(self, made: Made, now: int) -> None:
        self.made, self.expires = made, now + TTL
        self.missing = set(range(len(made.chunks))) if len(made.chunks) > 1 else set()
        self.state = "uploading" if self.missing else "waiting"
        self.due, self.failed, self.reader, self.revealed = now + UPLOAD_IDLE, 0, -1, 0

    def pass_time(self, now: int) -> None:
        idle = self.state == "uploading" and now >= self.due
        if self.state in ("uploading", "waiting") and (idle or now >= self.expires):
            self.state = "expired"

    def put(self, n: int, now: int) -> str:
        if self.state not in ("uploading", "waiting"):
            return "gone"
        if n in self.missing:  # what came before is no progress
            self.missing.remove(n)
            self.due, self.state = (now + UPLOAD_IDLE, "uploading") if self.missing else (self.expires, "waiting")
        return self.state

    def reveal(self, reader: int, right: bool, now: int) -> str:
        if self.state == "revealed" and reader == self.reader and now < self.due:
            return "given"
        if now >= self.expires:
            return "not_found"
        if self.state != "waiting":
            return "not_ready" if self.state == "uploading" else "gone"
        if not right:
            self.failed += 1
            self.state = "locked" if self.failed == ATTEMPTS else "waiting"
            return "wrong_passphrase"
        self.state, self.reader, self.revealed, self.due = "revealed", reader, now, now + LEASE
        return "given"

    def read(self, reader: int, now: int) -> str:
        if reader != self.reader:
            return "not_found"
        if self.state != "revealed" or now >= self.due:
            return "gone"
        latest = min(self.revealed + MAX_LEASE, self.expires + LEASE_PAST_EXPIRY)
        self.due = max(self.due, min(now + LEASE + LONGEST_ANSWER, latest))
        return "given"

    def acknowledge(self, reader: int) -> str:
        if reader != self.reader:
            return "not_found"
        self.state = "opened"
        return self.state

    def burn(self) -> str:
        if self.state in ("uploading", "waiting"):
            self.state = "burned"
        return self.state if self.state == "burned" else "gone"


class Rules(RuleBasedStateMachine):
    secrets = Bundle("secrets")
    readers = st.integers(0, 2)

    def __init__(self) -> None:
        super().__init__()
        # Thousands of commits, and none of them is about the disk: where others write to it, each would wait for them.
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None)
        self.now = START
        self.store = SqliteStore(Path(self._folder.name) / "taina.db")
        self.vault = Vault(self.store, Limits(attempts=ATTEMPTS, lease=LEASE), lambda: self.now)
        self.models: list[tuple[Model, list[Made]]] = []

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    def expect(self, answer: str, call: Callable[[], Any]) -> None:
        try:
            told = call()
        except TainaError as error:
            told = error.code
        assert told == answer

    @rule(target=secrets, chunks=st.integers(1, 2))
    def create(self, chunks: int) -> int:
        made = made_of_chunks(chunks) if chunks > 1 else Made()
        made = Made(**{**vars(made), "ttl": TTL})
        assert self.vault.create(made.id, made.order()).new
        self.models.append((Model(made, self.now), [made, made.another_reader(), made.another_reader()]))
        return len(self.models) - 1

    @rule(number=secrets, n=st.integers(0, 1))
    def put(self, number: int, n: int) -> None:
        model, (made, *_) = self.models[number]
        n %= len(made.chunks)
        self.expect(
            model.put(n, self.now), lambda: self.vault.put_chunk(made.id, made.receipt_token, n, made.chunks[n])
        )

    @rule(number=secrets, reader=readers, right=st.sampled_from([True, True, False]))
    def reveal(self, number: int, reader: int, right: bool) -> None:
        model, readers = self.models[number]
        one = readers[reader]
        proof = one.reveal_proof if right else bytes(32)

        def call() -> str:
            revealed = self.vault.reveal(one.id, one.link_proof, proof, one.claim)
            assert revealed.content == (one.chunks[0] if len(one.chunks) == 1 else None)
            return "given"

        self.expect(model.reveal(reader, right, self.now), call)

    @rule(number=secrets, reader=readers, n=st.integers(0, 1))
    def read(self, number: int, reader: int, n: int) -> None:
        model, readers = self.models[number]
        one = readers[reader]
        n %= len(one.chunks)

        def call() -> str:
            assert self.vault.claimed_chunk(one.claim_id, one.claim_token, n) == one.chunks[n]
            return "given"

        self.expect(model.read(reader, self.now), call)

    @rule(number=secrets, reader=readers)
    def acknowledge(self, number: int, reader: int) -> None:
        model, readers = self.models[number]
        one = readers[reader]
        self.expect(
            model.acknowledge(reader),
            lambda: self.vault.acknowledge(one.claim_id, one.claim_token, one.opened_proof),
        )

    @rule(number=secrets)
    def burn(self, number: int) -> None:
        model, (made, *_) = self.models[number]
        self.expect(model.burn(), lambda: self.vault.burn(made.receipt_id, made.receipt_token))

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 179, 180, 3599, 3600, 7200]))
    def pass_time(self, seconds: int) -> None:
        """Nobody calls within the second in which the sweeper is late."""
        self.now += seconds
        self.vault.sweep()
        for model, _ in self.models:
            model.pass_time(self.now)

    @rule(number=secrets, reader=readers, seconds=st.sampled_from([1, 30, 60]))
    def reveal_in_the_last_second(self, number: int, reader: int, seconds: int) -> None:
        """Then the lease outlasts the secret; chance alone seldom comes there."""
        model, _ = self.models[number]
        if self.now < model.expires - 1:
            self.pass_time(model.expires - 1 - self.now)
        self.reveal(number, reader, right=True)
        self.pass_time(seconds)

    @invariant()
    def receipts_tell_the_state(self) -> None:
        for model, (made, *_) in self.models:
            if self.now < model.expires + RECEIPT_KEPT:
                assert self.vault.receipt(made.receipt_id, made.receipt_token).state == model.state

    @invariant()
    def only_what_can_still_be_read_is_held(self) -> None:
        held = sum(
            sum(map(len, model.made.chunks))
            for model, _ in self.models
            if model.state in ("uploading", "waiting") or (model.state == "revealed" and self.now < model.due)
        )
        assert self.vault.used() == held + ROW * len(self.models)


Rules.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestRules = Rules.TestCase
