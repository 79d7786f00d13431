"""The examples for Caddy and nginx, with Debian's own packages: before Taina over TLS, and with the pages alone."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import ROOT
from support.certificates import certificate
from support.examples import adapted
from support.servers import Server, free_port, start_server, stop_server
from support.sites import few_languages, write_site
from taina import Client
from taina.errors import UnavailableError
from taina.site import build as build_site
from taina.site import hosting
from taina.site.manifest import read_key
from taina.site.signing import public_key, sign
from taina.site.verify import compare_host
from taina.web.headers import HEADERS
from taina.web.site_headers import Headers

DEPLOY = ROOT / "scripts" / "deploy"
KEY = Ed25519PrivateKey.generate()
PUBLIC = read_key(public_key(KEY))
PATIENCE = 120
"""Seconds until a proxy listens; on a busy machine Caddy took more than half a minute once."""


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path, **variables: str) -> Iterator[None]:
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    environment |= variables
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text()
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def wait_for_certificate(url: str, authority: Path) -> None:
    """Caddy makes its own after it has begun to listen."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(url, verify=ssl.create_default_context(cafile=authority))
            return
        except (FileNotFoundError, httpx.ConnectError):
            assert time.monotonic() < end
            time.sleep(0.1)


def caddy(folder: Path, port: int, text: str, **variables: str) -> contextlib.AbstractContextManager[None]:
    (folder / "Caddyfile").write_text(text)
    program = shutil.which("caddy")
    assert program
    return running([program, "run", "--config", "Caddyfile", "--adapter", "caddyfile"], port, folder, **variables)


def nginx(folder: Path, port: int, text: str) -> contextlib.AbstractContextManager[None]:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {folder}/pid;\nerror_log {folder}/error;\nevents {{}}\n"
        f"http {{\naccess_log {folder}/access;\n{temporary}{text}\n}}\n"
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program
    return running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder)


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    folder = tmp_path / "signed"
    write_site(folder, compressed=True)
    sign(folder, KEY)
    return folder


class Secured(NamedTuple):
    """An instance behind one of the examples, and the authority that vouches for its address."""

    url: str
    authority: Path
    server: Server


@contextlib.contextmanager
def behind(name: str, site: Path, temporary: Path) -> Iterator[Secured]:
    """`taina serve` with these pages, behind the example for Caddy or nginx."""
    server = start_server(temporary / "taina", "--site", str(site), "--trusted-proxy", "127.0.0.1")
    port, folder = free_port(), temporary / "proxy"
    folder.mkdir()
    values = {"127.0.0.1:8080": f"127.0.0.1:{server.port}"}
    if name == "caddy":
        authority = folder / "data/caddy/pki/authorities/local/root.crt"
        values |= {
            "\tadmin off": "\tskip_install_trust\n\tauto_https disable_redirects\n\tadmin off",
            "secrets.example.org {": f"https://localhost:{port} {{\n\ttls internal",
            "lb_try_duration 15s": "lb_try_duration 1s",  # less patience with a server that is away
        }
        proxy = caddy(folder, port, adapted((DEPLOY / "Caddyfile").read_text(), values))
    else:
        authority, key = certificate(folder)
        values |= {
            "secrets.example.org": "localhost",
            "/etc/letsencrypt/live/secrets.example.org/fullchain.pem": str(authority),
            "/etc/letsencrypt/live/secrets.example.org/privkey.pem": str(key),
            "/var/log/nginx/taina.log": f"{folder}/taina.log",
            "listen [::]": "# listen [::]",
            "listen 443": f"listen 127.0.0.1:{port}",
            "listen 80": f"listen 127.0.0.1:{free_port()}",
        }
        proxy = nginx(folder, port, adapted((DEPLOY / "nginx.conf").read_text(), values))
    with proxy:
        wait_for_certificate(f"https://localhost:{port}/", authority)
        yield Secured(f"https://localhost:{port}", authority, server)
    if server.process.poll() is None:
        stop_server(server)


@contextlib.contextmanager
def alone(name: str, pages: Path, folder: Path, more: str = "") -> Iterator[str]:
    """The address of pages that Caddy or nginx delivers by what `taina site build` wrote for it.

    Args:
        more: what else its operator has in the block of this site.
    """
    port = free_port()
    folder.mkdir()
    if name == "caddy":
        blocks = f"http://localhost:{port} {{\n\t{more}\n\troot * {pages}\n\timport {pages}/caddy.conf\n}}\n"
        serving = caddy(folder, port, "{\n\tadmin off\n}\n" + blocks)
    else:
        block = f"server {{ listen 127.0.0.1:{port}; {more} root {pages}; include {pages}/nginx.conf; }}"
        serving = nginx(folder, port, block)
    with serving:
        yield f"http://localhost:{port}"


@pytest.fixture(params=["caddy", "nginx"])
def secured(request: pytest.FixtureRequest, signed: Path, tmp_path: Path) -> Iterator[Secured]:
    with behind(request.param, signed, tmp_path) as secured:
        yield secured


def test_a_secret_goes_over_https(secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url, authority, _ = secured
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(range(256)) * (3 << 12))
    with Client(url) as client:
        assert client.open(client.send("over TLS").link).text == "over TLS"
        (out := tmp_path / "out").mkdir()
        client.open(client.send(big).link, folder=out)
    assert (out / "big.bin").read_bytes() == big.read_bytes()


def test_the_site_arrives_as_it_was_signed(secured: Secured) -> None:
    url, authority, _ = secured
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, headers={"Accept-Encoding": "identity"}) as client:
        assert compare_host(client, f"{url}/", PUBLIC).findings == []
        page = client.get(f"{url}/en/")
    assert page.headers["strict-transport-security"].startswith("max-age=63072000")
    assert "caddy" not in page.headers.get("server", "").lower()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed") / "pages"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_site, "SOURCE", Path(few_languages().name))
        build_site.write(folder, api="https://api.example")
    sign(folder, KEY)
    return folder


def test_while_taina_is_away_the_proxy_speaks_as_taina_does(secured: Secured) -> None:
    """A page that is open keeps what was typed: it gets an answer that it can read, under the policy of the API."""
    stop_server(secured.server)
    context = ssl.create_default_context(cafile=secured.authority)
    with httpx.Client(verify=context, timeout=30) as client:
        answer = client.get(f"{secured.url}/api/v1/status")
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (answer.status_code, "unavailable")
    assert answer.status_code in (502, 504)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert "caddy" not in answer.headers.get("server", "").lower()
    for name, value in HEADERS:
        assert answer.headers.get_list(name) == [value]
    with Client(secured.url, verify=secured.authority, patience=0) as client, pytest.raises(UnavailableError):
        client.send("kept by its sender")


@pytest.mark.parametrize("host", ["caddy", "nginx"])
def test_the_pages_alone_are_delivered_with_their_headers(host: str, pages: Path, tmp_path: Path) -> None:
    """What `taina site build --api` writes for these servers, held to the signed manifest."""
    with alone(host, pages, tmp_path / "host") as url, httpx.Client(headers={"Accept-Encoding": "identity"}) as client:
        assert compare_host(client, f"{url}/", PUBLIC).findings == []
        missing = client.get(f"{url}/nothing")
        assert (missing.status_code, missing.content) == (404, (pages / "404.html").read_bytes())
        assert missing.headers["content-type"].startswith("text/html")
        rules = json.loads((pages / "manifest.json").read_text())["headers"]["rules"]
        for path in ("/nothing", "/en/s/nothing", "/assets/nothing.js"):
            found = client.get(f"{url}{path}").headers
            assert {name: found.get(name) for name in rules["page"]} == rules["page"]
        assert client.get(f"{url}/en/privacy").headers["location"].endswith("/en/privacy/")
        compressed = client.get(f"{url}/en/", headers={"Accept-Encoding": "gzip"})
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.content == (pages / "en/index.html").read_bytes()


@pytest.mark.parametrize(
    ("host", "more", "said"),
    [
        ("caddy", "", {"max-age=63072000"}),
        ("caddy", 'header Strict-Transport-Security "max-age=31536000; preload"', {"max-age=31536000; preload"}),
        # With a removal in it, Caddy applies the block late, and not at all to what is not found.
        (
            "caddy",
            "header {\n\t\tStrict-Transport-Security max-age=31536000\n\t\t-Server\n\t}",
            {"max-age=31536000", "max-age=63072000"},
        ),
        ("nginx", "", {"max-age=63072000"}),
        # Inherited by no location that adds a header of its own.
        ("nginx", 'add_header Strict-Transport-Security "max-age=31536000" always;', {"max-age=63072000"}),
    ],
    ids=["caddy", "caddy, and a header", "caddy, and a late header", "nginx", "nginx, and a header"],
)
def test_pages_alone_keep_browsers_at_https(host: str, more: str, said: set[str], tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    write_site(pages, api="https://api.example")
    manifest = json.loads((pages / "manifest.json").read_text())
    headers = Headers(**manifest["headers"])
    for name, data in hosting.files(headers, list(manifest["files"])).items():
        (pages / name).write_bytes(data)
    of_each_rule = {str(headers.of(f"/{path}")): f"/{path}" for path in manifest["files"]}
    assert len(of_each_rule) == len(headers.rules)
    with alone(host, pages, tmp_path / "host", more) as url, httpx.Client(base_url=url) as client:
        for path in (*of_each_rule.values(), "/en/privacy", "/nothing", "/assets/nothing.js"):
            found = client.get(path).headers.get_list("strict-transport-security")
            assert len(found) == 1 and found[0] in said, path
