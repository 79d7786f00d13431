"""What one client may ask of an instance in a time: budgets in memory, forgotten once they are whole again."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import falcon

from taina.errors import RateLimitedError
from taina.rules.uploads import SEALED_CHUNK
from taina.web.client_marks import ClientMarks, Network

_BURST = 10 * 60
"""Seconds' worth of a budget a minute that may be spent at once: an office comes in waves."""
DAY = 86400
"""Seconds."""
_ROUNDING = 1e-4
"""Seconds by which the sums of times may be wrong: what is just enough is not refused for them."""
MAX_MARKS = 100_000
"""Clients that a budget remembers. Whoever has more addresses than this gains little by being forgotten."""

BudgetName = Literal["creates", "reveals", "calls", "chunks"]
Budgets = Mapping[str, BudgetName | None]
"""By method, which budget a call is charged to. A resource says so in its attribute `budgets`; whatever it does not
name is charged to `calls`, and None to nothing."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The budgets of one client; 0 sets no bound."""

    creates: int = 120
    """Secrets, requests and answers a minute."""
    reveals: int = 240
    """A minute."""
    calls: int = 1200
    """All other calls a minute, but those that carry a chunk."""
    misses: int = 300
    """Calls a minute with a proof or a token that opens nothing."""
    storage: int = 1 << 30
    """Bytes of ciphertext a day that are stored."""
    transfer: int = 20 << 30
    """Bytes a day of chunks that are sent or fetched, those that are sent or fetched again among them."""
    proxies: tuple[Network, ...] = ()
    """Reverse proxies that tell by X-Forwarded-For whose requests they pass on."""


class Budget:
    """A token bucket for each client (GCRA: only the moment is kept at which the bucket will be full again)."""

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

    def seconds_until(self, client: bytes, cost: float = 1) -> float:
        """Seconds until the client can spend `cost`, or the whole of the bucket if that is less; 0 if it can now."""
        now = self._clock()
        return self._wait(self._after(client, cost, now), now)

    def try_spend(self, client: bytes, cost: float = 1) -> float:
        """As `seconds_until`, and where that is 0 it is spent."""
        now = self._clock()
        with self._lock:
            after = self._after(client, cost, now)
            wait = self._wait(after, now)
            if wait:
                return wait
            self._full[client] = after
            self._full.move_to_end(client)
            self._forget(now)
            return 0

    def give_back(self, client: bytes, cost: float) -> None:
        """Undo a `try_spend` of this cost."""
        with self._lock:
            if client in self._full:
                self._full[client] -= min(cost / self._size, 1) * self._fill

    def _after(self, client: bytes, cost: float, now: float) -> float:
        return max(self._full.get(client, now), now) + min(cost / self._size, 1) * self._fill

    def _wait(self, after: float, now: float) -> float:
        wait = after - now - self._fill
        return wait if wait > _ROUNDING else 0

    def _forget(self, now: float) -> None:
        """Entries at the front are the oldest; dropping up to two for each new one bounds the table."""
        for _ in range(2):
            client, full = next(iter(self._full.items()))
            if full > now and len(self._full) <= MAX_MARKS:
                return
            del self._full[client]
            if not self._full:
                return


class ClientLimits:
    """Falcon middleware: charges each call of the API to its client, and refuses what is beyond a budget."""

    def __init__(self, rates: Rates) -> None:
        self._marks = ClientMarks(rates.proxies)
        self._budgets: dict[BudgetName, Budget | None] = {
            "creates": _a_minute(rates.creates),
            "reveals": _a_minute(rates.reveals),
            "calls": _a_minute(rates.calls),
            "chunks": _a_day(rates.transfer / SEALED_CHUNK),
        }
        self._misses = _a_minute(rates.misses)
        self._storage = _a_day(rates.storage)

    def process_resource(
        self, request: falcon.Request, response: falcon.Response, resource: object, params: object
    ) -> None:
        """Charge the call. Raises: RateLimitedError: its budget is spent, or the client has guessed too often."""
        budgets: Budgets = getattr(resource, "budgets", {})
        name = budgets.get("GET" if request.method == "HEAD" else request.method, "calls")
        budget = name and self._budgets[name]
        if budget:
            _refuse(budget.try_spend(self._mark(request)))
        if self._misses and request.auth is not None:
            _refuse(self._misses.seconds_until(self._mark(request)))

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        """Charge a proof or a token that has opened nothing."""
        if not succeeded and self._misses and request.auth is not None and response.status_code in (401, 403, 404):
            self._misses.try_spend(self._mark(request))

    def charge_storage(self, request: falcon.Request, size: int) -> Callable[[], None]:
        """Charge `size` bytes to the client before they are stored; return what gives them back if they are not.

        Raises: RateLimitedError
        """
        budget, mark = self._storage, self._mark(request)
        if budget is None:
            return lambda: None
        _refuse(budget.try_spend(mark, size))
        return lambda: budget.give_back(mark, size)

    def _mark(self, request: falcon.Request) -> bytes:
        """The client's, found once for each request."""
        mark: bytes | None = request.context.get("client")
        if mark is None:
            mark = request.context["client"] = self._marks.of(request)
        return mark


def _a_minute(count: int) -> Budget | None:
    return Budget(count * _BURST / 60, _BURST) if count else None


def _a_day(size: float) -> Budget | None:
    return Budget(size, DAY) if size else None


def _refuse(wait: float) -> None:
    if wait > 0:
        raise RateLimitedError(retry_after=math.ceil(wait))
