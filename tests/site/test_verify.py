"""What a site's maker signed, and what `taina verify` finds of every change to it."""

import datetime
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.servers import Server, start_server, stop_server
from taina import __version__
from taina.errors import InvalidError, UnreachableError
from taina.site import RELEASED, build, hosting, verify
from taina.site.comparison import compare_headers
from taina.site.manifest import read_key
from taina.site.signing import public_key, sign
from taina.site.verify import Report, verify_folder, verify_host
from taina.web.site_headers import Headers

KEY = Ed25519PrivateKey.generate()
PUBLIC = read_key(public_key(KEY))


@pytest.fixture
def signed(built_site: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "signed"
    shutil.copytree(built_site, folder)
    sign(folder, KEY)
    return folder


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[[Path], Server]]:
    running: list[Server] = []

    def host(folder: Path) -> Server:
        running.append(start_server(tmp_path / "data", "--site", str(folder)))
        return running[-1]

    yield host
    for server in running:
        stop_server(server)


def look(server: Server) -> list[str]:
    return verify_host(server.url, PUBLIC).findings


def test_a_site_as_it_was_signed_is_good(signed: Path, host: Callable[[Path], Server]) -> None:
    files = len(json.loads((signed / "manifest.json").read_text())["files"])
    assert verify_host(host(signed).url, PUBLIC) == Report(files, release=__version__, released=RELEASED)
    assert verify_folder(signed, PUBLIC) == Report(files, release=__version__, released=RELEASED)


def test_one_changed_byte_is_found(small: Path, host: Callable[[Path], Server]) -> None:
    (script,) = small.glob("assets/*/js/client/client.js")
    data = bytearray(script.read_bytes())
    data[len(data) // 2] ^= 1
    script.write_bytes(data)
    for copy in (script.with_name("client.js.br"), script.with_name("client.js.gz")):
        copy.unlink()
    path = script.relative_to(small).as_posix()
    assert look(host(small)) == [f"{path} was changed."]
    assert verify_folder(small, PUBLIC).findings == [f"{path} was changed."]


def change(file: Path, text: str) -> None:
    """In this one form alone: who serves it has no compressed copies then."""
    file.write_text(text)
    for copy in file.parent.glob(f"{file.name}.*"):
        copy.unlink()


def test_an_extra_script_is_found(small: Path, host: Callable[[Path], Server]) -> None:
    page = small / "en/index.html"
    change(page, page.read_text().replace("</head>", '<script src="/extra.js"></script></head>'))
    (small / "extra.js").write_text("// nothing good")
    (small / "sw.js").write_text("// nothing good")
    (finding, strange) = look(host(small))
    assert finding.startswith("en/index.html has ")
    assert strange == "sw.js should not be there."
    assert set(verify_folder(small, PUBLIC).findings[1:]) == {
        "extra.js should not be there.",
        "sw.js should not be there.",
    }


def test_a_missing_and_a_weakened_header_are_found(small: Path, host: Callable[[Path], Server]) -> None:
    """The host is ours, told by another manifest what to send; its checker holds it to the signed one."""
    manifest = small / "manifest.json"
    document = json.loads(manifest.read_text())
    page = document["headers"]["rules"]["page"]
    del page["Integrity-Policy"]
    page["Content-Security-Policy"] = page["Content-Security-Policy"].replace("'none'", "'self'", 1)
    page["Link"] = "</extra.js>; rel=modulepreload"
    before = manifest.read_bytes()
    change(manifest, json.dumps(document))
    server = host(small)
    found = look(server)
    assert found == ["manifest.json is not signed with this key: nothing that it says can be trusted."]
    findings = _with_the_signed_manifest(server, before, (small / "manifest.sig").read_bytes())
    assert "en/index.html has no header Integrity-Policy." in findings
    assert "en/index.html has another header Content-Security-Policy." in findings
    assert "en/index.html has a header link, which is not one of ours." in findings


Tamper = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Tampering(httpx.HTTPTransport):
    """A host that shows the right manifest, and something else besides."""

    def __init__(
        self, shown: dict[str, bytes], tamper: Callable[[httpx.Request, httpx.Response], httpx.Response]
    ) -> None:
        super().__init__()
        self._shown = shown
        self._tamper = tamper

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        shown = self._shown.get(request.url.path)
        answer = super().handle_request(request)
        if shown is not None:
            return httpx.Response(200, stream=httpx.ByteStream(shown))
        return self._tamper(request, answer)


def findings_of(server: Server, tamper: Tamper, **shown: bytes) -> list[str]:
    transport = Tampering({f"/manifest.{name}": data for name, data in shown.items()}, tamper)
    with httpx.Client(transport=transport) as client:
        return verify.compare_host(client, f"{server.url}/", PUBLIC).findings


def _with_the_signed_manifest(server: Server, manifest: bytes, signature: bytes) -> list[str]:
    return findings_of(server, lambda _, answer: answer, json=manifest, sig=signature)


@pytest.fixture(scope="module")
def few(built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a few files of each kind, signed: with copies, snippets and all."""
    folder = tmp_path_factory.mktemp("few")
    document = json.loads((built_site / "manifest.json").read_text())
    kinds: dict[str, str] = {}
    for path in document["files"]:
        kinds.setdefault(f"{Path(path).suffix} {path.startswith('en/s/')}", path)
    chosen = {*kinds.values(), "404.html", "en/index.html", "bg/privacy/index.html"}
    chosen |= {path for path in document["files"] if path.endswith("/js/client/client.js")}
    document["files"] = {path: facts for path, facts in document["files"].items() if path in chosen}
    site = {path: (built_site / path).read_bytes() for path in document["files"]}
    site["manifest.json"] = json.dumps(document).encode()
    site = build.with_compressed(site)
    site |= hosting.files(Headers(**document["headers"]), list(document["files"]))
    for path, data in site.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    sign(folder, KEY)
    return folder


@pytest.fixture
def small(few: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(few, tmp_path / "small"))


@pytest.fixture(scope="module")
def few_hosted(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("data"), "--site", str(few))
    yield server
    stop_server(server)


def test_each_changed_file_of_a_folder_is_found(small: Path) -> None:
    """Compressed copies once passed as signed, though they are what browsers get."""
    files = sorted(file for file in small.rglob("*") if file.is_file())
    assert {file.suffix for file in files} >= {".br", ".gz", ".html", ".js", ".css", ".svg", ".conf", ".sig", ".txt"}
    assert verify_folder(small, PUBLIC).findings == []
    for file in files:
        data = file.read_bytes()
        for changed in (data + b" ", data[:-1], bytes([data[0] ^ 1]) + data[1:], data[: len(data) // 2], b""):
            file.write_bytes(changed)
            if changed.strip() != data.strip() or file.suffix != ".sig":
                assert verify_folder(small, PUBLIC).findings, file
        if file.suffix in (".br", ".gz"):
            coded = brotli.compress(b"other") if file.suffix == ".br" else gzip.compress(b"other")
            file.write_bytes(coded)
            assert verify_folder(small, PUBLIC).findings == [f"{file.relative_to(small).as_posix()} was changed."]
        file.write_bytes(data)
    for extra in ("sw.js", "en/sw.js.br", "assets/x.css", "robots.txt.gz.br", "index.html~", ".htaccess"):
        (small / extra).write_bytes(b"x")
        assert verify_folder(small, PUBLIC).findings == [f"{extra} should not be there."]
        (small / extra).unlink()


@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
def test_a_change_in_one_coding_alone_is_found(few_hosted: Server, coding: str) -> None:

    def tamper(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        sent = answer.headers.get("content-encoding", "identity")
        if sent != coding or not request.url.path.endswith((".js", "/")):
            return answer
        data = answer.read() + b"<!-- -->"
        made = {"br": brotli.compress, "gzip": gzip.compress}.get(coding, bytes)(data)
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(made))

    found = findings_of(few_hosted, tamper)
    assert any(line.startswith("en/index.html ") for line in found), found
    assert all(" header " not in line for line in found)


@pytest.mark.parametrize("browser", ["Chrome", "Firefox", "iPhone"])
def test_another_face_for_one_browser_is_found(few_hosted: Server, browser: str) -> None:
    """Also for one language, or only where a page is navigated to: that is what a host would go by."""

    def tamper(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        shown = browser in request.headers["user-agent"] and "accept-language" in request.headers
        other = shown and request.headers.get("sec-fetch-mode") == "navigate"
        return httpx.Response(200, headers=answer.headers, stream=httpx.ByteStream(b"<p>")) if other else answer

    assert findings_of(few_hosted, tamper)


HEADERS = {
    "content-type": ["text/html; charset=iso-2022-jp", "text/plain", "", "text/javascript; charset=utf-16"],
    "alt-svc": ['h3="elsewhere.example:443"', 'h3=":443", h2="elsewhere.example:443"'],
    "clear-site-data": ['"storage"'],
    "content-disposition": ["attachment"],
    "content-encoding": ["deflate", "x"],
    "content-security-policy-report-only": ["default-src *"],
    "link": ["</x.js>; rel=preload"],
    "location": ["https://elsewhere.example/"],
    "nel": ["{}"],
    "origin-trial": ["x"],
    "refresh": ["0; url=https://elsewhere.example/"],
    "report-to": ["{}"],
    "service-worker-allowed": ["/"],
    "set-cookie": ["a=b"],
    "sourcemap": ["/x.map"],
    "speculation-rules": ['"/x"'],
    "x-anything-new": ["1"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in HEADERS.items() for value in values])
def test_each_header_that_is_added_is_found(few_hosted: Server, name: str, value: str) -> None:
    def tamper(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        answer.headers[name] = value
        return answer

    assert findings_of(few_hosted, tamper)


def test_each_header_that_is_changed_or_dropped_is_found(few: Path, few_hosted: Server) -> None:
    rules = json.loads((few / "manifest.json").read_text())["headers"]["rules"]
    for name in sorted({name for rule in rules.values() for name in rule}):
        for value in ("", "x", None):

            def tamper(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
                if name in answer.headers:  # noqa: B023 - called within this turn
                    if value is None:  # noqa: B023
                        del answer.headers[name]  # noqa: B023
                    else:
                        answer.headers[name] = value  # noqa: B023
                return answer

            assert any(name in line for line in findings_of(few_hosted, tamper)), name


@pytest.mark.parametrize("kind", ["status", "text", "header", "none"])
def test_another_answer_where_nothing_is_is_found(few_hosted: Server, kind: str) -> None:
    """Caddy once sent it without any of our headers, and a script in it would have run."""

    def tamper(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if answer.status_code != 404 or not request.url.path.startswith("/en/nothing"):
            return answer
        if kind == "text":
            return httpx.Response(404, headers={"content-type": "text/html"}, stream=httpx.ByteStream(b"<script>"))
        if kind == "header":
            del answer.headers["content-security-policy"]
        if kind == "status":
            answer.status_code = 200
        return answer

    assert (findings_of(few_hosted, tamper) == []) == (kind == "none")


def test_harmless_headers_of_hosts_are_none(few_hosted: Server) -> None:
    def tamper(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        answer.headers.update({"Server": "x", "Alt-Svc": 'h3=":443"; ma=2592000', "CF-Ray": "x", "ETag": '"x"'})
        return answer

    assert findings_of(few_hosted, tamper) == []


@pytest.mark.parametrize("value", ["", "max-age=0", "max-age=86400; preload", "includeSubDomains"])
def test_https_has_to_last(value: str) -> None:
    rules = Headers({"page": {}}, {"/": "page"})
    headers = httpx.Headers({"content-type": "text/html"} | ({"Strict-Transport-Security": value} if value else {}))
    assert list(compare_headers("a.html", rules, headers, secure=True))
    good = httpx.Headers({"content-type": "text/html", "Strict-Transport-Security": "max-age=63072000"})
    assert list(compare_headers("a.html", rules, good, secure=True)) == []


def test_an_older_release_is_found(small: Path, host: Callable[[Path], Server]) -> None:
    """Every list that was ever signed stays signed: the number tells an old one."""
    assert verify_folder(small, PUBLIC, at_least=__version__).findings == []
    (finding,) = verify_folder(small, PUBLIC, at_least="99.0").findings
    assert finding == f"These are the pages of {__version__}, older than 99.0."
    assert verify_host(host(small).url, PUBLIC, at_least="99.0").findings == [finding]


@pytest.mark.parametrize("wanted", [f"v{__version__}", "2026-11-28", RELEASED, "2020-01-01", " 0.2 "])
def test_the_least_release_is_a_number_or_a_date(small: Path, wanted: str) -> None:
    assert verify_folder(small, PUBLIC, at_least=wanted).findings == []


@pytest.mark.parametrize("wanted", ["", "latest", "2026-13-01", "0.2.0-", "2026-11", "1e9", "٣.0"])
def test_what_is_neither_is_refused(small: Path, wanted: str) -> None:
    """It once meant "whatever release this is"."""
    with pytest.raises(InvalidError, match=r"0\.2\.0 or 2026-11-28"):
        verify_folder(small, PUBLIC, at_least=wanted)


def dated(folder: Path, **facts: object) -> list[str]:
    """What is found of the pages once their maker has signed other facts."""
    manifest = folder / "manifest.json"
    change(manifest, json.dumps({**json.loads(manifest.read_text()), **facts}))
    sign(folder, KEY)
    return verify_folder(folder, PUBLIC, at_least="2026-01-02").findings


def test_what_another_version_may_have_written_is_said_to_be(small: Path) -> None:
    (small / "nginx.conf").write_text("# as another version writes it")
    assert verify_folder(small, PUBLIC).findings == ["nginx.conf was changed."]
    (finding,) = dated(small, release="0.1.9", released="2026-01-02")
    assert finding == "nginx.conf was changed, or 0.1.9 writes it differently: verify with that version."


def test_the_date_of_the_pages_is_signed(small: Path) -> None:
    assert dated(small, released="2026-01-02") == []
    assert dated(small, released="2026-01-01") == ["These are the pages of 2026-01-01, older than 2026-01-02."]
    assert dated(small, released=None) == ["These are the pages of a release that does not say its date."]
    assert dated(small, released="soon") == ["These are the pages of a release that does not say its date."]


def test_pages_of_a_day_to_come_are_found(small: Path) -> None:
    """A day is not over everywhere at once, and clocks differ; more than that is a clock or a date that is wrong."""
    today = datetime.datetime.now(datetime.UTC).date()
    assert dated(small, released=str(today + datetime.timedelta(days=1))) == []
    (finding,) = dated(small, released=str(today + datetime.timedelta(days=3)))
    assert "which has not come yet" in finding
    assert str(today) in finding


def test_a_server_refuses_copies_that_stand_for_something_else(small: Path, host: Callable[[Path], Server]) -> None:
    (small / "404.html.br").write_bytes(brotli.compress(b"other"))
    with pytest.raises(RuntimeError, match=r"the br copy of 404\.html does not stand for it"):
        host(small)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_without_its_signature_nothing_is_believed(signed: Path, host: Callable[[Path], Server], name: str) -> None:
    (signed / name).write_bytes(b"{}")
    assert verify_folder(signed, PUBLIC).findings[0].startswith("manifest.json is not signed with this key")
    if name == "manifest.sig":
        assert look(host(signed))[0].startswith("manifest.json is not signed with this key")
        (signed / name).unlink()
        assert verify_folder(signed, PUBLIC).findings == ["manifest.sig cannot be read."]


def test_a_file_that_is_missing_is_found(small: Path, host: Callable[[Path], Server]) -> None:
    for file in small.glob("bg/privacy/*"):
        file.unlink()
    assert look(host(small)) == ["bg/privacy/index.html is missing (404)."]
    assert verify_folder(small, PUBLIC).findings == ["bg/privacy/index.html is missing."]


def test_another_s_key_is_none() -> None:
    with pytest.raises(UnreachableError):
        verify_host("http://127.0.0.1:1", PUBLIC)


@pytest.mark.parametrize("page", ["/en/", "/?utm_source=chat", "/#what", "/en/s/#link"])
def test_the_address_of_a_page_stands_for_its_host(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a question mark or a fragment behind it, a site as it was signed was "not signed with this key"."""
    asked: list[str] = []

    def note(_: object, root: str, *__: object) -> Report:
        asked.append(root)
        return Report()

    monkeypatch.setattr(verify, "compare_host", note)
    verify_host(f"https://a.example:8443{page}", PUBLIC)
    assert asked == ["https://a.example:8443/"]


@pytest.mark.parametrize("address", ["ftp://a.example", "file:///etc", "https://", "https://[::1", "://x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidError, match="is not an address"):
        verify_host(address, PUBLIC)


@pytest.mark.parametrize("place", ["secrets.example", "127.0.0.1:8080", "x" * 300])
def test_what_is_neither_folder_nor_address_is_said(place: str) -> None:
    command = [sys.executable, "-m", "taina", "verify", place, "--key", public_key(KEY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "is neither a folder that can be read nor an address" in done.stderr) == (2, True)


def test_the_command_ends_with_a_number(signed: Path, tmp_path: Path) -> None:
    key = tmp_path / "site.pub"
    key.write_text(public_key(KEY) + "\n")
    command = [sys.executable, "-m", "taina", "verify", str(signed), "--key", str(key)]
    good = subprocess.run(command, capture_output=True, text=True, check=True)
    assert good.stderr.endswith(f" files of release {__version__} ({RELEASED}), as signed.\n")
    (signed / "404.html").write_text("")
    bad = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert bad.returncode == 6
    assert json.loads(bad.stdout)["findings"] == [f"404.html has 0 bytes, not {len_of(signed):,}."]
    wrong = subprocess.run([*command[:-1], "nonsense"], capture_output=True, text=True, check=False)
    assert "not a public key" in wrong.stderr


def len_of(signed: Path) -> int:
    return int(json.loads((signed / "manifest.json").read_text())["files"]["404.html"]["size"])


def test_the_command_makes_a_key_and_signs(built_site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(built_site, folder)
    key = str(tmp_path / "key")

    def site(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "taina", "site", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    made = site("key", key)
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    done = site("sign", str(folder), "--key", key)
    assert made.stdout == done.stdout
    assert verify_folder(folder, read_key(done.stdout)).findings == []
    again = site("key", key)
    assert (again.returncode, again.stdout) == (1, "")
    assert "never overwritten" in again.stderr
    (tmp_path / "other").write_text("no key")
    for arguments, said in (
        ((str(folder), "--key", str(tmp_path / "other")), "is not an Ed25519 key"),
        ((str(folder), "--key", str(tmp_path / "missing")), "cannot be read"),
        ((str(tmp_path), "--key", key), "holds no built pages"),
    ):
        refused = site("sign", *arguments)
        assert refused.returncode == 1
        assert said in refused.stderr


@pytest.mark.parametrize(
    "facts",
    [{"files": []}, {"files": {"a.html": {"size": "many", "sha256": ""}}}, {"files": None}, {"headers": {"x": 1}}],
)
def test_a_signed_list_of_another_shape_is_refused(small: Path, facts: dict[str, object]) -> None:
    """A later version may write it otherwise: whoever verifies is told so."""
    with pytest.raises(InvalidError, match="this version of Taina cannot read it"):
        dated(small, **facts)
