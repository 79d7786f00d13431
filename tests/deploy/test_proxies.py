"""The examples for Caddy and nginx, with Debian's own packages: before Taina over TLS, and with the pages alone."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import ROOT
from sign_site import public_key, sign
from support.certificates import certificate
from support.servers import start_server, stop_server
from taina import Client
from taina.site import build as build_site
from taina.site.verify import compare_host, read_key

DEPLOY = ROOT / "scripts" / "deploy"
KEY = Ed25519PrivateKey.generate()
PUBLIC = read_key(public_key(KEY))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + 30
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
    end = time.monotonic() + 30
    while True:
        try:
            httpx.get(url, verify=ssl.create_default_context(cafile=authority))
            return
        except (FileNotFoundError, httpx.ConnectError):
            assert time.monotonic() < end
            time.sleep(0.1)


def caddy(folder: Path, port: int, text: str) -> contextlib.AbstractContextManager[None]:
    (folder / "Caddyfile").write_text(text)
    program = shutil.which("caddy")
    assert program
    return running([program, "run", "--config", "Caddyfile", "--adapter", "caddyfile"], port, folder)


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
def signed(built_site: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "signed"
    shutil.copytree(built_site, folder)
    sign(folder, KEY)
    return folder


@pytest.fixture(params=["caddy", "nginx"])
def secured(request: pytest.FixtureRequest, signed: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of an instance behind the example, and the authority that vouches for it."""
    server = start_server(tmp_path / "taina", "--site", str(signed), "--trusted-proxy", "127.0.0.1")
    port, folder = free_port(), tmp_path / "proxy"
    folder.mkdir()
    if request.param == "caddy":
        text = (DEPLOY / "Caddyfile").read_text()
        text = text.replace("{\n\tadmin off", "{\n\tskip_install_trust\n\tauto_https disable_redirects\n\tadmin off", 1)
        text = text.replace("secrets.example.org {", f"https://localhost:{port} {{\n\ttls internal", 1)
        authority = folder / "data/caddy/pki/authorities/local/root.crt"
        proxy = caddy(folder, port, text.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
    else:
        authority, key = certificate(folder)
        text = (DEPLOY / "nginx.conf").read_text().replace("secrets.example.org", "localhost")
        text = text.replace("/etc/letsencrypt/live/localhost/fullchain.pem", str(authority))
        text = text.replace("/etc/letsencrypt/live/localhost/privkey.pem", str(key))
        text = text.replace("/var/log/nginx/taina.log", f"{folder}/taina.log").replace("listen [::]", "# listen [::]")
        text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace(
            "listen 80", f"listen 127.0.0.1:{free_port()}"
        )
        proxy = nginx(folder, port, text.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
    with proxy:
        wait_for_certificate(f"https://localhost:{port}/", authority)
        yield f"https://localhost:{port}", authority
    stop_server(server)


def test_a_secret_goes_over_https(secured: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url, authority = secured
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(range(256)) * (3 << 12))
    with Client(url) as client:
        assert client.open(client.send("over TLS").link).text == "over TLS"
        (out := tmp_path / "out").mkdir()
        client.open(client.send(big).link, folder=out)
    assert (out / "big.bin").read_bytes() == big.read_bytes()


def test_the_site_arrives_as_it_was_signed(secured: tuple[str, Path]) -> None:
    url, authority = secured
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, headers={"Accept-Encoding": "identity"}) as client:
        assert compare_host(client, f"{url}/", PUBLIC).findings == []
        page = client.get(f"{url}/en/")
    assert page.headers["strict-transport-security"].startswith("max-age=63072000")
    assert "caddy" not in page.headers.get("server", "").lower()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    build_site.write(folder, api="https://api.example")
    sign(folder, KEY)
    return folder


@pytest.mark.parametrize("host", ["caddy", "nginx"])
def test_the_pages_alone_are_delivered_with_their_headers(host: str, pages: Path, tmp_path: Path) -> None:
    """What `taina site build --api` writes for these servers, held to the signed manifest."""
    folder, port = tmp_path / "host", free_port()
    folder.mkdir()
    if host == "caddy":
        blocks = f"http://localhost:{port} {{\n\troot * {pages}\n\timport {pages}/caddy.conf\n}}\n"
        serving = caddy(folder, port, "{\n\tadmin off\n}\n" + blocks)
    else:
        block = f"server {{ listen 127.0.0.1:{port}; root {pages}; include {pages}/nginx.conf; }}"
        serving = nginx(folder, port, block)
    with serving, httpx.Client(headers={"Accept-Encoding": "identity"}) as client:
        url = f"http://localhost:{port}"
        assert compare_host(client, f"{url}/", PUBLIC).findings == []
        missing = client.get(f"{url}/nothing")
        assert (missing.status_code, missing.content) == (404, (pages / "404.html").read_bytes())
        assert missing.headers["content-type"].startswith("text/html")
        assert client.get(f"{url}/en/privacy").headers["location"].endswith("/en/privacy/")
        compressed = client.get(f"{url}/en/", headers={"Accept-Encoding": "gzip"})
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.content == (pages / "en/index.html").read_bytes()
