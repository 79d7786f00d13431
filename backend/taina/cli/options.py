"""What several commands take in the same way: the instance, a link, a passphrase, a lifetime."""

import contextlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

import click

from taina.cli.output import say
from taina.config.values import is_local
from taina.errors import FileError, TainaError

if TYPE_CHECKING:
    from taina.client import Client
    from taina.client.rules import Rules

    _ParamType = click.ParamType[int]
else:
    _ParamType = click.ParamType  # of older releases takes no type

_AUTHORITY = "taina.cli.authority"
_RETRIED = "taina.cli.retried"


def _note_authority(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    context.meta[_AUTHORITY] = value


def url_option(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command --url, and --ca, by which an instance with a certificate of its own is trusted."""
    command = click.option(
        "--ca",
        envvar="TAINA_CA",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        expose_value=False,
        callback=_note_authority,
        help="File of the certificate authority to trust (or TAINA_CA), for an instance with one of its own.",
    )(command)
    return click.option(
        "--url", envvar="TAINA_URL", help="Address of the instance (or TAINA_URL). A whole link names its own."
    )(command)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, on one line.")
passphrase_file_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="Read the passphrase from the first line of this file.",
)
key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="Read the access key of a private instance from the first line of this file (or set TAINA_KEY).",
)
_MAX_SECONDS = 100 * 365 * 86400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(_ParamType):
    """`90`, `30m`, `2h`, `7d`: seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d{1,9})\s*([smhd]?)", str(value).strip().lower())
        if not found or not int(found[1]):
            self.fail(f"{value!r} is not a length of time. Write 30m, 2h or 7d.", param, ctx)
        seconds = int(found[1]) * _UNITS[found[2] or "s"]
        if seconds > _MAX_SECONDS:
            self.fail(f"{value!r} is too long: 100 years are the most.", param, ctx)
        return seconds


def client_for(url: str | None, key_file: Path | None = None) -> "Client":
    """A client of the named instance, with the access key from the file or the environment (TAINA_KEY).

    Raises:
        click.UsageError: no instance is named, or the key is none.
    """
    if not url:
        raise click.UsageError("Which instance? Say --url https://… or set TAINA_URL.")
    key = first_line(key_file, "key") if key_file else os.environ.get("TAINA_KEY") or None
    return _client(url if "://" in url else f"https://{url}", key)


def client_of(link: str, url: str | None) -> "Client":
    """A whole link names its instance; `--url` is for a bare fragment."""
    from taina.format.links import find_address

    address = find_address(link)
    if address is None:
        return client_for(url)
    _warn_of_plain_http(address)
    return _client(None, None)


def _client(url: str | None, key: str | None) -> "Client":
    if url is not None:
        _warn_of_plain_http(url)
    # Imported here: commands that only explain themselves do not wait for it.
    from taina.client import Client
    from taina.client.claims import state_folder

    told = click.get_current_context().meta
    authority: Path | None = told.get(_AUTHORITY)

    def note_retry(error: TainaError, seconds: float) -> None:
        """Once a command: whoever waits should know what for. A thread that calls it has no context of its own."""
        if not told.setdefault(_RETRIED, False):
            told[_RETRIED] = True
            say(f"taina: {error.detail} Trying again for a while; Ctrl-C ends it.", err=True)

    return Client(url, key=key, state=state_folder(), verify=authority, on_retry=note_retry)


def _warn_of_plain_http(url: str) -> None:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return
    if url.lower().startswith("http://") and not is_local(host):
        say("taina: http:// can be read and changed on the way, keys included. Use https:// if it is there.", err=True)


def read_link(argument: str) -> str:
    """The link itself, or the first line of standard input for `-`, which keeps it out of the list of processes."""
    if argument != "-":
        return argument
    from taina.client.words import MAX_LINE

    return standard_input().readline(MAX_LINE).decode("utf-8", "replace")


def read_passphrase(file: Path | None) -> str | None:
    """The passphrase from a file, or from the environment (TAINA_PASSPHRASE); None where neither is there."""
    if file is None:
        passphrase = os.environ.get("TAINA_PASSPHRASE") or None
        if passphrase is not None and not is_text(passphrase):
            raise click.UsageError("TAINA_PASSPHRASE is not text in UTF-8.")
        return passphrase
    return first_line(file, "passphrase")


def need_words(rules: "Rules", *, words: bool, own: bool) -> None:
    """Raises: click.UsageError: the instance wants a passphrase, and none was asked for, or one of another kind."""
    if rules.passphrases == "generated" and not words:
        raise click.UsageError("This instance requires a generated passphrase: use --words.")
    if rules.passphrases == "required" and not (words or own):
        raise click.UsageError(
            "This instance requires a passphrase: use --words, or one of your own by --passphrase or --passphrase-file."
        )


def standard_input() -> BinaryIO:
    """Raises: click.UsageError: it is closed."""
    if sys.stdin is None:
        raise click.UsageError("Standard input is closed.")
    return sys.stdin.buffer


def first_line(file: Path, what: str) -> str:
    """Of a file, or of standard input for `-`, as `taina.client.words` understands it. Raises: click.UsageError."""
    from taina.client import words

    try:
        if str(file) != "-":
            return words.read_first_line(file, what)
        # What follows the line may be the secret itself.
        data = standard_input().readline(words.MAX_LINE)
        if data.startswith(words.UTF16_MARKS):
            data += standard_input().read()
        return words.first_line(data, what)
    except FileError as error:
        raise click.UsageError(error.detail) from None
    except OSError as error:
        raise click.UsageError(f"The {what} file cannot be read: {error.strerror}.") from None


def is_text(text: str) -> bool:
    """Python marks bytes that are no UTF-8 by halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def ask_passphrase(prompt: str, *, confirm: bool = False) -> str:
    """From the terminal, without an echo.

    Raises:
        click.UsageError: there is nobody to ask.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(
            "A passphrase is needed, and there is no terminal to ask on. Use --passphrase-file or TAINA_PASSPHRASE."
        )
    with contextlib.suppress(UnicodeDecodeError):
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        if is_text(answer):
            return answer
    raise click.UsageError(
        "What was typed is not text in the encoding that this terminal is said to have. Look at LANG, or use "
        "--passphrase-file."
    )
