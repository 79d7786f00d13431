"""`taina inbox`: what was left at a request."""

import click

from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json, when


@click.command()
@click.argument("link")
@click.option("--delete", is_flag=True, help="Delete the request, with what was left at it.")
@url_option
@json_option
def inbox(link: str, delete: bool, url: str | None, as_json: bool) -> None:
    """Print the links of the secrets that were left for you. Each can be opened once: taina open LINK."""
    link = read_link(link)
    with client_of(link, url) as client:
        if delete:
            client.withdraw(link)
            if as_json:
                say_json({"state": "deleted"})
            else:
                say("Deleted.", err=True)
            return
        found = client.inbox(link)
    if as_json:
        say_json({"answers": list(found.answers), "wanted": found.wanted, "expires": found.expires})
        return
    for one in found.answers:
        if one is None:
            say("taina: Someone left something that is not an answer to you.", err=True)
        else:
            say(one)
    if not found.answers:
        say(f"No answer yet. It can come until {when(found.expires)}.", err=True)
