"""What a server says of a secret's end is believed only with the reader's proof."""

import json
import os
import subprocess
import sys

import pytest

from support.hostile_server import HostileServer, says
from taina import Client, base64url
from taina.client.bridge.calls import _STATES
from taina.format.derive import sha256
from taina.format.links import Link, encode_link

PROOF = bytes(range(32))
RECEIPT = encode_link(Link("receipt", bytes(32) + sha256(PROOF)[:16]))
FACTS = {"created": 1, "expires": 2_000_000_000, "ended": 2, "failed_attempts": 0}
FORGED = [{}, {"opened": base64url.encode(bytes(32))}, {"opened": ""}, {"opened": base64url.encode(PROOF[:31])}]


@pytest.mark.parametrize("forged", FORGED)
def test_opened_without_its_proof_is_another_state(forged: dict[str, str]) -> None:
    with HostileServer(lambda _: says({**FACTS, "state": "opened", **forged})) as server, Client(server.url) as client:
        found = client.receipt(RECEIPT)
    assert (found.state, found.proved) == ("unproved", False)


def test_opened_with_its_proof() -> None:
    told = {**FACTS, "state": "opened", "opened": base64url.encode(PROOF)}
    with HostileServer(lambda _: says(told)) as server, Client(server.url) as client:
        found = client.receipt(RECEIPT)
    assert (found.state, found.proved) == ("opened", True)


@pytest.mark.parametrize(("told", "code"), [({}, 7), ({"opened": base64url.encode(PROOF)}, 0)])
@pytest.mark.parametrize("more", [[], ["--wait"], ["--json"], ["--wait", "--json"]])
def test_the_command_ends_with_a_number_of_its_own(told: dict[str, str], code: int, more: list[str]) -> None:
    with HostileServer(lambda _: says({**FACTS, "state": "opened", **told})) as server:
        done = subprocess.run(
            [sys.executable, "-m", "taina", "receipt", f"{server.url}/receipt/#{RECEIPT}", *more],
            capture_output=True,
            env={**os.environ},
            check=False,
        )
    assert done.returncode == code
    if "--json" in more:
        assert json.loads(done.stdout)["state"] == ("unproved" if code else "opened")
    else:
        assert (b"The reader's key proves it." in done.stdout) == (code == 0)
        assert (b"does not prove it" in done.stdout) == (code == 7)


def test_nobody_waits_for_ever_for_a_reader_who_does_not_confirm() -> None:
    with HostileServer(lambda _: says({**FACTS, "state": "revealed"})) as server:
        done = subprocess.run(
            [sys.executable, "-m", "taina", "receipt", f"{server.url}/receipt/#{RECEIPT}", "--wait"],
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0
    assert b"that it was opened was not confirmed" in done.stdout


def test_only_what_is_proved_counts_as_received_on_the_bridge() -> None:
    assert [state for state, said in _STATES.items() if said == "received"] == ["opened"]
    assert "unproved" in _STATES
