"""`taina completion`: for the shell."""

import click
from click.shell_completion import get_completion_class

from taina.cli.output import write_script


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete taina's commands: eval "$(taina completion bash)"."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - one of the choices
    write_script(found(context.find_root().command, {}, "taina", "_TAINA_COMPLETE").source() + "\n")
