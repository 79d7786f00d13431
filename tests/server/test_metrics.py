"""The figures for Prometheus, while what they come from is away, and whoever asks for them goes away."""

import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from support.waiting import wait_until
from taina.errors import TainaError, UnavailableError
from taina.server.metrics import Metrics


def serve(used: Callable[[], int] = lambda: 0, age: Callable[[], float] = lambda: 0.0) -> tuple[Metrics, int]:
    metrics = Metrics(used, 1000, age)
    return metrics, metrics.serve("127.0.0.1", 0)


def figures(port: int) -> dict[str, str]:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200
    return dict(re.findall(r"^(\w+) (\S+)$", answer.text, re.MULTILINE))


def test_a_database_that_is_away_takes_no_other_figure_away(capfd: pytest.CaptureFixture[str]) -> None:
    kept: list[int] = []
    asked: list[None] = []

    def used() -> int:
        asked.append(None)
        if not kept:
            raise UnavailableError
        return kept[0]

    metrics, port = serve(used, lambda: 7.0)
    with suppress(TainaError):
        metrics.look(1)
    found = figures(port)
    assert (found["taina_storage_bytes"], found["taina_storage_bytes_most"]) == ("NaN", "1000.0")
    assert found["taina_sweep_age_seconds"] == "7.0"
    kept.append(40)
    assert metrics.look(1) == 0
    kept.clear()
    with pytest.raises(UnavailableError):
        metrics.look(1)
    assert figures(port)["taina_storage_bytes"] == "40.0"
    assert len(asked) == 3, "whoever asks for figures does not wait for a database"
    assert capfd.readouterr().err == ""


def test_what_nobody_foresaw_is_told_in_a_line(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def age() -> float:
        raise RuntimeError("/a/path")

    _, port = serve(age=age)
    assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 500
    (line,) = caplog.messages
    assert re.fullmatch(r"metrics failed: RuntimeError at test_metrics\.py:\d+", line)
    assert capfd.readouterr().err == ""


def test_whoever_goes_away_is_not_told_of(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[socket.socket] = []
    close = socket.socket.close

    def closing(self: socket.socket) -> None:
        ended.append(self)
        close(self)

    _, port = serve()
    with socket.create_connection(("127.0.0.1", port)) as one:
        monkeypatch.setattr(socket.socket, "close", closing)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it ends with a reset
    wait_until(lambda: len(ended) > 1)
    assert figures(port)
    assert (capfd.readouterr().err, caplog.messages) == ("", [])
