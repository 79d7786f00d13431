"""`taina request`: ask somebody for a secret."""

from pathlib import Path

import click

from taina.cli.options import Duration, client_for, json_option, key_file_option, url_option
from taina.cli.output import need_errors, need_output, say, say_apart, say_json, say_results, when


@click.command()
@click.option("--ttl", type=Duration(), help="Time to answer: 30m, 2h, 7d. Default: that of the instance.")
@click.option("--answers", type=click.IntRange(1), default=1, show_default=True, help="How many may be left.")
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase as well, which you get some other way.")
@url_option
@key_file_option
@json_option
def request(
    ttl: int | None, answers: int, passphrase: bool, url: str | None, key_file: Path | None, as_json: bool
) -> None:
    """Ask for a secret: print a link for whoever has it. The answer is sealed to you."""
    need_output()
    if not as_json:
        need_errors()
    with client_for(url, key_file) as client:
        rules = client.rules()
        if rules.answers is not None and answers > rules.answers:
            raise click.UsageError(f"This instance allows at most {rules.answers} answers to a request.")
        if rules.passphrases != "optional" and not passphrase:
            passphrase = True
            say("This instance requires a passphrase for each answer, so it is asked for.", err=True)
        asked = client.request(ttl=rules.ttl if ttl is None else ttl, answers=answers, passphrase=passphrase)
    if as_json:
        say_json({"link": asked.link, "inbox": asked.inbox, "expires": asked.expires}, once=True)
        return
    try:
        say_results(asked.link)
    finally:
        say_apart(f"Inbox, for yourself: {asked.inbox}")
        say(f"Can be answered until {when(asked.expires)}.", err=True)
