"""`taina agent`: for assistants, which hand secrets over and ask for them without seeing one."""

import contextlib
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import click

from taina.cli.options import client_for, key_file_option, url_option
from taina.cli.output import say
from taina.cli.signals import ended_by_signals


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--variable", "variables", multiple=True, metavar="NAME", help="A variable that may be sent; repeatable.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add a line for each call to this file, rather than to standard error.",
)
@url_option
@key_file_option
def agent(folder: Path, variables: tuple[str, ...], log: Path | None, url: str | None, key_file: Path | None) -> None:
    """Speak the Model Context Protocol on standard input and output, for an assistant that works in FOLDER.

    The assistant can send a file or a variable, ask a person for a secret and have the answer saved, look what became
    of what it sent, and burn it. It gets links and names of files, never what a secret says, and reads and writes
    nothing outside FOLDER.
    """
    # Imported here so that the other commands need not load the protocol.
    from taina.client.agent import Agent, create_server
    from taina.client.claims import state_folder

    place = state_folder()
    if place is None:
        raise click.ClickException("There is no home folder to keep receipts in. Set XDG_STATE_HOME to a folder.")
    if place.resolve().is_relative_to(folder.resolve()):
        raise click.UsageError(f"{folder} holds {place}, where receipts and inboxes are kept. Name a folder below it.")
    kept = place / f"agent-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}.json"

    def note(line: str) -> None:
        line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}"
        with contextlib.suppress(OSError):  # what was done is no failure for want of a line about it
            if log is not None:
                _add(log, f"{line}\n")
                return
        say(line, err=True)

    if log is not None:
        try:
            _add(log, "")
        except OSError as error:
            raise click.UsageError(f"{log} cannot be written to: {error.strerror}.") from None
    with client_for(url, key_file) as client, ended_by_signals():
        create_server(Agent(client, folder, kept, variables), note).run()


def _add(log: Path, text: str) -> None:
    """Raises: OSError."""
    with log.open("a", encoding="utf-8") as file:
        file.write(text)
