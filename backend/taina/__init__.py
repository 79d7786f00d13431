"""Taina: one-time secrets, encrypted before they leave the browser or the command line.

from taina import Client

with Client("https://taina.example") as client:
    sent = client.send("hunter2", ttl=3600)
    print(sent.link)

What goes wrong is an error of the tree below `TainaError`; all of them can be imported from here.
"""

from typing import TYPE_CHECKING, Any

from taina.errors import (
    AnsweredError,
    ConflictError,
    CrossSiteError,
    FileError,
    FormatError,
    GoneError,
    IncompleteLinkError,
    InvalidError,
    KeyNeededError,
    KeyRefusedError,
    LoginNeededError,
    MailError,
    MalformedError,
    MediaTypeError,
    MethodNotAllowedError,
    NewerLinkError,
    NotFoundError,
    NotReadyError,
    NotTainaError,
    QuotaError,
    RateLimitedError,
    StorageFullError,
    TainaError,
    TamperedError,
    TooLargeError,
    UnavailableError,
    UnreachableError,
    WorkNeededError,
    WrongLinkError,
    WrongPassphraseError,
)

if TYPE_CHECKING:
    from taina.client import Client
    from taina.client.receiving import File
    from taina.client.results import Asked, Inbox, Opened, Receipt, RequestStatus, Sent, Status

__version__ = "0.2.0"
__all__ = [
    "AnsweredError",
    "Asked",
    "Client",
    "ConflictError",
    "CrossSiteError",
    "File",
    "FileError",
    "FormatError",
    "GoneError",
    "Inbox",
    "IncompleteLinkError",
    "InvalidError",
    "KeyNeededError",
    "KeyRefusedError",
    "LoginNeededError",
    "MailError",
    "MalformedError",
    "MediaTypeError",
    "MethodNotAllowedError",
    "NewerLinkError",
    "NotFoundError",
    "NotReadyError",
    "NotTainaError",
    "Opened",
    "QuotaError",
    "RateLimitedError",
    "Receipt",
    "RequestStatus",
    "Sent",
    "Status",
    "StorageFullError",
    "TainaError",
    "TamperedError",
    "TooLargeError",
    "UnavailableError",
    "UnreachableError",
    "WorkNeededError",
    "WrongLinkError",
    "WrongPassphraseError",
    "__version__",
]

_HOMES = {"Client": "taina.client", "File": "taina.client.receiving"}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the server must never hold what could open a secret.
    if name not in __all__:
        raise AttributeError(f"module 'taina' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES.get(name, "taina.client.results")), name)


def __dir__() -> list[str]:
    return __all__
