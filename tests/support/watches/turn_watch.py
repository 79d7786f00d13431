"""Every server tells in the folder WATCH_TURNS how long its turns were at the most, and what was called in one that can
block. `support.turns` reads it.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_BLOCKING = ("open", "os.system", "smtplib.", "socket.connect", "socket.get", "sqlite3.connect", "subprocess.")
_clock = time.perf_counter


class _Watch:
    def __init__(self, told: Path) -> None:
        from taina.server.listener.channel import Channel
        from taina.store import group_commit, turns

        self._told = told
        self._turns = turns
        self._longest: dict[str, tuple[float, str]] = {}
        self._names: dict[Any, str] = {}
        self._began = 0.0
        self._writing = False
        self._wrap(turns.Turns, "run", "turn")
        self._wrap(turns.Turns, "_do_chores", "chores")
        self._wrap(group_commit.TurnCommit, "_commit", "commit")
        self._name_requests(Channel)
        self._slept, time.sleep = time.sleep, self._sleep
        sys.addaudithook(lambda event, _: self._note_call(event) if event.startswith(_BLOCKING) else None)

    def _in_turn(self) -> Any:
        return getattr(self._turns._here, "turns", None)

    def _wrap(self, kind: type, name: str, what: str) -> None:
        run: Callable[[Any], None] = getattr(kind, name)

        def timing(one: Any) -> None:
            began = _clock()
            run(one)
            if self._in_turn():
                self._note(what, _clock() - began)

        setattr(kind, name, timing)

    def _name_requests(self, channel: type) -> None:
        from greenlet import getcurrent, settrace

        take_turn = channel.take_turn  # type: ignore[attr-defined]

        def naming(one: Any) -> None:
            settrace(self._switched)
            request = one.requests[0]
            self._names[getcurrent()] = f"{getattr(request, 'command', '?')} {getattr(request, 'path', '?')}"
            take_turn(one)

        channel.take_turn = naming  # type: ignore[attr-defined]

    def _switched(self, _: str, places: tuple[Any, Any]) -> None:
        """From one greenlet to another: the processor's time since the last switch was that of the first."""
        now = time.thread_time()
        if self._began and places[0] in self._names:
            self._note("request", now - self._began, self._names[places[0]])
        self._began = now

    def _note(self, what: str, seconds: float, name: str = "") -> None:
        if seconds > self._longest.get(what, (0.0, ""))[0]:
            if not self._longest:
                threading.Thread(target=self._tell, daemon=True).start()
            self._longest[what] = seconds, name

    def _tell(self) -> None:
        """Beside the turns, for a disk may take its time, and again and again, for some servers are killed."""
        while True:
            self._told.with_suffix(".new").write_text(json.dumps(self._longest.copy()), "utf-8")
            self._told.with_suffix(".new").rename(self._told.with_suffix(".json"))
            self._slept(0.1)

    def _sleep(self, seconds: Any) -> None:
        self._note_call("time.sleep")
        self._slept(seconds)

    def _note_call(self, event: str) -> None:
        if self._writing or not self._in_turn():
            return
        places: list[str] = []
        frame = sys._getframe(2)
        while frame.f_back is not None and len(places) < 5:
            places.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
            frame = frame.f_back
        self._writing = True
        with self._told.with_suffix(".blocks").open("a", encoding="utf-8") as file:
            file.write(f"{event} at {' < '.join(places)}\n")
        self._writing = False


with suppress(ImportError):  # a program that has nothing to do with us
    _Watch(Path(os.environ["WATCH_TURNS"]) / str(os.getpid()))
