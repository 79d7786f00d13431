"""`taina receipt`: what became of a secret."""

import os
import subprocess
import sys
import time

import click

from taina.cli.exits import DONE, UNPROVED
from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json, when
from taina.cli.waiting import wait_for
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
"""What a receipt says before the secret has ended, or its reader has confirmed to have it."""
_MAX_LEASE = 86_400
"""Seconds after a reveal in which a reader may still be reading."""


@click.command()
@click.argument("receipt")
@click.option("--wait", is_flag=True, help="Wait until the secret was opened or has ended otherwise.")
@click.option("--exec", "command", metavar="COMMAND", help="With --wait: a command of the shell to run then.")
@url_option
@json_option
def receipt(receipt: str, wait: bool, command: str | None, url: str | None, as_json: bool) -> None:
    """Say what became of a secret that you sent. The address of the receipt was printed with its link.

    With --wait it looks every five seconds, and less and less often up to once a minute. The command of --exec finds
    the outcome in the variable TAINA_STATE: opened, unproved, burned, expired, locked, or revealed where the reader has
    not confirmed within a day that it was opened.

    Ends with 7 where the server says that it was opened and shows no proof of its reader's.
    """
    if command is not None and not wait:
        raise click.UsageError("--exec goes with --wait.")
    receipt = read_link(receipt)
    with client_of(receipt, url) as client:
        found = wait_for(lambda: client.receipt(receipt), _has_ended) if wait else client.receipt(receipt)
    try:
        _say_receipt(found, as_json)
    finally:
        # Also where nobody reads what is printed any more: this is how somebody wants to hear of it.
        if command is not None:
            _run(command, found.state)
    sys.exit(UNPROVED if found.state == "unproved" else DONE)


def _has_ended(found: Receipt) -> bool:
    """Whether nothing more can become of it."""
    now = time.time()
    return found.state not in _OPEN_STATES or (found.ended or now) + _MAX_LEASE < now


def _say_receipt(found: Receipt, as_json: bool) -> None:
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
        say("The reader's key proves it.")
    if found.state == "waiting":
        say(f"Until {when(found.expires)}.")
    if found.failed_attempts:
        say(f"Wrong passphrases so far: {found.failed_attempts}.")


def _run(command: str, state: str) -> None:
    """Raises: click.ClickException: it failed."""
    done = subprocess.run(command, shell=True, env={**os.environ, "TAINA_STATE": state})  # noqa: S602 - as it was asked
    if done.returncode:
        raise click.ClickException(f"The command of --exec ended with {done.returncode}.")
