"""What PostgreSQL keeps of a deleted key, and that the care which the scaling page tells of removes it: raw bytes."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from support.clocks import START
from support.postgres_cluster import Cluster, Node
from support.secrets import Made
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store import shred
from taina.store.postgres import PostgresStore

SETTINGS = {"wal_recycle": "off", "min_wal_size": "32MB"}


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
def node() -> Iterator[Node]:
    with Cluster(settings=SETTINGS) as cluster:
        yield cluster.primary


def on_disk(node: Node, needles: list[bytes]) -> int:
    whole = b"".join(file.read_bytes() for file in sorted(node.folder.rglob("*")) if file.is_file())
    return sum(needle in whole for needle in needles)


def take_care(node: Node) -> None:
    """As the scaling page says; the log is cut by the second checkpoint after a deletion, which comes by itself."""
    node.execute("VACUUM FULL taina.keys", database="taina")
    for _ in range(2):
        node.execute("SELECT pg_switch_wal()")
        node.execute("CHECKPOINT")


def test_keys_of_ended_secrets_are_gone_after_vacuum_and_checkpoints(node: Node, keys: list[bytes]) -> None:
    with closing(PostgresStore(node.url)) as store:
        vault = Vault(store, Limits(), lambda: START)
        made = [Made() for _ in range(120)]
        for one in made:
            vault.create(one.id, one.order())
        for one in made[:40]:
            vault.reveal(one.id, one.link_proof, one.reveal_proof)
        for one in made[40:80]:
            vault.reveal(one.id, one.link_proof, one.reveal_proof, one.claim)  # masked, and still readable by the claim
        node.execute("CHECKPOINT")
        assert on_disk(node, keys) == 120, "the control: dead rows and the log hold keys until then"
        take_care(node)
        assert on_disk(node, keys[:80]) == 0
        assert on_disk(node, keys[80:]) == 40
        again = made[40]
        assert vault.claimed_chunk(again.claim_id, again.claim_token, 0) == again.chunks[0]


def test_what_the_client_sealed_is_never_on_the_disk_as_it_was(node: Node) -> None:
    with closing(PostgresStore(node.url)) as store:
        made = Made()
        Vault(store, Limits(), lambda: START).create(made.id, made.order())
        node.execute("CHECKPOINT")
        assert on_disk(node, [made.chunks[0][at : at + 16] for at in range(0, 1024, 16)]) == 0
