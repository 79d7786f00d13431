"""Sixty-four readers race for one secret: exactly one gets it.

    python -m drills.race --rounds 10000

Run it in scripts/, or with that folder in PYTHONPATH. The control, in which more than one can win: drills.snappass.
"""

from collections.abc import Iterator
from contextlib import ExitStack

from drills.promises import command, promise
from support import connection
from support.connection import UNBOUND, Answer, Connection
from support.secrets import Made
from support.servers import serving
from taina import base64url

READERS = 64


def run(rounds: int) -> Iterator[str]:
    """Sixty-four readers race for each secret, by claims and without: one wins, all others are told that it is gone."""
    answers = {200: 0, 410: 0}
    with serving(*UNBOUND) as server, ExitStack() as stack:
        readers = [stack.enter_context(Connection(server.port)) for _ in range(READERS)]
        for n in range(rounds):
            made = Made()
            promise(readers[0].call(connection.create(made)).status == 201, "a secret was not kept")
            with_claims = n % 2 == 0
            claims = [made.another_reader() for _ in readers]
            got = race(readers, [connection.reveal(claim, claim=with_claims) for claim in claims])
            for answer in got:
                promise(answer.status in answers, f"a reader was answered {answer.status}")
                answers[answer.status] += 1
            winners = [n for n, answer in enumerate(got) if answer.status == 200]
            promise(len(winners) == 1, f"{len(winners)} of {READERS} readers got one secret")
            promise(_content(got[winners[0]]) == made.chunks[0], "the winner got other bytes")
            if with_claims:
                again = race(readers, [connection.reveal(claim) for claim in claims])
                promise(
                    [n for n, answer in enumerate(again) if answer.status == 200] == winners,
                    "a claim that had lost was answered later, or the one that won was not",
                )
    yield f"{rounds} secrets, {READERS} readers each: {answers[200]} got one, {answers[410]} were told it is gone"


def race(readers: list[Connection], requests: list[bytes]) -> list[Answer]:
    """All is sent before anything is awaited."""
    for reader, request in zip(readers, requests, strict=True):
        reader.send(request)
    return [reader.receive() for reader in readers]


def _content(answer: Answer) -> bytes:
    return base64url.decode(answer.json()["content"])


main = command(run, 10_000, "Secrets.")

if __name__ == "__main__":
    main()
