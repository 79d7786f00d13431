"""Whatever is given to a command: never a traceback, and never silence where it fails."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.hostile_server import HostileServer, problem
from taina import Client
from taina.cli import main
from taina.format.links import KINDS, Link, encode_link
from taina.server.listener import Listener
from taina.site import build

LINKS = [encode_link(Link(kind, bytes([9]) + bytes(47 if kind == "receipt" else 31))) for kind in KINDS]
COMMANDS = ["send", "open", "status", "receipt", "burn", "request", "answer", "inbox", "takedown", "verify", "config"]
COMMANDS += ["backup", "completion", "migrate", "doctor", "frobnicate", ""]
COMMANDS += ["serve", "bridge", "agent", "keys add", "keys list", "keys revoke", "site build", "site key", "site sign"]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
texts |= st.binary(max_size=20).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
values = texts | st.sampled_from(["0", "-1", "9" * 30, "1h", "99999999d", ".", "..", "/dev/null", "a", "missing", "-"])
links = st.sampled_from(LINKS).flatmap(
    lambda link: st.sampled_from(
        [link, "#" + link, f"HOST/s/#{link}", f"http://[::1/s/#{link}", f"{link[:-3]}", f"https://a..b/s/#{link}"]
    )
)
values |= links | st.sampled_from(["socks5://127.0.0.1:9", "fe80::/10", "latin", "utf16", "HOST", "a..b"])


@st.composite
def calls(draw: st.DrawFn) -> list[str]:
    """Mostly with options of its own, and as many arguments as it takes: so that it gets beyond its usage."""
    words = draw(st.sampled_from(COMMANDS)).split(" ")
    command: click.Command | None = main
    for word in words:
        command = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
    for parameter in command.params if command else []:
        if isinstance(parameter, click.Argument):
            given = links if parameter.name in ("link", "receipt") else values
            words += draw(st.lists(given, min_size=1, max_size=1 if parameter.nargs == 1 else 2))
        elif draw(st.integers(0, 4)) == 0:
            words.append(draw(st.sampled_from(parameter.opts)))
            if not (isinstance(parameter, click.Option) and parameter.is_flag):
                words.append(draw(values))
    return words + draw(st.lists(values, max_size=1)) * draw(st.integers(0, 1))


catalogs = build._read_catalogs

VARIABLES = ["TAINA_URL", "TAINA_KEY", "TAINA_PASSPHRASE", "TAINA_CA", "TAINA_CONFIG", "TAINA_SITE_KEY", "TAINA_STORE"]
VARIABLES += ["TAINA_DATA", "TAINA_PORT", "TAINA_HOST", "TAINA_MAX_SIZE", "TAINA_SITE", "TAINA_BRIDGE_TOKEN"]
VARIABLES += ["NO_PROXY", "ALL_PROXY", "HTTP_PROXY", "SSL_CERT_FILE", "XDG_STATE_HOME", "HOME", "COLUMNS", "LANG"]
environments = st.dictionaries(st.sampled_from(VARIABLES), values, max_size=2)


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    """One that knows nothing: most calls get as far as its answer."""
    with HostileServer(lambda _: problem(404, code="not_found", detail="x")) as server:
        yield server


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


class _Stdin(io.TextIOWrapper):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=calls(), environment=environments, stdin=st.binary(max_size=60))
def test_any_input_ends_with_words(
    server: HostileServer,
    tmp_path: Path,
    words: list[str],
    environment: dict[str, str],
    stdin: bytes,
) -> None:
    kept = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("TAINA_", "HTTP", "ALL_"))
    }
    told = {**kept, "TAINA_URL": server.url, "XDG_STATE_HOME": str(tmp_path)}
    told |= {name: value.replace("HOST", server.url) for name, value in environment.items()}
    words = [word.replace("HOST", server.url) for word in words]
    folder = tmp_path / "here"
    folder.mkdir(exist_ok=True)
    (folder / "latin").write_bytes("pässwörd".encode("latin-1"))
    (folder / "utf16").write_bytes("passphrase".encode("utf-16-le"))
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "stdin", _Stdin(stdin))
        patch.setattr("taina.client.Client", partial(Client, patience=0, timeout=5))
        # A server that starts stops at once; one language stands for all, and the umask is that of this process.
        patch.setattr("taina.server.listener.Listener.stop_on_signals", Listener.stop)
        patch.setattr("waitress.wasyncore.loop", interrupted)  # of the bridge
        patch.setattr("taina.site.build.with_compressed", lambda site: site)
        patch.setattr("taina.site.build._read_catalogs", lambda source: {"en": catalogs(source)["en"]})
        patch.setattr("os.umask", lambda _: 0)
        for name in list(os.environ):
            if name not in told:
                patch.delenv(name)
        for name, value in told.items():
            patch.setenv(name, value)
        # In a thread of its own: in the main one, the browsers of other tests keep an event loop running.
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(main, words, prog_name="taina").exception()
    assert isinstance(ended, SystemExit)
    said = b"".join(stream.buffer.getvalue() for stream in (out, err))
    assert b"Traceback" not in said
    assert b"nobody foresaw" not in said, said
    assert said or not ended.code
