"""Requests and answers by bare sockets: nothing is tried again here, and many can be sent before any is awaited."""

import json
import socket
from dataclasses import dataclass
from typing import Any, Self

from support.secrets import Made
from taina import base64url

UNBOUND = tuple(f"--client-{budget}=0" for budget in ("creates", "reveals", "calls", "misses", "storage", "transfer"))
"""Options of a server that drills and benches may ask without end."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection to a server on this machine that is kept open.

    Raises:
        OSError: from every method, where the connection breaks or what comes is no whole answer.
    """

    def __init__(self, port: int, source: str = "127.0.0.1", patience: float = 60) -> None:
        """`source` is the address to come from; `patience` in seconds."""
        self._socket = socket.create_connection(("127.0.0.1", port), patience, source_address=(source, 0))
        if self._socket.getsockname() == self._socket.getpeername():
            # Nobody listens, and the caller was given the very port that it calls: it would hear itself.
            self._socket.close()
            raise ConnectionRefusedError(f"nobody listens on port {port}")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def call(self, request: bytes) -> Answer:
        self.send(request)
        return self.receive()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> Answer:
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._received) < length:
            self._more()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(int(first.split()[1]), headers, body)

    def rest(self) -> bytes:
        """All that comes until the other side closes, or says nothing for as long as we have patience."""
        try:
            while True:
                self._more()
        except (ConnectionError, TimeoutError):
            received, self._received = self._received, b""
            return received

    def _more(self) -> None:
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise ConnectionResetError("closed in the middle of an answer")
        self._received += piece


def request(method: str, path: str, token: bytes | None = None, body: Any = None, extra: str = "") -> bytes:
    """The bytes of a call of the API; `extra` are whole header lines."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = f"{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n{extra}"
    if token is not None:
        lines += f"Authorization: Bearer {base64url.encode(token)}\r\n"
    if method in ("PUT", "POST"):
        lines += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return lines.encode() + b"\r\n" + content


def create(made: Made) -> bytes:
    return request("PUT", f"/secrets/{base64url.encode(made.id)}", body=made.body())


def status(made: Made) -> bytes:
    return request("GET", f"/secrets/{base64url.encode(made.id)}", made.link_proof)


def reveal(made: Made, *, claim: bool = True) -> bytes:
    path = f"/secrets/{base64url.encode(made.id)}/reveal"
    return request("POST", path, made.link_proof, made.reveal_body(claim=claim))


def acknowledge(made: Made) -> bytes:
    path = f"/claims/{base64url.encode(made.claim_id)}/ack"
    return request("POST", path, made.claim_token, {"opened": base64url.encode(made.opened_proof)})


def burn(made: Made) -> bytes:
    return request("POST", f"/receipts/{base64url.encode(made.receipt_id)}/burn", made.receipt_token)


def receipt(made: Made) -> bytes:
    return request("GET", f"/receipts/{base64url.encode(made.receipt_id)}", made.receipt_token)
