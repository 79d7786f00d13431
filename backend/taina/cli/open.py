"""`taina open`: reveal a secret, save its files."""

import os
import shutil
from pathlib import Path

import click

from taina.cli.options import (
    ask_passphrase,
    client_of,
    json_option,
    passphrase_file_option,
    read_link,
    read_passphrase,
    url_option,
)
from taina.cli.output import is_terminal, progress, say, say_json, write_bytes, write_text
from taina.client.receiving import File
from taina.client.results import Opened
from taina.errors import WrongPassphraseError
from taina.format.links import decode_link


@click.command(name="open")
@click.argument("link")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False, allow_dash=True),
    default=Path(),
    help="Folder for files (the current one if not said); - writes all to standard output.",
)
@click.option("--force", is_flag=True, help="Overwrite files of the same name, rather than number the new ones.")
@passphrase_file_option
@url_option
@json_option
def open_(link: str, out: Path, force: bool, passphrase_file: Path | None, url: str | None, as_json: bool) -> None:
    """Reveal a secret: print its text, save its files. Nobody can open the link afterwards.

    The passphrase is asked for, or read from --passphrase-file or TAINA_PASSPHRASE. `-` reads the link itself
    from standard input.
    """
    link = read_link(link)
    wanted = decode_link(link, "secret").passphrase
    to_stdout = str(out) == "-"
    if to_stdout and as_json:
        raise click.UsageError("JSON and the files themselves do not go into one pipe. Name a folder with --out.")
    passphrase = read_passphrase(passphrase_file) if wanted else None
    asking = wanted and passphrase is None
    # Files never go to a terminal; there they are saved instead, so that nothing is lost.
    folder = (None if not is_terminal() else Path()) if to_stdout else out
    with client_of(link, url) as client:
        # Before anybody types a passphrase for what is gone, or reveals what has no room here.
        _check_folder(folder, client.status(link).size)
        while True:
            if asking:
                passphrase = ask_passphrase("Passphrase")
            try:
                with progress("Opening") as on_progress:
                    opened = client.open(
                        link,
                        passphrase,
                        folder=folder,
                        overwrite=force,
                        on_progress=on_progress,
                    )
                break
            except WrongPassphraseError as error:
                left = error.members.get("attempts_left")
                if not asking or left == 0:
                    raise
                say(f"taina: The passphrase is wrong. Attempts left: {left}.", err=True)
    if opened.late:
        say("taina: The server kept this secret longer than its sender had asked for.", err=True)
    if as_json:
        _say_opened(opened)
    elif folder is None:
        _write_all(opened)
    else:
        _show(opened)


def _check_folder(folder: Path | None, size: int) -> None:
    """Before the reveal, for after it the secret is here or nowhere."""
    if folder is None:
        return
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise click.UsageError(f"{folder} is no folder that can be written to. Name another with --out.")
    if shutil.disk_usage(folder).free < size:
        raise click.UsageError(f"{folder} has no room for {size:,} bytes. Name another folder with --out.")


def _show(opened: Opened) -> None:
    for item in opened.items:
        if isinstance(item, File):
            say(f"Saved {_path_of(item)} ({item.size:,} bytes)", err=True)
        elif not write_text(item):
            say("taina: What this terminal cannot show stands as \\x… or \\u…; a pipe gets it as it is.", err=True)


def _write_all(opened: Opened) -> None:
    for item in opened.items:
        content = item.encode("utf-8") if isinstance(item, str) else item.content
        assert isinstance(content, bytes)  # noqa: S101 - opened without a folder
        write_bytes(content)


def _path_of(file: File) -> Path:
    assert isinstance(file.content, Path)  # noqa: S101 - opened into a folder
    return file.content


def _say_opened(opened: Opened) -> None:
    items: list[dict[str, object]] = []
    for item in opened.items:
        if isinstance(item, str):
            items.append({"type": "text", "text": item})
        else:
            items.append({"type": "file", "name": item.name, "size": item.size, "path": os.fspath(_path_of(item))})
    say_json({"items": items, "expires": opened.expires})
