"""Every server tells in the folder WATCH_CONNECTIONS where it connects to and which names it looks up, before it does.
`support.outgoing` reads it.

A server is what has loaded `taina.server.serve`, whatever its command is. To PostgreSQL libpq connects, in C: that
raises no event, so nobody hears of it here.
"""

import os
import sys

_CONNECTIONS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
_TOLD = {
    ("taina.server.serve", "_listen"),
    ("taina.server.metrics", "serve"),
    ("http.server", "server_bind"),
    ("psycopg._conninfo_attempts", "_resolve_hostnames"),
}
"""Modules, and functions in them, that look up what the operator named: where to listen, and the database."""


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if (event in _CONNECTIONS or event in _LOOKUPS) and "taina.server.serve" in sys.modules:
        _note(event, arguments)


def _note(event: str, arguments: tuple[object, ...]) -> None:
    looks_up = event in _LOOKUPS
    # A socket comes before its address; what follows a name and its port are kinds of answers.
    address = arguments[1] if not looks_up else arguments[0] if event == "socket.getnameinfo" else arguments[:2]
    if not isinstance(address, tuple):  # a path, of a Unix socket
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and _is_no_name(address[0]):
        return
    frame = sys._getframe(2)
    mail, place = "", ""
    while frame.f_back is not None:
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if looks_up and (module, function) in _TOLD:
            return
        if (module, function) == ("taina.mail", "_connect") and _is_mail(frame.f_locals["self"], looks_up, address):
            mail = "mail "
        if not place and module.startswith("taina."):
            place = f"{module}:{frame.f_lineno}"
        frame = frame.f_back
    line = f"{mail}{event.removeprefix('socket.')} {address} at {place or 'no line of ours'}\n"
    # At once, for some servers are killed.
    file = os.open(f"{os.environ['WATCH_CONNECTIONS']}/{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode(errors="replace"))
    os.close(file)


def _is_no_name(host: object) -> bool:
    """Nothing, or an address in digits: nobody is asked for it."""
    import socket

    if not host or not isinstance(host, str):
        return not host
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host.partition("%")[0])
    except OSError:
        return False
    return True


def _is_mail(mailer: object, looks_up: bool, address: tuple[object, ...]) -> bool:
    """To the host and port that are set, or the name of this machine, with which it greets."""
    import socket

    named = (getattr(mailer, "_host", None), getattr(mailer, "_port", None))
    if looks_up:
        return address == named or address == (socket.gethostname(),)
    return address[1] == named[1]


sys.addaudithook(_watch)
