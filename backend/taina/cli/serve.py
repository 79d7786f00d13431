"""`taina serve`: the server."""

from pathlib import Path

import click

from taina.cli.config import every_option, read_config


@click.command()
@every_option
def serve(file: Path | None, **flags: object) -> None:
    """Run the server: the pages and the API on one port, secrets in one SQLite file or in PostgreSQL.

    Each option can also be set in taina.toml or in the environment; `taina config` shows the values in effect.
    """
    loaded = read_config(file, flags)
    # Imported here so that the other commands need not load a web server.
    from taina.server.serve import EndedError, StartError
    from taina.server.serve import serve as run

    try:
        run(loaded.config, loaded.file)
    except (StartError, EndedError) as error:
        raise click.ClickException(str(error)) from None
