"""Who may make secrets and requests on this instance."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import falcon

from taina.errors import AnsweredError, TainaError
from taina.rules.access_keys import AccessKeys
from taina.rules.secret_requests import SecretRequests
from taina.web.parsing import bearer


class _Made(Protocol):
    @property
    def new(self) -> bool: ...


Made = TypeVar("Made", bound=_Made)


class Admission:
    """
    Args:
        keys: those whose holders are admitted; None admits anyone.
    """

    def __init__(self, keys: AccessKeys | None, requests: SecretRequests) -> None:
        self._keys = keys
        self._requests = requests

    @property
    def create(self) -> str:
        return "anyone" if self._keys is None else "keys"

    def make(self, request: falcon.Request, work: Callable[[], Made]) -> Made:
        """Do the work for the holder of the key that the request shows, and count it if it made something new.

        Raises:
            KeyNeededError, KeyRefusedError, QuotaError
        """
        if self._keys is None:
            return work()
        key = self._keys.know(bearer(request) if request.get_header("Authorization") else None)
        take_back = self._keys.spend(key.name, "create", key.quota)
        try:
            made = work()
        except TainaError:
            take_back()
            raise
        if not made.new:
            take_back()
        return made

    def answer(self, request: falcon.Request, answering: bytes | None, work: Callable[[], Made]) -> Made:
        """As `make`; but who answers a request shows its answer token, as he need not have a key.

        Raises:
            NotFoundError, GoneError, AnsweredError: it takes no answer.
        """
        if self._keys is None or answering is None:
            return self.make(request, work)
        if not self._requests.status(answering, bearer(request)).answers_left:
            raise AnsweredError
        return work()
