"""`taina answer`: answer a request with a secret."""

from pathlib import Path

import click

from taina.cli.contents import describe, read_contents
from taina.cli.options import (
    Duration,
    ask_passphrase,
    client_of,
    json_option,
    need_words,
    passphrase_file_option,
    read_passphrase,
    url_option,
)
from taina.cli.output import need_errors, need_output, progress, say, say_apart, say_json, when
from taina.errors import AnsweredError


@click.command()
@click.argument("link")
@click.argument("content", nargs=-1, metavar="[TEXT | FILE... | -]")
@click.option("--ttl", type=Duration(), help="Lifetime of the answer: 30m, 2h, 7d. Default: that of the instance.")
@click.option("--passphrase", "ask", is_flag=True, help="Ask for a passphrase (or take TAINA_PASSPHRASE).")
@passphrase_file_option
@click.option("--words", is_flag=True, help="Make a passphrase of six words, and print it.")
@click.option("--name", help="Send standard input as a file of this name.")
@url_option
@json_option
def answer(
    link: str,
    content: tuple[str, ...],
    ttl: int | None,
    ask: bool,
    passphrase_file: Path | None,
    words: bool,
    name: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Answer a request with a secret that only the person who asked can open.

    A text, or files, or `-` for standard input, as with `taina send`.
    """
    if sum([ask, passphrase_file is not None, words]) > 1:
        raise click.UsageError("Choose one of --passphrase, --passphrase-file and --words.")
    if as_json:
        need_output()
    elif words:
        need_errors()
    with client_of(link, url) as client:
        # Before anybody types a secret for what is full or over.
        status = client.request_status(link)
        if not status.answers_left:
            raise AnsweredError
        rules = client.rules(link)
        wanted = ask or passphrase_file is not None or status.passphrase
        need_words(rules, words=words, own=wanted)
        if words:
            from taina.client.words import six_words

            passphrase: str | None = six_words()
        else:
            passphrase = read_passphrase(passphrase_file) if wanted else None
            if wanted and passphrase is None:
                passphrase = ask_passphrase("Passphrase, to be shared some other way", confirm=True)
        contents = read_contents(content, name, rules.size)
        rules.need_text(tuple(contents))
        with progress("Sealing and sending") as on_progress:
            sent = client.answer(
                link,
                *contents,
                ttl=rules.ttl if ttl is None else ttl,
                passphrase=passphrase,
                on_progress=on_progress,
                looked=status,
            )
    if as_json:
        told: dict[str, object] = {
            "receipt": sent.receipt,
            "expires": sent.expires,
            **({"passphrase": passphrase} if words else {}),
        }
        say_json(told, once=True)
        return
    say(
        f"Answered with {describe(contents)}. Only the person who asked can open it, until {when(sent.expires)}.",
        err=True,
    )
    say(f"Receipt, for yourself: {sent.receipt}", err=True)
    if words:
        say_apart(f"Passphrase, to be shared some other way: {passphrase}", private=True)
