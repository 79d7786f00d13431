"""Who may make secrets and requests on this instance."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import falcon

from taina.errors import QuotaError, RateLimitedError, StorageFullError, TooLargeError
from taina.rules.access_keys import AccessKeys
from taina.rules.secret_requests import SecretRequests
from taina.rules.vault import Admit
from taina.store import InDoubtError
from taina.store.access_keys import AccessKey
from taina.web.logins import Logins
from taina.web.parsing import bearer


class _Made(Protocol):
    @property
    def new(self) -> bool: ...


Made = TypeVar("Made", bound=_Made)


class Admission:
    """Who may create secrets and requests, and who pays for what.

    Args:
        keys: those whose holders are admitted; None admits anyone.
        logins: admits those who have logged in at a proxy, beside the holders of keys.
    """

    def __init__(self, keys: AccessKeys | None, requests: SecretRequests, logins: Logins | None = None) -> None:
        self._keys = keys
        self._requests = requests
        self._logins = logins

    @property
    def create(self) -> str:
        """As `/status` says it: "anyone", "keys" or "proxy"."""
        if self._logins is not None:
            return "proxy"
        return "anyone" if self._keys is None else "keys"

    def make(self, request: falcon.Request, create: Callable[[str | None], Made]) -> Made:
        """Create for the holder of the key that the request shows, and count it if something new was made.

        Args:
            create: is told the key's name; None where anyone is admitted.

        Raises:
            KeyNeededError, KeyRefusedError, LoginNeededError, QuotaError
        """
        if self._logins is not None and not _shows_token(request):
            return charged(self._logins.spend(request), lambda: create(None))
        if self._keys is None:
            return create(None)
        key = self._keys.authenticate(bearer(request) if request.get_header("Authorization") else None)
        return self._charge(key, create)

    def answer(
        self, request: falcon.Request, answering: bytes | None, size: int, create: Callable[[Admit | None], Made]
    ) -> Made:
        """As `make`; but whoever answers a request shows its answer token and needs no key.

        What is made then is spent: of the answers that the request is good for, and of the quota of the key that
        made the request.

        Args:
            size: bytes of the secret that is to be made.
            create: is told what spends an answer, within its own transaction.

        Raises:
            TooLargeError: this request takes only less.
            NotFoundError, GoneError, AnsweredError: it takes no answer.
            KeyRefusedError: the key that made the request is not in force any more.
            QuotaError: that key's quota is used up.
        """
        if self._keys is None or answering is None:
            return self.make(request, lambda _: create(None))
        token = bearer(request)
        name = self._requests.key_of(answering, token)
        if size > self._requests.most(answering):
            raise TooLargeError(field="size")
        admit = self._requests.start_answer(answering, token)
        if name is None:  # a request of the time before keys were asked for
            return create(admit)
        return self._charge(self._keys.named(name), lambda _: create(admit))

    def _charge(self, key: AccessKey, create: Callable[[str | None], Made]) -> Made:
        assert self._keys is not None  # noqa: S101 - asked by the callers
        return charged(self._keys.spend(key.name, "create", key.quota), lambda: create(key.name))


def _shows_token(request: falcon.Request) -> bool:
    """A proxy may take a name and a password in the same header, and pass them on: they are not for us."""
    return (request.get_header("Authorization") or "").partition(" ")[0].lower() == "bearer"


def charged(give_back: Callable[[], None], create: Callable[[], Made]) -> Made:
    """Create what was paid for, and give that back where nothing new was made.

    A create in doubt stays paid for: it may have been made, and the same again costs nothing.
    """
    try:
        made = create()
    except InDoubtError:
        raise
    except BaseException:
        give_back()
        raise
    if not made.new:
        give_back()
    return made


def made_or_repeated(create: Callable[[], Made], repeated: Callable[[], Made | None]) -> Made:
    """Create; whoever lost the answer and asks again is told what was made, whatever is left to spend.

    Args:
        repeated: what was made by the same call before; None if nothing was.
    """
    try:
        return create()
    except (QuotaError, RateLimitedError, StorageFullError):
        made = repeated()
        if made is None:
            raise
        return made
