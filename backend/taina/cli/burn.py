"""`taina burn`: destroy a secret unread."""

import click

from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json


@click.command()
@click.argument("receipt")
@url_option
@json_option
def burn(receipt: str, url: str | None, as_json: bool) -> None:
    """Destroy a secret unread, by the address of its receipt."""
    receipt = read_link(receipt)
    with client_of(receipt, url) as client:
        client.burn(receipt)
    if as_json:
        say_json({"state": "burned"})
    else:
        say("Burned. Its link opens nothing any more.")
