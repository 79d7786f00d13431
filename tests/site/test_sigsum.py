"""Proofs of Sigsum: those of a log are taken, and each lie in one is refused."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from support.sigsum import Log, raw
from taina import base64url
from taina.site import SiteError, sigsum
from taina.site.sigsum import Key, Policy

NOW = 1_800_000_000
DATA = b"what is signed"
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
LOG = Log()
PROOF = LOG.submit(sigsum.sign_request(KEY, DATA), NOW)
POLICY = sigsum.read_policy(base64url.encode(LOG.policy()))
SIGNER = Key(raw(KEY))

OF_A_PUBLIC_LOG = Path(__file__).with_name("barreleye-1326.proof").read_text()
"""That `echo test2` is entry 1326 of test.sigsum.org/barreleye."""


def verify(proof: str, policy: Policy = POLICY, signer: Key = SIGNER, data: bytes = DATA) -> None:
    sigsum.verify_proof(policy, signer, data, proof)


def test_a_proof_of_a_log_is_taken() -> None:
    verify(PROOF)
    assert sigsum.signer_of(PROOF) == SIGNER.hash


def test_a_proof_of_a_log_that_others_run_is_taken() -> None:
    log, signer, *witnesses = (
        Key(bytes.fromhex(key))
        for key in (
            "4644af2abd40f4895a003bca350f9d5912ab301a49c77f13e5b6d905c20a5fe6",
            "236bb3cff541f16b1c357624d20f258cc48b7c57080ff7de60c971df70c04ad8",
            "1c25f8a44c635457e2e391d1efbca7d4c2951a0aef06225a881e46b98962ac6c",
            "28c92a5a3a054d317c86fc2eeb6a7ab2054d6217100d0be67ded5b74323c5806",
            "f4855a0f46e8a3e23bb40faf260ee57ab8a18249fa402f2ca2d28a60e1a3130e",
        )
    )
    policy = Policy([log], witnesses, b"\x40\x41\x01\x42\x01\x83")
    verify(OF_A_PUBLIC_LOG, policy, signer, b"test2\n")
    with pytest.raises(SiteError, match="something else"):
        verify(OF_A_PUBLIC_LOG, policy, signer, b"test2")


def test_a_proof_keeps_when_its_lines_end_as_on_windows() -> None:
    verify("\n" + PROOF.replace("\n", "\r\n") + "\r\n")


@pytest.mark.parametrize("before", range(8))
def test_every_place_in_a_tree_is_proved(before: int) -> None:
    log = Log(key=LOG.key, witnesses=LOG.witnesses, leaves=[hashlib.sha256(bytes([n])).digest() for n in range(before)])
    verify(log.submit(sigsum.sign_request(KEY, DATA), NOW))


def test_a_place_beyond_the_tree_is_refused() -> None:
    """The last of eight lies to the right at every turn, and so would the sixteenth."""
    log = Log(key=LOG.key, witnesses=LOG.witnesses, leaves=[hashlib.sha256(bytes([n])).digest() for n in range(7)])
    proof = log.submit(sigsum.sign_request(KEY, DATA), NOW, after=0)
    verify(proof)
    with pytest.raises(SiteError, match="does not have what the proof is of"):
        verify(proof.replace("leaf_index=7", "leaf_index=15"))


def test_a_proof_names_the_log_that_signed() -> None:
    other = Log()
    both = Policy([*POLICY.logs, Key(raw(other.key))], POLICY.witnesses, POLICY.quorum)
    verify(PROOF, both)
    with pytest.raises(SiteError, match="No log of the policy signed"):
        verify(re.sub("log=.*", f"log={Key(raw(other.key)).hash.hex()}", PROOF), both)


@pytest.mark.parametrize(
    "compiled",
    [b"", b"\0\1\0", LOG.policy() + b"\0", LOG.policy()[:-1], b"\1" + LOG.policy()[1:], b"\0\0\0\0", b"\0\1\0\0"],
)
def test_a_policy_of_another_shape_is_refused(compiled: bytes) -> None:
    with pytest.raises(SiteError, match="not one that Sigsum compiled"):
        sigsum.read_policy(base64url.encode(compiled))


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (lambda proof: proof.replace("version=2", "version=1"), "not a proof of version 2"),
        (lambda proof: proof.replace("version=2", "version=3"), "not a proof of version 2"),
        (lambda _: "", "not a proof of version 2"),
        (lambda _: "<!doctype html>", "not a proof of version 2"),
        (lambda proof: proof.partition("\nleaf_index")[0], "not a proof of version 2"),
        (lambda proof: proof + "more=1\n", "not a proof of version 2"),
        (lambda proof: re.sub("size=.*", "size=06", proof), "not a tree head"),
        (lambda proof: re.sub("size=.*", "size=7", proof), "No log of the policy signed"),
        (lambda proof: re.sub("root_hash=.*", f"root_hash={'0' * 64}", proof), "No log of the policy signed"),
        (lambda proof: re.sub("\nsignature=.*", f"\nsignature={'0' * 128}", proof), "No log of the policy signed"),
        (lambda proof: re.sub("log=.*", f"log={'0' * 64}", proof), "of a log that the policy does not name"),
        (lambda proof: re.sub("leaf=[0-9a-f]*", f"leaf={'0' * 64}", proof), "of another key"),
        (lambda proof: re.sub("(leaf=[0-9a-f]*) .*", rf"\1 {'0' * 128}", proof), "of something else"),
        (lambda proof: re.sub("leaf_index=.*", "leaf_index=4", proof), "does not have what the proof is of"),
        (lambda proof: re.sub("leaf_index=.*", "leaf_index=6", proof), "does not have what the proof is of"),
        (lambda proof: re.sub("node_hash=.*\n", "", proof, count=1), "does not have what the proof is of"),
        (lambda proof: proof + f"node_hash={'0' * 64}\n", "does not have what the proof is of"),
        (lambda proof: re.sub("node_hash=.*", f"node_hash={'0' * 64}", proof, count=1), "does not have what"),
        (lambda proof: re.sub("cosignature=.*\n", "", proof, count=2), "Too few witnesses of the policy cosigned"),
        (lambda proof: re.sub(r"(cosignature=\S+) \S+", r"\1 1", proof, count=2), "Too few witnesses of the policy"),
        (lambda proof: re.sub(r"(cosignature=\S+ \S+) \S+", rf"\1 {'0' * 128}", proof), "Too few witnesses of the"),
        (lambda proof: re.sub("(cosignature=.*\n)", r"\1\1", proof, count=1), "two cosignatures of one witness"),
    ],
)
def test_each_lie_in_a_proof_is_refused(lie: Callable[[str], str], said: str) -> None:
    changed = lie(PROOF)
    assert changed != PROOF
    with pytest.raises(SiteError, match=said):
        verify(changed)


def test_a_proof_of_something_or_somebody_else_is_refused() -> None:
    with pytest.raises(SiteError, match="of something else"):
        verify(PROOF, data=DATA + b"\n")
    with pytest.raises(SiteError, match="of another key"):
        verify(PROOF, signer=Key(raw(OTHER)))
    with pytest.raises(SiteError, match="of a log that the policy does not name"):
        verify(PROOF, sigsum.read_policy(base64url.encode(Log(witnesses=LOG.witnesses).policy())))
    with pytest.raises(SiteError, match="Too few witnesses"):
        verify(PROOF, sigsum.read_policy(base64url.encode(Log(key=LOG.key).policy())))


def test_one_witness_may_be_missing_where_two_of_three_are_enough() -> None:
    for absent in range(3):
        present = tuple(n for n in range(3) if n != absent)
        head = sigsum.read_tree_head(LOG.tree_head(NOW, present))
        assert sigsum.seen_at(POLICY, head) == [NOW + n for n in present]


@given(st.text() | st.binary().map(base64url.encode))
def test_a_policy_that_is_none_is_refused_in_words(text: str) -> None:
    try:
        policy = sigsum.read_policy(text)
    except SiteError as error:
        assert "policy of the enrollment" in str(error)
    else:
        assert policy.logs


@given(st.binary(max_size=12), st.lists(st.booleans(), max_size=4))
def test_any_rule_is_an_answer(rule: bytes, present: list[bool]) -> None:
    assert sigsum._is_quorum(rule, present) in (True, False)


@pytest.mark.parametrize(
    ("rule", "present", "enough"),
    [
        (b"\x40", [True], True),
        (b"\x40", [False], False),
        (b"\x40\x41\x01\x82", [True, True], True),
        (b"\x40\x41\x01\x82", [True, False], False),
        (b"\x40\x41\x01\x81\x42\x01\x82", [True, False, True], True),
        (b"\x40\x41\x01\x81\x42\x01\x82", [True, True, False], False),
        (b"\xc1\x41", [False] * 65 + [True], True),
        (b"\xc1\x41", [True] * 65, False),
        (b"", [True], False),
        (b"\x40\x40", [True], False),
        (b"\x40\x01", [True], False),
        (b"\x81", [True], False),
        (b"\x02", [True], False),
    ],
)
def test_the_rule_of_a_quorum(rule: bytes, present: list[bool], enough: bool) -> None:
    assert sigsum._is_quorum(rule, present) is enough
