"""Build the static site: templates and catalogs in, a folder of files out. The same sources give the same bytes.

JavaScript and style sheets are copied as they were written. All of them lie below one folder named by the hash
of everything in it, so that relative imports hold and browsers may keep them for ever.
"""

import gzip
import json
import unicodedata
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import brotli
import jinja2

from taina import __version__, base64url
from taina.format.derive import derive_request
from taina.format.links import decode_link
from taina.site import BUILT, PACKED, RELEASED, SiteError, assets, headers, hosting
from taina.site.api_page import calls
from taina.site.branding import Looks
from taina.site.line_ends import breakable, joined, name_in_code, with_breakable_addresses, with_own_spaces
from taina.site.long_texts import to_html
from taina.site.manifest import facts_of
from taina.site.sources import SOURCE as SOURCE
from taina.web.archive import pack
from taina.web.site_headers import WEBCAT_BUNDLE, WEBCAT_MANIFEST, WEBCAT_PREVIOUS, Headers

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
    "recipes": "recipes/",
    "self_host": "self-host/",
    "scaling": "scaling/",
    "performance": "performance/",
    "translate": "translate/",
    "accessibility": "accessibility/",
}
"""Each template of a page, and its address below a language."""
LINK_PAGES = ("reveal", "receipt", "answer", "inbox")
REFERENCE = "en"
_BESIDE = ("manifest.sig", "_headers", "caddy.conf", "nginx.conf", WEBCAT_BUNDLE, WEBCAT_PREVIOUS, WEBCAT_MANIFEST)
"""What stands beside the files that a manifest names."""
_SOURCES = ("css", "images", "js", "layouts", "locales", "pages", "texts")
_OF_PACKAGES = ("node_modules/qrcode-generator/dist/qrcode.mjs",)
_COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".txt")


def build(
    source: Path = SOURCE, looks: Looks | None = None, api: str | None = None, webcat: str | None = None
) -> dict[str, bytes]:
    """The whole site, as paths below its root and their bytes, with an operator's looks if there are any.

    Args:
        api: where the API is, such as https://api.example, if the pages' own host does not have it.
        webcat: the version that every answer tells WEBCAT, numbers and dots, on a host that is enrolled there. It
            knows one page for whatever is not found, so then all languages share one.

    Raises:
        jinja2.UndefinedError, KeyError: a template asks for a text that a catalog does not have.
    """
    return _build(source, looks or Looks(), api, webcat)[0]


def _build(source: Path, looks: Looks, api: str | None, webcat: str | None) -> tuple[dict[str, bytes], Headers]:
    pages = {**PAGES, "contact": "contact/"} if looks.contact else PAGES
    loaded = assets.read_assets(source, looks)
    import_map = assets.import_map(loaded)
    policy = headers.policy(import_map, api)
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
    environment.filters["breakable"] = breakable
    environment.filters["name_in_code"] = name_in_code
    environment.filters["with_breakable_addresses"] = with_breakable_addresses
    environment.globals.update(
        api=api,
        base=loaded.base,
        integrity=loaded.integrity,
        import_map=import_map,
        languages={code: catalog["meta"] for code, catalog in catalogs.items()},
        modules=cache(partial(assets.modules, loaded)),
        loaded_later=cache(partial(assets.loaded_later, loaded)),
        addresses=pages,
        calls=calls(),
        looks=looks,
        name=catalogs[REFERENCE]["site"]["name"],
        picture=assets.LOGO if looks.logo else "images/mark.svg",
        sheet=assets.ACCENTED if looks.accent else "css/site.css",
        reference=REFERENCE,
        translations=_translations(source, catalogs),
        # The header says it too; in a meta element a browser takes all but frame-ancestors.
        policy=policy.replace(" frame-ancestors 'none';", ""),
    )
    site = {f"{loaded.base[1:]}/{path}": data for path, data in loaded.files.items()}
    for language, catalog in catalogs.items():
        for page, address in {**pages, "notfound": "404.html"}.items():
            path = f"{language}/{address}" + ("" if address.endswith(".html") else "index.html")
            if page == "notfound" and webcat:
                if language != REFERENCE:
                    continue
                path, address = "404.html", ""  # its menu of languages leads to their first pages
            values = {"page": page, "address": address, "texts": catalog, "words": catalog[page]}
            values |= _long_text(source, page, language, webcat)
            site[path] = _render(environment, f"{page}.html", language, **values)
    for page, address in pages.items():
        site[f"{address}index.html"] = _render(environment, "hop.html", REFERENCE, page=page, address=address)
    if not webcat:
        site["404.html"] = site[f"{REFERENCE}/404.html"]
    if api:
        site["api.json"] = _to_json({"api": api})  # for programs that have a link of these pages
    links = _link_addresses(list(catalogs))
    site["robots.txt"] = headers.robots(links)
    if looks.contact and looks.contact_until and looks.url:
        site[".well-known/security.txt"] = headers.security_txt(looks.url, looks.contact_until)
    answers = Headers(headers.rules(policy, api, webcat), headers.paths(loaded.base, links))
    site["manifest.json"] = _manifest(site, answers, looks.contact)
    return site, answers


def with_compressed(site: dict[str, bytes]) -> dict[str, bytes]:
    """The site with a `.br` and a `.gz` beside every file that gains by it."""
    paths = [path for path in site if path.endswith(_COMPRESSED)]
    with ThreadPoolExecutor() as pool:  # both libraries let go of the interpreter while they compress
        brotlis = pool.map(lambda path: brotli.compress(site[path], quality=_quality(path)), paths)
        gzips = pool.map(lambda path: gzip.compress(site[path], mtime=0), paths)
        copies = {f"{path}.br": data for path, data in zip(paths, brotlis, strict=True)}
        copies |= {f"{path}.gz": data for path, data in zip(paths, gzips, strict=True)}
    return site | copies


def _quality(path: str) -> int:
    """The best for files that every page loads; the hundreds of pages would take three times as long, for 2 % less."""
    return 10 if path.endswith(".html") else 11


def everything(looks: Looks | None = None, api: str | None = None, webcat: str | None = None) -> dict[str, bytes]:
    """What `write` writes: the site, its compressed copies, and what tells hosts how to deliver it."""
    built, answers = _build(SOURCE, looks or Looks(), api, webcat)
    return with_compressed(built) | hosting.files(answers, [path for path in built if path != "manifest.json"])


def write(out: Path, looks: Looks | None = None, api: str | None = None, webcat: str | None = None) -> int:
    """Build the site into a folder, in place of the built site that was there; returns the number of files.

    Raises:
        SiteError: the folder holds something else, or a package is missing: nothing was deleted. Or it takes no more.
    """
    built = _built_files(out)
    if built is None and out.exists() and any(out.iterdir()):
        raise SiteError(f"{out} holds something other than built pages. Nothing was deleted; choose another folder.")
    site = everything(looks, api, webcat)
    if built is not None:
        _remove_built(out, built)
    try:
        for path, data in site.items():
            file = out / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    except BaseException as error:
        _remove(out, site)  # half a site is none, and would stand in the way of the next
        if isinstance(error, OSError):
            raise SiteError(f"{out} cannot be written: {error.strerror}.") from None
        raise
    return len(site)


def write_archives(folder: Path) -> list[Path]:
    """Write the two archives that an installed program has beside this module: the pages, and what they are made of.

    Raises:
        SiteError: a package is missing.
    """
    pages, sources = folder / BUILT.name, folder / PACKED.name
    pages.write_bytes(pack(everything()))
    found = [file for name in _SOURCES for file in (SOURCE / name).rglob("*") if file.is_file()]
    found += [SOURCE / name for name in _OF_PACKAGES]
    sources.write_bytes(pack({file.relative_to(SOURCE).as_posix(): file.read_bytes() for file in found}))
    return [pages, sources]


def _remove_built(folder: Path, listed: list[str]) -> None:
    """Files that a build has written, and folders that are empty without them; what else lies there stays."""
    names = [*listed, "manifest.json", *_BESIDE]
    _remove(folder, [f"{name}{ending}" for name in names for ending in ("", ".br", ".gz")])


def _remove(folder: Path, names: Collection[str]) -> None:
    for name in names:
        with suppress(NotADirectoryError):
            (folder / name).unlink(missing_ok=True)
    # Other empty folders are somebody else's: without .git/refs, which may be empty, a repository is none.
    inner = {parent for name in names for parent in PurePosixPath(name).parents} - {PurePosixPath()}
    for path in sorted(inner, reverse=True):
        with suppress(OSError):  # not empty, or not there
            (folder / path).rmdir()


def _built_files(folder: Path) -> list[str] | None:
    """The paths in the list of a build; None where there is no list, or one that no build has written."""
    try:
        files = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if not isinstance(files, dict) or any(_leads_out(PurePosixPath(path)) for path in files):
        return None
    return list(files)


def _leads_out(path: PurePosixPath) -> bool:
    return path.is_absolute() or ".." in path.parts


def _read_catalogs(source: Path) -> dict[str, dict[str, Any]]:
    """The reference first, for those whose language is not here; the others by their own names, for the menu."""
    files = (source / "locales").glob("*.json")
    found = {path.stem: json.loads(joined(path.read_text("utf-8"), path.stem)) for path in files}
    names = {code: unicodedata.normalize("NFKD", catalog["meta"]["name"]).casefold() for code, catalog in found.items()}
    return {code: found[code] for code in sorted(found, key=lambda code: (code != REFERENCE, names[code]))}


def _translations(source: Path, catalogs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """How far each language is: its short texts, how many of them read as in English, how many long texts it has."""
    reference = _leaves(catalogs[REFERENCE])
    found = []
    for code, catalog in catalogs.items():
        texts = _leaves(catalog)
        alike = sum(texts.get(key) == text for key, text in reference.items())
        long_texts = sum(file.stem.replace("-", "_") in PAGES for file in (source / "texts" / code).glob("*.md"))
        found.append({"code": code, "texts": len(texts.keys() & reference), "alike": alike, "long_texts": long_texts})
    return found


def _leaves(node: Any, path: str = "") -> dict[str, str]:
    """The texts by their paths; of the forms of a plural, which are more or fewer in each language, the general one."""
    if isinstance(node, str):
        return {path: node}
    if "other" in node:
        return {path: node["other"]}
    return {key: text for name, child in node.items() for key, text in _leaves(child, f"{path}.{name}").items()}


def _long_text(source: Path, page: str, language: str, webcat: str | None) -> dict[str, Any]:
    """The rendered Markdown of a page that has one, in the page's language or else in the reference.

    Some have more to say where the pages are for WEBCAT.
    """
    name = page.replace("_", "-")
    for code in (language, REFERENCE):
        folder = source / "texts" / code
        if (folder / f"{name}.md").is_file():
            files = [folder / f"{name}.md", *([folder / f"{name}-webcat.md"] if webcat else [])]
            text = "\n".join(file.read_text("utf-8") for file in files if file.is_file())
            return {"long_text": to_html(text, code), "long_text_language": code}
    return {}


def _link_addresses(languages: list[str]) -> list[str]:
    """Of the pages that links lead to, neutral and in each language."""
    return [f"{start}{PAGES[page]}" for page in LINK_PAGES for start in ("/", *(f"/{x}/" for x in languages))]


def _render(environment: jinja2.Environment, template: str, language: str, **values: object) -> bytes:
    page = environment.get_template(template).render(values, language=language)
    return with_own_spaces(page, language).encode()


def _manifest(site: dict[str, bytes], answers: Headers, contact: str | None) -> bytes:
    files = {path: facts_of(data) for path, data in site.items()}
    facts: dict[str, object] = {"version": 1, "release": __version__, "released": RELEASED}
    if contact:
        # The server cannot read links, and holds what is left at this request to a smaller size.
        facts["contact"] = base64url.encode(derive_request(decode_link(contact, "request").body).id)
    return _to_json({**facts, "files": files, "headers": asdict(answers)})


def _to_json(document: dict[str, object]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
