"""`taina bridge`: for programs that speak Onetime Secret's API."""

import contextlib
import os
import secrets
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import click

from taina.cli.options import client_for, is_text, key_file_option, url_option
from taina.cli.output import say
from taina.cli.signals import ended_by_signals

_MIN_TOKEN = 16
_PORT = 7143
_MAX_SOCKET = 100
"""Bytes of a path: systems take 104 to 108."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help=f"Port on 127.0.0.1; 0 takes a free one. Default: {_PORT}.")
@click.option(
    "--socket",
    "path",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Listen on a Unix socket that only you can open, such as $XDG_RUNTIME_DIR/taina.sock, and on no port.",
)
@url_option
@key_file_option
def bridge(port: int | None, path: Path | None, url: str | None, key_file: Path | None) -> None:
    """Speak Onetime Secret's API, versions 1 and 2, on this machine, sealing on the way.

    Clients and scripts of that service work with http://127.0.0.1:7143 in place of its address; what they share is
    encrypted before it leaves this machine, and the share_url that they get opens in a browser. Some build an address
    such as http://127.0.0.1:7143/secret/KEY themselves: opened on this machine, it shows the link to send.

    As their API token they show the password that is printed at the start, for other users of this machine reach the
    same address; TAINA_BRIDGE_TOKEN sets one that stays the same. With --socket no token is needed.
    """
    # Imported here so that the other commands need not load a web server.
    from taina.client.bridge import create_bridge
    from taina.client.bridge.refusals import refused_early
    from taina.client.loopback import Loopback

    if path is not None and port is not None:
        raise click.UsageError("Give either --socket or --port.")
    given = os.environ.get("TAINA_BRIDGE_TOKEN")
    if path is None and given is not None:
        if not is_text(given):
            raise click.UsageError("TAINA_BRIDGE_TOKEN is not text in UTF-8.")
        if len(given) < _MIN_TOKEN:
            raise click.UsageError(f"TAINA_BRIDGE_TOKEN has to have {_MIN_TOKEN} characters or more.")
    token = None if path is not None else given or secrets.token_urlsafe(24)
    with client_for(url, key_file) as client:
        app = create_bridge(client, token)
        with _own_socket(path) if path else _loopback_socket(_PORT if port is None else port) as listening:
            server = Loopback(app, listening, refused_early)
            if path is not None:
                say(f"Taina's bridge is ready: {path} (for its owner alone)")
            else:
                say(f"Taina's bridge is ready: http://127.0.0.1:{listening.getsockname()[1]}")
                if given is None:
                    say(f"Password (API token) for it, with any user name: {token}")
            with ended_by_signals():
                server.run()


def _loopback_socket(port: int) -> socket.socket:
    """Raises: click.ClickException: the port is in use."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise click.ClickException(f"Cannot listen on port {port}: {error}. Choose another with --port.") from None


@contextlib.contextmanager
def _own_socket(path: Path) -> Iterator[socket.socket]:
    """A Unix socket that only its user can open, gone at the end.

    Raises: click.ClickException: it cannot be there. What is there already was not touched.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise click.ClickException("Python has no Unix sockets on this system. Use --port.")
    if len(os.fsencode(path)) > _MAX_SOCKET:
        raise click.ClickException(f"A socket needs a shorter path, of {_MAX_SOCKET} bytes at most: {path}")
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            _clear(path)
            before = os.umask(0o177)
            try:
                listening.bind(os.fsencode(path))
            finally:
                os.umask(before)
        except OSError as error:
            raise click.ClickException(
                f"No socket can be made at {path}: {error.strerror}. Choose another path."
            ) from None
        try:
            yield listening
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _clear(path: Path) -> None:
    """Take a socket away that nobody listens on any more. Raises: click.ClickException, OSError."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise click.ClickException(f"{path} is not a socket, and was left as it is. Choose another path.")
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(os.fsencode(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise click.ClickException(f"A bridge listens there already: {path}")
