"""`taina send`: seal a secret, print its link."""

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taina.cli.contents import describe, read_contents
from taina.cli.options import (
    Duration,
    ask_passphrase,
    client_for,
    json_option,
    key_file_option,
    need_words,
    passphrase_file_option,
    read_passphrase,
    url_option,
)
from taina.cli.output import draw, need_errors, need_output, progress, say, say_apart, say_json, say_results, when
from taina.client.results import Sent
from taina.errors import KeyNeededError, MailError, NotFoundError, QuotaError, TainaError

if TYPE_CHECKING:
    from taina.client import Client

_NOT_MAILED: dict[type[TainaError], str] = {
    NotFoundError: "This instance mails nothing.",
    KeyNeededError: "This instance mails only for people with an access key.",
    QuotaError: "The limit of mails for today has been reached.",
}


@click.command()
@click.argument("content", nargs=-1, metavar="[TEXT | FILE... | -]")
@click.option("--ttl", type=Duration(), help="Lifetime: 30m, 2h, 7d. Default: that of the instance.")
@click.option("--passphrase", "ask", is_flag=True, help="Ask for a passphrase (or take TAINA_PASSPHRASE).")
@passphrase_file_option
@click.option("--words", is_flag=True, help="Make a passphrase of six words, and print it.")
@click.option("--recipients", type=click.IntRange(1, 100), default=1, help="So many links, each for one reader.")
@click.option("--name", help="Send standard input as a file of this name.")
@click.option("--mail-to", metavar="ADDRESS", help="Have the instance mail the link; goes with --words and a key.")
@click.option("--qr", is_flag=True, help="Draw the link as a QR code, too.")
@url_option
@key_file_option
@json_option
def send(
    content: tuple[str, ...],
    ttl: int | None,
    ask: bool,
    passphrase_file: Path | None,
    words: bool,
    recipients: int,
    name: str | None,
    mail_to: str | None,
    qr: bool,
    url: str | None,
    key_file: Path | None,
    as_json: bool,
) -> None:
    """Seal a secret and print its link, which can be opened once.

    A text, or files, or `-` for standard input. What is given as an argument can be seen in the list of
    processes while it runs; standard input and files cannot.
    """
    if sum([ask, passphrase_file is not None, words]) > 1:
        raise click.UsageError("Choose one of --passphrase, --passphrase-file and --words.")
    if mail_to and (not words or recipients > 1):
        raise click.UsageError("--mail-to goes with --words, and with one recipient.")
    need_output()
    if words and not as_json:
        need_errors()
    with client_for(url, key_file) as client:
        rules = client.rules()
        need_words(rules, words=words, own=ask or passphrase_file is not None)
        if rules.recipients is not None and recipients > rules.recipients:
            raise click.UsageError(f"This instance allows at most {rules.recipients} recipients at once.")
        if words:
            from taina.client.words import six_words

            passphrase: str | None = six_words()
        else:
            passphrase = read_passphrase(passphrase_file) if ask or passphrase_file else None
            if ask and passphrase is None:
                passphrase = ask_passphrase("Passphrase", confirm=True)
        # After the passphrase: its line may stand before the secret on standard input.
        contents = read_contents(content, name, rules.size)
        rules.need_text(tuple(contents))
        with progress("Sealing and sending") as on_progress:
            sent = client.send_each(
                recipients,
                *contents,
                ttl=rules.ttl if ttl is None else ttl,
                passphrase=passphrase,
                on_progress=on_progress,
            )
        if not as_json:
            say(f"Sealed {describe(contents)}.", err=True)
        _say_sent(sent, passphrase if words else None, as_json)
        if mail_to:
            # By the same client: the file of the key may be a pipe, which can be read once.
            _mail(client, sent[0].link, mail_to)
            say(f"Mailed to {mail_to}.", err=True)
    if qr:
        for one in sent:
            _draw_link(one.link)


def _mail(client: "Client", link: str, to: str) -> None:
    """Raises: TainaError: it was not sent; the secret is there, and its link was printed."""
    try:
        client.mail(link, to, _language())
    except (NotFoundError, KeyNeededError, QuotaError) as error:
        # Their own sentences speak of a secret that is gone, or was not stored.
        raise MailError(f"{_NOT_MAILED[type(error)]} The secret is stored: send its link yourself.") from None


def _language() -> str:
    """That of this terminal, in two letters; C, POSIX and whatever else names none is English."""
    found = re.match(r"[a-z]{2}(?![a-z])", os.environ.get("LANG", ""))
    return found[0] if found else "en"


def _say_sent(sent: list[Sent], words: str | None, as_json: bool) -> None:
    if as_json:
        secrets = [{"link": one.link, "receipt": one.receipt, "expires": one.expires} for one in sent]
        say_json({"secrets": secrets, **({"passphrase": words} if words else {})}, once=True)
        return
    try:
        say_results(*(one.link for one in sent))
    finally:
        # The links alone go into a pipe; the rest is for the person, and there is none of it a second time.
        said = [f"Receipt, for yourself: {one.receipt}" for one in sent]
        said.append(f"Can be opened once, until {when(sent[0].expires)}.")
        if words:
            say_apart(*said, f"Passphrase, to be shared some other way: {words}", private=True)
        else:
            for line in said:
                say(line, err=True)


def _draw_link(link: str) -> None:
    import segno

    drawing = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(out=drawing, compact=True)
    draw(drawing.getvalue())
