"""The server's clock jumps, by seconds and by years, forwards and back, while secrets wait.

    python -m drills.clock --rounds 500

Run it in scripts/, or with that folder in PYTHONPATH. It needs libfaketime (on Debian: apt install faketime).
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import parsedate_to_datetime
from pathlib import Path

from drills.promises import command, promise
from support import connection
from support.clocks import other_clock
from support.connection import UNBOUND, Answer, Connection
from support.secrets import Made
from support.servers import kill_server, start_server, stop_server
from taina.rules.clock import CONFIRMED

_DAY = 86400
_JUMPS = (1, 59, 61, 299, 301, 3600, _DAY, 31 * _DAY, 365 * _DAY, 3652 * _DAY)
_EDGE = 3
"""Seconds around an expiry in which either answer is right: the server counts whole seconds, and time goes on."""
_TRIES = 1000
_FOLLOWS_WITHIN = 20
"""Seconds."""
_ROUNDS_A_WAIT = 50
"""In one of so many rounds the drill waits until the clock is believed."""


def run(rounds: int) -> Iterator[str]:
    """Nothing expires before its time by the server's clock, or is there after it.

    A clock that was wrong for a moment has destroyed nothing; what expired by one that went on does not come back.
    """
    alive = expired = restored = swept = 0
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clock = _Clock(Path(folder) / "clock")
        server = start_server(Path(folder) / "data", *UNBOUND, wrapper=clock.wrapper())
        stack.callback(kill_server, server)  # where a promise is broken
        one = _Caller(server.port)
        for _ in range(rounds):
            clock.jump_by(one, random.choice(_JUMPS) * random.choice((1, -1)) - clock.offset // 2)
            made, expires = _create(one)
            left = expires - clock.now()
            promise(abs(left - made.ttl) <= _EDGE, f"a lifetime of {made.ttl} s became one of {left:.0f}")
            clock.jump_by(one, random.choice(_JUMPS) * random.choice((1, -1)))
            left = expires - clock.now()
            answer = one.call(connection.status(made))
            if left > _EDGE:
                promise(answer.status == 200, f"a secret was gone {left:.0f} s before its expiry")
                alive += 1
            elif left < -_EDGE:
                promise(answer.status == 404, f"a secret was there {-left:.0f} s after its expiry")
                revealed = one.call(connection.reveal(made)).status
                promise(revealed in (404, 410), f"an expired secret was answered {revealed}")
                if swept < rounds / _ROUNDS_A_WAIT:
                    _wait_until_confirmed(one, made)
                    clock.jump_by(one, int(left) - 60)
                    back = one.call(connection.reveal(made)).status
                    promise(
                        back in (404, 410), f"a secret that had expired was answered {back} when the clock went back"
                    )
                    swept += 1
                    continue
                clock.jump_by(one, int(left) - 60)
                back = one.call(connection.status(made)).status
                promise(back == 200, f"a clock that was wrong for a moment destroyed a secret: it was answered {back}")
                restored += 1
            clock.jump_by(one, int(expires - clock.now()) + _EDGE + 1)
            late = one.call(connection.reveal(made)).status
            promise(late in (404, 410), f"a secret was answered {late} after its expiry")
            expired += 1
        promise("unforeseen" not in stop_server(server), "the server met what it did not foresee")
    yield f"{2 * rounds} jumps of up to ten years: {alive} secrets looked at in time were there,"
    yield f"{expired + swept} looked at after it were not; {restored} were there again once the clock was set right,"
    yield f"and none of {swept} after the clock had gone on for {CONFIRMED} s"


class _Caller:
    """A connection for each call: the server closes those that seem to have been idle for years.

    Who asks while the server sets its clock back asks again, as clients do.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def call(self, request: bytes) -> Answer:
        for _ in range(_TRIES):
            with Connection(self._port) as one:
                answer = one.call(request)
            if answer.status != 503:
                break
        return answer


def _date(one: _Caller) -> float:
    """The time that the server says in its answers: unix seconds."""
    return parsedate_to_datetime(one.call(connection.request("GET", "/health")).headers["date"]).timestamp()


class _Clock:
    """The clock of a process, which can be set while it runs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.offset = 0
        self._write()

    def wrapper(self) -> list[str]:
        try:
            return other_clock("FAKETIME_NO_CACHE=1", f"FAKETIME_TIMESTAMP_FILE={self._file}")
        except FileNotFoundError as error:
            sys.exit(str(error))

    def jump_by(self, one: _Caller, seconds: int) -> None:
        """Set it, and wait until the server that is called says a date by it."""
        self.offset += seconds
        self._write()
        end = time.monotonic() + _FOLLOWS_WITHIN
        while abs(_date(one) - self.now()) > _EDGE:
            promise(time.monotonic() < end, f"the server's clock is not {self.offset:+d} s from ours")

    def _write(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{self.offset:+d}", "ascii")
        new.replace(self._file)

    def now(self) -> float:
        return time.time() + self.offset


def _create(one: "_Caller") -> tuple[Made, int]:
    """A secret with one of several lifetimes, and when it expires by the server's word."""
    made = Made(ttl=random.choice((300, 3600, 7 * _DAY)))
    created = one.call(connection.create(made))
    promise(created.status == 201, f"creating was answered {created.status}")
    return made, int(created.json()["expires"])


def _wait_until_confirmed(one: "_Caller", made: Made) -> None:
    """Until the server believes its clock, and the sweeper has had its turn."""
    end = time.monotonic() + CONFIRMED + 2.5
    while time.monotonic() < end:
        answer = one.call(connection.receipt(made))
        promise(answer.status == 404 or "ended" in answer.json(), f"the receipt of an expired secret said {answer}")
        time.sleep(1)


main = command(run, 500, "Secrets; the clock jumps at least twice for each.")

if __name__ == "__main__":
    main()
