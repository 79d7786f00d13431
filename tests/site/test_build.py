"""The built site: reproducible, untouched scripts, whole pages, and within its budget."""

import base64
import hashlib
import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import xkcdpass

import screenshots
from picture_notes import look_of, note_of
from support.site_documents import Document
from support.sites import built_files
from taina.site import SiteError, assets, hosting
from taina.site import build as build_site
from taina.web.site_headers import Headers

WHOLE = ("en", "bg", "ar")
"""Languages of which every page is looked at; of the others, made from the same templates, the first page is."""
HOPS = [f"{address}index.html" for address in build_site.PAGES.values()]
LANGUAGES = {
    file.stem: json.loads(file.read_text("utf-8"))["meta"]["direction"]
    for file in (build_site.SOURCE / "locales").iterdir()
}
"""Each language, and the direction in which it is written."""
PAGES = [
    *sorted(f"{language}/{name}.html" for language in LANGUAGES for name in ("index", "404")),
    *(f"{language}/{address}index.html" for language in WHOLE for address in build_site.PAGES.values() if address),
    *(*HOPS, "404.html"),
]


@cache
def documents() -> dict[str, Document]:
    """Not before a test asks for them: every process that only collects tests would build the site."""
    return {path: Document(built_files()[path]) for path in PAGES}


@cache
def headers() -> dict[str, Any]:
    """What the manifest says of them."""
    found: dict[str, Any] = json.loads(built_files()["manifest.json"])["headers"]
    return found


def test_every_page_is_looked_at_in_some_languages() -> None:
    others = {path for path in built_files() if path.endswith(".html")} - {*PAGES}
    assert {*PAGES} <= {*built_files()}
    assert {path.partition("/")[0] for path in others} == {*LANGUAGES} - {*WHOLE}
    assert {path.partition("/")[2] for path in others} <= {path.partition("/")[2] for path in PAGES}


def test_two_builds_in_different_folders_are_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere with a space"
    shutil.copytree(build_site.SOURCE, copy, ignore=shutil.ignore_patterns("node_modules"))
    assert build_site.build(copy) == built_files()
    some = {path: built_files()[path] for path in PAGES[:5]}
    assert build_site.with_compressed(some) == build_site.with_compressed(some)


def test_scripts_and_styles_are_their_sources_byte_for_byte() -> None:
    found = {path.split("/", 2)[2]: data for path, data in built_files().items() if path.startswith("assets/")}
    folders = ("css", "images", "js")
    sources = [file for folder in folders for file in (build_site.SOURCE / folder).rglob("*") if file.is_file()]
    ours = {file.relative_to(build_site.SOURCE).as_posix(): file.read_bytes() for file in sources}
    installed = {
        "packages/qrcode-generator.js": assets.NODE_PACKAGES / "qrcode-generator/dist/qrcode.mjs",
        "packages/eff-long.txt": Path(xkcdpass.__file__).parent / "static/eff-long",
    }
    assert found == ours | {path: file.read_bytes() for path, file in installed.items()}


def test_pages_on_another_host_than_the_api_differ_in_two_places_alone() -> None:
    """In what they say of it, and in what they may connect to; every script is the one of any other site."""
    address = "https://api.example"
    site = build_site.build(api=address)
    assert {path: site[path] for path in built_files() if path.startswith("assets/")} == {
        path: data for path, data in built_files().items() if path.startswith("assets/")
    }
    assert set(site) == {*built_files(), "api.json"}
    told = f' data-api="{address}"'.encode()
    allowed = f" {address}; worker-src".encode()
    for path in documents().keys() - set(HOPS):
        assert site[path].count(told) == site[path].count(allowed) == 1, path
        assert site[path].replace(told, b"").replace(allowed, b"; worker-src") == built_files()[path], path
    rules = json.loads(site["manifest.json"])["headers"]["rules"]
    for rule in ("page", "link", "worker"):
        assert f"connect-src 'self' {address};" in rules[rule]["Content-Security-Policy"]


def test_another_asset_gives_another_folder(tmp_path: Path) -> None:
    shutil.copytree(build_site.SOURCE, tmp_path / "site", ignore=shutil.ignore_patterns("node_modules"))
    with (tmp_path / "site/css/site.css").open("a") as sheet:
        sheet.write("\n")
    changed = build_site.build(tmp_path / "site")
    assert not {path for path in built_files() if path.startswith("assets/")} & set(changed)


def test_the_manifest_names_every_public_file_with_its_hash() -> None:
    files = json.loads(built_files()["manifest.json"])["files"]
    assert set(files) == set(built_files()) - {"manifest.json"}
    for path, facts in files.items():
        assert facts == {"sha256": hashlib.sha256(built_files()[path]).hexdigest(), "size": len(built_files()[path])}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole(path: str) -> None:
    document = documents()[path]
    (html,) = document.all("html")
    language = path.split("/")[0] if path.split("/")[0] in LANGUAGES else build_site.REFERENCE
    assert html["lang"] == language
    if path not in HOPS:
        assert html["dir"] == LANGUAGES[language]
        headings = [
            1 for (tag, _), hidden in zip(document.tags, document.hidden, strict=True) if (tag, hidden) == ("h1", False)
        ]
        assert len(headings) == 1
    assert len(document.all("title")) == len(document.all("main")) == 1
    identifiers = [attributes["id"] for _, attributes in document.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for attributes in (attributes for _, attributes in document.tags):
        for name in ("for", "aria-describedby", "aria-controls", "aria-labelledby"):
            assert set((attributes.get(name) or "").split()) <= set(identifiers)
    prose = re.sub(
        r"<pre>.*?</pre>", "", built_files()[path].decode(), flags=re.DOTALL
    )  # a recipe may be a template, too
    assert not re.search(r"\{[{%]|%\}|\bbuilt-in\b|<bound |Undefined", prose)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_code_and_no_address_elsewhere(path: str) -> None:
    document = documents()[path]
    for tag, attributes in document.tags:
        assert tag not in ("style", "form", "iframe", "object", "base")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script" and "src" not in attributes:
            assert attributes["type"] in ("importmap", "application/json")
    for address in document.addresses():
        assert re.match(r"(/(?!/)|\.\./|#)", address), address
        if address.startswith("/"):
            assert address[1:] in built_files() or f"{address[1:]}index.html" in built_files(), address


@pytest.mark.parametrize("path", PAGES)
def test_everything_loaded_is_checked_by_its_digest(path: str) -> None:
    for tag, attributes in documents()[path].tags:
        loads = tag == "script" and "src" in attributes
        if loads or (tag == "link" and attributes["rel"] == "stylesheet"):
            data = built_files()[str(attributes["src" if loads else "href"])[1:]]
            assert attributes["integrity"] == f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
        if loads and attributes.get("type") != "module":
            # The integrity policy blocks a classic script that is not fetched in CORS mode.
            assert "crossorigin" in attributes


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_of_the_page_is_that_of_the_header(path: str) -> None:
    header = headers()["rules"]["page"]["Content-Security-Policy"]
    (meta,) = [
        tag["content"] for tag in documents()[path].all("meta") if tag.get("http-equiv") == "Content-Security-Policy"
    ]
    assert meta == header.replace(" frame-ancestors 'none';", "") != header
    for import_map in re.findall(r'<script type="importmap">(.*?)</script>', built_files()[path].decode(), re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
        assert f"script-src 'self' 'sha256-{digest}';" in header


def test_the_import_map_covers_every_module() -> None:
    (found,) = re.findall(r'<script type="importmap">(.*?)</script>', built_files()["en/index.html"].decode())
    modules = {f"/{path}" for path in built_files() if path.endswith(".js") or "/packages/" in path}
    assert set(json.loads(found)["integrity"]) == modules


def test_link_pages_are_not_indexed_and_assets_are_kept() -> None:
    rules, paths = headers()["rules"], headers()["paths"]

    def rule(path: str) -> dict[str, str]:
        found: dict[str, str] = rules[paths[max((start for start in paths if path.startswith(start)), key=len)]]
        return found

    for page in ("/s/", "/receipt/", "/r/", "/inbox/"):
        for start in ("", *(f"/{language}" for language in LANGUAGES)):
            assert "noindex" in rule(f"{start}{page}index.html")["X-Robots-Tag"]
    assert "X-Robots-Tag" not in rule("/en/index.html")
    asset = next(path for path in built_files() if path.endswith(".css"))
    assert "immutable" in rule(f"/{asset}")["Cache-Control"]
    assert rule("/en/index.html")["Cache-Control"] == "no-store"


def test_a_missing_page_keeps_its_headers_where_hosts_drop_endings() -> None:
    """Cloudflare Pages has 404.html at /404, and goes by the address that was asked for."""
    told = hosting.files(Headers(**headers()), ["404.html", "en/404.html"])["_headers"].decode()
    blocks = dict(block.split("\n", 1) for block in told.strip().split("\n\n"))
    assert blocks["/404"] == blocks["/404.html"]
    assert "/en/404" not in blocks, "what holds for the folder holds for it, and hosts would say it twice"


def test_hosts_that_add_up_all_rules_say_each_header_of_a_file_once() -> None:
    """A star stands for any end, `:language` for one folder; whatever matches is added (Netlify, Cloudflare Pages)."""
    told_of = Headers(**headers())
    told = hosting.files(told_of, list(built_files()))["_headers"].decode()
    blocks = [block.split("\n") for block in told.strip().split("\n\n")]
    assert len(blocks) <= 100, "Cloudflare Pages reads no more"
    rules = []
    for place, *lines in blocks:
        pattern = re.escape(place).replace(re.escape("*"), ".*").replace(":language", "[^/]+")
        rules.append((re.compile(pattern), [line.strip() for line in lines]))
    for path in built_files():
        address = "/" + path.removesuffix("index.html")
        said = sorted(line for pattern, lines in rules if pattern.fullmatch(address) for line in lines)
        assert said == sorted(f"{name}: {value}" for name, value in told_of.of(address).items()), address


def test_compressed_copies_give_the_same_bytes(built_site: Path) -> None:
    import gzip

    import brotli

    copies = {path.relative_to(built_site).as_posix().removesuffix(".br"): path for path in built_site.rglob("*.br")}
    assert set(copies) >= set(PAGES)
    for path, copy in copies.items():
        assert brotli.decompress(copy.read_bytes()) == built_files()[path]
        assert gzip.decompress((built_site / f"{path}.gz").read_bytes()) == built_files()[path]


@pytest.mark.parametrize("page", [f"{language}/index.html" for language in LANGUAGES])
def test_the_first_load_of_create_is_within_its_budget(page: str) -> None:
    document = documents()[page]
    loaded = {str(tag["src"])[1:] for tag in document.all("script") if "src" in tag}
    loaded |= {str(tag["href"])[1:] for tag in document.all("link")}
    requests = [page, *sorted(loaded)]
    whole = build_site.with_compressed({path: built_files()[path] for path in requests})
    assert len(requests) + 1 <= 15, "with /api/v1/status"
    assert sum(len(whole.get(f"{path}.br", whole[path])) for path in requests) + 512 <= 40 * 1024


def test_pages_name_every_module_after_those_that_it_imports() -> None:
    """So that each is fetched at once and by its own digest, never first by another module's import."""
    for name in ("create", "reveal", "receipt", "request", "answer", "inbox"):
        named: set[str] = set()
        for tag in documents()[f"en/{build_site.PAGES[name]}index.html"].all("script"):
            if tag.get("type") == "module":
                path = str(tag["src"])
                imported = re.findall(r'from "(\.[^"]+)"', built_files()[path[1:]].decode())
                assert {urljoin(path, address) for address in imported} <= named
                named.add(path)
        assert any(path.endswith(f"/js/pages/{name}.js") for path in named)


@pytest.mark.parametrize("name", ["create", "reveal", "receipt", "sent", "request", "answer", "inbox"])
def test_what_a_page_loads_later_is_listed_with_all_that_it_imports(name: str) -> None:
    page = built_files()[f"en/{build_site.PAGES[name]}index.html"].decode()
    sources = {path.split("/js/")[1]: data.decode() for path, data in built_files().items() if "/js/" in path}
    here = set(re.findall(r'type="module" src="/assets/[^"]+/js/([^"]+)"', page))
    (listed,) = re.findall(r'<script type="application/json" id="modules">(.*?)</script>', page)
    later: dict[str, list[str]] = json.loads(listed)
    asked = {path for module in here | set().union(*later.values()) for path in _loads(sources.get(module, ""))}
    assert set(later) == asked
    for path, modules in later.items():
        assert modules[-1] == path
        known = set(here)
        for module in modules:
            imported = re.findall(r'^(?:import|\}) [^"]*"(\.[^"]+)";', sources.get(module, ""), re.MULTILINE)
            assert {urljoin(module, address) for address in imported} <= known, (path, module)
            known.add(module)


def _loads(source: str) -> list[str]:
    return re.findall(r'load\("([^"]+)"\)', source)


@pytest.mark.parametrize(
    "hostile", ["</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}"]
)
def test_a_catalog_can_bring_only_text(tmp_path: Path, hostile: str) -> None:
    """A translator, or whoever changes a catalog on its way, can say anything but do nothing."""

    def spoil(node: Any) -> Any:
        return {name: spoil(child) for name, child in node.items()} if isinstance(node, dict) else f"{node}{hostile}"

    copy = tmp_path / "site"
    shutil.copytree(build_site.SOURCE, copy, ignore=shutil.ignore_patterns("node_modules"))
    for file in (copy / "locales").iterdir():
        file.write_text(json.dumps(spoil(json.loads(file.read_text("utf-8")))), "utf-8")
    for path, data in build_site.build(copy).items():
        if path in documents():
            document = Document(data)
            assert [tag for tag, _ in document.tags] == [tag for tag, _ in documents()[path].tags], path
            for (_, spoilt), (_, usual) in zip(document.tags, documents()[path].tags, strict=True):
                assert set(spoilt) == set(usual), path


def test_no_script_of_ours_makes_markup_of_text() -> None:
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|setHTMLUnsafe"
        r"|parseFromString"
    )
    for file in (build_site.SOURCE / "js").rglob("*.js"):
        assert not re.search(sinks, file.read_text("utf-8")), file


def test_the_picture_in_the_readme_is_current() -> None:
    again = "Take it again: PYTHONPATH=tests python scripts/screenshots.py --readme"
    assert note_of(screenshots.README.read_bytes()) == look_of(built_files()), again


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("precious")
    (tmp_path / "manifest.json").write_text('{"name": "another program\'s"}')
    with pytest.raises(SiteError, match="Nothing was deleted"):
        build_site.write(tmp_path)
    assert (tmp_path / "diary.txt").read_text() == "precious"


def test_only_what_was_built_is_removed_by_the_next_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"manifest.json": b'{"files": {"en/old.html": {}}}', "en/old.html": b"x", "en/old.html.br": b"x"}
    monkeypatch.setattr(build_site, "everything", lambda *_: first)
    build_site.write(tmp_path)
    (tmp_path / "en" / "diary.txt").write_text("precious")
    (tmp_path / "manifest.sig").write_text("of the old one")
    monkeypatch.setattr(build_site, "everything", lambda *_: {"manifest.json": b'{"files": {}}', "new/a.html": b"y"})
    build_site.write(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"manifest.json", "new/a.html", "en/diary.txt"}


def test_empty_folders_that_no_build_made_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as those of a repository, which is none without `.git/refs`: packing its references empties them."""
    old = ("en/s/index.html", "en/index.html", "assets/0/js/page.js")
    first = {"manifest.json": json.dumps({"files": dict.fromkeys(old)}).encode(), **dict.fromkeys(old, b"x")}
    second = {"manifest.json": b'{"files": {}}'}
    kept = {".git", ".git/refs", ".git/refs/heads", "en", "en/drafts", "uploads"}
    monkeypatch.setattr(build_site, "everything", lambda *_: first)
    build_site.write(tmp_path)
    for name in kept:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(build_site, "everything", lambda *_: second)
    build_site.write(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {"manifest.json", *kept}

    def fail(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(SiteError):
        build_site.write(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == kept


@pytest.mark.parametrize(
    "listed", ['{"../diary.txt": {}}', '{"%s/diary.txt": {}}', '{"/%s/diary.txt": {}}', '["diary.txt"]', "null", '"x"']
)
def test_a_list_that_no_build_wrote_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setattr(build_site, "everything", lambda *_: {})
    (pages := tmp_path / "pages").mkdir()
    for place in (tmp_path, pages):
        (place / "diary.txt").write_text("precious")
    (pages / "manifest.json").write_text(f'{{"files": {listed.replace("%s", str(tmp_path))}}}')
    with pytest.raises(SiteError, match="Nothing was deleted"):
        build_site.write(pages)
    assert (tmp_path / "diary.txt").exists() and (pages / "diary.txt").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_half_a_site_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """It was taken for something else than built pages, and nothing could be built there any more."""
    (tmp_path / "en").mkdir()
    (tmp_path / "en/diary.txt").write_text("precious")
    (tmp_path / "manifest.json").write_text('{"files": {}}')
    monkeypatch.setattr(build_site, "everything", lambda *_: {"en/a.html": b"a", "b/c.html": b"b", "d.html": b"c"})
    whole = Path.write_bytes

    def write_until_full(path: Path, data: bytes) -> int:
        if path.name == "c.html":
            raise error
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises((SiteError, KeyboardInterrupt)):
        build_site.write(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["diary.txt"]
