"""`taina serve`: the server."""

import re
from pathlib import Path

import click

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class ByteSize(click.ParamType[int]):
    """A number of bytes, with a binary unit or none: 500MiB, 2G, 1048576."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r} is no size. Write it like 500MiB or 2GiB.", param, ctx)
        return int(found[1]) * _UNITS[found[2].upper()]


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
    "--store",
    envvar="TAINA_STORE",
    help="Keep secrets in PostgreSQL instead of a file: postgresql://user:password@host/database. "
    "In the environment (TAINA_STORE) it does not show in the list of processes.",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the built pages. Without it only the API is served.",
)
@click.option(
    "--max-size",
    default="100MiB",
    show_default=True,
    type=ByteSize(),
    help="The most that one secret may hold, encrypted: up to an eighth more than its files.",
)
@click.option(
    "--max-storage",
    default="10GiB",
    show_default=True,
    type=ByteSize(),
    help="The most that all secrets together may hold; room is reserved when an upload begins.",
)
def serve(
    host: str, port: int, data: Path, store: str | None, site: Path | None, max_size: int, max_storage: int
) -> None:
    """Run the server: the pages and the API on one port, secrets in one SQLite file or in PostgreSQL."""
    if store is not None and not store.startswith(("postgresql://", "postgres://")):
        raise click.BadParameter("It begins with postgresql://; for a file, use --data.", param_hint="'--store'")
    # Imported here so that the other commands need not load a web server.
    from taina.serve import Settings
    from taina.serve import serve as run
    from taina.vault import Limits

    limits = Limits(size=max_size, storage=max_storage)
    run(Settings(host=host, port=port, data=data, site=site, limits=limits, store=store))
