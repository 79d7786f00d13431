"""Requests that two readers of HTTP could take for different ones: sent to the server itself, and through proxies.

    python -m drills.smuggling --rounds 5

Run it in scripts/, or with that folder in PYTHONPATH. It needs nginx and Caddy (on Debian: apt install nginx-light
caddy).
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from drills.promises import command, promise
from support import connection
from support.connection import UNBOUND, Connection
from support.request_heads import AMBIGUOUS, REFUSALS
from support.secrets import Made
from support.servers import free_port, running, serving

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
