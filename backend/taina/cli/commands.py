"""The group that `taina` is: loads a command when it is called, and ends every error the same way."""

import atexit
import errno
import gc
import importlib
import os
import re
import sys
from collections.abc import Container, Sequence
from typing import Any, NoReturn

import click

from taina.cli.exits import INTERRUPTED, exit_code, explain
from taina.cli.memory import keep_out_of_dumps
from taina.cli.output import OutputError, documents, drop_stdout, say, say_json
from taina.cli.signals import Ended
from taina.errors import TainaError, describe, origin_of

_NO_ARGUMENTS: tuple[type[click.UsageError], ...] = (
    (click.exceptions.NoArgsIsHelpError,) if hasattr(click.exceptions, "NoArgsIsHelpError") else ()
)
"""Older releases of click print the help by themselves."""
_EXTRAS = {"psycopg": "postgres", "psycopg_pool": "postgres", "bridge": "bridge", "site": "site", "mcp": "agent"}
"""What is to be installed for a package or a command that misses one; for others it is `server`."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)
"""How the system says that a stream takes nothing."""
_OF_FILES = (*_FULL, errno.EFBIG, errno.ENOENT)
"""What the system says without a name only of files, or of the current folder."""
_GARBAGE = 50_000
"""Objects that come before the interpreter looks for rings of them: modules bring tens of thousands, which stay."""


class Commands(click.Group):
    """
    Args:
        homes: `module:attribute` of each command. One that is not called is not loaded: `taina serve` must
            never hold the modules that could open a secret.
        secretive: those that hold secrets or links, of which no image of the memory may stay behind.
    """

    def __init__(self, *args: Any, homes: dict[str, str], secretive: Container[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._homes = homes
        self._secretive = secretive

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._homes:
            return None
        module, _, attribute = self._homes[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:
            _refuse_empty(rest)
        if name in self._secretive:
            keep_out_of_dumps()
        return name, command, rest

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run, and exit: every error is a sentence on standard error, or JSON where that was asked for.

        One document at most: an error behind a result is a sentence.
        """
        given = sys.argv[1:] if args is None else list(args)
        options = given[: given.index("--")] if "--" in given else given
        before = documents()

        def end(code: str, detail: str, number: int, **members: Any) -> NoReturn:
            _end(code, detail, number, "--json" in options and documents() == before, **members)

        gc.set_threshold(_GARBAGE)
        atexit.register(gc.freeze)  # or it looks through all of them once more, only to end
        try:
            code = super().main(given, prog_name, **{**extra, "standalone_mode": False})
        except TainaError as error:
            end(error.code, explain(error), exit_code(error), **error.members)
        except click.UsageError as error:
            if isinstance(error, _NO_ARGUMENTS):
                error.show()
                sys.exit(error.exit_code)
            hint = f" For help: {error.ctx.command_path} --help" if error.ctx else ""
            end("usage", error.format_message() + hint, error.exit_code)
        except OutputError as error:
            _end("output", error.format_message(), error.exit_code, as_json=False)
        except click.ClickException as error:
            end("failed", error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt) as error:
            cause = error.__cause__ or error
            number = 128 + cause.number if isinstance(cause, Ended) else INTERRUPTED
            end("interrupted", " ".join(["Interrupted.", *getattr(cause, "__notes__", ())]), number)
        except ModuleNotFoundError as error:
            end("missing", _what_to_install(error, given, self._homes), 1)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _FULL and _is_of_click(error):
                drop_stdout()
                _end("output", OutputError(error).format_message(), 1, as_json=False)
            if isinstance(error, OSError) and (error.filename is not None or error.errno in _OF_FILES):
                of = "A file or folder of this machine" if error.filename is None else os.fsdecode(error.filename)
                end("failed", f"{of} cannot be used: {error.strerror}.", 1)
            # No trace: it would show what was to be kept secret.
            end("internal", f"An error that nobody foresaw: {describe(error)}. Please report it.", 1)
        sys.exit(code)


def _refuse_empty(arguments: Sequence[str]) -> None:
    """No command takes anything empty: not mailed, put elsewhere or stored elsewhere is never what was meant.

    Raises: click.UsageError: there is an empty argument, as a variable that is not set leaves it.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "" in arguments or any(re.fullmatch("--[a-z-]+=", one) for one in options):
        raise click.UsageError("An argument is empty: is a variable not set?")


def _is_of_click(error: BaseException) -> bool:
    """Whether it happened in click, which writes help and versions by itself, and no file."""
    last = origin_of(error)
    return last is not None and str(last.tb_frame.f_globals.get("__name__")).startswith("click.")


def _what_to_install(error: ModuleNotFoundError, given: Sequence[str], homes: Container[str]) -> str:
    """Server and library are installed apart; which of the extras has what this command misses."""
    missing = (error.name or "").partition(".")[0]
    called = next((word for word in given if word in homes), "")
    extra = _EXTRAS.get(missing) or _EXTRAS.get(called, "server")
    return f"taina {called} needs {missing}, which is not installed. Install it: pip install 'taina[{extra}]'"


def _end(code: str, detail: str, number: int, as_json: bool, **members: Any) -> NoReturn:
    try:
        if as_json:
            say_json({"error": code, "detail": detail, **members})
        else:
            say(f"taina: {detail}", err=True)
    except OutputError:
        say(f"taina: {detail}", err=True)
    raise SystemExit(number)
