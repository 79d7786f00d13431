"""Calls over HTTP to servers that nobody vouches for: an answer has a size that it may have, and a time to come in."""

import os
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpcore
import httpx

from taina.errors import InvalidError

_MIN_RATE = 8 << 10
"""Bytes a second that have to come or go once `timeout` is over: a slow line gets on, a drip does not."""
_MAX_HEAD = 256 << 10
"""Bytes of heads, interim answers and framing, besides the body."""
_SLICE = 64 << 10
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
PROXY_LOGIN = (
    "The proxy on the way wants a login. Write it into HTTPS_PROXY or HTTP_PROXY, as in "
    "http://name:password@proxy.example:3128"
)
_here = threading.local()


class ProxyLoginError(httpx.ProxyError):
    """The proxy wants a login; it says how to give it one."""

    def __init__(self) -> None:
        super().__init__(PROXY_LOGIN)


class ProxyAwayError(httpx.ConnectError):
    """Nobody answers at the address of the proxy, or nobody has its name; the server was not asked."""

    def __init__(self, why: Exception) -> None:
        super().__init__(f"The proxy on the way, of {_proxies()}, is not reached: {why}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent."""

    status: int
    headers: httpx.Headers
    body: bytes
    """As it came, in the coding that its headers name."""
    whole: bool
    """False where it was larger than it may be, and was cut off."""
    interim: bool = False
    """Whether another answer came before it (RFC 9110, section 15.2), whose headers browsers may act on."""


def open_http(
    timeout: float,
    verify: Path | ssl.SSLContext | None = None,
    proxy: str | None = None,
    transport: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """A client that follows no redirects, for `fetch`. Heeds the usual variables for proxies and certificates.

    Args:
        timeout: seconds that an answer may take to come, besides what its size takes.
        verify: file (PEM) of the certificate authority to trust, or a context, in place of the usual ones.
        proxy: address of a proxy, in place of those that the variables name.
        transport: what carries requests, in place of the network; the two above and `timeout` are its own affair.

    Raises:
        InvalidError: the file, the proxy or a variable cannot be used; it says which.
    """
    try:
        trusted = ssl.create_default_context(cafile=verify) if isinstance(verify, Path) else verify
    except (OSError, ValueError) as error:
        raise InvalidError(f"{verify} holds no certificates that can be read ({error}).", field="ca") from None
    try:
        trusted = trusted or (httpx.create_ssl_context() if _found(_CERTIFICATES) else _Deferred())
        http = httpx.Client(timeout=timeout, follow_redirects=False, verify=trusted, proxy=proxy, transport=transport)
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        raise InvalidError(_blame(error, proxy is not None), field="environment") from None
    # Where every connection is made, by a proxy or not, is the one place that sees each byte of an answer's head.
    for carrier in (http._transport, *http._mounts.values()):
        if isinstance(carrier, httpx.HTTPTransport) and carrier is not transport:
            carrier._pool._network_backend = _Backend()
    return http


def fetch(
    http: httpx.Client,
    method: str,
    url: str,
    *,
    limit: int,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    timeout: float | None = None,
) -> Answer:
    """One call, and its answer as it came. No coding is offered, unless `headers` do.

    Args:
        limit: bytes that the body may have.
        timeout: seconds, in place of those of `http`.

    Raises:
        httpx.TransportError: it does not answer, or too slowly, or with a head that does not end; a
            ProxyLoginError where a proxy wants one, a ProxyAwayError where it is the proxy that does not answer.
        httpx.InvalidURL, httpx.UnsupportedProtocol: this is not an address.
        InvalidError: no host can have this name.
    """
    patience = http.timeout if timeout is None else httpx.Timeout(timeout)
    _here.turn = _Turn(time.monotonic() + (patience.read or 0), limit + _MAX_HEAD)
    body = bytearray()
    try:
        asked = {"Accept-Encoding": "identity", **(headers or {})}
        request = http.build_request(method, url, content=content, headers=asked, timeout=patience)
        answer = http.send(request, stream=True)
        try:
            # A transport of the caller's, as for tests, may hand over what it has read already.
            for piece in [answer.content] if answer.is_stream_consumed else answer.iter_raw():
                body += piece
                if len(body) > limit:
                    break
        finally:
            answer.close()
            # They hold each other, and with them what was sent, until somebody looks for garbage.
            answer.stream = httpx.ByteStream(b"")
        interim = _here.turn.start[len(b"HTTP/1.1 ") :] == b"1"
        return Answer(answer.status_code, answer.headers, bytes(body[:limit]), len(body) <= limit, interim)
    except httpx.ProxyError as error:
        raise _said_by_proxy(str(error)) from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        if _here.turn.away not in (None, _place(url)):
            raise ProxyAwayError(error) from error
        raise
    except UnicodeError:
        # The codes of letters (`xn--…`) that no name has.
        raise _no_name(urlsplit(url).hostname or "") from None
    finally:
        del _here.turn


def _no_name(host: str) -> InvalidError:
    return InvalidError(f"{host} cannot be the name of a host.", field="url")


def _place(url: str) -> tuple[str, int]:
    """Host and port, as connections are made to them."""
    asked = httpx.URL(url)
    return asked.raw_host.decode("ascii"), asked.port or (443 if asked.scheme == "https" else 80)


def _proxies() -> str:
    """Names of variables alone: an address of a proxy may hold a password."""
    return _found(_PROXIES) or "this client"


def _found(names: tuple[str, ...]) -> str:
    return " or ".join(name for name in (*names, *map(str.lower, names)) if os.environ.get(name))


def _said_by_proxy(error: str) -> httpx.ProxyError:
    """By its number alone: the words behind it are a stranger's, and are shown on a terminal."""
    status = error[:3]
    if status == "407":
        return ProxyLoginError()
    known = status.isascii() and status.isdigit()
    return httpx.ProxyError(f"the proxy on the way says {status}" if known else "the proxy on the way refuses")


def _blame(error: Exception, given: bool) -> str:
    """What is wrong with the proxy or in the environment, and what would be right.

    Args:
        given: whether the proxy was named by the caller, and by no variable.
    """
    names: tuple[str, ...] = (*_PROXIES, "NO_PROXY")
    advice = "A proxy is written like http://proxy.example:3128, and NO_PROXY has names."
    if isinstance(error, ImportError):
        advice = "A proxy of the kind socks5:// needs one more package: pip install 'taina[socks]'"
    elif isinstance(error, OSError):
        names = _CERTIFICATES
        advice = "Name a file that is there and can be used, or unset it."
    if given and not isinstance(error, OSError):
        return f"The proxy cannot be used. {advice}"
    said = _found(names) or "for proxies or certificates"
    return f"A variable of the environment cannot be used: {said}. {advice}"


@dataclass
class _Turn:
    """What is left to one call."""

    end: float
    """By the monotonic clock; each byte puts it off by a little."""
    bytes_left: int
    start: bytes = b""
    """What came first after the last write, up to the first digit of a status."""
    away: tuple[str, int] | None = None
    """Host and port to which no connection could be made."""

    def seconds(self, timeout: float | None) -> float:
        left = self.end - time.monotonic()
        if left <= 0 or self.bytes_left <= 0:
            raise httpcore.ReadTimeout("it does not come to an end")
        return left if timeout is None else min(left, timeout)

    def passed(self, size: int) -> None:
        self.end += size / _MIN_RATE

    def came(self, data: bytes) -> None:
        self.passed(len(data))
        self.bytes_left -= len(data)
        self.start = (self.start + data[:16])[: len(b"HTTP/1.1 1")]


class _Deferred(ssl.SSLContext):
    """Trusts nobody, and stands for whom httpx trusts: to read those takes 30 ms, which plain HTTP can do without."""

    def __new__(cls) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    @cached_property
    def usual(self) -> ssl.SSLContext:
        """Raises: OSError: they cannot be read."""
        context = httpx.create_ssl_context()
        context.set_alpn_protocols(["http/1.1"])  # as httpcore tells the one that it has
        return context


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write counts for the call of this thread."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        turn: _Turn = _here.turn
        data = self._inner.read(max_bytes, turn.seconds(timeout))
        turn.came(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        turn: _Turn = _here.turn
        turn.start = b""  # what came before is a proxy's, who was asked for a way
        for start in range(0, len(buffer), _SLICE):
            piece = buffer[start : start + _SLICE]
            self._inner.write(piece, turn.seconds(timeout))
            turn.passed(len(piece))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, *arguments: Any, **more: Any) -> httpcore.NetworkStream:
        if isinstance(ssl_context, _Deferred):
            try:
                ssl_context = ssl_context.usual
            except OSError as error:
                self.close()
                raise httpcore.ConnectError(f"the usual authorities cannot be read: {error}") from error
        return _Stream(self._inner.start_tls(ssl_context, *arguments, **more))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, host: str, port: int, *arguments: Any, **more: Any) -> httpcore.NetworkStream:
        try:
            return _Stream(super().connect_tcp(host, port, *arguments, **more))
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            turn: _Turn = _here.turn
            turn.away = host, port
            raise
        except UnicodeError:
            # Python looks no name up that has an empty or too long part.
            raise _no_name(host) from None
