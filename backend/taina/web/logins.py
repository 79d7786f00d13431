"""Who has logged in at the proxy before this instance: believed of that proxy alone, kept and logged nowhere."""

import hashlib
import secrets
from collections.abc import Callable, Sequence

import falcon

from taina.errors import LoginNeededError, QuotaError
from taina.web.client_marks import Network, is_of
from taina.web.limits import DAY, Budget

MAX_NAME = 256
"""Characters of a name, which may be in any writing: it is only hashed."""


class Logins:
    """Tells by a header whether somebody has logged in, and how much that one has made today.

    Args:
        header: in which the proxy says who it is.
        proxies: those that are believed. Only the last hop counts: it is the one that sets the header.
        per_day: secrets and requests of one login; 0 sets no bound.
    """

    def __init__(self, header: str, proxies: Sequence[Network], per_day: int = 0) -> None:
        self._header = header
        self._proxies = tuple(proxies)
        self._budget = Budget(per_day, DAY) if per_day else None
        self._key = secrets.token_bytes(32)  # never leaves the memory

    def spend(self, request: falcon.Request) -> Callable[[], None]:
        """Count one more thing that is made by whoever has logged in; return what gives it back.

        Raises:
            LoginNeededError: nobody has, or whoever says so is no proxy of ours.
            QuotaError
        """
        name = (request.get_header(self._header) or "").strip()
        if not 0 < len(name) <= MAX_NAME or not is_of(self._proxies, request.env.get("REMOTE_ADDR", "")):
            raise LoginNeededError
        if self._budget is None:
            return lambda: None
        budget, mark = self._budget, hashlib.blake2b(name.encode(), key=self._key, digest_size=16).digest()
        if budget.try_spend(mark):
            raise QuotaError
        return lambda: budget.give_back(mark, 1)
