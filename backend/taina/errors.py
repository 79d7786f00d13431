"""Everything that can go wrong, drawn once: a type, a stable code, a sentence.

The code is the same on the wire, in Python, in JavaScript and in the catalogs of the pages. A class here
is raised by the vault, answered by the web as a problem (RFC 9457) and raised again by the client.
"""

from pathlib import Path
from types import TracebackType
from typing import ClassVar

Member = str | int | bool


class TainaError(Exception):
    """The root of the tree. `members` are the facts that go beside the code, such as `attempts_left`."""

    code: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "Something went wrong on the server. Please try again."

    def __init__(self, detail: str | None = None, **members: Member) -> None:
        super().__init__(detail or self.sentence)
        self.detail = detail or self.sentence
        self.members = members


class MalformedError(TainaError):
    """The request cannot be read at all: no JSON, a wrong envelope, headers that contradict each other."""

    code = "malformed"
    sentence = "The request cannot be read. Send one JSON object, encoded as UTF-8."


class InvalidError(TainaError):
    """One field of the request is wrong; the member `field` names it."""

    code = "invalid"
    sentence = "A field of the request is wrong."


class KeyNeededError(TainaError):
    """The instance is private, and the call showed no access key."""

    code = "key_needed"
    sentence = "Only people with an access key can create secrets here. Ask whoever runs this instance for one."


class KeyRefusedError(TainaError):
    """The access key is unknown here, has expired or was revoked."""

    code = "key_refused"
    sentence = "This access key does not work here: it was mistyped, has expired or was revoked."


class LoginNeededError(TainaError):
    """Creating is for those who have logged in at the proxy before this instance, and this caller has not."""

    code = "login_needed"
    sentence = (
        "Only people who have logged in can create secrets here: in a browser, the page offers the login. Programs "
        "need an access key from whoever runs this instance. Nothing was stored."
    )


class QuotaError(TainaError):
    """An access key or a login has made as many secrets, or a key has sent as many mails, as it may in a day."""

    code = "quota"
    sentence = "The limit for today has been reached. Nothing was stored. Try again tomorrow."


class WorkNeededError(TainaError):
    """A new secret needs a proof of work; the member `bits` (int) says how much."""

    code = "work_needed"
    sentence = "This instance requires a proof of work for each new secret, and this program sent none. Update it."


class CrossSiteError(TainaError):
    """A page of another site made the call in a browser, or somebody opened its address there."""

    code = "cross_site"
    sentence = (
        "Browsers may call this address only from pages of this site, and of sites that its operator allows. It cannot "
        "be opened directly."
    )


class WrongPassphraseError(TainaError):
    """The reveal proof is wrong; the member `attempts_left` (int) says how many tries remain."""

    code = "wrong_passphrase"
    sentence = "The passphrase is wrong."


class NotFoundError(TainaError):
    """Nothing is there, or the call did not prove that it may know: both get the same answer."""

    code = "not_found"
    sentence = "There is nothing here, or the token that was sent does not give access to it."


class MethodNotAllowedError(TainaError):
    """The path exists, and has no such method."""

    code = "method_not_allowed"
    sentence = "This address does not support that method; see the Allow header."


class ConflictError(TainaError):
    """The identifier is taken by another request, or was used up."""

    code = "conflict"
    sentence = "This identifier is taken or has been used up. Create a new secret with a new key."


class NotReadyError(TainaError):
    """The secret is still being uploaded."""

    code = "not_ready"
    sentence = "The secret is still being uploaded. Try again when its sender has finished."


class AnsweredError(TainaError):
    """A request for secrets has all the answers that it takes."""

    code = "answered"
    sentence = "This request takes no more answers. Nothing was kept; if another is wanted, ask for a new link."


class GoneError(TainaError):
    """The secret, or a request for one, has ended; the members `state` and `ended` (unix seconds) say how and when."""

    code = "gone"
    sentence = "The secret is gone: it was opened, burned or locked, or it expired."


class TooLargeError(TainaError):
    """The content, or the body of the request, is larger than the instance allows."""

    code = "too_large"
    sentence = "This is larger than this instance accepts; see the limits in /api/v1/status."


class MediaTypeError(TainaError):
    """The body has another media type than the call takes."""

    code = "unsupported_media_type"
    sentence = "This call needs a different content type: application/json, or application/octet-stream for a chunk."


class UnavailableError(TainaError):
    """The database is out of reach, or did not confirm that a change will last: it may have happened, or not."""

    code = "unavailable"
    sentence = "The database did not confirm this in time. Nothing was handed out. Send the same request again."


class RateLimitedError(TainaError):
    """One client asked for too much in too short a time; the member `retry_after` (seconds) says when it may again."""

    code = "rate_limited"
    sentence = "Too many requests came from your network. Wait a little, then try again."


class StorageFullError(TainaError):
    """The instance has no room for what the call would store. Nothing was stored."""

    code = "storage_full"
    sentence = "This instance has no room for the secret at the moment. Nothing was stored. Try again later."


class MailError(TainaError):
    """The mail server of the instance did not accept the message."""

    code = "mail"
    sentence = "The message could not be sent. Send the link yourself."


class FormatError(TainaError):
    """Bytes or text that are not of the wire format. Never sent by a server: a client finds it by itself."""

    code = "bad_format"
    sentence = "These bytes are not a secret of this format."


class IncompleteLinkError(FormatError):
    """The link was cut or mistyped: its check does not match."""

    code = "incomplete_link"
    sentence = "This link is incomplete: it was cut or mistyped. Ask its sender for the whole link."


class WrongLinkError(FormatError):
    """A whole link, but of another kind than asked for; the member `kind` (str) says which."""

    code = "wrong_link"
    sentence = "This is a link of another kind."


class NewerLinkError(FormatError):
    """The link is whole, and of a later version than this program knows."""

    code = "newer_link"
    sentence = "This link was made by a newer version. Update this program, or open the link in a browser."


class TamperedError(FormatError):
    """An authentication tag does not match: other bytes, another place or another key."""

    code = "tampered"
    sentence = "The content does not open: it was changed on its way or in storage, or the key is another one."


class UnreachableError(TainaError):
    """The network, or a server that is out of order. What was under way can be tried again."""

    code = "unreachable"
    sentence = "The server does not answer. Is the network up, and the address right?"


class NotTainaError(UnreachableError):
    """Something answered, but not as this API does: another server, a login page of a network."""

    sentence = "What answered there is not Taina. Is the address right, and is there no login page in between?"


class FileError(TainaError):
    """A file on this side cannot be read or written, or changed while it was read."""

    code = "unreadable"
    sentence = "The file cannot be read."


def describe(error: BaseException) -> str:
    """Type and place of an error that nobody foresaw, for the log.

    Nothing of what it says: that could be an identifier, a proof, the name of a file.
    """
    last = origin_of(error)
    place = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
    return f"{type(error).__name__} at {place}"


def origin_of(error: BaseException) -> TracebackType | None:
    """The last entry of its traceback: where it was raised."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last


def is_final(error: TainaError) -> bool:
    """Whether the server has decided. Otherwise the call may have worked, or may work when it is made again later."""
    undecided = isinstance(error, (UnreachableError, UnavailableError, RateLimitedError))
    return not undecided and error.code != TainaError.code


def error_of(code: str) -> type[TainaError]:
    """The type that bears this code; the root for a code of a later version."""
    return _BY_CODE.get(code, TainaError)


def _tree(root: type[TainaError]) -> list[type[TainaError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


# A code that a whole branch bears belongs to the branch's root.
_BY_CODE = {kind.code: kind for kind in reversed(_tree(TainaError))}
