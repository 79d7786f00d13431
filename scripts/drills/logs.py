"""Everything is asked of a server, rightly and wrongly, and then its logs and files are searched for who asked what.

    python -m drills.logs --rounds 100

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import hashlib
import ipaddress
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from drills.promises import command, promise
from drills.smuggling import answers
from support.connection import Connection, request
from support.request_heads import AMBIGUOUS
from support.secrets import Made, MadeRequest, envelope
from support.servers import kill_server, start_server, stop_server
from taina import base64url

_PROXY = ("--trusted-proxy", "127.0.0.0/8", "--client-creates", "1", "--client-misses", "2")


def run(rounds: int) -> Iterator[str]:
    """Every call, by clients of known addresses; then a search for each id, token, hash, body and address of them."""
    traces: list[bytes] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        temporary = Path(name) / "tmp"
        temporary.mkdir()
        server = start_server(Path(name) / "data", *_PROXY, wrapper=["env", f"TMPDIR={temporary}"])
        stack.callback(kill_server, server)  # where a promise is broken
        for n in range(rounds):
            # Straight from an address of its own, and by a proxy's word.
            source = f"127.{random.randrange(100, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
            client = f"2001:db8:{random.randrange(1 << 16):x}:{random.randrange(1 << 16):x}::{n + 1:x}"
            agent = f"agent-{os.urandom(12).hex()}"
            extra = f"X-Forwarded-For: {client}\r\nUser-Agent: {agent}\r\n"
            with Connection(server.port, source) as one:
                traces += _ask_everything(one, extra)
            traces += [source.encode(), client.encode(), agent.encode(), ipaddress.ip_address(client).packed[:8]]
        for payload in AMBIGUOUS.values():
            answers(server.port, payload)
        said = stop_server(server).encode()
        files = [file for file in Path(name).rglob("*") if file.is_file()]
        whole = b"".join(file.read_bytes() for file in files)
        logged = [trace for trace in traces if trace in said]
        kept = [trace for trace in traces if trace in whole]
        spilled = list(temporary.iterdir())
    promise(not logged, f"the log tells {len(logged)} of {len(traces)}: {logged[:3]!r}")
    promise(not kept, f"the files tell {len(kept)} of {len(traces)}: {kept[:3]!r}")
    promise(not spilled, f"there are temporary files: {spilled}")
    yield f"{rounds} clients, {len(traces)} traces (ids, tokens, bodies, addresses, agents): none in the log,"
    yield f"which has {len(said)} bytes, and no token, body, address or agent in {len(whole) >> 10} KiB of files"


def _ask_everything(one: Connection, extra: str) -> list[bytes]:
    """What could be found of it: as it stood in the requests, and the tokens as bytes, for hashes alone are kept."""
    made, asked, unknown = Made(), MadeRequest(), Made()
    path, claim = f"/secrets/{base64url.encode(made.id)}", f"/claims/{base64url.encode(made.claim_id)}"
    receipt, ask = f"/receipts/{base64url.encode(made.receipt_id)}", f"/requests/{base64url.encode(asked.id)}"
    proof = {"proof": base64url.encode(unknown.reveal_proof)}
    opened = {"opened": base64url.encode(made.opened_proof)}
    calls = [
        request("PUT", path, body=made.body(), extra=extra),
        request("PUT", path, body={**made.body(), "ttl": 301}, extra=extra),
        request("PUT", path, body={**made.body(), "oops": unknown.link_proof.hex()}, extra=extra),
        request("GET", path, made.link_proof, extra=extra),
        request("GET", path, unknown.link_proof, extra=extra),
        request("POST", path + "/reveal", made.link_proof, proof, extra=extra),
        request("POST", path + "/reveal", made.link_proof, made.reveal_body(), extra=extra),
        request("GET", claim, made.claim_token, extra=extra),
        request("GET", claim + "/chunks/0", made.claim_token, extra=extra),
        request("POST", claim + "/ack", made.claim_token, opened, extra=extra),
        request("GET", receipt, made.receipt_token, extra=extra),
        request("POST", receipt + "/burn", made.receipt_token, extra=extra),
        request("PUT", ask, body=asked.body(), extra=extra),
        request(
            "POST", ask + "/envelopes", asked.answer_token, {"envelope": base64url.encode(envelope())}, extra=extra
        ),
        request("GET", ask + "/envelopes", asked.inbox_token, extra=extra),
        request("GET", f"/{unknown.id.hex()}?{unknown.link_proof.hex()}", extra=extra),
        request("PATCH", path, made.link_proof, extra=extra),
        b"PUT /api/v1%s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 68\r\n\r\n[%s..."
        % (path.encode(), unknown.link_proof.hex().encode()),
    ]
    for call in calls:
        answer = one.call(call)
        promise(answer.status < 500, f"the server answered {answer.status}: {answer.body!r}")
    # The claim's hash opens what is at rest.
    traces = [made.chunks[0][:32], hashlib.sha256(made.claim_token).digest()]
    for which in (made, asked, unknown):
        for field in fields(which):
            value = getattr(which, field.name)
            if isinstance(value, bytes):
                traces += [base64url.encode(value).encode(), value.hex().encode()]
                # Ids are what the database knows a secret by, and the opened proof is kept for the sender.
                if not field.name.endswith("id") and field.name != "opened_proof":
                    traces.append(value)
    return traces


main = command(run, 100, "Clients.")

if __name__ == "__main__":
    main()
