"""Servers that lie, flood, drip or pack: every call ends in an error of ours, with bounded memory and a plain sentence.

    python -m drills.hostile_servers --rounds 1000

Run it in scripts/, or with that folder in PYTHONPATH. The control reads what a server packs as most programs do.
"""

import gzip
import random
import resource
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx

from drills.promises import command, promise
from support.hostile_server import HostileServer, problem, says, whole
from taina import Client
from taina.cli.exits import explain
from taina.errors import TainaError
from taina.format.links import Link, encode_link

_PACKED = 64 << 20
"""Bytes of what is sent in a few thousand."""
_GROWTH = 64 << 10
"""KiB that this process may grow by in all calls together."""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**53,
    10**400,
    1.5,
    "",
    "x\x1b]0;owned\x07",
    "\u202e",
    "9" * 5000,
    [],
    {},
    [[]] * 9,
)
_MEMBERS = (
    *("state", "passphrase", "size", "chunks", "expires", "created", "ended", "attempts_left", "content", "opened"),
    *("limits", "ttl", "options", "envelopes", "answers", "received", "code", "detail", "bits", "retry_after"),
)
_CODES = ("gone", "wrong_passphrase", "work_needed", "quota", "limited", "\x1b[2J", "internal", "")


def run(rounds: int) -> Iterator[str]:
    """Make calls of every kind to servers that answer at random, and badly."""
    packed = gzip.compress(bytes(_PACKED))
    calls = _calls()
    ended: dict[str, int] = {}
    with HostileServer(lambda _: _answer(packed)) as server, Client(server.url, timeout=2, patience=0) as client:
        _call(client, calls)  # what is loaded once does not count
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(rounds):
            how = _call(client, calls)
            ended[how] = ended.get(how, 0) + 1
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    promise(growth < _GROWTH, f"hostile answers took {growth >> 10} MiB")
    told = ", ".join(f"{count} {how}" for how, count in sorted(ended.items()))
    yield f"{rounds} calls ended within bounds ({told}), with {growth >> 10} MiB"
    packing = ("200 OK", "application/json", "Content-Encoding: gzip")
    with HostileServer(lambda _: whole(packed, *packing)) as server, httpx.Client(trust_env=False) as control:
        took = len(control.get(server.url).content)
    promise(took == _PACKED, "the control was not packed, so this drill shows nothing")
    yield f"the control unpacked {took >> 20} MiB from {len(packed) >> 10} KiB"


def _calls() -> list[Callable[[Client], object]]:
    secret, receipt = encode_link(Link("secret", bytes(32))), encode_link(Link("receipt", bytes(48)))
    request, inbox = encode_link(Link("request", bytes([9] + [0] * 31))), encode_link(Link("inbox", bytes(32)))
    return [
        lambda client: client.instance(),
        lambda client: client.status(secret),
        lambda client: client.open(secret),
        lambda client: client.receipt(receipt),
        lambda client: client.burn(receipt),
        lambda client: client.send("x", ttl=600),
        lambda client: client.request(ttl=600),
        lambda client: client.request_status(request),
        lambda client: client.inbox(inbox),
        lambda client: client.withdraw(inbox),
    ]


def _call(client: Client, calls: list[Callable[[Client], object]]) -> str:
    """How it ended: believed, or the code of an error whose sentence a terminal can be given."""
    try:
        random.choice(calls)(client)
    except TainaError as error:
        sentence = explain(error)
        promise(
            all(letter.isprintable() or letter == "\n" for letter in sentence), f"a terminal would obey {sentence!r}"
        )
        return error.code
    return "believed"


def _answer(packed: bytes) -> Iterable[bytes]:
    kind = random.randrange(6)
    if kind == 0:
        return whole(packed, "200 OK", "application/json", "Content-Encoding: gzip")
    if kind == 1:
        return [_HEAD, b"\r\n", *[b" " * (1 << 20)] * 16]
    if kind == 2:
        return [_HEAD + b"Content-Length: " + b"9" * random.choice((3, 20, 5000)) + b"\r\n\r\n{"]
    if kind == 3:
        return [_HEAD + b"\r\n" + random.randbytes(random.randrange(200))]
    if kind == 4:
        return problem(
            random.choice((400, 401, 403, 404, 409, 410, 422, 500)), **{**_facts(), "code": random.choice(_CODES)}
        )
    return says(_facts(), random.choice(("200 OK", "201 Created", "204 No Content", "302 Found", "299 \x1b[2J")))


def _facts() -> dict[str, Any]:
    return {name: random.choice(_VALUES) for name in random.sample(_MEMBERS, random.randrange(len(_MEMBERS)))}


main = command(run, 1000, "Calls to make.")

if __name__ == "__main__":
    main()
