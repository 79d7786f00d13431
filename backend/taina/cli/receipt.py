"""`taina receipt`: what became of a secret."""

import sys
import time

import click

from taina.cli.exits import DONE, UNPROVED
from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json, when
from taina.client import Client
from taina.client.results import Receipt

_STATES = {
    "uploading": "It is still being uploaded.",
    "waiting": "It waits for its reader.",
    "revealed": "It was revealed {ended}; that it was opened was not confirmed.",
    "opened": "It was opened {ended}.",
    "unproved": "The server says that it was opened {ended}, and does not prove it: the reader's proof is not there.",
    "burned": "It was burned {ended}.",
    "expired": "It expired {ended}, unread.",
    "locked": "It was locked {ended}, after too many wrong passphrases.",
}
_OPEN_STATES = ("uploading", "waiting", "revealed")
_ASK_AGAIN = 5.0


@click.command()
@click.argument("receipt")
@click.option("--wait", is_flag=True, help="Wait until the secret was opened or has ended otherwise.")
@url_option
@json_option
def receipt(receipt: str, wait: bool, url: str | None, as_json: bool) -> None:
    """Say what became of a secret that you sent. The address of the receipt was printed with its link.

    Ends with 7 where the server says that it was opened and shows no proof of its reader's.
    """
    receipt = read_link(receipt)
    with client_of(receipt, url) as client:
        found = _wait(client, receipt) if wait else client.receipt(receipt)
    code = UNPROVED if found.state == "unproved" else DONE
    if as_json:
        say_json(
            {
                "state": found.state,
                "created": found.created,
                "expires": found.expires,
                "ended": found.ended,
                "failed_attempts": found.failed_attempts,
                "proved": found.proved,
            }
        )
        sys.exit(code)
    say(_STATES[found.state].format(ended=when(found.ended) if found.ended else ""))
    if found.state == "opened":
        say("The reader's key proves it.")
    if found.state == "waiting":
        say(f"Until {when(found.expires)}.")
    if found.failed_attempts:
        say(f"Wrong passphrases so far: {found.failed_attempts}.")
    sys.exit(code)


def _wait(client: Client, receipt: str) -> Receipt:
    while (found := client.receipt(receipt)).state in _OPEN_STATES:
        time.sleep(_ASK_AGAIN)
    return found
