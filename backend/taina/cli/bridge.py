"""`taina bridge`: for programs that speak Onetime Secret's API."""

import os
import secrets
from pathlib import Path

import click

from taina.cli.options import client_for, key_file_option, url_option
from taina.cli.output import say

_LEAST_TOKEN = 16


@click.command()
@click.option("--port", default=7143, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@url_option
@key_file_option
def bridge(port: int, url: str | None, key_file: Path | None) -> None:
    """Speak Onetime Secret's v1 API on this machine, sealing on the way.

    Clients and scripts of that service work with http://127.0.0.1:7143 in place of its address; what they share is
    encrypted before it leaves this machine, and the share_url that they get opens in a browser.

    As their API token they show the password that is printed at the start, for other users of this machine reach the
    same address; TAINA_BRIDGE_TOKEN sets one that stays the same.
    """
    # Imported here so that the other commands need not load a web server.
    from taina.client.bridge import create_bridge
    from taina.server.listener import Listener

    given = os.environ.get("TAINA_BRIDGE_TOKEN")
    if given is not None and len(given) < _LEAST_TOKEN:
        raise click.UsageError(f"TAINA_BRIDGE_TOKEN has to have {_LEAST_TOKEN} characters or more.")
    token = given or secrets.token_urlsafe(24)
    with client_for(url, key_file) as client:
        try:
            listener = Listener(create_bridge(client, token), "127.0.0.1", port)
        except OSError as error:
            raise click.ClickException(f"Cannot listen on port {port}: {error}. Choose another with --port.") from None
        listener.stop_on_signals()
        say(f"Taina's bridge is ready: http://127.0.0.1:{listener.port}/api/v1")
        if given is None:
            say(f"Password (API token) for it, with any user name: {token}")
        listener.run()
