"""`taina open`: reveal a secret, save its files."""

import contextlib
import os
import shutil
from pathlib import Path

import click

from taina.cli.exits import explain
from taina.cli.options import (
    ask_passphrase,
    client_of,
    json_option,
    passphrase_file_option,
    read_link,
    read_passphrase,
    url_option,
)
from taina.cli.output import OutputError, is_terminal, need_output, progress, say, say_json, write_bytes, write_text
from taina.cli.signals import ended_by_signals
from taina.client.claims import state_folder
from taina.client.receiving import File, Receiver
from taina.client.results import Opened
from taina.errors import (
    FileError,
    GoneError,
    RateLimitedError,
    UnavailableError,
    UnreachableError,
    WrongPassphraseError,
)
from taina.format.links import decode_link
from taina.format.payload import Header, Item

_TOO_LATE = (
    "You began to open it and were interrupted. Either that try had opened it, and the time to go on is over, or "
    "somebody else has opened it."
)


@click.command(name="open")
@click.argument("link")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False, allow_dash=True),
    default=Path(),
    help="Folder for files (default: the current one); - writes everything to standard output.",
)
@click.option("--force", is_flag=True, help="Overwrite files of the same name, rather than number the new ones.")
@passphrase_file_option
@url_option
@json_option
def open_(link: str, out: Path, force: bool, passphrase_file: Path | None, url: str | None, as_json: bool) -> None:
    """Reveal a secret: print its text, save its files. Nobody can open the link afterwards.

    Interrupted, the same command goes on where it can: the server keeps the secret for its reader for a while.

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
    need_output()

    def reveal(passphrase: str | None) -> Opened:
        with contextlib.ExitStack() as bar:

            def deliver(opened: Opened) -> None:
                bar.close()  # or what was opened would stand on its line
                _deliver(opened, folder or Path(), as_json=as_json, as_bytes=folder is None)

            return client.open(
                link,
                passphrase,
                folder=folder,
                spool=True,
                overwrite=force,
                hidden=not _is_home(folder or Path()),
                on_progress=bar.enter_context(progress("Opening")),
                deliver=deliver,
            )

    with client_of(link, url) as client, ended_by_signals():
        begun = client.has_begun(link)
        if begun:
            say("taina: Going on with what was interrupted.", err=True)
        # Before anybody types a passphrase for what is gone, or reveals what has no room here.
        size = 0 if begun else client.status(link).size
        if folder is not None:
            _check_folder(folder, size)
        else:
            _check_spool(size)
        while True:
            if asking:
                passphrase = ask_passphrase("Passphrase")
            try:
                opened = reveal(passphrase)
                break
            except WrongPassphraseError as error:
                if not asking or error.members.get("attempts_left") == 0:
                    raise
                say(f"taina: {explain(error)}", err=True)
            except GoneError:
                if begun:
                    say(f"taina: {_TOO_LATE}", err=True)
                raise
            except (KeyboardInterrupt, FileError, RateLimitedError, UnavailableError, UnreachableError) as error:
                if client.has_begun(link):
                    how = ", with another --out" if isinstance(error, FileError) else ""
                    say(
                        f"taina: To go on, give the same command again{how}. The server keeps it for a while.", err=True
                    )
                raise
    if opened.late:
        say("taina: This secret is past its time: a clock is wrong, or the server kept it too long.", err=True)


def _deliver(opened: Opened, folder: Path, *, as_json: bool, as_bytes: bool) -> None:
    try:
        if as_json:
            _say_opened(opened)
        elif as_bytes:
            _write_all(opened)
        else:
            _show(opened, folder)
    except OutputError:
        # It was revealed to us and to nobody else.
        for item in opened.items:
            if isinstance(item, File) and isinstance(item.content, Path):
                say(f"taina: Saved {item.content}.", err=True)
            else:
                _keep(item, folder)
        say("taina: To have it written, give the same command again soon.", err=True)
        raise


def _keep(item: str | File, folder: Path) -> None:
    """Save what cannot be shown, in a file for this user alone, and say where."""
    file = File("secret.txt", item.encode("utf-8")) if isinstance(item, str) else item
    header = Header((Item("file", file.size, file.name, ""),), 0)
    for place in (folder, state_folder()):
        if place is None:
            continue
        receiver = Receiver(place)
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            for piece in file.pieces():
                receiver.write(header.items[0], 0, piece)
            (kept,) = receiver.finish(header)
        except (FileError, OSError):
            receiver.abandon()
            continue
        assert isinstance(kept, File)  # noqa: S101 - as the header says
        say(f"taina: Saved as {_path_of(kept)}.", err=True)
        return
    say("taina: It could be saved nowhere.", err=True)


def _is_home(folder: Path) -> bool:
    """There a name with a dot is not a file's name but a program's orders, such as `.bashrc`."""
    try:
        return folder.resolve() == Path.home().resolve()
    except (OSError, RuntimeError):
        return True


def _check_folder(folder: Path, size: int) -> None:
    """Before the reveal, for after it the secret is here or nowhere."""
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise click.UsageError(f"{folder} is not a folder that can be written to. Name another with --out.")
    _check_room(folder, size, "--out")


def _check_spool(size: int) -> None:
    from tempfile import gettempdir  # only for standard output

    from taina.client.spool import HELD

    if size > HELD:
        _check_room(Path(gettempdir()), size, "TMPDIR")


def _check_room(folder: Path, size: int, name: str) -> None:
    if shutil.disk_usage(folder).free < size:
        raise click.UsageError(f"{folder} has no room for {size:,} bytes. Name another folder with {name}.")


def _show(opened: Opened, folder: Path) -> None:
    for item in opened.items:
        if isinstance(item, File):
            say(f"Saved {_path_of(item)} ({item.size:,} byte{'' if item.size == 1 else 's'})", err=True)
        elif not write_text(item):
            say("taina: What this terminal cannot show stands as \\x… or \\u…", err=True)
            _keep(item, folder)


def _write_all(opened: Opened) -> None:
    for item in opened.items:
        for piece in [item.encode("utf-8")] if isinstance(item, str) else item.pieces():
            write_bytes(piece)


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
