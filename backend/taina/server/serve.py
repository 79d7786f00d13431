"""The composition root: config -> store -> rules -> web -> listener, and the sweeper beside them."""

import ctypes
import gc
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from taina.config import Config
from taina.config.values import is_local, shown
from taina.mail import ExpiryNotices, Mailer, UnusableMailError
from taina.rules.access_keys import AccessKeys, open_keys
from taina.rules.clock import WatchedClock
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.server.listener import Listener, ListeningEndedError
from taina.server.logs import log_request, set_up
from taina.server.sweeper import Sweeper
from taina.server.systemd import inherited_sockets, notify
from taina.server.takedowns import Takedowns
from taina.site import BUILT
from taina.store import Store, UnusableError
from taina.store.sqlite import SqliteStore
from taina.store.turns import Turns
from taina.web.access_log import Observer
from taina.web.admission import Admission
from taina.web.app import Application, create_app
from taina.web.bodies import screen
from taina.web.limits import Rates
from taina.web.logins import Logins
from taina.web.mail import MailResource
from taina.web.policy import Policy
from taina.web.site import NoSiteError, Site

_M_ARENA_MAX = -8  # malloc.h of glibc
_GARBAGE = 3_000
"""Objects that come before the interpreter looks for rings of them; a turn of many requests has thousands at once."""
_ADVICE = {
    sqlite3.SQLITE_BUSY: "Is another Taina running on it? Stop that one, or choose another folder with --data.",
    sqlite3.SQLITE_FULL: "Make room on that disk.",
}
"""What to do about a database that cannot be used, by the code of SQLite."""
_RUINED = 74  # EX_IOERR of sysexits.h


class StartError(Exception):
    """The server cannot start; the message says what to do."""


class EndedError(Exception):
    """The server ended though nobody stopped it, and has to be started again; the message says why."""


def serve(config: Config, file: Path | None = None) -> None:
    """Run until a signal says stop; in-flight requests are answered first.

    Args:
        file: where options were read from, for the operator.

    Raises:
        StartError: it cannot start; the message says what to do.
        EndedError: nobody can connect any more.
    """
    # The waits of PostgreSQL must not hold the loop: with it, requests run in threads.
    turns = None if config.store else Turns()
    with application(config, turns) as (app, notes):
        listener = _listen(config, app, turns)
        listener.stop_on_signals()
        facts = [f"options of {file.absolute()}"] if file else []
        if not _pages(config):
            facts.append("the API alone; for pages: taina site build --out FOLDER, then --site FOLDER")
        more = f" ({'; '.join(facts)})" if facts else ""
        # Of the socket itself: where the service manager passed it, our options say nothing of it.
        path = listener.path
        _say(f"Taina is ready: {path or _address(listener.host, listener.port)}{more}")
        if path is None and not is_local(listener.host):
            _say("Browsers encrypt only over HTTPS: put a proxy with a certificate in front of this address.")
        for note in notes:
            _say(note, sys.stderr)
        gc.freeze()  # what is here stays: looking through it again and again would hold everybody's turn
        gc.set_threshold(_GARBAGE)
        notify("READY=1")
        try:
            listener.run()
        except ListeningEndedError:
            raise EndedError(
                "The socket that the server listened on was shut down by another process. Start the server again."
            ) from None
        notify("STOPPING=1")


def _say(line: str, stream: TextIO | None = None) -> None:
    """To the operator, where there is room: a log that is full or closed stops no server."""
    stream = sys.stdout if stream is None else stream
    if stream is not None:
        with suppress(OSError, ValueError):
            os.write(stream.fileno(), f"{line}\n".encode(errors="replace"))


@contextmanager
def application(config: Config, turns: Turns | None = None) -> Iterator[tuple[Application, list[str]]]:
    """The WSGI application over an open store, with its sweeper, and notes for the operator.

    Args:
        turns: in which the application is called; None where threads call it.

    Raises:
        StartError: it cannot start; the message says what to do.
    """
    set_up(config.log)
    _share_memory()
    os.umask(0o077)  # the database and all beside it are for this user's eyes
    folder = _pages(config)
    site = _load_site(folder) if folder else None
    store, warnings = _open_database(config.store) if config.store else (_open_file(config.data, turns), ())
    try:
        limits = Limits(
            size=config.max_size,
            storage=config.max_storage,
            ttl_min=config.ttl_min,
            ttl_max=config.ttl_max,
            ttl_default=config.ttl_default,
            answers=config.max_answers,
            passphrase=config.passphrases != "optional",
        )
        clock = WatchedClock(store)
        vault = Vault(store, limits, clock)
        # Where anyone may create, whoever has its link could store as much without it.
        contact = site.contact if site and config.create != "anyone" else None
        requests = SecretRequests(store, limits, clock, contact)
        clock.settle_with(vault.sweep, requests.sweep)
        keys, mailer = _open_keys(config), _open_mail(config)
        takedowns = Takedowns(config.data, [vault.take_down, requests.take_down])
        with suppress(OSError):  # beside a database elsewhere there need not be a folder; the command will say so
            takedowns.open()
        timed = [clock.unless_paused(sweep) for sweep in (vault.sweep, requests.sweep)]
        sweeper = Sweeper(*timed, takedowns.sweep, clock.note, turns=turns)
        # A mail server may take its time: expiry never waits for it.
        notices = Sweeper(ExpiryNotices(mailer, keys), watched=False) if mailer and keys else nullcontext()
        observers: list[Observer] = [log_request]
        notes = [f"Warning: {warning}" for warning in warnings]
        figures: AbstractContextManager[None] = nullcontext()
        if config.metrics:
            observer, figures, address = _serve_metrics(config.metrics, vault, sweeper)
            observers.append(observer)
            notes.append(f"Metrics are ready: {address}")
        app = create_app(
            vault,
            requests,
            site,
            _rates(config),
            admission=_admission(config, keys, requests),
            policy=_policy(config),
            mail=MailResource(mailer, keys),
            origins=config.origins,
            work=config.work if config.create == "anyone" else 0,  # holders of keys have their quotas
            observers=observers,
            sweep_age=sweeper.age,
        )
        with sweeper, notices, figures:
            yield app, notes
    finally:
        store.close()


def _share_memory() -> None:
    """Let all threads take memory from two places; each would keep what it once had for chunks in one of its own."""
    with suppress(OSError, AttributeError):  # a C library other than glibc has its own ways
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _pages(config: Config) -> Path | None:
    return config.site or (BUILT if BUILT.is_file() else None)


def _load_site(folder: Path) -> Site:
    try:
        return Site(folder)
    except NoSiteError as error:
        raise StartError(
            f"{folder} holds no built site ({error}). Build one with `taina site build`, or leave --site out."
        ) from None


def _open_database(address: str) -> tuple[Store, tuple[str, ...]]:
    # Imported here: who keeps secrets in a file should not wait for a library that is not used.
    from taina.store.postgres import PostgresStore

    try:
        store = PostgresStore(address)
    except UnusableError as error:
        raise StartError(str(error)) from None
    return store, store.warnings


def _open_file(folder: Path, turns: Turns | None) -> SqliteStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The disk did not keep what was written: end at once, for a fresh start reads what it did keep.
        return SqliteStore(folder / "taina.db", on_ruin=lambda: os._exit(_RUINED), turns=turns)
    except UnusableError as error:
        raise StartError(str(error)) from None
    except sqlite3.OperationalError as error:
        advice = _ADVICE.get(error.sqlite_errorcode & 0xFF, "Check its permissions, or choose another with --data.")
        raise StartError(f"The database in {folder} cannot be used ({error}). {advice}") from None
    except (OSError, sqlite3.DatabaseError) as error:
        raise StartError(f"{folder} cannot hold the database: {error}.") from None


def _serve_metrics(place: tuple[str, int], vault: Vault, sweeper: Sweeper) -> tuple[Observer, Sweeper, str]:
    # Imported here: who does not want figures should not wait for the library.
    from taina.server.metrics import Metrics

    metrics = Metrics(vault.used, vault.limits.storage, sweeper.age)
    try:
        port = metrics.serve(*place)
    except OSError as error:
        raise StartError(f"Metrics cannot be served on {shown(place)}: {error}.") from None
    # A sweeper of its own: expiry need not wait for a database that is away once more.
    return metrics.count, Sweeper(metrics.look, watched=False), f"{_address(place[0], port)}metrics"


def _rates(config: Config) -> Rates:
    return Rates(
        creates=config.client_creates,
        reveals=config.client_reveals,
        calls=config.client_calls,
        misses=config.client_misses,
        storage=config.client_storage,
        transfer=config.client_transfer,
        proxies=config.trusted_proxy,
    )


def _admission(config: Config, keys: AccessKeys | None, requests: SecretRequests) -> Admission:
    if config.create == "anyone":
        return Admission(None, requests)
    logins = Logins(config.login_header, config.trusted_proxy, config.login_creates)
    return Admission(keys, requests, logins if config.create == "proxy" else None)


def _policy(config: Config) -> Policy:
    return Policy(
        passphrases=config.passphrases,
        files=config.files,
        recipients=config.max_recipients,
        login_url=config.login_url if config.create == "proxy" else None,
    )


def _open_keys(config: Config) -> AccessKeys | None:
    if config.create == "anyone" and not config.mail_host:
        return None
    try:
        return open_keys(config.data)
    except UnusableError as error:
        raise StartError(str(error)) from None


def _open_mail(config: Config) -> Mailer | None:
    try:
        return Mailer(config) if config.mail_host else None
    except UnusableMailError as error:
        raise StartError(str(error)) from None


def _listen(config: Config, app: Application, turns: Turns | None) -> Listener:
    inherited = inherited_sockets()
    if config.create == "proxy" and any(it.family == socket.AF_UNIX for it in inherited):
        raise StartError(
            'Nobody is told apart on a Unix socket, so create = "proxy" would believe anybody or nobody. Listen on '
            "127.0.0.1, and name the proxy in trusted_proxies."
        )
    try:
        return Listener(
            app,
            config.host,
            config.port,
            sockets=inherited or _every_address(config),
            screen=screen,
            trusted=config.trusted_proxy,
            once=[config.login_header],
            turns=turns,
        )
    except ValueError:  # all that Waitress says of a name that it cannot find
        raise StartError(
            f"Cannot listen on {config.host}: no address of this machine has that name. See --host."
        ) from None
    except OSError as error:
        place, why = f"{config.host} port {config.port}", os.strerror(error.errno or 0)
        raise StartError(f"Cannot listen on {place}: {why}. Choose another with --host and --port.") from None


def _every_address(config: Config) -> list[socket.socket]:
    """`::` stands for every address of the machine, of IPv4 too; a socket of Waitress's own would take IPv6 alone."""
    if config.host != "::":
        return []
    return [socket.create_server(("::", config.port), family=socket.AF_INET6, dualstack_ipv6=True)]


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
