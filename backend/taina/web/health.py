"""Whether this process answers, and whether it can keep what it is given."""

import falcon

from taina.rules.vault import Vault


class HealthResource:
    """`/health`: it answers, so it is up."""

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"state": "up"}


class ReadyResource:
    """`/ready`: the store answers as well."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        self._vault.used()
        response.media = {"state": "ready"}
