"""A rule is one transaction of the store, at one time."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from taina.store import Store, Transaction


class Ruled(Protocol):
    """What keeps rules: it has a store and a clock (unix seconds)."""

    _store: Store
    _clock: Callable[[], float]


Self = TypeVar("Self", bound=Ruled)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def atomic(
    rule: Callable[Concatenate[Self, Transaction, int, Parameters], Result],
) -> Callable[Concatenate[Self, Parameters], Result]:
    """Run a method in one transaction; it is given that and the time (unix seconds) before its own arguments.

    What it returns is durable, and what it raises has changed nothing. It may be run again after a failure, so it does
    nothing but call the transaction.
    """

    @wraps(rule)
    def run(self: Self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        now = int(self._clock())
        return self._store.atomically(lambda tx: rule(self, tx, now, *args, **kwargs))

    return cast(Callable[Concatenate[Self, Parameters], Result], run)
