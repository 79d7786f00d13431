"""What several commands take in the same way: the instance, a link, a passphrase, a lifetime."""

import os
import re
import sys
from pathlib import Path

import click

from taina.client import Client
from taina.client.claims import state_folder
from taina.format.links import find_address

url_option = click.option(
    "--url", envvar="TAINA_URL", help="Address of the instance (or TAINA_URL). A whole link names its own."
)
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
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[int]):
    """`90`, `30m`, `2h`, `7d`: seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d{1,9})\s*([smhd]?)", str(value).strip().lower())
        if not found or not int(found[1]):
            self.fail(f"{value!r} is no time. Write 30m, 2h or 7d.", param, ctx)
        return int(found[1]) * _UNITS[found[2] or "s"]


def client_for(url: str | None, key_file: Path | None = None) -> Client:
    """A client of the named instance, with the access key from the file or the environment (TAINA_KEY).

    Raises:
        click.UsageError: no instance is named, or the key is none.
    """
    if not url:
        raise click.UsageError("Which instance? Say --url https://… or set TAINA_URL.")
    key = _first_line(key_file, "key") if key_file else os.environ.get("TAINA_KEY") or None
    return Client(url if "://" in url else f"https://{url}", key=key, state=state_folder())


def client_of(link: str, url: str | None) -> Client:
    """A whole link names its instance; `--url` is for a bare fragment."""
    return Client(state=state_folder()) if find_address(link) else client_for(url)


def read_link(argument: str) -> str:
    """The link itself, or the first line of standard input for `-`, which keeps it out of the list of processes."""
    return sys.stdin.readline() if argument == "-" else argument


def read_passphrase(file: Path | None) -> str | None:
    """The passphrase from a file, or from the environment (TAINA_PASSPHRASE); None where neither is there."""
    if file is None:
        return os.environ.get("TAINA_PASSPHRASE") or None
    return _first_line(file, "passphrase")


def _first_line(file: Path, what: str) -> str:
    if str(file) == "-":
        line = sys.stdin.readline()
    else:
        with file.open(encoding="utf-8") as opened:
            line = opened.readline()
    if not line.rstrip("\r\n"):
        raise click.UsageError(f"The first line of the {what} file is empty.")
    return line.rstrip("\r\n")


def ask_passphrase(prompt: str, *, confirm: bool = False) -> str:
    """From the terminal, without an echo.

    Raises:
        click.UsageError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(
            "A passphrase is needed, and there is no terminal to ask on. Use --passphrase-file or TAINA_PASSPHRASE."
        )
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer
