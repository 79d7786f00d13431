"""`taina site`: the pages, built for any web server."""

from pathlib import Path

import click

from taina.cli.output import say
from taina.cli.webcat import webcat
from taina.config.values import origin


@click.group()
def site() -> None:
    """The pages."""


@site.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@click.option("--api", help="Address of the API, such as https://api.example.org, if it is on another host.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A taina.toml with a table [site].")
@click.option(
    "--webcat",
    metavar="VERSION",
    help="For a host that is enrolled in WEBCAT: a higher number than that of the pages before, such as 4 or 1.2.",
)
def build(out: Path, api: str | None, config: Path | None, webcat: str | None) -> None:
    """Build the pages into a folder, in place of the pages that were built there before.

    With --api any static host can serve the folder. Files in it say how: `_headers` for hosts that read it,
    `caddy.conf` and `nginx.conf` to be included. The server of the API has to allow the pages' address (origins).
    """
    from taina.site import SiteError
    from taina.site.webcat import VERSION

    try:
        api = api and origin(api)
    except ValueError as error:
        raise click.UsageError(f"--api is {api!r}, but has to be {error}.") from None
    if webcat is not None and not VERSION.fullmatch(webcat):
        raise click.UsageError(f"--webcat is {webcat!r}, but has to be numbers and dots, such as 4 or 1.2.")

    try:
        from taina.site.branding import read_looks
        from taina.site.build import write

        count = write(out, read_looks(config) if config else None, api, webcat)
    except SiteError as error:
        raise click.ClickException(str(error)) from None
    say(f"{count} files in {out}")


@site.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def key(file: Path) -> None:
    """Make a key to sign pages with, into FILE, and print its public key. Keep the file off the server."""
    from taina.site.signing import new_key, public_key

    try:
        say(public_key(new_key(file)))
    except FileExistsError:
        raise click.ClickException(f"{file} exists, and a key is never overwritten. Name another file.") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None


@site.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--key", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File that `site key` made."
)
def sign(folder: Path, file: Path) -> None:
    """Sign the pages in FOLDER, and print the public key by which `taina verify` checks them."""
    from taina.site import SiteError, signing

    try:
        loaded = signing.load_key(file)
        signing.sign(folder, loaded)
    except SiteError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written to: {error.strerror}.") from None
    say(signing.public_key(loaded))


site.add_command(webcat)
