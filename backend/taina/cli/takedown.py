"""`taina takedown`: an operator ends what is abused."""

from pathlib import Path

import click

from taina.cli.config import every_option, read_config
from taina.cli.options import read_link
from taina.cli.output import say
from taina.errors import WrongLinkError

_PATIENCE = 5.0


@click.command()
@click.argument("link")
@every_option
def takedown(link: str, file: Path | None, **flags: object) -> None:
    """End a secret or a request that is abused, given its link.

    Run it on the machine of the server, as its user; the server does it within a second. A secret counts as burned,
    and where it is being read, that ends. The link stays on this machine: only its identifier is passed on.
    """
    from taina.server.takedowns import Takedowns

    data = read_config(file, flags).config.data
    try:
        done = Takedowns(data).leave(_identifier(read_link(link)), _PATIENCE)
    except OSError as error:
        raise click.ClickException(f"No note can be left in {data}: {error.strerror}. See --data.") from None
    if not done:
        raise click.ClickException(f"No server on {data} has done it yet. It is done as soon as one runs.")
    say("It is gone, if it was still there.")


def _identifier(link: str) -> bytes:
    """What the server knows (16 bytes) of a link to a secret or to a request."""
    from taina.format.derive import derive_link_keys, derive_request
    from taina.format.links import decode_link

    try:
        return derive_link_keys(decode_link(link, "secret").body).id
    except WrongLinkError as error:
        if error.members.get("kind") != "request":
            raise
        return derive_request(decode_link(link, "request").body).id
