"""Write what is made from the program itself: the man page from its commands, the library's reference from docstrings.

python scripts/manuals.py        writes scripts/deploy/taina.1 and backend/LIBRARY.md; a test says when they are old
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

import taina
from taina import TainaError
from taina.cli import main as program
from taina.config import OPTIONS
from taina.site import RELEASED

ROOT = Path(__file__).resolve().parent.parent
MAN_PAGE, LIBRARY = ROOT / "scripts/deploy/taina.1", ROOT / "backend/LIBRARY.md"
_OF_SERVER = {one.flag for one in OPTIONS}


def man_page() -> str:
    """roff, as `man` reads it (groff_man(7))."""
    context = click.Context(program, info_name="taina")
    lines = [f'.TH TAINA 1 "{RELEASED}" "Taina {taina.__version__}" "User Commands"', ".SH NAME"]
    lines += [r"taina \- one-time secrets: encrypted before they leave you, opened once, gone", ".SH SYNOPSIS"]
    lines += [r".B taina", r".I COMMAND", r"[\fIOPTION\fR]... [\fIARGUMENT\fR]...", ".SH DESCRIPTION"]
    lines += [*_paragraphs(program.help or ""), ".SH COMMANDS"]
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        assert command is not None  # noqa: S101 - it was listed
        lines += _command(command, context, name)
    lines += [".SH FILES"]
    for place, what in (
        ("taina.toml", "options of a server, in the current folder; otherwise:"),
        ("/etc/taina/taina.toml", "options of the server of this machine"),
        ("~/.local/state/taina/", "what `taina open` needs to go on after an interruption"),
    ):
        lines += [".TP", f".I {_roff(place)}", _roff(what)]
    return "\n".join(lines) + "\n"


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, parent=parent, info_name=name)
    if isinstance(command, click.Group):
        yield from (".SS " + _roff(context.command_path), *_paragraphs(command.help or ""))
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None  # noqa: S101 - it was listed
            yield from _command(found, context, inner)
        return
    pieces = " ".join(piece for piece in command.collect_usage_pieces(context))
    yield f".SS {_roff(f'{context.command_path} {pieces}')}"
    yield from _paragraphs(command.help or "")
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if name != "serve" and {opt for one in options for opt in one.opts} >= _OF_SERVER:
        options = [one for one in options if not _OF_SERVER & set(one.opts)]
        yield from (".PP", "And the options of", '.BR "taina serve" .')
    for one in options:
        record = one.get_help_record(context)
        if record is not None:
            yield from (".TP", f".B {_roff(record[0])}", _roff(record[1]))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield ".PP"
        yield _roff(" ".join(paragraph.replace("\b", "").split()))


def _roff(text: str) -> str:
    """Hyphens that are typed, no escapes of its own, and no line that is taken for an order."""
    told = text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("…", "...")
    return rf"\&{told}" if told.startswith((".", "'")) else told


def library() -> str:
    """Markdown: what `from taina import …` gives, with its signatures."""
    parts = [
        "# The library",
        "Made from the docstrings by `scripts/manuals.py`; `help(taina.Client)` says the same.",
        inspect.cleandoc(taina.__doc__ or "")
        .replace("from taina import Client\n", "```python\nfrom taina import Client\n")
        .replace("    print(sent.link)\n", "    print(sent.link)\n```\n"),
    ]
    kinds = [getattr(taina, name) for name in taina.__all__ if not name.startswith("_")]
    for kind in [one for one in kinds if not issubclass(one, TainaError)]:
        parts += [f"## {kind.__name__}", _described(kind)]
        if kind.__name__ != "Client":
            continue
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                parts += [f"### Client.{name}", f"```python\n{name}{_signature(method)}\n```", _described(method)]
    parts += ["## Errors", "`code` is the same on the wire; `members` holds the facts beside it."]
    errors = [kind for kind in kinds if issubclass(kind, TainaError)]
    rows = [f"| `{one.__name__}` | `{one.__mro__[1].__name__}` | `{one.code}` | {one.sentence} |" for one in errors]
    parts += ["\n".join(["| error | is a | code | says |", "| --- | --- | --- | --- |", *rows])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _signature(method: Callable[..., object]) -> str:
    return _short(str(inspect.signature(method))).replace("(self, ", "(").replace("(self)", "()")


def _short(told: str) -> str:
    told = re.sub(r"<class '(.+?)'>", r"\1", told)
    return re.sub(r"\b(?:taina|collections|pathlib|typing)\.(?:\w+\.)*", "", told)


def _described(thing: object) -> str:
    """A docstring as Markdown: what it takes and raises becomes a list, and so do the fields of a result."""
    lines: list[str] = []
    listing = False
    for line in inspect.cleandoc(inspect.getdoc(thing) or "").split("\n"):
        heading = re.fullmatch(r"(Args|Raises|Returns):\s*(.*)", line)
        item = re.fullmatch(r"    ([\w, ]+): (.*)", line)
        if heading:
            lines += ["", f"{heading[1]}: {heading[2]}".rstrip(), ""]
        elif listing and item:
            lines.append(f"- `{item[1]}`: {item[2]}")
        elif listing and line.startswith("        "):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
        listing = bool(heading) or (listing and line.startswith("    "))
    if dataclasses.is_dataclass(thing):
        lines += ["", *(f"- `{field.name}`: `{_short(str(field.type))}`" for field in dataclasses.fields(thing))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


if __name__ == "__main__":
    MAN_PAGE.write_text(man_page(), "utf-8")
    LIBRARY.write_text(library(), "utf-8")
