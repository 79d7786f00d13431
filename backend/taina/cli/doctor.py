"""`taina doctor`: whether an instance is well."""

import sys
from pathlib import Path

import click

from taina.cli.config import every_option, read_config
from taina.cli.output import say


@click.command()
@every_option
def doctor(file: Path | None, **flags: object) -> None:
    """Look at this instance: permissions, disk, database, clock, and what people get at its address.

    Ends with 1 if there is something to be done.
    """
    from taina.server.doctor import examine

    findings = list(examine(read_config(file, flags).config))
    for finding in findings:
        say(f"{'ok   ' if finding.good else 'LOOK '} {finding.said}")
    sys.exit(any(not finding.good for finding in findings))
