"""What goes into the rules: the limits that an instance begins with, and what a request is known again by."""

import hashlib
import struct
from dataclasses import replace

from support.secrets import Made
from taina.config import Config
from taina.rules.types import Limits


def test_the_limits_are_those_of_the_options_where_nobody_sets_one() -> None:
    config = Config()
    assert Limits() == Limits(
        size=config.max_size,
        storage=config.max_storage,
        ttl_min=config.ttl_min,
        ttl_max=config.ttl_max,
        ttl_default=config.ttl_default,
        attempts=10,
        lease=60,
        answers=config.max_answers,
        passphrase=False,
    )


def test_a_request_is_known_again_by_the_next_version() -> None:
    """The fingerprint stands in the database, so it has to stay what it is."""
    order = replace(Made(ttl=3600, passphrase=True).order(), content=b"sealed", size=6)
    hashes = order.link_hash + order.reveal_hash + order.receipt_id + order.receipt_hash
    numbers = struct.pack(">4Q", 3600, 1, 6, 1)
    content = hashlib.sha256(b"sealed").digest()
    assert order.fingerprint() == hashlib.sha256(hashes + numbers + content).digest()
    assert replace(order, content=None).fingerprint() == hashlib.sha256(hashes + numbers).digest()
