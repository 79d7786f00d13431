"""Commands that wait for what somebody else has to do."""

import time
from collections.abc import Callable
from typing import TypeVar

from taina.cli.output import say
from taina.client.waiting import pauses
from taina.errors import TainaError, is_final

T = TypeVar("T")
_MAX_RETRY_AFTER = 86_400
"""Seconds that a server may ask for."""


def wait_for(look: Callable[[], T], done: Callable[[T], bool]) -> T:
    """Look again and again until it is done; a server that cannot answer is waited for, too.

    Raises: TainaError: of the first look, and of later ones whatever waiting does not mend.
    """
    found, silent, asked = look(), False, 0
    for pause in pauses():
        if done(found):
            break
        time.sleep(max(pause, asked))
        try:
            found, silent, asked = look(), False, 0
        except TainaError as error:
            if is_final(error):
                raise
            if not silent:
                say("taina: The server does not answer as it should. Still waiting.", err=True)
            silent, asked = True, min(int(error.members.get("retry_after", 0)), _MAX_RETRY_AFTER)
    return found
