"""A bridge in this process, on a real socket, and a way to the instance on which a test may hold an opening up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from waitress import wasyncore

from taina import Client
from taina.client.bridge import create_bridge
from taina.client.bridge.refusals import refused_early
from taina.client.loopback import Loopback


class HeldUp(httpx.BaseTransport):
    """Requests go their way; the answer to the first reveal waits until the test lets it go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        """What was asked of secrets and claims, by the last word of its path."""
        self.reached = threading.Event()
        self.go = threading.Event()
        self._way = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        word = request.url.path.rpartition("/")[2]
        if word in ("reveal", "ack"):
            self.asked.append(word)
        answer = self._way.handle_request(request)
        if word == "reveal" and not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(60)
        return answer

    def close(self) -> None:
        self._way.close()


@contextmanager
def bridge_here(client: Client, listening: socket.socket) -> Iterator[None]:
    """For whoever reaches `listening`, without a token."""
    loopback = Loopback(create_bridge(client, None), listening, refused_early)
    server = loopback._server
    running = threading.Thread(target=loopback.run)
    running.start()
    try:
        yield
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        running.join(60)
        server.task_dispatcher.shutdown()
