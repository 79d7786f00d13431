"""The API over HTTP: one call, tried again where that can help; problems come back as the errors they are."""

import json
import socket
import time
from collections.abc import Callable
from typing import get_args
from urllib.parse import urlsplit

import httpx

from taina import __version__, base64url
from taina.client.answers import MAX_INTEGER, MAX_TIME, Json, whole
from taina.client.results import State
from taina.config.values import named_api
from taina.errors import (
    FileError,
    FormatError,
    InvalidError,
    LoginNeededError,
    Member,
    NotTainaError,
    RateLimitedError,
    TainaError,
    TooLargeError,
    UnreachableError,
    WorkNeededError,
    error_of,
)
from taina.fetching import PROXY_LOGIN, Answer, ProxyAwayError, ProxyLoginError, fetch
from taina.format.payload import CHUNK_SIZE
from taina.format.stream import sealed_size
from taina.proof_of_work import MAX_BITS, find

_TRY_AGAIN = {429, 500, 502, 503, 504}
"""Half an answer and an overloaded proxy are worth another try; a full store (507) is not."""
_OURS_ALONE = (FormatError, UnreachableError, FileError)
"""Errors that a client finds by itself: who sends their codes is no Taina."""
_NUMBERS = {"attempts_left": MAX_INTEGER, "ended": MAX_TIME, "retry_after": MAX_INTEGER, "bits": MAX_INTEGER}
_FIELDS = {
    "ttl": "This instance does not keep anything for so long, or so short a time.",
    "answers": "This instance does not accept so many answers to a request.",
    "passphrase": "This instance requires a passphrase for each secret. Nothing was stored.",
    "to": "This is not one email address.",
    "link": "Only the link of a secret of this instance, with a passphrase, is mailed.",
}
_WORDS = {"state": frozenset(get_args(State)), "field": frozenset(_FIELDS)}
"""Facts that an error of the API may have beside its code, and what they may be."""
MAX_DOCUMENT = 64 << 10
"""Bytes of an answer that is a list or less."""
MAX_CONTENT = 2 << 20
"""Bytes of an answer with a chunk in base64url."""
MAX_CHUNK = sealed_size(CHUNK_SIZE)
"""Bytes of a sealed chunk."""
_UNTRUSTED = (
    "The certificate of {url} is not trusted here, or is for another name. If the instance has a certificate authority "
    "of its own, name its file with --ca, TAINA_CA or SSL_CERT_FILE."
)
_PLAIN = "{url} does not speak TLS. Is its address {plain}?"
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""What OpenSSL makes of an answer that is no TLS, by its versions."""
_UNKNOWN = "There is no host with the name in {url}, or this machine is not connected. Look at each letter of it."
_BROKEN_OFF = ("Server disconnected", "peer closed connection")
"""How errors begin where an answer ended too early."""
_FIRST_WAIT = 0.5
_MAX_WAIT = 8.0


OnRetry = Callable[[TainaError, float], None]


class Transport:
    """Calls to the API of one instance. Thread-safe.

    Args:
        url: address of the instance, without `/api/v1`.
        http: may be shared by several.
        patience: seconds for which a call is tried again, from its first failure on.
        known: addresses of APIs, by those of their pages; what is found is added.
        on_retry: told of each failure that is tried again, and of the seconds until then.
        timeout: seconds that one try may hang, in place of those of `http`.
    """

    def __init__(
        self,
        url: str,
        http: httpx.Client,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        known: dict[str, str] | None = None,
        on_retry: OnRetry = lambda *_: None,
        timeout: float | None = None,
    ) -> None:
        self.url = url
        self._known = {} if known is None else known
        self._api = self._known.get(url) or url.rstrip("/") + "/api/v1"
        self._asked = False
        self._http = http
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._on_retry = on_retry
        self._timeout = timeout
        self._reached = False
        self._given_up = False

    def give_up(self) -> None:
        """Nothing waits for the calls in other threads any more: none of them is tried again."""
        self._given_up = True

    def json(
        self, method: str, path: str, *, token: bytes | None = None, body: object = None, limit: int = MAX_DOCUMENT
    ) -> Json:
        """A call that answers with a JSON object of at most so many bytes.

        Raises:
            TainaError: UnreachableError among them.
        """
        content = None if body is None else json.dumps(body).encode("utf-8")
        document = _read(self._call(method, path, token, content, "application/json", limit))
        if document is None:
            raise NotTainaError
        return document

    def create(self, path: str, identifier: bytes, *, token: bytes | None, body: Json) -> Json:
        """Put a new secret or request; where the instance asks for work, do it and come again. Raises: TainaError."""
        try:
            return self._put_with_work(path, identifier, token, body)
        except InvalidError as error:
            if error.members.get("field") == "ttl":
                raise self._lifetimes() from None
            raise
        except TooLargeError:
            raise self._sizes() from None
        except NotTainaError:
            # A proxy that wants a login answers such a call in its own way.
            if self._wants_login():
                raise LoginNeededError from None
            raise

    def _put_with_work(self, path: str, identifier: bytes, token: bytes | None, body: Json) -> Json:
        try:
            return self.json("PUT", path, token=token, body=body)
        except WorkNeededError as error:
            bits = error.members.get("bits")
            if type(bits) is not int or not 0 < bits <= MAX_BITS:
                raise
        return self.json("PUT", path, token=token, body={**body, "work": find(identifier, bits)})

    def _wants_login(self) -> bool:
        try:
            options = self.json("GET", "/status").get("options")
        except TainaError:
            return False
        return isinstance(options, dict) and options.get("create") == "proxy"

    def _lifetimes(self) -> InvalidError:
        from taina.client.spoken import spoken_time  # only for who is refused

        bounds = self.json("GET", "/status").get("ttl")
        minimum, maximum = whole(bounds, "min"), whole(bounds, "max")
        return InvalidError(f"A lifetime is {spoken_time(minimum)} to {spoken_time(maximum)} here.", field="ttl")

    def _sizes(self) -> TooLargeError:
        from taina.client.spoken import too_large  # only for who is refused

        return too_large(whole(self.json("GET", "/status").get("limits"), "size"))

    def post(self, path: str, token: bytes | None, body: object) -> None:
        """A call that answers with nothing. Raises: TainaError."""
        self._call("POST", path, token, json.dumps(body).encode("utf-8"), "application/json", MAX_DOCUMENT)

    def put_bytes(self, path: str, token: bytes, content: bytes) -> None:
        """Leave bytes at an address. Raises: TainaError."""
        self._call("PUT", path, token, content, "application/octet-stream", MAX_DOCUMENT)

    def delete(self, path: str, token: bytes) -> None:
        """Delete what is at an address. Raises: TainaError."""
        self._call("DELETE", path, token, None, "", MAX_DOCUMENT)

    def get_bytes(self, path: str, token: bytes) -> bytes:
        """The bytes of a chunk at an address. Raises: TainaError."""
        return self._call("GET", path, token, None, "", MAX_CHUNK).body

    def _call(
        self, method: str, path: str, token: bytes | None, content: bytes | None, kind: str, limit: int
    ) -> Answer:
        headers = {"Accept": "*/*", "User-Agent": f"taina/{__version__}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {base64url.encode(token)}"
        if content is not None:
            headers["Content-Type"] = kind
        end: float | None = None
        wait = _FIRST_WAIT
        while True:
            try:
                url, timeout = self._api + path, self._timeout
                answer = fetch(self._http, method, url, limit=limit, headers=headers, content=content, timeout=timeout)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
                raise InvalidError(f"{self.url} is not an address: one begins with https://", field="url") from None
            except httpx.TransportError as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    # What can never work is not tried again.
                    raise UnreachableError(_UNTRUSTED.format(url=self.url)) from None
                if any(reason in str(error) for reason in _NO_TLS) and not isinstance(error, ProxyAwayError):
                    plain = self.url.replace("https:", "http:", 1)
                    raise UnreachableError(_PLAIN.format(url=self.url, plain=plain)) from None
                if isinstance(error, ProxyLoginError):
                    raise UnreachableError(PROXY_LOGIN) from None
                if not self._reached and _names_nobody(error):
                    at_proxy = isinstance(error, ProxyAwayError)
                    raise UnreachableError(_said(error, "") if at_proxy else _UNKNOWN.format(url=self.url)) from None
                problem: TainaError = UnreachableError(_said(error, self.url))
                pause = wait
            else:
                self._reached = True
                if 200 <= answer.status < 300:
                    if answer.whole and "content-encoding" not in answer.headers:
                        return answer
                    raise NotTainaError
                problem = _problem(answer, self.url)
                if isinstance(problem, NotTainaError) and self._is_elsewhere():
                    continue
                if answer.status not in _TRY_AGAIN:
                    raise problem
                pause = max(wait, _retry_after(answer))
            # From the first failure on: a try may hang for as long, and the lease of a reveal outlasts it.
            end = self._clock() + self._patience if end is None else end
            if self._given_up or self._clock() + pause > end:
                raise problem
            self._on_retry(problem, pause)
            self._sleep(pause)
            if self._given_up:
                raise problem
            wait = min(2 * wait, _MAX_WAIT)

    def _is_elsewhere(self) -> bool:
        """Pages on a host without the API say in a file of theirs where it is; that is asked once."""
        if self._asked:
            return False
        self._asked = True
        try:
            answer = fetch(self._http, "GET", f"{self.url.rstrip('/')}/api.json", limit=MAX_DOCUMENT)
        except (httpx.HTTPError, ValueError):
            return False
        api = named_api(self.url, answer.body)
        if api is None:
            return False
        self._api = self._known[self.url] = f"{api}/api/v1"
        return True


def _said(error: httpx.TransportError, url: str) -> str:
    if isinstance(error, ProxyAwayError):
        return f"{error}."
    why = str(error) or type(error).__name__
    if isinstance(error, httpx.ProtocolError):
        # It may quote what a stranger sent.
        why = "it broke off" if why.startswith(_BROKEN_OFF) else "it does not speak HTTP"
    return f"{url} does not answer ({why})."


def _names_nobody(error: BaseException | None) -> bool:
    """Whether a name was looked up, and nobody has it: that does not heal while we wait."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno != socket.EAI_AGAIN
        error = error.__cause__ or error.__context__
    return False


def _read(answer: Answer) -> Json | None:
    """The object that it is in JSON; None where it is not."""
    try:
        document = json.loads(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _problem(answer: Answer, url: str) -> TainaError:
    """What the server said of itself (RFC 9457), or that whoever answered is no Taina.

    A code that we know, and facts that we know: the sentences are ours, for a stranger's end up in a terminal.
    """
    document = _read(answer) or {}
    code = document.get("code")
    if not isinstance(code, str):
        if answer.status == 429:
            return RateLimitedError()  # by a proxy
        if answer.status in _TRY_AGAIN:
            return UnreachableError(f"The server is out of order ({answer.status}). Try again later.")
        return _stranger(answer, url)
    kind = error_of(code)
    if issubclass(kind, _OURS_ALONE):
        return NotTainaError()
    members: dict[str, Member] = {}
    for name, limit in _NUMBERS.items():
        value = document.get(name)
        if type(value) is int and 0 <= value <= limit:
            members[name] = value
    for name, words in _WORDS.items():
        value = document.get(name)
        if isinstance(value, str) and value in words:
            members[name] = value
    return kind(_FIELDS.get(str(members.get("field"))) if kind is InvalidError else None, **members)


def _stranger(answer: Answer, url: str) -> NotTainaError:
    """Whoever answered is no Taina: what stands before it, as far as that is known."""
    if answer.status == 407:
        return NotTainaError(PROXY_LOGIN)
    if answer.status == 401:
        return NotTainaError("A login stands before this address, and no link works behind one. Ask its operator.")
    if answer.status == 413:
        return NotTainaError(
            "What stands before this instance does not let so much through at once (413). Tell its operator: 2 MiB "
            "have to pass."
        )
    if answer.status in (301, 302, 303, 307, 308):
        return NotTainaError(
            "This address leads on to another, and what is secret is not sent after it. Does it begin with https://, "
            "and is the host right?"
        )
    path = urlsplit(url).path
    if path:
        root = url.removesuffix(path)
        return NotTainaError(f"What answered at {url} is not Taina. An instance has a host of its own: try {root}")
    return NotTainaError()


def _retry_after(answer: Answer) -> float:
    """Seconds (RFC 9110, section 10.2.3); the form with a date is not worth reading."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0.0
