"""`taina inbox`: what was left at a request."""

import time

import click

from taina.cli.options import client_of, json_option, read_link, url_option
from taina.cli.output import say, say_json, when
from taina.cli.waiting import wait_for
from taina.client.results import Inbox


@click.command()
@click.argument("link")
@click.option("--wait", is_flag=True, help="Wait until an answer has come, or none can come any more.")
@click.option("--delete", is_flag=True, help="Delete the request, with what was left at it.")
@url_option
@json_option
def inbox(link: str, wait: bool, delete: bool, url: str | None, as_json: bool) -> None:
    """Print the links of the secrets that were left for you. Each can be opened once: taina open LINK."""
    if wait and delete:
        raise click.UsageError("Choose one of --wait and --delete.")
    link = read_link(link)
    with client_of(link, url) as client:
        if delete:
            client.withdraw(link)
            if as_json:
                say_json({"state": "deleted"})
            else:
                say("Deleted.", err=True)
            return
        found = wait_for(lambda: client.inbox(link), _is_settled) if wait else client.inbox(link)
    if as_json:
        say_json({"answers": list(found.answers), "wanted": found.wanted, "expires": found.expires})
        return
    for one in found.answers:
        if one is None:
            say("taina: Someone left something that is not an answer to you.", err=True)
        else:
            say(one)
    if not found.answers:
        say(_no_answer(found.expires), err=True)
    elif not any(found.answers) and found.is_over(time.time()):
        say("This request takes no more answers. Make a new one: taina request", err=True)


def _is_settled(found: Inbox) -> bool:
    return any(found.answers) or found.is_over(time.time())


def _no_answer(expires: int) -> str:
    if expires <= time.time():
        return f"No answer came. It could come until {when(expires)}."
    return f"No answer yet. It can come until {when(expires)}."
