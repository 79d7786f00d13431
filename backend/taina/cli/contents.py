"""What `taina send` and `taina answer` send: a text, files, or standard input."""

import codecs
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from taina.cli.options import is_text, standard_input
from taina.cli.output import say
from taina.client import Content
from taina.client.receiving import File
from taina.format.payload import CHUNK_SIZE

if TYPE_CHECKING:
    from taina.client.spool import Spool

_NOTHING = "There is nothing {where} but the end of a line: is a variable not set?"
_LINE_ENDS = "\r\n"


def read_contents(arguments: tuple[str, ...], name: str | None, most: int | None) -> list[Content]:
    """What the arguments of `taina send` name: files, one text, or standard input (none, or `-`).

    Args:
        name: sends standard input as a file of this name.
        most: bytes that the instance accepts, where it says so: a pipe that brings more is not read to its end.

    Raises:
        click.UsageError: they do not go together, or name nothing that can be sent.
        TooLargeError: a pipe brings more than `most`.
        FileError: it brings more than the memory is for, and the disk has no room.
    """
    if name is not None and not is_text(name):
        raise click.UsageError("--name is not text in UTF-8.")
    if not arguments or arguments == ("-",):
        return [_standard_input(name, most)]
    if name is not None:
        raise click.UsageError("--name goes with standard input.")
    if "-" in arguments:
        raise click.UsageError("Standard input (-) is sent alone.")
    if len(arguments) == 1 and not _is_path(arguments[0]):
        if not arguments[0].strip(_LINE_ENDS):
            raise click.UsageError(_NOTHING.format(where="in that argument"))
        if not is_text(arguments[0]):
            raise click.UsageError("This argument is not text in UTF-8. Send other bytes by standard input.")
        return [arguments[0]]
    if len(arguments) == 1 and Path(arguments[0]).is_fifo():
        with Path(arguments[0]).open("rb") as pipe:
            return [_from_pipe(pipe, None, most)]
    missing = [argument for argument in arguments if not Path(argument).is_file()]
    if missing:
        what = "a folder" if Path(missing[0]).is_dir() else "not a file that can be read"
        raise click.UsageError(f"{missing[0]} is {what}. A text is given as one argument, or by standard input.")
    return [Path(argument) for argument in arguments]


def _is_path(argument: str) -> bool:
    """An argument that was surely meant as a file is never sent as a text by a slip."""
    try:
        if os.path.lexists(argument):
            return True
    except ValueError:
        return False
    if sys.platform == "win32":
        return re.match(r"(\.{0,2}|~|[A-Za-z]:)[/\\]", argument) is not None
    return argument.startswith(("./", "../", "/", "~/"))


def _standard_input(name: str | None, most: int | None) -> Content:
    stream = standard_input()
    if not stream.isatty():
        return _from_pipe(stream, name, most)
    keys = "Ctrl+Z and Enter" if sys.platform == "win32" else "Ctrl+D"
    say(f"Type the secret; end it with {keys} on a line of its own.", err=True)
    data = stream.read()
    if sys.platform == "win32":
        data = data.replace(b"\r\n", b"\n")  # what its terminal makes of the Enter key
    # The end of the last line belongs to the typing, and would be pasted with the secret.
    return _text_or_file(data.removesuffix(b"\n"), name)


def _from_pipe(stream: BinaryIO, name: str | None, most: int | None) -> Content:
    from taina.client.spool import HELD, Spool  # a text that is an argument starts without

    spool = Spool()
    while piece := stream.read(CHUNK_SIZE):
        spool.write(piece)
        if most is not None and spool.size > most:
            from taina.client.spoken import too_large  # only for who is refused

            raise too_large(most)
    if spool.size <= HELD:
        return _text_or_file(b"".join(spool.pieces()), name)
    # Nobody reads so long a text on a page.
    return File(name or ("secret.txt" if _is_text(spool) else "secret.bin"), spool)


def _is_text(spool: "Spool") -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in spool.pieces():
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _text_or_file(data: bytes, name: str | None) -> Content:
    if name is not None:
        return File(name, data)
    if not data.strip(_LINE_ENDS.encode()):
        raise click.UsageError(_NOTHING.format(where="on standard input, or in what was named,"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return File("secret.bin", data)


def describe(contents: list[Content]) -> str:
    """Said aloud, so that a mistyped file name is not sent as a text unnoticed."""
    first = contents[0]
    if isinstance(first, str):
        return "a text of 1 character" if len(first) == 1 else f"a text of {len(first):,} characters"
    return "1 file" if len(contents) == 1 else f"{len(contents)} files"
