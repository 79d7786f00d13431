"""What pages load: scripts, style sheets, pictures and packages, in one folder named by the hash of all of them."""

import base64
import hashlib
import json
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from taina.site import SiteError, colours
from taina.site.branding import Looks
from taina.site.sources import SOURCE

NODE_PACKAGES = SOURCE / "node_modules"
_ASSETS = ("css", "images", "js")
_PACKAGES: dict[str, Callable[[], Traversable]] = {
    "packages/eff-long.txt": lambda: resources.files("xkcdpass") / "static" / "eff-long",
    "packages/qrcode-generator.js": lambda: NODE_PACKAGES / "qrcode-generator" / "dist" / "qrcode.mjs",
}
"""What others wrote and we ship as it is: where it lies among the assets, and which pinned package has it."""
LOGO, ACCENTED = "images/logo.svg", "css/looks.css"


@dataclass(frozen=True)
class Assets:
    """What pages load: source files by path, their folder's address, and the digests that browsers check."""

    files: dict[str, bytes]
    base: str
    integrity: dict[str, str]


def read_assets(source: Path, looks: Looks) -> Assets:
    """All that pages load, in the operator's looks. `source` is the folder `site/`.

    Raises:
        SiteError: a package is not installed.
    """
    files = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for folder in _ASSETS
        for path in sorted((source / folder).rglob("*"))
        if path.is_file()
    }
    try:
        files |= {path: package().read_bytes() for path, package in _PACKAGES.items()}
    except FileNotFoundError as error:
        raise SiteError(f"{error.filename} is missing. Install it: npm ci --prefix site") from None
    if looks.accent:
        files[ACCENTED] = files["css/site.css"] + colours.style(looks.accent)
    if looks.logo:
        files[LOGO] = looks.logo
    whole = hashlib.sha256()
    for path, data in files.items():
        whole.update(path.encode() + b"\0" + hashlib.sha256(data).digest())
    integrity = {path: digest(data, "sha256") for path, data in files.items()}
    return Assets(files, f"/assets/{whole.hexdigest()[:16]}", integrity)


def import_map(assets: Assets) -> str:
    """Maps nothing: it is where browsers, and js/ui/page.js, look up the digest of what a page loads later."""
    digests = {
        f"{assets.base}/{path}": digest
        for path, digest in assets.integrity.items()
        if path.startswith("packages/") or path.endswith(".js")
    }
    return json.dumps({"integrity": digests}, sort_keys=True, separators=(",", ":"))


def modules(assets: Assets, entry: str) -> list[str]:
    """The modules that `entry` imports, near and far, and itself, each after those that it imports.

    Pages name them all, in this order: they are fetched at once, each with its own digest. WebKit does not
    count the import map's digests towards the integrity policy, and would block what only another module names.
    """
    found: list[str] = []
    for name in re.findall(rb'^import [^"]*"(\.[^"]+)";', assets.files[entry], re.MULTILINE):
        module = posixpath.normpath(f"{posixpath.dirname(entry)}/{name.decode()}")
        found += [path for path in modules(assets, module) if path not in found]
    return [*found, entry]


def loaded_later(assets: Assets, entry: str) -> dict[str, list[str]]:
    """What the modules of `entry` load when somebody wants it, by `load("…")` of js/ui/page.js.

    Each with the modules that it imports and `entry` does not, in the order of `modules`; paths as they are given to
    `load`, relative to js/.
    """
    named = modules(assets, entry)
    found: dict[str, list[str]] = {}
    unread = list(named)
    while unread:
        for name in re.findall(rb'\bload\("([^"]+)"\)', assets.files[unread.pop()]):
            path = name.decode()
            if path not in found:
                more = [module for module in modules(assets, posixpath.normpath(f"js/{path}")) if module not in named]
                found[path] = [posixpath.relpath(module, "js") for module in more]
                unread += more
    return dict(sorted(found.items()))


def digest(data: bytes, algorithm: str) -> str:
    """As policies and `integrity` name it: the algorithm, such as sha256, a hyphen, the digest in base64."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"
