"""The group that `taina` is: loads a command when it is called, and ends every error of ours the same way."""

import importlib
import json
import sys
from typing import Any, NoReturn

import click

from taina.cli.exits import exit_code, explain
from taina.errors import TainaError


class Commands(click.Group):
    """
    Args:
        homes: `module:attribute` of each command. One that is not called is not loaded: `taina serve` must
            never hold the modules that could open a secret.
    """

    def __init__(self, *args: Any, homes: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._homes = homes

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._homes:
            return None
        module, _, attribute = self._homes[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TainaError as error:
            _end(error, as_json="--json" in sys.argv)


def _end(error: TainaError, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"error": error.code, "detail": explain(error), **error.members}))
    else:
        click.echo(f"taina: {explain(error)}", err=True)
    raise SystemExit(exit_code(error))
