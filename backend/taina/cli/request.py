"""`taina request`, `taina answer`, `taina inbox`: asking somebody for a secret."""

from pathlib import Path

import click

from taina.cli.asking import (
    Duration,
    ask_passphrase,
    client_for,
    client_of,
    json_option,
    key_file_option,
    passphrase_file_option,
    progress,
    read_link,
    read_passphrase,
    say_json,
    url_option,
    when,
)
from taina.cli.secret import describe, read_contents
from taina.errors import AnsweredError


@click.command()
@click.option("--ttl", type=Duration(), help="Time to answer: 30m, 2h, 7d. The instance's own if not said.")
@click.option("--answers", type=click.IntRange(1), default=1, show_default=True, help="How many may be left.")
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase, too, that you are told by another way.")
@url_option
@key_file_option
@json_option
def request(
    ttl: int | None, answers: int, passphrase: bool, url: str | None, key_file: Path | None, as_json: bool
) -> None:
    """Ask for a secret: print a link to send to who has it. The answer is sealed to you."""
    with client_for(url, key_file) as client:
        asked = client.request(ttl=ttl, answers=answers, passphrase=passphrase)
    if as_json:
        say_json({"link": asked.link, "inbox": asked.inbox, "expires": asked.expires})
        return
    click.echo(asked.link)
    click.echo(f"Inbox, for yourself: {asked.inbox}", err=True)
    click.echo(f"Can be answered until {when(asked.expires)}.", err=True)


@click.command()
@click.argument("link")
@click.argument("content", nargs=-1, metavar="[TEXT | FILE... | -]")
@click.option("--ttl", type=Duration(), help="Lifetime of the answer: 30m, 2h, 7d. The instance's own if not said.")
@click.option("--passphrase", "ask", is_flag=True, help="Ask for a passphrase (or take TAINA_PASSPHRASE).")
@passphrase_file_option
@click.option("--name", help="Send standard input as a file of this name.")
@url_option
@json_option
def answer(
    link: str,
    content: tuple[str, ...],
    ttl: int | None,
    ask: bool,
    passphrase_file: Path | None,
    name: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Answer a request with a secret that only who asked can open.

    A text, or files, or `-` for standard input, as with `taina send`.
    """
    with client_of(link, url) as client:
        # Before anybody types a secret for what is full or over.
        status = client.request_status(link)
        if not status.answers_left:
            raise AnsweredError
        wanted = ask or passphrase_file is not None or status.passphrase
        passphrase = read_passphrase(passphrase_file) if wanted else None
        if wanted and passphrase is None:
            passphrase = ask_passphrase("Passphrase, to be told by another way", confirm=True)
        contents = read_contents(content, name)
        with progress("Sealing and sending") as on_progress:
            sent = client.answer(link, *contents, ttl=ttl, passphrase=passphrase, on_progress=on_progress)
    if as_json:
        say_json({"receipt": sent.receipt, "expires": sent.expires})
        return
    click.echo(f"Answered with {describe(contents)}. Only who asked can open it, until {when(sent.expires)}.", err=True)
    click.echo(f"Receipt, for yourself: {sent.receipt}", err=True)


@click.command()
@click.argument("link")
@click.option("--delete", is_flag=True, help="Delete the request, with what was left at it.")
@url_option
@json_option
def inbox(link: str, delete: bool, url: str | None, as_json: bool) -> None:
    """Print the links of the secrets that were left for you. Each opens once: taina open LINK."""
    link = read_link(link)
    with client_of(link, url) as client:
        if delete:
            client.withdraw(link)
            if as_json:
                say_json({"state": "deleted"})
            else:
                click.echo("Deleted.", err=True)
            return
        found = client.inbox(link)
    if as_json:
        say_json({"answers": list(found.answers), "wanted": found.wanted, "expires": found.expires})
        return
    for one in found.answers:
        if one is None:
            click.echo("taina: Somebody left what is no answer to you.", err=True)
        else:
            click.echo(one)
    if not found.answers:
        click.echo(f"No answer yet. It can come until {when(found.expires)}.", err=True)
