"""A server that may write no more goes on: what does not fit is refused, and all else is answered."""

import os
import resource
from pathlib import Path

import pytest

from support import connection
from support.connection import UNBOUND, Connection
from support.secrets import Made
from support.servers import kill_server, start_server, stop_server
from taina import base64url

_BLOCKS = 8 << 11
"""8 MiB, in the blocks of `ulimit`."""


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_a_limit_on_files_is_no_ruined_disk(tmp_path: Path, size: int) -> None:
    """SQLite tells a quota or a limit (EDQUOT, EFBIG) as it tells a disk that fails; the server ended by each write."""
    limited = f'ulimit -S -f {_BLOCKS} && exec "$0" "$@"'
    server = start_server(tmp_path, *UNBOUND, wrapper=["sh", "-c", limited])
    try:
        with Connection(server.port) as one:
            kept: list[Made] = []
            refused = 0
            while refused < 5:
                made = Made(chunks=(os.urandom(size),))
                answer = one.call(connection.create(made))
                if answer.status == 201:
                    kept.append(made)
                    continue
                assert (answer.status, answer.json()["code"]) == (507, "storage_full")
                refused += 1
            assert kept
            assert one.call(connection.status(kept[0])).status == 200
            resource.prlimit(
                server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
            for made in (kept[0], kept[-1]):
                revealed = one.call(connection.reveal(made, claim=False))
                assert base64url.decode(revealed.json()["content"]) == made.chunks[0]
            assert one.call(connection.create(Made())).status == 201
        assert "the database failed" not in stop_server(server)
    finally:
        kill_server(server)
