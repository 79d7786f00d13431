"""How commands end: one sentence on standard error, and a number that scripts can use."""

from taina.errors import (
    FileError,
    FormatError,
    GoneError,
    InvalidError,
    NotFoundError,
    TainaError,
    TamperedError,
    UnavailableError,
    UnreachableError,
    WrongLinkError,
    WrongPassphraseError,
)

DONE, FAILED, USAGE, GONE, WRONG_PASSPHRASE, NETWORK, REFUSED, UNPROVED = range(8)
INTERRUPTED = 130
"""As shells have it: 128 and the number of SIGINT."""

_GIVEN = ("url", "key", "ca", "environment", "at_least")
"""Fields that no instance has looked at: an option or a variable was wrong before anybody was asked."""

_ASK_FOR = {
    "secret": "This link opens a secret. Here its receipt is needed, which only the sender has.",
    "receipt": "This is the sender's receipt. Ask the sender for the other link, the one that opens the secret.",
    "request": "This link asks for a secret. Answer it with: taina answer LINK",
    "inbox": "This is the inbox of a request. Read it with: taina inbox LINK",
}


def exit_code(error: TainaError) -> int:
    """The number by which a command ends for this error."""
    match error:
        case GoneError() | NotFoundError():
            return GONE
        case WrongPassphraseError():
            return WRONG_PASSPHRASE
        case UnreachableError() | UnavailableError():
            return NETWORK
        case FileError():
            return FAILED
        case TamperedError():
            return REFUSED
        case FormatError():
            return USAGE
        case InvalidError() if error.members.get("field") in _GIVEN:
            return USAGE
    return NETWORK if error.code == "internal" else REFUSED


def explain(error: TainaError) -> str:
    """One or two sentences that say what is wrong and what to do."""
    match error:
        case WrongLinkError():
            return _ASK_FOR.get(str(error.members.get("kind")), error.detail)
        case GoneError() if error.detail == error.sentence:  # else it is no secret that is gone, and says so
            return _HOW_GONE.get(str(error.members.get("state")), error.detail)
        case WrongPassphraseError():
            left = error.members.get("attempts_left")
            if left == 0:
                return "The passphrase is wrong, and that was the last attempt: the secret is locked for good."
            return f"The passphrase is wrong. Attempts left: {left}." if left is not None else error.detail
        case NotFoundError():
            return "There is nothing here: it was deleted, has expired, or was never on this server."
    return error.detail


_HOW_GONE = {
    "revealed": "The secret is gone: somebody has revealed it. If it was not you, tell its sender.",
    "opened": "The secret is gone: it was opened. If it was not you, tell its sender.",
    "burned": "The secret is gone: it was burned, unread.",
    "expired": "The secret is gone: it expired.",
    "locked": "The secret is gone: it was locked for good after too many wrong passphrases.",
}
