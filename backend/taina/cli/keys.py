"""`taina keys`: who may make secrets on a private instance."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from taina import base64url
from taina.cli.config import config_option, read_config
from taina.cli.options import Duration
from taina.cli.output import need_output, say, say_json, say_results, when
from taina.config import Config
from taina.config.values import mailbox
from taina.errors import MailError, NotFoundError

if TYPE_CHECKING:
    from taina.mail import Notice
    from taina.rules.access_keys import AccessKeys
    from taina.store.access_keys import AccessKey

data_option = click.option("--data", help="Folder of the database, if not as configured.")
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, on one line.")


def _check_language(context: click.Context, parameter: click.Parameter, value: str) -> str:
    # Imported here, as in the other commands: their help does not wait for it, and needs nothing of the server.
    from taina.mail.texts import TEXTS

    return str(click.Choice(list(TEXTS)).convert(value, parameter, context))


@click.group()
def keys() -> None:
    """Access keys: issue, list and revoke them. The server takes notice at once."""


@keys.command()
@click.argument("name")
@click.option("--ttl", type=Duration(), help="How long it is valid: 90d. Default: for ever.")
@click.option(
    "--quota", type=click.IntRange(1, 1_000_000), help="Secrets, requests and their answers per day. Default: no limit."
)
@click.option("--contact", help="Email address of its holder, for notices about this key and nothing else.")
@click.option(
    "--language", default="en", show_default=True, callback=_check_language, help="Language of those notices."
)
@config_option
@data_option
@json_option
def add(
    name: str,
    ttl: int | None,
    quota: int | None,
    contact: str | None,
    language: str,
    file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Issue a key and print it. It is shown this once: only its hash is kept."""
    need_output()
    config = _read_config(file, data)
    if contact is not None:
        try:
            contact = mailbox(contact)
        except ValueError as error:
            raise click.UsageError(f"--contact is {contact!r}, but has to be {error}.") from None
    issued, token = _open(config).issue(name, ttl=ttl, quota=quota, contact=contact, language=language)
    # Before anything else can fail, or takes its time: it cannot be had again.
    if as_json:
        say_json({"name": name, "key": base64url.encode(token), "expires": issued.expires}, once=True)
    else:
        say_results(base64url.encode(token))
    _tell("issued", issued, config)
    if as_json:
        return
    until = f"until {when(issued.expires)}" if issued.expires else "until it is revoked"
    say(f"Good {until}. Its holder sets TAINA_KEY, or types it on the page.", err=True)
    if config.create == "anyone":
        say('Note: anyone may make secrets here, key or not, until create = "keys" is set.', err=True)
    _tell_of_other_hosts(config)


@keys.command(name="list")
@config_option
@data_option
@json_option
def list_(file: Path | None, data: str | None, as_json: bool) -> None:
    """List the keys: name, state, quota, contact. The keys themselves are not kept."""
    access = _open(_read_config(file, data), there=True)
    for key in access.all():
        state = "revoked" if key.revoked else "in force" if access.in_force(key) else "expired"
        if as_json:
            told = {"name": key.name, "state": state, "created": key.created, "expires": key.expires}
            say_json({**told, "quota": key.quota, "contact": key.contact})
            continue
        until = f"until {when(key.expires)}" if key.expires else "for ever"
        quota = f"{key.quota} a day" if key.quota else "no quota"
        say(f"{key.name:24}  {state:8}  {until:26}  {quota:12}  {key.contact or ''}".rstrip())


@keys.command()
@click.argument("name")
@config_option
@data_option
def revoke(name: str, file: Path | None, data: str | None) -> None:
    """Revoke a key: nothing more is made with it. Its secrets stay; its requests take no more answers."""
    config = _read_config(file, data)
    try:
        key = _open(config, there=True).revoke(name)
    except NotFoundError as error:
        raise click.ClickException(error.detail) from None
    _tell("revoked", key, config)
    say(f"{name} is revoked.", err=True)
    _tell_of_other_hosts(config)


def _tell_of_other_hosts(config: Config) -> None:
    """Secrets that are in PostgreSQL may have several hosts, and keys are in a file of each."""
    if config.store:
        file = config.data / "keys.db"
        say(f"Only on this host: copy {file} to every other host, where keys are as they were until then.", err=True)


def _tell(notice: "Notice", key: "AccessKey", config: Config) -> None:
    """Mail its holder, where mail is set up; a message that fails changes nothing."""
    if not (config.mail_host and key.contact):
        return
    from taina.mail import Mailer, UnusableMailError

    why = ""
    try:
        Mailer(config).send_notice(notice, key)
    except UnusableMailError as error:
        why = f"{error} "
    except MailError:
        pass
    else:
        return
    say(f"{why}The message to {key.contact} could not be sent. Tell its holder yourself.", err=True)


def _read_config(file: Path | None, data: str | None) -> Config:
    """
    Raises:
        click.UsageError: nobody said where the instance is, and there is none here: its keys would open nothing.
    """
    loaded = read_config(file, {"data": data})
    folder = loaded.config.data
    if loaded.sources["data"] == "default" and loaded.file is None and not folder.is_dir():
        raise click.UsageError(
            f"There is no instance in {folder.absolute()}. Name the folder of its data with --data, or its "
            "configuration with --config."
        )
    return loaded.config


def _open(config: Config, *, there: bool = False) -> "AccessKeys":
    """
    Args:
        there: only where an instance is already: nothing is made by looking at it.

    Raises:
        click.ClickException: it cannot be opened, or is not there.
    """
    from taina.rules.access_keys import open_keys
    from taina.store import UnusableError

    if there and not any((config.data / name).is_file() for name in ("keys.db", "taina.db")):
        raise click.ClickException(
            f"No key was ever issued in {config.data.absolute()}. Is this the instance? See --data and --config."
        )
    try:
        return open_keys(config.data)
    except UnusableError as error:
        raise click.ClickException(str(error)) from None
