"""How a client comes to the instance that a link names."""

import secrets
import ssl
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from taina import base64url
from taina.client.claims import Claims
from taina.client.rules import Rules, read_rules
from taina.client.transport import OnRetry, Transport
from taina.client.types import need, need_link
from taina.errors import InvalidError
from taina.fetching import open_http
from taina.format.links import Kind, Link, decode_link, find_address


class Connection:
    """Constructor and end of `taina.Client`, and its way to each instance."""

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        patience: float = 30.0,
        timeout: float = 30.0,
        state: Path | None = None,
        verify: Path | str | ssl.SSLContext | None = None,
        proxy: str | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        sleep: Callable[[float], None] = time.sleep,
        on_retry: OnRetry = lambda *_: None,
    ) -> None:
        if url is not None:
            need(url, "url", str, "a text")
        if key is not None:
            need(key, "key", str, "a text")
        self.url = _address(url) if url and url.strip() else None
        self._key = None if key is None else _read_key(key)
        if verify is not None:
            need(verify, "verify", (str, Path, ssl.SSLContext), "a file of certificates or an ssl.SSLContext")
        if proxy is not None:
            need(proxy, "proxy", str, "an address such as http://proxy.example:3128")
        if transport is not None:
            need(transport, "transport", httpx.BaseTransport, "an httpx.BaseTransport")
        verify = Path(verify) if isinstance(verify, str) else verify
        self._http = open_http(timeout, verify, proxy, transport)
        self._patience = patience
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._on_retry = on_retry
        self._claims = Claims(state)
        # Where the API of each host is, once a host of pages has told.
        self._apis: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        self._http.close()

    def instance(self) -> dict[str, Any]:
        """Version, limits, lifetimes and options of the instance, as its API gives them."""
        return self._transport(self.url).json("GET", "/status")

    def rules(self, answering: str | None = None) -> Rules:
        """What the instance asks of whoever creates something, to be known before anything is typed.

        Args:
            answering: the link of a request; whoever has one needs no access key.

        Raises:
            KeyNeededError, LoginNeededError: it wants an access key, and this client has none.
        """
        rules = read_rules(self._transport((answering and find_address(answering)) or self.url))
        if answering is None:
            rules.need_key(self._key)
        return rules

    def _find(self, link: str, kind: Kind) -> tuple[Transport, Link]:
        need_link(link)
        parsed = decode_link(link, kind)
        return self._transport(find_address(link) or self.url), parsed

    def _transport(self, url: str | None, patience: float | None = None, timeout: float | None = None) -> Transport:
        if url is None:
            raise InvalidError("Which instance? Give its address, or a whole link that names it.", field="url")
        patience = self._patience if patience is None else patience
        return Transport(
            url,
            self._http,
            patience,
            sleep=self._sleep,
            known=self._apis,
            on_retry=self._on_retry,
            timeout=timeout,
        )


def _address(url: str) -> str:
    """The address of an instance as it is called: nothing around it, no slash at its end.

    Raises:
        InvalidError: it is none. What could be a password, or the key of a link, is not repeated.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        told = url.partition("#")[0].rpartition("@")[2]
        raise InvalidError(f"{told} is not an address: one begins with https:// and names a host.", field="url")
    user, _, host = parts.netloc.rpartition("@")
    root = f"{parts.scheme}://{host}"
    if user:
        raise InvalidError(
            f"An address has no user name or password. Write {root}; an access key goes into TAINA_KEY.", field="url"
        )
    if parts.query or parts.fragment:
        raise InvalidError(f"This is a page or a link, not the address of an instance. Write {root}", field="url")
    return f"{root}{parts.path}".rstrip("/")


def _read_key(key: str) -> bytes:
    try:
        token = base64url.decode(key.strip())
    except ValueError:
        token = b""
    if len(token) != 32:
        raise InvalidError("This is not an access key: one has 43 letters, digits, - and _.", field="key")
    return token
