"""Which calls take a body, and how large a one: told by the head of a request, before a byte of it is kept."""

import re

from taina.errors import NotFoundError, TainaError, TooLargeError
from taina.rules.uploads import SEALED_CHUNK
from taina.web.parsing import MAX_JSON

SMALL = 64 << 10
"""Bytes of a body that holds no secret; as much is taken of a call that does not exist, for its answer says so."""

_CREATE = re.compile(r"/api/v1/secrets/[^/]+")
_CHUNK = re.compile(r"/api/v1/secrets/[^/]+/chunks/[^/]+")


def screen(method: str, path: str, authorized: bool, length: int) -> TainaError | None:
    """Why the body of a request is not taken; None where it is.

    Args:
        authorized: whether there is an Authorization header, of which nothing is known yet.
        length: bytes that the Content-Length announces.
    """
    limit = SMALL
    if method == "PUT" and _CREATE.fullmatch(path):
        limit = MAX_JSON
    elif method == "PUT" and _CHUNK.fullmatch(path):
        if not authorized and length > SMALL:
            return NotFoundError()
        limit = SEALED_CHUNK
    if length > limit:
        return TooLargeError(f"A body has at most {limit} bytes here.", field="body")
    return None
