"""Requests that two readers of HTTP could take for different ones: sent to the server itself, and through proxies.

    python -m drills.smuggling --rounds 5

Run it in scripts/, or with that folder in PYTHONPATH. It needs nginx and Caddy (on Debian: apt install nginx-light
caddy).
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from drills import connection
from drills.connection import UNBOUND, Connection
from drills.promises import command, promise
from drills.servers import free_port, running, serving
from making import Made

GOOD = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSALS = (400, 413, 431, 501)
_BYSTANDERS = 4
_NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr crit;
events { worker_connections 100; }
http {
    access_log off; client_body_temp_path body; proxy_temp_path proxied; fastcgi_temp_path a; uwsgi_temp_path b;
    scgi_temp_path c;
    upstream taina { server 127.0.0.1:SERVER; keepalive 4; }
    server {
        listen 127.0.0.1:PORT;
        location / { proxy_pass http://taina; proxy_http_version 1.1; proxy_set_header Connection ""; }
    }
}
"""
_CADDY = """
{
    admin off
    auto_https off
}
http://:PORT {
    reverse_proxy 127.0.0.1:SERVER
}
"""


def _post(headers: bytes, body: bytes) -> bytes:
    return b"POST /api/v1/status HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n" + body


AMBIGUOUS = {
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GOOD,
    "chunked twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + GOOD,
    "length beside chunked": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n" + GOOD,
    "length twice": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n" + GOOD,
    "length with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde" + GOOD,
    "length with underscore": b"POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n" + GOOD,
    "host twice": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "folded line": b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n" + GOOD,
    "bare line feed": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "bare carriage return": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n",
    "absolute target": b"GET http://other/api/v1/status HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /\r\nHost: a\r\n\r\n",
    "another version": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "authorization twice": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n",
    "connect": b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "length and chunked, the other order": _post(
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n" + GOOD
    ),
    "chunked with a space before the colon": _post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked after a tab": _post(b"Transfer-Encoding:\tchunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked in capitals": _post(b"Transfer-Encoding: CHUNKED\r\n", b"0\r\n\r\n" + GOOD),
    "chunked in quotes": _post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n" + GOOD),
    "chunked after identity": _post(b"Transfer-Encoding: identity, chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked before a letter": _post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked after a vertical tab": _post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked in a folded line": _post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked behind a bare line feed": _post(b"X: a\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked behind a bare carriage return": _post(b"X: a\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked with an underscore": _post(b"Transfer_Encoding: chunked\r\n", b"0\r\n\r\n" + GOOD),
    "a chunk's size with a sign": _post(b"Transfer-Encoding: chunked\r\n", b"+5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk's size beyond 64 bits": _post(b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\nabc"),
    "a chunk with an extension": _post(b"Transfer-Encoding: chunked\r\n", b"5;a=\nb\r\nabcde\r\n0\r\n\r\n"),
    "length twice, the same": _post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"abcde" + GOOD),
    "length as a list": _post(b"Content-Length: 5, 5\r\n", b"abcde" + GOOD),
    "length as different numbers in a list": _post(b"Content-Length: 0, 5\r\n", b"abcde" + GOOD),
    "length below zero": _post(b"Content-Length: -1\r\n", b"abcde" + GOOD),
    "length in hexadecimal": _post(b"Content-Length: 0x5\r\n", b"abcde" + GOOD),
    "length with a space in it": _post(b"Content-Length: 5 5\r\n", b"abcde" + GOOD),
    "length with a fraction": _post(b"Content-Length: 5.0\r\n", b"abcde" + GOOD),
    "length in other digits": _post("Content-Length: \u0665\r\n".encode(), b"abcde" + GOOD),
    "length beyond 64 bits": _post(b"Content-Length: 99999999999999999999\r\n", b"abcde" + GOOD),
    "length of nothing": _post(b"Content-Length:\r\n", b"abcde" + GOOD),
    "length behind a nul": _post(b"X: a\0Content-Length: 5\r\n", b"abcde" + GOOD),
    "length in a name with a space": _post(b"Content Length: 5\r\n", b"abcde" + GOOD),
    "a line without a colon": _post(b"Content-Length 5\r\n", b"abcde" + GOOD),
    "a line that begins with a colon": _post(b": 5\r\n", b"" + GOOD),
    "a space before the first header": b"POST / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n" + GOOD,
    "host with a port beyond all": b"GET / HTTP/1.1\r\nHost: a:999999\r\n\r\n",
    "host with a comma": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "two spaces in the first line": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the first line": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a version in small letters": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "a version of another kind": b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "an answer as a request": b"HTTP/1.1 200 OK\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + GOOD,
}


def run(rounds: int) -> Iterator[str]:
    """Ambiguous requests get one refusal from the server, and behind a proxy nobody else's answer is mixed up."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(*UNBOUND))
        for _ in range(rounds):
            for name, payload in AMBIGUOUS.items():
                codes = answers(server.port, payload)
                promise(len(codes) == 1, f"{name}: the server gave {len(codes)} answers")
                promise(codes[0] in REFUSALS, f"{name}: the server answered {codes[0]}")
        yield f"directly: {rounds} times {len(AMBIGUOUS)} ambiguous requests, each refused, and its connection closed"
        for proxy in (_nginx, _caddy):
            port = stack.enter_context(proxy(server.port))
            passed = 0
            for _ in range(rounds):
                for name, payload in AMBIGUOUS.items():
                    with ExitStack() as others:
                        passed += len(answers(port, payload)) > 1
                        _look_for_mixed_up_answers(others, port, name)
            kind = proxy.__name__[1:]
            yield f"behind {kind}: the same; {passed} were passed on as two requests, no bystander got another's answer"


def answers(port: int, payload: bytes) -> list[int]:
    """The codes of all answers on a connection that this is sent on, until it is closed or falls silent."""
    with Connection(port, patience=0.5) as one:
        one.send(payload)
        received = one.rest()
    return [int(part[:3]) for part in received.replace(b"HTTP/1.0 ", b"HTTP/1.1 ").split(b"HTTP/1.1 ")[1:]]


def _look_for_mixed_up_answers(stack: ExitStack, port: int, name: str) -> None:
    """Others use the proxy's kept connections to the server: each has to get the answer to its own question."""
    bystanders = [(stack.enter_context(Connection(port)), Made(ttl=300 + n)) for n in range(_BYSTANDERS)]
    expiries = []
    for one, made in bystanders:
        one.send(connection.create(made))
    for one, _ in bystanders:
        answer = one.receive()
        promise(answer.status == 201, f"after {name!r} a bystander was answered {answer.status}")
        expiries.append(answer.json()["expires"])
    for one, made in bystanders:
        one.send(connection.status(made))
    seen = [one.receive().json().get("expires") for one, _ in bystanders]
    promise(seen == expiries, f"after {name!r} bystanders got each other's answers")


@contextmanager
def _nginx(upstream: int) -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = Path(folder) / "nginx.conf"
        config.write_text(_NGINX.replace("SERVER", str(upstream)).replace("PORT", str(port)), "utf-8")
        with running(["nginx", "-p", folder, "-c", str(config), "-e", "stderr"], port):
            yield port


@contextmanager
def _caddy(upstream: int) -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = Path(folder) / "Caddyfile"
        config.write_text(_CADDY.replace("SERVER", str(upstream)).replace("PORT", str(port)), "utf-8")
        with running(["caddy", "run", "--config", str(config), "--adapter", "caddyfile"], port):
            yield port


main = command(run, 5, "Times that all of it is sent.")

if __name__ == "__main__":
    main()
