"""What is logged, as one JSON object a line on standard error. Nothing in it names a secret, a link or a person."""

import json
import logging
import select
import sys
import threading
from types import TracebackType
from typing import TextIO

from taina.errors import describe

_events = logging.getLogger("taina.events")


_LONGEST = 600
"""Characters of a message: though JSON may take six bytes for each, a pipe that has room takes the line at once."""


class Lines(logging.Formatter):
    """A JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": int(record.created), "level": record.levelname.lower()}
        facts = getattr(record, "facts", None)
        return json.dumps(line | (facts if facts is not None else {"message": record.getMessage()[:_LONGEST]}))


class _Handler(logging.StreamHandler[TextIO]):
    """Leaves out what there is no room for: waiting for whoever reads the log would keep everybody waiting."""

    _left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        if not self._has_room():
            self._left_out += 1
            return
        left_out, self._left_out = self._left_out, 0
        if left_out:
            message = f"{left_out} lines had no room in this log and were left out"
            super().emit(logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, None, None))
        super().emit(record)

    def _has_room(self) -> bool:
        """Of a pipe: for as many bytes as it takes at once."""
        room = select.poll()
        try:
            room.register(self.stream.fileno(), select.POLLOUT)
        except (OSError, ValueError):  # it is closed, or no file: writing tells
            return True
        return bool(room.poll(0))


def set_up(log: str) -> None:
    """Have errors logged, and with `events` a line for each request, too."""
    handler = _Handler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _events.setLevel(logging.INFO if log == "events" else logging.CRITICAL)
    threading.excepthook = lambda failure: _log_uncaught(failure.exc_type, failure.exc_value, None)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    """What Python would print with a traceback, whose lines may hold the name of a file or a value of a request."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        logging.getLogger("taina").critical("uncaught: %s", describe(error) if error else kind.__name__)


def log_request(method: str, route: str, status: int, seconds: float) -> None:
    """Log one request: the route with its placeholders, the class of its status, how long it took about."""
    if _events.isEnabledFor(logging.INFO):
        facts = {"method": method, "route": route, "status": f"{status // 100}xx", "took": _about(seconds)}
        _events.info("", extra={"facts": facts})


def _about(seconds: float) -> str:
    """Exact times could be told apart, and matched with what somebody else saw."""
    for bound in (0.01, 0.1, 1, 10):
        if seconds < bound:
            return f"<{bound:g}s"
    return ">10s"
