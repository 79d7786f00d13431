"""`taina receipt`: what became of a secret."""

import time

import click

from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json, when
from taina.client import Client
from taina.client.results import Receipt

_STATES = {
    "uploading": "It is still being uploaded.",
    "waiting": "It waits for its reader.",
    "revealed": "It was revealed {ended}; that it was opened was not confirmed.",
    "opened": "It was opened {ended}.",
    "burned": "It was burned {ended}.",
    "expired": "It expired {ended}, unread.",
    "locked": "It was destroyed {ended}, after too many wrong passphrases.",
}
_OPEN_STATES = ("uploading", "waiting", "revealed")
_ASK_AGAIN = 5.0


@click.command()
@click.argument("receipt")
@click.option("--wait", is_flag=True, help="Wait until the secret was opened or has ended otherwise.")
@url_option
@json_option
def receipt(receipt: str, wait: bool, url: str | None, as_json: bool) -> None:
    """Say what became of a secret that you sent. The address of the receipt was printed with its link."""
    receipt = read_link(receipt)
    with client_of(receipt, url) as client:
        found = _wait(client, receipt) if wait else client.receipt(receipt)
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
        return
    say(_STATES[found.state].format(ended=when(found.ended) if found.ended else ""))
    if found.state == "opened":
        say("The reader's key proves it." if found.proved else "The proof that came with it does not fit!")
    if found.state == "waiting":
        say(f"Until {when(found.expires)}.")
    if found.failed_attempts:
        say(f"Wrong passphrases so far: {found.failed_attempts}.")


def _wait(client: Client, receipt: str) -> Receipt:
    while (found := client.receipt(receipt)).state in _OPEN_STATES:
        time.sleep(_ASK_AGAIN)
    return found
