"""The composition root: settings -> store -> rules -> web -> listener, and the sweeper beside them."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from taina.errors import TainaError
from taina.listener import Listener, is_local
from taina.secret_requests import SecretRequests
from taina.store import Store, UnusableError
from taina.store.sqlite import SqliteStore
from taina.vault import Limits, Vault
from taina.web import Application, create_app
from taina.web.limits import Rates
from taina.web.site import Site

_SWEEP_SECONDS = 1.0
_SWEEP_BATCH = 200
_SWEEP_PAUSE = 0.005
_RUINED = 74  # EX_IOERR of sysexits.h


@dataclass(frozen=True, slots=True)
class Settings:
    host: str
    port: int
    data: Path
    site: Path | None
    limits: Limits = field(default_factory=Limits)
    store: str | None = None
    """The address of a PostgreSQL database; without one, SQLite in `data`."""
    rates: Rates = field(default_factory=Rates)


def serve(settings: Settings) -> None:
    """Run until a signal says stop; in-flight requests are answered first.

    Raises:
        click.ClickException: it cannot start; the message says what to do.
    """
    os.umask(0o077)  # the database and all beside it are for this user's eyes
    site = _load_site(settings.site) if settings.site else None
    store, warnings = _open_database(settings.store) if settings.store else (_open_file(settings.data), ())
    try:
        vault = Vault(store, settings.limits)
        requests = SecretRequests(store, settings.limits)
        listener = _listen(settings, create_app(vault, requests, site, settings.rates))
        with _Sweeper(vault.sweep, requests.sweep):
            listener.stop_on_signals()
            click.echo(f"Taina is ready: {_address(settings.host, listener.port)}")
            if not is_local(settings.host):
                click.echo("Browsers encrypt only over HTTPS: put a proxy with a certificate in front of this address.")
            for warning in warnings:
                click.echo(f"Warning: {warning}", err=True)
            listener.run()
    finally:
        store.close()


class _Sweeper(threading.Thread):
    """Sweeps what is due every second, in small batches with a pause, so that requests hardly wait."""

    def __init__(self, *sweeps: Callable[[int], int]) -> None:
        super().__init__(name="taina-sweeper", daemon=True)
        self._sweeps = sweeps
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(_SWEEP_SECONDS):
            # A database that is away for a while is asked again a second later.
            with suppress(TainaError):
                self._sweep()

    def _sweep(self) -> None:
        for sweep in self._sweeps:
            while sweep(_SWEEP_BATCH) == _SWEEP_BATCH and not self._end.wait(_SWEEP_PAUSE):
                pass

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()


def _load_site(folder: Path) -> Site:
    try:
        return Site(folder)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(
            f"{folder} holds no built site ({error}). Build one with scripts/build_site.py, or leave --site out."
        ) from None


def _open_database(address: str) -> tuple[Store, tuple[str, ...]]:
    # Imported here: who keeps secrets in a file should not wait for a library that is not used.
    from taina.store.postgres import PostgresStore

    try:
        store = PostgresStore(address)
    except UnusableError as error:
        raise click.ClickException(str(error)) from None
    return store, store.warnings


def _open_file(folder: Path) -> SqliteStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The disk did not keep what was written: end at once, for a fresh start reads what it did keep.
        return SqliteStore(folder / "taina.db", on_ruin=lambda: os._exit(_RUINED))
    except sqlite3.OperationalError as error:
        raise click.ClickException(
            f"The database in {folder} cannot be used ({error}). Is another Taina running on it? "
            "Choose another folder with --data, or check its permissions."
        ) from None
    except (OSError, sqlite3.DatabaseError) as error:
        raise click.ClickException(f"{folder} cannot hold the database: {error}.") from None


def _listen(settings: Settings, app: Application) -> Listener:
    try:
        return Listener(app, settings.host, settings.port)
    except (OSError, ValueError) as error:
        raise click.ClickException(
            f"Cannot listen on {settings.host} port {settings.port}: {error}. Choose another with --host and --port."
        ) from None


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
