"""`taina send`, `taina open`, `taina status`: secrets on the command line."""

import os
import re
import shutil
import sys
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
from taina.client import Content
from taina.client.receiving import File
from taina.client.results import Opened, Sent
from taina.errors import WrongPassphraseError
from taina.format.links import decode_link

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@click.command()
@click.argument("content", nargs=-1, metavar="[TEXT | FILE... | -]")
@click.option("--ttl", type=Duration(), help="Lifetime: 30m, 2h, 7d. The instance's own if not said.")
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
    """Seal a secret and print its link, which opens once.

    A text, or files, or `-` for standard input. What is given as an argument can be seen in the list of
    processes while it runs; standard input and files cannot.
    """
    if sum([ask, passphrase_file is not None, words]) > 1:
        raise click.UsageError("Choose one of --passphrase, --passphrase-file and --words.")
    if mail_to and (not words or recipients > 1):
        raise click.UsageError("--mail-to goes with --words, and with one recipient.")
    with client_for(url, key_file) as client:
        contents = read_contents(content, name)
        if words:
            from taina.client.words import six_words

            passphrase: str | None = six_words()
        else:
            passphrase = read_passphrase(passphrase_file) if ask or passphrase_file else None
            if ask and passphrase is None:
                passphrase = ask_passphrase("Passphrase", confirm=True)
        with progress("Sealing and sending") as on_progress:
            sent = client.send_each(recipients, *contents, ttl=ttl, passphrase=passphrase, on_progress=on_progress)
    if not as_json:
        click.echo(f"Sealed {describe(contents)}.", err=True)
    _say_sent(sent, passphrase if words else None, as_json)
    if mail_to:
        with client_for(url, key_file) as client:
            client.mail(sent[0].link, mail_to, os.environ.get("LANG", "en")[:2])
        click.echo(f"Mailed to {mail_to}.", err=True)
    if qr:
        for one in sent:
            _draw(one.link)


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
    folder = (None if not sys.stdout.isatty() else Path()) if to_stdout else out
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
                click.echo(f"taina: The passphrase is wrong. Attempts left: {left}.", err=True)
    if opened.late:
        click.echo("taina: The server kept this secret longer than its sender had asked for.", err=True)
    if as_json:
        _say_opened(opened)
    elif folder is None:
        _write_all(opened)
    else:
        _show(opened)


@click.command()
@click.argument("link")
@url_option
@json_option
def status(link: str, url: str | None, as_json: bool) -> None:
    """Say whether a secret still waits, how large it is and until when; consumes nothing."""
    link = read_link(link)
    with client_of(link, url) as client:
        found = client.status(link)
    if as_json:
        say_json(
            {
                "state": found.state,
                "passphrase": found.passphrase,
                "size": found.size,
                "expires": found.expires,
                "attempts_left": found.attempts_left,
            }
        )
        return
    state = {"waiting": "It waits for its reader", "uploading": "It is still being uploaded"}[found.state]
    needs = f"; needs a passphrase ({found.attempts_left} attempts left)" if found.passphrase else ""
    click.echo(f"{state}: {found.size:,} bytes, until {when(found.expires)}{needs}.")


def read_contents(arguments: tuple[str, ...], name: str | None) -> list[Content]:
    if not arguments or arguments == ("-",):
        return [_standard_input(name)]
    if name:
        raise click.UsageError("--name goes with standard input.")
    if "-" in arguments:
        raise click.UsageError("Standard input (-) is sent alone.")
    if len(arguments) == 1 and not _is_path(arguments[0]):
        return [arguments[0]]
    missing = [argument for argument in arguments if not Path(argument).is_file()]
    if missing:
        what = "a folder" if Path(missing[0]).is_dir() else "not a file that can be read"
        raise click.UsageError(f"{missing[0]} is {what}. A text is given as one argument, or by standard input.")
    return [Path(argument) for argument in arguments]


def _is_path(argument: str) -> bool:
    """An argument that was surely meant as a file is never sent as a text by a slip."""
    try:
        return os.path.lexists(argument) or argument.startswith(("./", "../", "/", "~/"))
    except ValueError:
        return False


def _standard_input(name: str | None) -> Content:
    if sys.stdin.isatty():
        click.echo("Type the secret; end it with Ctrl+D on a line of its own.", err=True)
    data = sys.stdin.buffer.read()
    if not data and name is None:
        raise click.UsageError("There is nothing on standard input.")
    if name is not None:
        return File(name, data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return File("secret.bin", data)


def describe(contents: list[Content]) -> str:
    """Said aloud, so that a mistyped file name is not sent as a text unnoticed."""
    first = contents[0]
    if isinstance(first, str):
        return f"a text of {len(first):,} characters"
    return "1 file" if len(contents) == 1 else f"{len(contents)} files"


def _say_sent(sent: list[Sent], words: str | None, as_json: bool) -> None:
    if as_json:
        secrets = [{"link": one.link, "receipt": one.receipt, "expires": one.expires} for one in sent]
        say_json({"secrets": secrets, **({"passphrase": words} if words else {})})
        return
    for one in sent:
        click.echo(one.link)
    # The link alone goes into a pipe; the rest is for the person.
    for one in sent:
        click.echo(f"Receipt, for yourself: {one.receipt}", err=True)
    click.echo(f"Can be opened once, until {when(sent[0].expires)}.", err=True)
    if words:
        click.echo(f"Passphrase, to be told by another way: {words}", err=True)


def _draw(link: str) -> None:
    import segno

    segno.make(link, error="l", micro=False).terminal(out=sys.stderr, compact=True)


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
            click.echo(f"Saved {_path_of(item)} ({item.size:,} bytes)", err=True)
        elif sys.stdout.isatty():
            shown = _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", item)
            click.echo(shown)
            if shown != item:
                click.echo("taina: Control characters are shown as \\x…; in a pipe they come as they are.", err=True)
        else:
            sys.stdout.buffer.write(item.encode("utf-8"))
    sys.stdout.flush()


def _write_all(opened: Opened) -> None:
    for item in opened.items:
        content = item.encode("utf-8") if isinstance(item, str) else item.content
        assert isinstance(content, bytes)  # noqa: S101 - opened without a folder
        sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


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
