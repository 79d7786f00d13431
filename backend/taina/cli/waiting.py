"""Commands that wait for what somebody else has to do."""

import time
from collections.abc import Callable
from typing import TypeVar

from taina.cli.output import say
from taina.client.waiting import pauses
from taina.errors import UnreachableError

T = TypeVar("T")


def wait_for(look: Callable[[], T], done: Callable[[T], bool]) -> T:
    """Look again and again until it is done; a server that stops answering is waited for, too.

    Raises: TainaError: of the first look, and of later ones whatever waiting does not mend.
    """
    found, silent = look(), False
    for pause in pauses():
        if done(found):
            break
        time.sleep(pause)
        try:
            found, silent = look(), False
        except UnreachableError:
            if not silent:
                say("taina: The server does not answer. Still waiting.", err=True)
            silent = True
    return found
