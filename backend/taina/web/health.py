"""Whether this process answers, and whether it can keep what it is given."""

from collections.abc import Callable
from typing import ClassVar

import falcon

from taina.errors import UnavailableError
from taina.rules.vault import Vault
from taina.web.limits import Budgets

STALLED_SECONDS = 60
"""From this age of the last sweep on the instance is not ready: what is due is not destroyed any more."""


class HealthResource:
    """`/health`: it answers, so it is up."""

    budgets: ClassVar[Budgets] = {"GET": None}

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"state": "up"}


class ReadyResource:
    """`/ready`: the store answers as well, and what is due is being destroyed."""

    budgets: ClassVar[Budgets] = {"GET": None}

    def __init__(self, vault: Vault, sweep_age: Callable[[], float]) -> None:
        """`sweep_age` tells the seconds since every sweep has last done its work."""
        self._vault = vault
        self._sweep_age = sweep_age

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        self._vault.used()
        if self._sweep_age() > STALLED_SECONDS:
            raise UnavailableError("The sweeper has not finished its work for a while; see the log.")
        response.media = {"state": "ready"}
