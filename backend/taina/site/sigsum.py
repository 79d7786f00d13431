"""Sigsum, as far as a bundle for WEBCAT needs it: what is handed to a log, and the proof that the log has it.

https://git.glasklar.is/sigsum/project/documentation has the formats: log.md, sigsum-proof.md of sigsum-go, and
the compiled policy of sigsum-c.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from taina import base64url
from taina.site import SiteError

_LEAF = b"sigsum.org/v1/tree-leaf\0"
_HASH, _SIGNATURE, _NUMBER = "[0-9a-f]{64}", "[0-9a-f]{128}", "(?:0|[1-9][0-9]{0,14})"
_TREE_HEAD = re.compile(
    f"size=({_NUMBER})\nroot_hash=({_HASH})\nsignature=({_SIGNATURE})\n"
    f"((?:cosignature={_HASH} {_NUMBER} {_SIGNATURE}\n)*)"
)
_PROOF = re.compile(
    f"version=2\nlog=({_HASH})\nleaf=({_HASH}) ({_SIGNATURE})\n\n(size=[^\n]+\n(?:[^\n]+\n)*)\n"
    f"leaf_index=({_NUMBER})\n((?:node_hash={_HASH}\n)*)"
)
_KEY = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of a log, a witness or a signer. Raises: ValueError: it has not 32 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _KEY:
            raise ValueError(f"not a public key: {len(self.raw)} bytes")

    @property
    def hash(self) -> bytes:
        """What Sigsum calls it by."""
        return hashlib.sha256(self.raw).digest()

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether this is the Ed25519 signature of this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):  # not a point of the curve
            return False
        return True


@dataclass(frozen=True, slots=True)
class Policy:
    """Which logs are good, and which witnesses have to have seen what they say."""

    logs: list[Key]
    witnesses: list[Key]
    quorum: bytes
    """The rule, for a stack of small numbers: see `_is_quorum`."""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a log says of all that it has, at one time."""

    size: int
    """The number of its entries."""
    root: bytes
    signature: bytes
    cosignatures: dict[bytes, tuple[int, bytes]]
    """When a witness has seen it (Unix time), and its signature, by the hash of its key."""

    def checkpoint(self, log: bytes) -> bytes:
        """What is signed of it; `log`: the hash of the log's key."""
        root = base64.b64encode(self.root).decode()
        return f"sigsum.org/v1/tree/{log.hex()}\n{self.size}\n{root}\n".encode()


def read_policy(compiled: str) -> Policy:
    """A compiled policy, in base64url. Raises: SiteError."""
    try:
        data = base64url.decode(compiled)
        version, logs, witnesses, quorum = data[:4]
        rule = 4 + _KEY * (logs + witnesses)
        keys = [Key(data[start : start + _KEY]) for start in range(4, rule, _KEY)]
        good = version == 0 and logs > 0 and len(data) == rule + quorum
    except ValueError:
        good = False
    if not good:
        raise SiteError("The policy of the enrollment is not one that Sigsum compiled, in base64url.")
    return Policy(keys[:logs], keys[logs:], data[rule:])


def read_tree_head(text: str) -> TreeHead:
    """What a log answers to get-tree-head. Raises: SiteError."""
    found = _TREE_HEAD.fullmatch(tidy(text))
    if found is None:
        raise SiteError("This is not a tree head. Fetch one: curl https://LOG/get-tree-head")
    size, root, signature, lines = found.groups()
    cosignatures = [line.partition("=")[2].split(" ") for line in lines.splitlines()]
    by_witness = {bytes.fromhex(key): (int(seen), bytes.fromhex(signed)) for key, seen, signed in cosignatures}
    if len(by_witness) != len(cosignatures):
        raise SiteError("This tree head has two cosignatures of one witness.")
    return TreeHead(int(size), bytes.fromhex(root), bytes.fromhex(signature), by_witness)


def tidy(text: str) -> str:
    """Lines as Sigsum writes them, whatever carried them here."""
    return text.replace("\r\n", "\n").strip() + "\n"


def seen_at(policy: Policy, head: TreeHead, log: bytes | None = None) -> list[int]:
    """When the witnesses of the policy saw a tree head (Unix time), earliest first.

    Args:
        log: the hash of the key that has to have signed it; without it, any log of the policy will do.

    Raises:
        SiteError: no log of the policy signed it, or too few of its witnesses did.
    """
    logs = [key for key in policy.logs if log is None or key.hash == log]
    signer = next((key.hash for key in logs if key.has_signed(head.checkpoint(key.hash), head.signature)), None)
    if signer is None:
        raise SiteError("No log of the policy signed this tree head.")
    checkpoint = head.checkpoint(signer)
    times = []
    present = []
    for witness in policy.witnesses:
        seen, signature = head.cosignatures.get(witness.hash, (0, b""))
        present.append(witness.has_signed(f"cosignature/v1\ntime {seen}\n".encode() + checkpoint, signature))
        times += [seen] if present[-1] else []
    if not _is_quorum(policy.quorum, present):
        raise SiteError(f"Too few witnesses of the policy cosigned this tree head: {len(times)}.")
    return sorted(times)


def sign_request(key: Ed25519PrivateKey, data: bytes) -> str:
    """What `sigsum-submit` hands to a log for whoever holds the key, without having the key."""
    message = hashlib.sha256(data).digest()
    signature = key.sign(_LEAF + hashlib.sha256(message).digest())
    public = key.public_key().public_bytes_raw()
    return f"message={message.hex()}\nsignature={signature.hex()}\npublic_key={public.hex()}\n"


def signer_of(proof: str) -> bytes:
    """The hash of the key that signed what a proof is of. Raises: SiteError: it is not a proof."""
    return bytes.fromhex(_read_proof(proof)[1])


def verify_proof(policy: Policy, signer: Key, data: bytes, proof: str) -> None:
    """Check that the signer signed these bytes, that a log of the policy has them, and that witnesses saw it.

    Raises: SiteError: which of these is not so.
    """
    log, key, signature, head_lines, index, path = _read_proof(proof)
    checksum = hashlib.sha256(hashlib.sha256(data).digest()).digest()
    signed = bytes.fromhex(signature)
    if bytes.fromhex(key) != signer.hash:
        raise SiteError("The proof is of another key.")
    if not signer.has_signed(_LEAF + checksum, signed):
        raise SiteError("The proof is of something else, or its signature is wrong.")
    if bytes.fromhex(log) not in [one.hash for one in policy.logs]:
        raise SiteError("The proof is of a log that the policy does not name.")
    head = read_tree_head(head_lines)
    seen_at(policy, head, bytes.fromhex(log))
    leaf = hashlib.sha256(b"\0" + checksum + signed + signer.hash).digest()
    nodes = [bytes.fromhex(node) for node in re.findall(f"node_hash=({_HASH})", path)]
    if not _is_included(leaf, int(index), head, nodes):
        raise SiteError("The log does not have what the proof is of.")


def _read_proof(proof: str) -> tuple[str, ...]:
    """Log, signer, signature, lines of the tree head, index, lines of the path."""
    found = _PROOF.fullmatch(tidy(proof))
    if found is None:
        raise SiteError("This is not a proof of version 2, as sigsum-submit writes since version 0.10.")
    return found.groups()


def _is_included(leaf: bytes, index: int, head: TreeHead, path: Sequence[bytes]) -> bool:
    """As in RFC 9162, section 2.1.3.2."""
    last = head.size - 1
    if index > last:
        return False
    found, rest = leaf, iter(path)
    while last:
        try:
            found = _join(found, index, last, rest)
        except StopIteration:
            return False
        index, last = index >> 1, last >> 1
    return found == head.root and next(rest, None) is None


def _join(node: bytes, index: int, last: int, path: Iterator[bytes]) -> bytes:
    """The node above, where there is one beside."""
    if index & 1:
        return hashlib.sha256(b"\1" + next(path) + node).digest()
    return hashlib.sha256(b"\1" + node + next(path)).digest() if index < last else node


def _is_quorum(rule: bytes, present: Sequence[bool]) -> bool:
    """Whether the witnesses that are present are enough.

    Each byte of the rule has two bits of a kind and six of a number, which a byte of kind 3 before it makes longer: 1
    puts a witness's presence on the stack, 2 asks whether the top is at least the number, 0 adds the two on top.
    """
    stack: list[int] = []
    prefix = 0
    for byte in rule:
        kind, number = byte >> 6, prefix << 6 | byte & 0x3F
        prefix = number if kind == 3 else 0
        if byte == 1 and len(stack) > 1:
            stack.append(stack.pop() + stack.pop())
        elif kind == 1 and number < len(present):
            stack.append(present[number])
        elif kind == 2 and stack:
            stack.append(stack.pop() >= number)
        elif kind != 3:
            return False
    return stack == [1]
