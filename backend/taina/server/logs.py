"""What is logged, as one JSON object a line on standard error. Nothing in it names a secret, a link or a person."""

import json
import logging
import sys
import threading
from types import TracebackType

from taina.errors import describe

_events = logging.getLogger("taina.events")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": int(record.created), "level": record.levelname.lower()}
        facts = getattr(record, "facts", None)
        return json.dumps(line | (facts if facts is not None else {"message": record.getMessage()}))


def set_up(log: str) -> None:
    """Have errors logged, and with `events` a line for each request, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
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
