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
    "waitress": {"client", "server"},
    "greenlet": {"store"},
    "sqlite_utils": {"store"},
    "sqlite3": {"server", "store"},
    "psycopg": {"store"},
    "psycopg_pool": {"store"},
    "cryptography": {"format", "site", "store"},
    "click": {"cli"},
    "httpcore": {"fetching.py"},
    "httpx": {"client", "fetching.py", "server", "site"},
    "mcp": {"client"},
    "segno": {"cli"},
    "smtplib": {"mail"},
    "prometheus_client": {"server"},
    "jinja2": {"site"},
    "brotli": {"site", "web"},
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


@pytest.mark.parametrize("module", sorted((PACKAGE / "rules").glob("*.py")), ids=lambda path: path.name)
def test_the_rules_know_neither_http_nor_sql(module: Path) -> None:
    foreign = ("falcon", "sqlite", "psycopg", "taina.web", "taina.store.sqlite", "taina.store.postgres")
    assert not {name for name in imports(module) if name.startswith(foreign)}


WALLED = ["mail", "rules", "server", "store", "web"]
"""The rooms behind `taina serve`: none may reach what opens a secret."""


@pytest.mark.parametrize("room", WALLED)
def test_the_wall_stands(room: str) -> None:
    """Asked of the syntax tree, so that imports inside functions count too."""
    beyond = ("taina.client", "taina.format")
    reaching = {
        f"{file.relative_to(PACKAGE)}: {name}"
        for file in (PACKAGE / room).rglob("*.py")
        for name in imports(file)
        if name.startswith(beyond) or name in ("taina.Client", "taina.File")
    }
    assert reaching == set()


def test_the_format_reaches_nothing() -> None:
    """What the wire format needs of ours is how bytes are written and how errors are called."""
    allowed = ("taina.format", "taina.errors", "taina.base64url")
    reached = {
        name
        for file in (PACKAGE / "format").glob("*.py")
        for name in imports(file)
        if name.split(".")[0] == "taina" and not name.startswith(allowed) and name != "taina"
    }
    assert reached == set()


def arrows() -> dict[str, set[str]]:
    """Which room of the package imports which, by its syntax trees; single modules are rooms of their own."""
    rooms: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(file):
            parts = name.split(".")
            if parts[0] == "taina" and len(parts) > 1 and parts[1] not in ("__version__", room):
                rooms.setdefault(room, set()).add(parts[1])
    return rooms


FLOORS = [
    ["__main__", "wsgi"],
    ["cli"],
    ["server", "client"],
    ["site"],
    ["web"],
    ["mail"],
    ["rules"],
    ["store", "config", "format"],
    ["proof_of_work"],
    ["fetching"],
    ["errors", "base64url"],
]
"""Arrows of import point downwards in this list."""


def test_arrows_point_one_way() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    up = {
        f"{room} -> {other}"
        for room, others in arrows().items()
        for other in others
        if room != "__init__" and floor[other] <= floor[room]
    }
    assert up == set()


def test_rooms_are_few() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert len(rooms - {"__init__.py", "__main__.py"}) <= 15


def test_folders_are_few_and_flat() -> None:
    allowed = {"backend", "scripts", "site", "tests"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    tops = {Path(name).parts[0] for name in tracked if len(Path(name).parts) > 1}
    assert {top for top in tops if not top.startswith(".")} == allowed


LONGEST = 350
"""Lines of a module that can be read in one sitting."""


def test_modules_are_short() -> None:
    """Of what is written by hand; a style sheet, a manual page that is made and a model in Promela are none."""
    modules = [*PACKAGE.rglob("*.py"), *(ROOT / "scripts").rglob("*.py"), *(ROOT / "site" / "js").rglob("*.js")]
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text("utf-8").splitlines()) for file in modules}
    assert len(lengths) > 200
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}
