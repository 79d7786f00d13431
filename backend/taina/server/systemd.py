"""What a service manager hands to us and wants to hear: sockets that it holds open, and when we are ready.

The protocols are those of systemd: sd_listen_fds(3) and sd_notify(3).
"""

import contextlib
import os
import socket
from collections.abc import Mapping

_FIRST = 3


def inherited_sockets(environment: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """The listening sockets that were passed to this process, or to its parent where that only unpacked us.

    While we restart the manager keeps them, so that nobody who connects is refused.
    """
    if environment.get("LISTEN_PID") not in (str(os.getpid()), str(os.getppid())):
        return []
    count = int(environment.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_FIRST + n) for n in range(count)]


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Say `READY=1` or `STOPPING=1`, if somebody listens."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract address of Linux
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state.encode(), address)
