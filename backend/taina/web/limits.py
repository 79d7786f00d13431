"""What one client may ask of an instance in a time: budgets in memory, forgotten once they are whole again."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import falcon

from taina.errors import RateLimitedError
from taina.web.peers import Clients, Network

_BURST = 10 * 60
"""Seconds' worth of a budget a minute that may be spent at once: an office comes in waves."""
_DAY = 86400
_CLIENTS_MOST = 100_000
"""Clients that a budget remembers. Whoever has more addresses than this gains little by being forgotten."""

_CREATES = {
    ("PUT", "/api/v1/secrets/{secret_id}"),
    ("PUT", "/api/v1/requests/{request_id}"),
    ("POST", "/api/v1/requests/{request_id}/envelopes"),
}
_REVEALS = {("POST", "/api/v1/secrets/{secret_id}/reveal")}


@dataclass(frozen=True, slots=True)
class Rates:
    """The budgets of one client; 0 sets no bound."""

    creates: int = 120
    """Secrets, requests and answers a minute."""
    reveals: int = 240
    """A minute."""
    misses: int = 300
    """Calls a minute with a proof or a token that opens nothing."""
    storage: int = 1 << 30
    """Bytes of ciphertext a day."""
    proxies: tuple[Network, ...] = ()
    """Reverse proxies that tell by X-Forwarded-For whose requests they pass on."""


class Budget:
    """A token bucket for each client, of which only the moment is kept at which it will be full again."""

    def __init__(self, size: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A full bucket holds `size`, and an empty one is full after `seconds`."""
        self._size = size
        self._fill = seconds
        self._clock = clock
        self._full: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def remembered(self) -> int:
        """How many clients it remembers: those that it could have to refuse."""
        return len(self._full)

    def wait(self, client: bytes, cost: float = 1) -> float:
        """Seconds until the client can spend `cost`, or the whole of the bucket if that is less; 0 if it can now."""
        now = self._clock()
        return max(self._after(client, cost, now) - now - self._fill, 0)

    def spend(self, client: bytes, cost: float = 1) -> float:
        """As `wait`, and where that is 0 it is spent."""
        now = self._clock()
        with self._lock:
            after = self._after(client, cost, now)
            wait = after - now - self._fill
            if wait > 0:
                return wait
            self._full[client] = after
            self._full.move_to_end(client)
            self._forget(now)
            return 0

    def give_back(self, client: bytes, cost: float = 1) -> None:
        """Undo a `spend` of this cost."""
        with self._lock:
            if client in self._full:
                self._full[client] -= min(cost / self._size, 1) * self._fill

    def _after(self, client: bytes, cost: float, now: float) -> float:
        return max(self._full.get(client, now), now) + min(cost / self._size, 1) * self._fill

    def _forget(self, now: float) -> None:
        """Those at the front were here the longest ago; two for each that comes keep the row short."""
        for _ in range(2):
            client, full = next(iter(self._full.items()))
            if full > now and len(self._full) <= _CLIENTS_MOST:
                return
            del self._full[client]
            if not self._full:
                return


class ClientLimits:
    """Falcon middleware: charges each call of the API to its client, and refuses what is beyond a budget."""

    def __init__(self, rates: Rates) -> None:
        self._clients = Clients(rates.proxies)
        self._creates = _a_minute(rates.creates)
        self._reveals = _a_minute(rates.reveals)
        self._misses = _a_minute(rates.misses)
        self._storage = Budget(rates.storage, _DAY) if rates.storage else None

    def process_resource(
        self, request: falcon.Request, response: falcon.Response, resource: object, params: object
    ) -> None:
        call = (request.method, request.uri_template)
        budget = self._creates if call in _CREATES else self._reveals if call in _REVEALS else None
        if budget:
            _refuse(budget.spend(self._clients.mark(request)))
        if self._misses and request.auth is not None:
            _refuse(self._misses.wait(self._clients.mark(request)))

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        if not succeeded and self._misses and request.auth is not None and response.status_code in (401, 403, 404):
            self._misses.spend(self._clients.mark(request))

    def charge_storage(self, request: falcon.Request, size: int) -> Callable[[], None]:
        """Charge `size` bytes to the client before they are stored; return what gives them back if they are not.

        Raises: RateLimitedError
        """
        budget, mark = self._storage, self._clients.mark(request)
        if budget is None:
            return lambda: None
        _refuse(budget.spend(mark, size))
        return lambda: budget.give_back(mark, size)


def _a_minute(count: int) -> Budget | None:
    return Budget(count * _BURST / 60, _BURST) if count else None


def _refuse(wait: float) -> None:
    if wait > 0:
        raise RateLimitedError(retry_after=math.ceil(wait))
