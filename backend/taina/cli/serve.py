"""`taina serve`: the server."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
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


class AddressRange(click.ParamType[IPv4Network | IPv6Network]):
    """An address or a network: 127.0.0.1, 10.0.0.0/8, fd00::/8."""

    name = "network"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> IPv4Network | IPv6Network:
        try:
            return ip_network(str(value))
        except ValueError as error:
            self.fail(f"{error}. Write it like 127.0.0.1 or 10.0.0.0/8.", param, ctx)


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
@click.option(
    "--client-creates", default=120, show_default=True, type=click.IntRange(0), help="Secrets a minute of one client."
)
@click.option(
    "--client-reveals", default=240, show_default=True, type=click.IntRange(0), help="Reveals a minute of one client."
)
@click.option(
    "--client-misses",
    default=300,
    show_default=True,
    type=click.IntRange(0),
    help="Calls a minute of one client whose proof is wrong.",
)
@click.option(
    "--client-storage",
    default="5GiB",
    show_default=True,
    type=ByteSize(),
    help="The most that one client may store in a day.",
)
@click.option(
    "--trusted-proxy",
    multiple=True,
    type=AddressRange(),
    help="Address or network of a reverse proxy, whose X-Forwarded-For is believed; may be given again.",
)
def serve(
    host: str,
    port: int,
    data: Path,
    store: str | None,
    site: Path | None,
    max_size: int,
    max_storage: int,
    client_creates: int,
    client_reveals: int,
    client_misses: int,
    client_storage: int,
    trusted_proxy: tuple[IPv4Network | IPv6Network, ...],
) -> None:
    """Run the server: the pages and the API on one port, secrets in one SQLite file or in PostgreSQL.

    A client is an IPv4 address or an IPv6 network of 64 bits, kept in memory only; 0 sets no bound.
    """
    if store is not None and not store.startswith(("postgresql://", "postgres://")):
        raise click.BadParameter("It begins with postgresql://; for a file, use --data.", param_hint="'--store'")
    # Imported here so that the other commands need not load a web server.
    from taina.serve import Settings
    from taina.serve import serve as run
    from taina.vault import Limits
    from taina.web.limits import Rates

    limits = Limits(size=max_size, storage=max_storage)
    rates = Rates(client_creates, client_reveals, client_misses, client_storage, trusted_proxy)
    run(Settings(host=host, port=port, data=data, site=site, limits=limits, store=store, rates=rates))
