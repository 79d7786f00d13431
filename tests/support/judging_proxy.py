"""WEBCAT's judge between a browser and a server, over real sockets: what it refuses is not sent, so it cannot run."""

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import urlsplit

from support.http_server import HttpServer
from support.webcat import Answer, Refusal, Request, is_newer, judge
from taina.site.webcat import Manifest
from taina.web.codings import decode

Change = Callable[[Request, Answer], Answer]
"""What a hostile server makes of an answer."""
_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")
_LIMIT = 1 << 26
"""Bytes of an answer."""


class JudgingProxy:
    """On a free port of 127.0.0.1, to be used in a `with` statement."""

    def __init__(
        self, upstream: str, manifest: Manifest | None, change: Change = lambda request, answer: answer
    ) -> None:
        """Args:
        upstream: the address of a server without TLS.
        manifest: None for a visitor without WEBCAT, who takes everything.
        """
        self.judged: list[tuple[Request, Refusal | None]] = []
        """Every answer, in their order."""
        self.newer: list[str] = []
        """Versions that make the extension reload the page."""
        self._judgement = threading.Lock()
        self._manifest, self._change = manifest, change
        self._server = HttpServer(("127.0.0.1", 0), _handler(self, urlsplit(upstream).netloc))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def refused(self) -> list[tuple[str, Refusal]]:
        """The paths that were refused, and why."""
        return [(request.path, refusal) for request, refusal in self.judged if refusal is not None]

    def rule(self, request: Request, answer: Answer) -> Answer | None:
        """What the browser gets: the answer, as the server changed it; None where it is refused."""
        answer = self._change(request, answer)
        manifest = self._manifest
        refusal = judge(manifest, request, answer) if manifest else None
        with self._judgement:
            self.judged.append((request, refusal))
            if manifest:
                self.newer += [one for one in answer.named("x-webcat-version") if is_newer(one, manifest["version"])]
        return None if refusal else answer


def _handler(proxy: JudgingProxy, upstream: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(upstream, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                answer = Answer(
                    response.status,
                    tuple((name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP),
                    decode(response.headers.get("Content-Encoding", ""), response.read(), _LIMIT),
                )
            finally:
                connection.close()
            # A browser that does not say what it wants it for gets what may do anything.
            destination = self.headers.get("Sec-Fetch-Dest", "document")
            ruled = proxy.rule(Request(self.path.partition("?")[0], destination), answer)
            if ruled is None:
                self.close_connection = True
                return
            self.send_response_only(ruled.status)
            for name, value in ruled.headers:
                if name.lower() != "content-encoding":
                    self.send_header(name, value)
            if ruled.status not in (204, 304):
                self.send_header("Content-Length", str(len(ruled.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(ruled.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    return Handler
