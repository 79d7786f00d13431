"""Nothing that opens a deleted secret stays in any file: a search of the raw bytes."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.clocks import START
from support.secrets import Made
from support.waiting import wait_until
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import Store, shred
from taina.store.sqlite import SqliteStore


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every shred key that was made, in order: the real ones, seen on their way."""
    seen: list[bytes] = []
    new_key = shred.new_key

    def noted() -> bytes:
        seen.append(new_key())
        return seen[-1]

    monkeypatch.setattr(shred, "new_key", noted)
    return seen


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "taina.db")
    yield store
    store.close()


def on_disk(folder: Path, needles: list[bytes]) -> int:
    """How many of the needles stand in any file of the folder."""
    whole = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    return sum(needle in whole for needle in needles)


def wait_for_checkpoint(folder: Path) -> None:
    wal = folder / "taina.db-wal"
    wait_until(lambda: not wal.exists() or wal.stat().st_size == 0)


def reveal_with_claim(vault: Vault, made: Made) -> None:
    vault.reveal(made.id, made.link_proof, made.reveal_proof, made.claim)


def end_by_reveal(vault: Vault, made: Made) -> None:
    vault.reveal(made.id, made.link_proof, made.reveal_proof)


def end_by_acknowledgement(vault: Vault, made: Made) -> None:
    reveal_with_claim(vault, made)
    vault.acknowledge(made.claim_id, made.claim_token, made.opened_proof)


def end_by_burning(vault: Vault, made: Made) -> None:
    vault.burn(made.receipt_id, made.receipt_token)


def end_by_guessing(vault: Vault, made: Made) -> None:
    for _ in range(10):
        with pytest.raises(Exception, match="passphrase"):
            vault.reveal(made.id, made.link_proof, bytes(32))


ENDS: list[Callable[[Vault, Made], None]] = [end_by_reveal, end_by_acknowledgement, end_by_burning, end_by_guessing]


@pytest.mark.parametrize("end", ENDS)
def test_no_key_stays_when_a_secret_ends(
    store: Store, tmp_path: Path, keys: list[bytes], end: Callable[[Vault, Made], None]
) -> None:
    vault = Vault(store, Limits(), lambda: START)
    made = [Made(chunks=(os.urandom(random.choice([1040, 5000, 70_000])),)) for _ in range(60)]
    for one in made:
        vault.create(one.id, one.order())
    wait_for_checkpoint(tmp_path)
    assert on_disk(tmp_path, keys) == 60, "the control: the search finds keys that are there"
    for one in made[:40]:
        end(vault, one)
    wait_for_checkpoint(tmp_path)
    assert on_disk(tmp_path, keys[:40]) == 0
    assert on_disk(tmp_path, keys[40:]) == 20


def test_expired_secrets_leave_no_key(store: Store, tmp_path: Path, keys: list[bytes]) -> None:
    now = START
    vault = Vault(store, Limits(), lambda: now)
    for _ in range(300):
        made = Made()
        vault.create(made.id, made.order())
    now += 3600
    while vault.sweep():
        pass
    wait_for_checkpoint(tmp_path)
    assert on_disk(tmp_path, keys) == 0


def test_a_claimed_secret_has_no_key_on_the_disk_and_opens_by_its_claim_alone(
    store: Store, tmp_path: Path, keys: list[bytes]
) -> None:
    vault = Vault(store, Limits(), lambda: START)
    made = Made()
    vault.create(made.id, made.order())
    reveal_with_claim(vault, made)
    wait_for_checkpoint(tmp_path)
    # Neither the key stands there, nor what would unmask it.
    assert on_disk(tmp_path, [keys[0], made.claim_token, made.claim.hash]) == 0
    assert vault.claimed_chunk(made.claim_id, made.claim_token, 0) == made.chunks[0]


def test_what_the_client_sealed_is_never_on_the_disk_as_it_was(store: Store, tmp_path: Path) -> None:
    vault = Vault(store, Limits(), lambda: START)
    made = Made()
    vault.create(made.id, made.order())
    wait_for_checkpoint(tmp_path)
    pieces = [made.chunks[0][at : at + 16] for at in range(0, 1024, 16)]
    assert on_disk(tmp_path, pieces) == 0


def test_no_key_stays_after_a_long_churn(store: Store, tmp_path: Path, keys: list[bytes]) -> None:
    """Where plain deletion left about one row in a thousand: rows of many sizes come and go until pages rebalance."""
    dice = random.Random(1)
    vault = Vault(store, Limits(), lambda: START)
    live: list[tuple[Made, bytes]] = []
    ended: list[bytes] = []
    for _ in range(1500):
        made = Made(chunks=(os.urandom(dice.choice([1040, 1100, 2000, 4000, 9000])),))
        vault.create(made.id, made.order())
        live.append((made, keys[-1]))
        if len(live) > 200:
            one, key = live.pop(dice.randrange(len(live)))
            dice.choice(ENDS[:3])(vault, one)
            ended.append(key)
    wait_for_checkpoint(tmp_path)
    assert on_disk(tmp_path, ended) == 0
    assert on_disk(tmp_path, [key for _, key in live]) == len(live)
