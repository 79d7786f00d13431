"""Claims about the house that are facts of its import graph."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backend" / "taina"

ROOMS = {
    "falcon": {"client", "web"},
    "waitress": {"server"},
    "sqlite_utils": {"store"},
    "sqlite3": {"server", "store"},
    "psycopg": {"store"},
    "psycopg_pool": {"store"},
    "cryptography": {"format", "site", "store"},
    "click": {"cli", "server", "site"},
    "httpx": {"client", "server", "site"},
    "segno": {"cli"},
    "smtplib": {"mail"},
    "prometheus_client": {"server"},
    "jinja2": {"site"},
    "brotli": {"site"},
    "markdown_it": {"site"},
}
"""Each library, and the rooms that may know it."""


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names} | {str(node.module)}
    return found


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_is_known_in_its_own_rooms_only(library: str) -> None:
    rooms = {
        file.relative_to(PACKAGE).parts[0]
        for file in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports(file))
    }
    assert rooms == ROOMS[library]


def test_the_server_cannot_decrypt() -> None:
    """Nothing behind `taina serve` knows the wire format: asked of a running interpreter, not of us."""
    script = (
        "import sys, taina.cli.serve, taina.server.serve, taina.web, taina.store.sqlite, taina.store.postgres\n"
        "assert not [name for name in sys.modules if name.startswith(('taina.format', 'taina.client'))]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_server_with_a_file_loads_no_other_database() -> None:
    script = (
        "import sys, taina.cli.serve, taina.server.serve\n"
        "assert not [name for name in sys.modules if 'psycopg' in name]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_format_is_pure() -> None:
    """Bytes in, bytes out: no file, no clock, no randomness, no network."""
    impure = {"os", "time", "random", "secrets", "socket", "pathlib", "datetime", "io", "httpx", "taina.rules.vault"}
    for file in (PACKAGE / "format").glob("*.py"):
        assert not imports(file) & impure, file.name


@pytest.mark.parametrize("module", ["vault.py", "secret_requests.py"])
def test_the_rules_know_neither_http_nor_sql(module: str) -> None:
    names = imports(PACKAGE / module)
    foreign = ("falcon", "sqlite", "psycopg", "taina.web", "taina.store.sqlite", "taina.store.postgres")
    assert not {name for name in names if name.startswith(foreign)}


def test_folders_are_few_and_flat() -> None:
    allowed = {"backend", "scripts", "site", "tests"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    tops = {Path(name).parts[0] for name in tracked if len(Path(name).parts) > 1}
    assert {top for top in tops if not top.startswith(".")} == allowed
