"""Build the static site: templates and catalogs in, a folder of files out. The same sources give the same bytes.

JavaScript and style sheets are copied as they were written. All of them lie below one folder named by the hash
of everything in it, so that relative imports hold and browsers may keep them for ever.
"""

import base64
import datetime
import gzip
import hashlib
import json
import posixpath
import re
import shutil
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import brotli
import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from taina import __version__
from taina.site import SOURCE as SOURCE
from taina.site import SiteError, colours, hosting
from taina.site.api_page import calls
from taina.site.branding import Looks
from taina.site.hosting import Headers

NODE_PACKAGES = SOURCE / "node_modules"
PAGES = {
    "create": "",
    "reveal": "s/",
    "receipt": "receipt/",
    "sent": "sent/",
    "request": "request/",
    "answer": "r/",
    "inbox": "inbox/",
    "privacy": "privacy/",
    "security": "security/",
    "format": "format/",
    "verify": "verify/",
    "api": "api/",
    "self_host": "self-host/",
    "scaling": "scaling/",
    "performance": "performance/",
    "translate": "translate/",
    "accessibility": "accessibility/",
}
"""Each template of a page, and its address below a language."""
LINK_PAGES = ("reveal", "receipt", "answer", "inbox")
REFERENCE = "en"
_ASSETS = ("css", "images", "js")
_PACKAGES: dict[str, Callable[[], Traversable]] = {
    "packages/eff-long.txt": lambda: resources.files("xkcdpass") / "static" / "eff-long",
    "packages/qrcode-generator.js": lambda: NODE_PACKAGES / "qrcode-generator" / "dist" / "qrcode.mjs",
}
"""What others wrote and we ship as it is: where it lies among the assets, and which pinned package has it."""
_LOGO, _LOOKS = "images/logo.svg", "css/looks.css"
_CLIENT = "js/client/client.js"
_COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".txt")
_PERMISSIONS = (
    "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), clipboard-read=(), "
    "clipboard-write=(self), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), "
    "gyroscope=(), hid=(), identity-credentials-get=(), idle-detection=(), local-fonts=(), magnetometer=(), "
    "microphone=(), midi=(), otp-credentials=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), usb=(), "
    "window-management=(), xr-spatial-tracking=()"
)


@dataclass(frozen=True)
class Assets:
    """What pages load: source files by path, their folder's address, and the digests that browsers check."""

    files: dict[str, bytes]
    base: str
    integrity: dict[str, str]


def build(source: Path = SOURCE, looks: Looks | None = None, api: str | None = None) -> dict[str, bytes]:
    """The whole site, as paths below its root and their bytes, with an operator's looks if there are any.

    Args:
        api: where the API is, such as https://api.example, if the pages' own host does not have it.

    Raises:
        jinja2.UndefinedError, KeyError: a template asks for a text that a catalog does not have.
    """
    looks = looks or Looks()
    pages = {**PAGES, "contact": "contact/"} if looks.contact else PAGES
    assets = _read_assets(source, looks, api)
    import_map = _import_map(assets)
    policy = _policy(import_map, api)
    catalogs = _read_catalogs(source)
    if looks.name:
        for catalog in catalogs.values():
            catalog["site"]["name"] = looks.name
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([source / "pages", source / "layouts"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        base=assets.base,
        integrity=assets.integrity,
        import_map=import_map,
        languages={code: catalog["meta"] for code, catalog in catalogs.items()},
        modules=lambda entry: _modules(assets, entry),
        addresses=pages,
        calls=calls(),
        looks=looks,
        name=catalogs[REFERENCE]["site"]["name"],
        picture=_LOGO if looks.logo else "images/mark.svg",
        sheet=_LOOKS if looks.accent else "css/site.css",
        reference=REFERENCE,
        translations=_translations(source, catalogs),
        # The header says it too; in a meta element a browser takes all but frame-ancestors.
        policy=policy.replace(" frame-ancestors 'none';", ""),
    )
    site = {f"{assets.base[1:]}/{path}": data for path, data in assets.files.items()}
    for language, catalog in catalogs.items():
        for page, address in {**pages, "notfound": "404.html"}.items():
            path = f"{language}/{address}" + ("" if address.endswith(".html") else "index.html")
            values = {"page": page, "address": address, "language": language, "texts": catalog, "words": catalog[page]}
            site[path] = _render(environment, f"{page}.html", **values, **_long_text(source, page, language))
    for page, address in pages.items():
        site[f"{address}index.html"] = _render(environment, "hop.html", page=page, address=address)
    site["404.html"] = site[f"{REFERENCE}/404.html"]
    if api:
        site["api.json"] = _to_json({"api": api})  # for programs that have a link of these pages
    site["robots.txt"] = _robots(list(catalogs))
    if looks.contact and looks.contact_until and looks.url:
        site[".well-known/security.txt"] = _security(looks.url, looks.contact_until)
    headers = Headers(_rules(policy, api), _paths(assets, list(catalogs)))
    site["manifest.json"] = _manifest(site, headers)
    return site


def with_compressed(site: dict[str, bytes]) -> dict[str, bytes]:
    """The site with a `.br` and a `.gz` beside every file that gains by it."""
    paths = [path for path in site if path.endswith(_COMPRESSED)]
    with ThreadPoolExecutor() as pool:  # both libraries let go of the interpreter while they compress
        brotlis = pool.map(lambda path: brotli.compress(site[path]), paths)
        gzips = pool.map(lambda path: gzip.compress(site[path], mtime=0), paths)
        copies = {f"{path}.br": data for path, data in zip(paths, brotlis, strict=True)}
        copies |= {f"{path}.gz": data for path, data in zip(paths, gzips, strict=True)}
    return site | copies


def write(out: Path, looks: Looks | None = None, api: str | None = None) -> int:
    """Build the site into a folder, in place of the built site that was there; returns the number of files.

    Raises:
        SiteError: the folder holds something else, or a package is missing. Nothing was deleted.
    """
    if out.exists() and any(out.iterdir()) and not _is_built(out):
        raise SiteError(f"{out} holds something other than built pages. Nothing was deleted; choose another folder.")
    site = with_compressed(build(looks=looks, api=api))
    headers = Headers(**json.loads(site["manifest.json"])["headers"])
    site |= hosting.files(headers, list(json.loads(site["manifest.json"])["files"]))
    shutil.rmtree(out, ignore_errors=True)
    for path, data in site.items():
        file = out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return len(site)


def _is_built(folder: Path) -> bool:
    try:
        return "files" in json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _read_assets(source: Path, looks: Looks, api: str | None) -> Assets:
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
        files[_LOOKS] = files["css/site.css"] + colours.style(looks.accent)
    if looks.logo:
        files[_LOGO] = looks.logo
    if api:
        files[_CLIENT] = _with_api(files[_CLIENT], api)
    whole = hashlib.sha256()
    for path, data in files.items():
        whole.update(path.encode() + b"\0" + hashlib.sha256(data).digest())
    integrity = {path: _digest(data, "sha384") for path, data in files.items()}
    return Assets(files, f"/assets/{whole.hexdigest()[:16]}", integrity)


def _with_api(client: bytes, api: str) -> bytes:
    """The one line of JavaScript that a build may change."""
    own = b'const API = "/api/v1";'
    if client.count(own) != 1:
        raise ValueError(f"{_CLIENT} does not say where the API is")
    return client.replace(own, f'const API = "{api}/api/v1";'.encode())


def _read_catalogs(source: Path) -> dict[str, dict[str, Any]]:
    """The reference first, for those whose language is not here; the others by their own names, for the menu."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in (source / "locales").glob("*.json")}
    names = {code: unicodedata.normalize("NFKD", catalog["meta"]["name"]).casefold() for code, catalog in found.items()}
    return {code: found[code] for code in sorted(found, key=lambda code: (code != REFERENCE, names[code]))}


def _translations(source: Path, catalogs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """How far each language is: its short texts, how many of them read as in English, which long texts it has."""
    reference = _leaves(catalogs[REFERENCE])
    found = []
    for code, catalog in catalogs.items():
        texts = _leaves(catalog)
        alike = sum(texts.get(key) == text for key, text in reference.items())
        long_texts = sorted(file.stem for file in (source / "texts" / code).glob("*.md"))
        found.append({"code": code, "texts": len(texts.keys() & reference), "alike": alike, "long_texts": long_texts})
    return found


def _leaves(node: Any, path: str = "") -> dict[str, str]:
    if isinstance(node, str):
        return {path: node}
    return {key: text for name, child in node.items() for key, text in _leaves(child, f"{path}.{name}").items()}


def _import_map(assets: Assets) -> str:
    """Maps nothing: it is where browsers, and js/ui/page.js, look up the digest of what a page loads later."""
    digests = {
        f"{assets.base}/{path}": digest
        for path, digest in assets.integrity.items()
        if path.startswith("packages/") or path.endswith(".js")
    }
    return json.dumps({"integrity": digests}, sort_keys=True, separators=(",", ":"))


def _modules(assets: Assets, entry: str) -> list[str]:
    """The modules that `entry` imports, near and far, and itself, each after those that it imports.

    Pages name them all, in this order: they are fetched at once, each with its own digest. WebKit does not
    count the import map's digests towards the integrity policy, and would block what only another module names.
    """
    found: list[str] = []
    for name in re.findall(rb'^import [^"]*"(\.[^"]+)";', assets.files[entry], re.MULTILINE):
        module = posixpath.normpath(f"{posixpath.dirname(entry)}/{name.decode()}")
        found += [path for path in _modules(assets, module) if path not in found]
    return [*found, entry]


def _connect(api: str | None) -> str:
    return f"connect-src 'self'{f' {api}' if api else ''}; "


def _policy(import_map: str, api: str | None) -> str:
    return (
        f"default-src 'none'; script-src 'self' '{_digest(import_map.encode(), 'sha256')}'; style-src 'self'; "
        f"img-src 'self'; {_connect(api)}worker-src 'self'; base-uri 'none'; form-action 'none'; "
        # They give out the address of our worker (js/client/transfer.js) and those of our modules (js/ui/page.js).
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types taina-worker taina-modules"
    )


def _rules(policy: str, api: str | None) -> dict[str, dict[str, str]]:
    everywhere = {
        # On scripts too: WebKit asks it of whatever a worker imports.
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    page = {
        **everywhere,
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Integrity-Policy": "blocked-destinations=(script)",
        "Origin-Agent-Cluster": "?1",
        "Permissions-Policy": _PERMISSIONS,
        "X-DNS-Prefetch-Control": "off",
        "X-Frame-Options": "DENY",
    }
    asset = {
        **everywhere,
        "Cache-Control": "public, max-age=31536000, immutable",
        # For a drawing that is opened by its own address.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    # For the worker, which has the policies of its own answer, not those of the page.
    script = {
        **asset,
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; {_connect(api)}"
        "require-trusted-types-for 'script'; trusted-types 'none'",
    }
    return {
        "page": page,
        "link": {**page, "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet"},
        "asset": asset,
        "script": script,
    }


def _paths(assets: Assets, languages: list[str]) -> dict[str, str]:
    """Which rule holds for which path; one that ends in `/` holds for all below it, the longest wins."""
    links = {f"{start}{PAGES[page]}": "link" for page in LINK_PAGES for start in ("/", *(f"/{x}/" for x in languages))}
    return {"/": "page", f"{assets.base}/": "asset", f"{assets.base}/js/": "script", **links}


def _long_text(source: Path, page: str, language: str) -> dict[str, Any]:
    """The rendered Markdown of a page that has one, in the page's language or else in the reference."""
    for code in (language, REFERENCE):
        file = source / "texts" / code / f"{page.replace('_', '-')}.md"
        if file.is_file():
            return {"long_text": _to_html(file.read_text("utf-8")), "long_text_language": code}
    return {}


@cache
def _to_html(text: str) -> Markup:
    """Tables get a frame of their own: where they are too wide, they scroll, and not the page (WCAG 2.2, 1.4.10)."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    return Markup(markdown.render(text))  # noqa: S704 - our own text


def _robots(languages: list[str]) -> bytes:
    """Links lead nowhere without what follows the `#`, so no crawler needs their pages."""
    links = [f"{start}{PAGES[page]}" for page in LINK_PAGES for start in ("/", *(f"/{x}/" for x in languages))]
    return "".join(["User-agent: *\n", *(f"Disallow: {link}\n" for link in links)]).encode()


def _security(url: str, until: datetime.date) -> bytes:
    """Whom to tell of a weakness, and until when that holds (RFC 9116)."""
    lines = [f"Contact: {url}/contact/", f"Expires: {until.isoformat()}T00:00:00Z"]
    lines += [f"Canonical: {url}/.well-known/security.txt", "Preferred-Languages: en, bg"]
    return "\n".join([*lines, ""]).encode()


def _render(environment: jinja2.Environment, template: str, **values: Any) -> bytes:
    return environment.get_template(template).render(values).encode()


def _manifest(site: dict[str, bytes], headers: Headers) -> bytes:
    files = {path: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for path, data in site.items()}
    return _to_json({"version": 1, "release": __version__, "files": files, "headers": asdict(headers)})


def _digest(data: bytes, algorithm: str) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def _to_json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
