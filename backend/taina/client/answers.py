"""What a server answers is a claim of a stranger: each member is checked before it is used."""

from typing import Any, get_args

from taina import base64url
from taina.client.results import State
from taina.errors import NotTainaError


def whole(answer: Any, name: str) -> int:
    value = answer.get(name) if isinstance(answer, dict) else None
    if type(value) is not int or value < 0:
        raise NotTainaError
    return value


def bytes_of(answer: dict[str, Any], name: str) -> bytes:
    try:
        return base64url.decode(answer[name])
    except (TypeError, ValueError):
        raise NotTainaError from None


def state_of(answer: dict[str, Any]) -> State:
    for state in get_args(State):
        if answer.get("state") == state:
            return state  # type: ignore[no-any-return]
    raise NotTainaError
