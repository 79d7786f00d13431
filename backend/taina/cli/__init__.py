"""The command `taina`: one module a command group."""

import click

from taina import __version__
from taina.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """One-time secrets: encrypted before they leave you, opened once, gone."""


main.add_command(serve)
