"""What an operator sees of the service: figures, logs, health; and that nothing in them names anything."""

import fcntl
import json
import logging
import os
import re
import select
from pathlib import Path

import httpx
import pytest

from support.api import bearer, create, receipt_path, reveal, secret_path
from support.connection import UNBOUND
from support.secrets import Made
from support.servers import start_server, stop_server
from support.waiting import wait_until
from taina import base64url
from taina.server.logs import Lines
from taina.store import ROW


def use(url: str) -> list[str]:
    """A little of everything, right and wrong; what must be seen nowhere."""
    made, other = Made(), Made()
    canary = "canary" + "A" * 20
    with httpx.Client(base_url=f"{url}/api/v1", headers={"User-Agent": canary}) as api:
        create(api, made)
        reveal(api, made)
        api.get(receipt_path(made), headers=bearer(made.receipt_token))
        api.get(secret_path(other), headers=bearer(other.link_proof))
        api.put(secret_path(other), content=f"{{{canary}".encode(), headers={"Content-Type": "application/json"})
        api.get(f"/{canary}?{canary}")
        api.request("CANARY", "/status")
        api.request("GET", f"/secrets/{canary}")
    held = [made.id, made.receipt_id, other.id, made.link_proof, made.receipt_token, made.reveal_proof]
    return [canary, "CANARY", *map(base64url.encode, held)]


def test_figures_are_counted_and_name_nothing(tmp_path: Path) -> None:
    server = start_server(tmp_path, "--metrics", "127.0.0.1:0")
    assert server.process.stdout is not None
    place = re.search(r"http://\S+", server.process.stdout.readline())
    assert place is not None
    canaries = use(server.url)
    held = f"taina_storage_bytes {float(1040 + ROW)}\n"
    wait_until(lambda: held in httpx.get(place[0]).text)  # it is looked up every second
    figures = httpx.get(place[0]).text
    names = ["localhost:9464", "[::1]", "127.8.8.8:1", "evil.example", "127.0.0.1.evil.example:9464", "[", ""]
    codes = [httpx.get(place[0], headers={"Host": name}).status_code for name in names]
    stop_server(server)
    assert codes == [200, 200, 200, 421, 421, 421, 421], "a page whose name was made to point here reads nothing"
    assert 'taina_requests_total{method="PUT",route="/api/v1/secrets/{secret_id}",status="2xx"} 1.0' in figures
    assert 'taina_requests_total{method="POST",route="/api/v1/secrets/{secret_id}/reveal",status="2xx"} 1.0' in figures
    assert re.search(r'taina_requests_total{method="other",route="[^"]*",status="4xx"} 1.0', figures)
    for canary in [*canaries, "127.0.0.1"]:
        assert canary not in figures


def test_figures_are_for_this_machine_alone(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        start_server(tmp_path, "--metrics", "0.0.0.0:0")


def test_events_are_lines_of_json_that_name_nothing(tmp_path: Path) -> None:
    server = start_server(tmp_path, "--log", "events")
    canaries = use(server.url)
    written = stop_server(server)
    lines = [json.loads(line) for line in written.splitlines()]
    created = [line for line in lines if (line["method"], line["route"]) == ("PUT", "/api/v1/secrets/{secret_id}")]
    assert [line["status"] for line in created] == ["2xx", "4xx"]
    assert all(set(line) == {"time", "level", "method", "route", "status", "took"} for line in lines)
    for canary in [*canaries, "127.0.0.1"]:
        assert canary not in written


def test_a_log_that_nobody_reads_holds_nobody(tmp_path: Path) -> None:
    """A service manager whose disk stands still does not read. The line that had no room stopped the whole server."""
    server = start_server(tmp_path, "--log", "events", *UNBOUND)
    log = server.process.stdout
    assert log is not None
    os.set_blocking(log.fileno(), False)
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 8192)
    lines: list[dict[str, object]] = []
    with httpx.Client(base_url=f"{server.url}/api/v1", timeout=20) as api:
        for _ in range(300):
            assert api.get("/health").status_code == 200
        lines += map(json.loads, os.read(log.fileno(), 1 << 20).splitlines())
        assert 20 < len(lines) < 200
        assert api.get("/health").status_code == 200
    lines += map(json.loads, os.read(log.fileno(), 1 << 20).splitlines())
    lost = 301 - sum("route" in line for line in lines)
    told = [line for line in lines if "route" not in line]
    assert [(line["level"], line["message"]) for line in told] == [
        ("warning", f"{lost} lines had no room in this log and were left out")
    ]
    stop_server(server)


def test_no_line_is_longer_than_a_pipe_takes_at_once() -> None:
    record = logging.LogRecord("taina", logging.ERROR, "", 0, "\0" * 100_000, None, None)
    line = Lines().format(record)
    assert len(line.encode()) < select.PIPE_BUF
    assert json.loads(line)["message"].startswith("\0" * 500)


def test_nothing_is_logged_where_nothing_is_wrong(tmp_path: Path) -> None:
    server = start_server(tmp_path)
    use(server.url)
    assert stop_server(server) == ""


def test_health_and_readiness(api: httpx.Client) -> None:
    assert api.get("/health").json() == {"state": "up"}
    assert api.get("/ready").json() == {"state": "ready"}
