"""`taina serve`: the server."""

from pathlib import Path

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--data",
    default=Path("data"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the database; made where it is missing.",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the built pages. Without it only the API is served.",
)
def serve(host: str, port: int, data: Path, site: Path | None) -> None:
    """Run the server: the pages and the API on one port, secrets in one SQLite file."""
    # Imported here so that the other commands need not load a web server.
    from taina.serve import Settings
    from taina.serve import serve as run

    run(Settings(host=host, port=port, data=data, site=site))
