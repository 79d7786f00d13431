"""The standard library's server, for a crowd: a browser opens six connections at once, and a site two origins."""

from http.server import ThreadingHTTPServer


class HttpServer(ThreadingHTTPServer):
    request_queue_size = 128
    """Connections that may wait to be accepted. With five, a busy machine has them tried again after 1, 3, 7 … s."""
