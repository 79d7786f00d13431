"""What the operator has laid down, and which calls a login stands before."""

import re
from dataclasses import dataclass
from typing import Literal

Passphrases = Literal["optional", "required", "generated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What `/status` tells besides the limits. All but `required` is kept by our own clients alone: the server cannot
    see what is in a secret, who chose its passphrase, or which secrets are one and the same to their sender."""

    passphrases: Passphrases = "optional"
    files: bool = True
    recipients: int = 100
    """Links that are made at once, at most."""
    login_url: str | None = None

    def told(self) -> dict[str, object]:
        """As members of `options`."""
        login = {} if self.login_url is None else {"login_url": self.login_url}
        return {"passphrases": self.passphrases, "files": self.files, "recipients": self.recipients, **login}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API."""

    method: str
    path: str
    """With its placeholders."""
    guarded: bool = False
    """Whether a proxy asks for a login before it; not where the call shows a token (`Authorization: Bearer`): that of
    an access key, or of the request which it answers, and Taina itself looks at those."""

    @property
    def pattern(self) -> str:
        """A regular expression for the whole of its path."""
        return "^" + re.sub(r"\{\w+\}", "[^/]+", self.path) + "$"


CALLS = (
    Call("PUT", "/api/v1/secrets/{secret_id}", guarded=True),
    Call("PUT", "/api/v1/requests/{request_id}", guarded=True),
    Call("GET", "/api/v1/secrets/{secret_id}"),
    Call("POST", "/api/v1/secrets/{secret_id}/reveal"),
    Call("GET", "/api/v1/secrets/{secret_id}/chunks"),
    Call("PUT", "/api/v1/secrets/{secret_id}/chunks/{n}"),
    Call("GET", "/api/v1/claims/{claim_id}"),
    Call("POST", "/api/v1/claims/{claim_id}/ack"),
    Call("GET", "/api/v1/claims/{claim_id}/chunks/{n}"),
    Call("GET", "/api/v1/receipts/{receipt_id}"),
    Call("POST", "/api/v1/receipts/{receipt_id}/burn"),
    Call("GET", "/api/v1/requests/{request_id}"),
    Call("DELETE", "/api/v1/requests/{request_id}"),
    Call("POST", "/api/v1/requests/{request_id}/envelopes"),
    Call("GET", "/api/v1/requests/{request_id}/envelopes"),
    Call("POST", "/api/v1/mail"),
    Call("GET", "/api/v1/status"),
    Call("GET", "/api/v1/openapi.json"),
    Call("GET", "/api/v1/health"),
    Call("GET", "/api/v1/ready"),
)
"""Every call. The pages are open as well: without these calls nothing comes of them."""
