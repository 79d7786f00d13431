"""A server that can open no more files rests, says so once, and goes on as soon as one is free."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import contextlib, json, logging, os, resource, socket, sys
from taina.server.listener import Listener, accepting
from taina.store.turns import Turns

accepting.REST_SECONDS = 1e9  # no clock ends it
lines = []
class Kept(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
logging.getLogger().addHandler(Kept())

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

listener = Listener(app, "127.0.0.1", 0, threads=1, turns=Turns() if sys.argv[1] == "turns" else None)
(server,) = listener._servers
accepts, accept = [], server.socket.accept
class Counting:
    def __getattr__(self, name):
        return getattr(listening, name)
    def accept(self):
        accepts.append(None)
        return listening.accept()
listening, server.socket = server.socket, Counting()

def rounds(number):
    for _ in range(number):
        listener._round(0.01)

def answer_to(client):
    client.setblocking(False)
    for _ in range(2000):
        rounds(1)
        with contextlib.suppress(BlockingIOError):
            return client.recv(1000).decode()

clients = [socket.socket() for _ in range(10)]
for client in clients:
    client.settimeout(20)
clients[0].connect(("127.0.0.1", listener.port))
rounds(5)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))), 4096))
taken = []
while True:
    try:
        taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        break
told = {"before": len(accepts)}
for client in clients[1:]:
    client.connect(("127.0.0.1", listener.port))
with listener._turns.running(server.wake) if listener._turns else contextlib.nullcontext():
    rounds(50)
    told["while none is free"] = len(accepts) - told["before"]
    told["lines"] = list(lines)
    clients[0].sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    told["known"] = answer_to(clients[0])
    for one in taken:
        os.close(one)
    clients[0].close()
    clients[1].sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
    told["waited"] = answer_to(clients[1])
print(json.dumps(told), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("way", ["threads", "turns"])
def test_a_server_without_files_rests_and_goes_on(way: str) -> None:
    """Each round once tried again, and wrote a traceback."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, way], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["while none is free"] == 1
    assert len(told["lines"]) == 1
    assert "LimitNOFILE" in told["lines"][0]
    assert told["known"].startswith("HTTP/1.1 200 "), "who is here already is answered"
    assert told["waited"].startswith("HTTP/1.1 200 "), "and who waited, once there is room"
