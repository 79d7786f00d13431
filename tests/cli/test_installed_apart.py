"""A client without the packages of the server, and without POSIX modules: each blocked, in processes of their own."""

import json
import re
import subprocess
import sys
import tomllib

import pytest

from cli.conftest import uncovered
from conftest import ROOT
from support.servers import Server

POSIX = ["fcntl", "grp", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty"]
CLIENT = [
    "send",
    "open",
    "status",
    "receipt",
    "burn",
    "request",
    "answer",
    "inbox",
    "bridge",
    "agent",
    "verify",
    "completion",
]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
SERVER = ["falcon", "greenlet", "waitress", "sqlite_utils", "prometheus_client", "psycopg", "psycopg_pool"]
BUILDER = ["jinja2", "markdown_it", "markupsafe"]
ASSISTANT = ["mcp"]
DEVELOPERS = ["trio", "anyio", "sniffio", "rich", "attr", "attrs", "pygments"]
"""What httpx and httpcore load where it is."""
NEEDS = {
    ("serve", "--port", "0"): ("server", []),
    ("keys", "add", "ann", "--data", "."): ("server", []),
    ("backup", "--out", "x.tar"): ("server", []),
    ("bridge", "--url", "http://127.0.0.1:9"): ("bridge", []),
    ("agent", ".", "--url", "http://127.0.0.1:9"): ("agent", []),
    ("site", "build", "--out", "pages"): ("site", []),
    ("migrate", "--from", "sqlite:x", "--to", "postgresql://x/x"): ("postgres", ["sqlite_utils"]),
}
"""Commands, the extra that they ask for, and what is there all the same."""


def without(modules: list[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command, where these modules are not installed."""
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({modules!r})); "
        f"from taina.cli import main; main({list(arguments)!r}, prog_name='taina')"
    )
    return subprocess.run(
        [sys.executable, "-c", script], input="hunter2", capture_output=True, text=True, timeout=60, check=False
    )


def test_all_of_the_client_is_imported_without_posix_modules() -> None:
    names = [f"taina.client.{file.stem}" for file in (ROOT / "backend/taina/client").glob("[!_]*.py")]
    names += [f"taina.cli.{name}" for name in CLIENT] + ["taina.client", "taina.site.verify"]
    script = (
        "import sys, importlib\n"
        f"sys.modules.update(dict.fromkeys({POSIX!r}))\n"
        f"for name in {names!r}: importlib.import_module(name)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_client_does_what_clients_do_without_packages_of_the_server(taina: Server) -> None:
    blocked = SERVER + BUILDER + ASSISTANT
    sent = without(blocked, "send", "-", "--url", taina.url)
    assert sent.returncode == 0, sent.stderr
    assert without(blocked, "open", sent.stdout.strip()).stdout == "hunter2"
    told = without(blocked, "--help")
    assert told.returncode == 0, told.stderr
    assert "serve" in told.stdout
    for command in CLIENT:
        assert without(blocked, command, "--help").returncode == 0


@pytest.mark.parametrize("arguments", NEEDS, ids=lambda arguments: arguments[0])
def test_what_is_missing_is_said_with_what_helps(arguments: tuple[str, ...]) -> None:
    extra, there = NEEDS[arguments]
    done = without([name for name in SERVER + BUILDER + ASSISTANT if name not in there], *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    found = re.fullmatch(r"taina: taina (\w+) needs (\w+), which is not installed. (.+)\n", done.stderr)
    assert found, done.stderr
    assert (found[1], found[3]) == (arguments[0], f"Install it: pip install 'taina[{extra}]'")
    assert any(line.startswith(found[2].replace("_", "-")) for line in EXTRAS[extra])


def test_what_is_missing_is_said_in_json_too() -> None:
    done = without(SERVER, "keys", "list", "--json", "--data", ".")
    assert json.loads(done.stdout)["error"] == "missing"


def test_a_socks_proxy_needs_one_more_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    done = without(["socksio"], "send", "-", "--url", "http://secrets.example")
    assert (done.returncode, done.stdout) == (2, "")
    assert "taina[socks]" in done.stderr
    assert "ALL_PROXY" in done.stderr


def test_a_text_is_sent_without_what_only_others_need(taina: Server) -> None:
    """Starting is most of what `taina send` takes: each module is read again at each call."""
    script = (
        f"import gc, sys; sys.modules.update(dict.fromkeys({DEVELOPERS!r}))\n"
        "from taina.cli import main\n"
        "imported = sum(one['collections'] for one in gc.get_stats())\n"
        f"try: main(['send', 'hunter2', '--url', {taina.url!r}], prog_name='taina')\n"
        "except SystemExit as ended: assert not ended.code, ended\n"
        "print(*(name for name, module in sys.modules.items() if module))\n"
        "print(sum(one['collections'] for one in gc.get_stats()) - imported)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=uncovered(), capture_output=True, text=True, timeout=60, check=True
    )
    link, names, collections = done.stdout.splitlines()
    assert link.startswith(taina.url)
    loaded = set(names.split())
    others = {"asyncio", "concurrent.futures", "difflib", "importlib.metadata", "multiprocessing", "sqlite3", "tomllib"}
    others |= {"taina.rules", "taina.store", "taina.server", "taina.web", "taina.site", "taina.mail"}
    others |= {"segno", "xkcdpass", *SERVER, *BUILDER, *ASSISTANT}
    assert loaded & others == set()
    own = {name for name in loaded if name.startswith("taina")}
    assert len(own) <= 40, sorted(own)
    assert len(loaded) <= 331, "click, httpx and cryptography take 276 by themselves"
    assert int(collections) <= 10, "each time that the interpreter looks for garbage, it looks at every module"
