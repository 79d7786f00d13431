"""`taina status`: what may be known of a secret before its reveal."""

import click

from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json, when


@click.command()
@click.argument("link")
@url_option
@json_option
def status(link: str, url: str | None, as_json: bool) -> None:
    """Say whether a secret still waits, how large it is and until when; consumes nothing."""
    link = read_link(link)
    with client_of(link, url) as client:
        found = client.status(link)
    if as_json:
        say_json(
            {
                "state": found.state,
                "passphrase": found.passphrase,
                "size": found.size,
                "expires": found.expires,
                "attempts_left": found.attempts_left,
            }
        )
        return
    state = {"waiting": "It waits for its reader", "uploading": "It is still being uploaded"}[found.state]
    needs = f"; needs a passphrase ({found.attempts_left} attempts left)" if found.passphrase else ""
    say(f"{state}: {found.size:,} bytes, until {when(found.expires)}{needs}.")
