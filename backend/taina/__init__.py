"""Taina: one-time secrets, encrypted before they leave the browser or the command line.

from taina import Client

with Client("https://taina.example") as client:
    sent = client.send("hunter2", ttl=3600)
    print(sent.link)
"""

from typing import TYPE_CHECKING, Any

from taina.errors import TainaError

if TYPE_CHECKING:
    from taina.client import Client
    from taina.client.receiving import File
    from taina.client.results import Asked, Inbox, Opened, Receipt, RequestStatus, Sent, Status

__version__ = "0.2.0"
__all__ = [
    "Asked",
    "Client",
    "File",
    "Inbox",
    "Opened",
    "Receipt",
    "RequestStatus",
    "Sent",
    "Status",
    "TainaError",
    "__version__",
]

_HOMES = {"Client": "taina.client", "File": "taina.client.receiving"}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the server must never hold what could open a secret.
    if name not in __all__:
        raise AttributeError(f"module 'taina' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES.get(name, "taina.client.results")), name)
