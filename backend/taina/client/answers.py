"""What a server answers is a claim of a stranger: each member is checked before it is used."""

from typing import get_args

from taina import base64url
from taina.client.results import State
from taina.errors import NotTainaError

Json = dict[str, object]
"""An object of JSON whose members nobody has checked yet."""
MAX_INTEGER = (1 << 53) - 1
"""What JSON numbers are exact up to, in every language."""
MAX_TIME = 253_370_764_800
"""Unix seconds of the year 9999, after which calendars end."""


def whole(answer: object, name: str, limit: int = MAX_INTEGER) -> int:
    """The member `name`, a whole number from 0 to `limit`. Raises: NotTainaError."""
    value = answer.get(name) if isinstance(answer, dict) else None
    if type(value) is not int or not 0 <= value <= limit:
        raise NotTainaError
    return value


def point(answer: object, name: str) -> int:
    """A point in time, in unix seconds."""
    return whole(answer, name, MAX_TIME)


def bytes_of(answer: object, name: str) -> bytes:
    """The member `name`, bytes in base64url. Raises: NotTainaError."""
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise NotTainaError
    try:
        return base64url.decode(value)
    except ValueError:
        raise NotTainaError from None


def state_of(answer: Json) -> State:
    """The member `state`. Raises: NotTainaError: it is none that a server says."""
    for state in get_args(State):
        if answer.get("state") == state:
            return state  # type: ignore[no-any-return]
    raise NotTainaError
