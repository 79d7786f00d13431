"""What a site's maker signed, and what `taina verify` finds of every change to it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sign_site import public_key, sign
from support.servers import Server, start_server, stop_server
from taina.errors import UnreachableError
from taina.site.verify import Report, read_key, verify_folder, verify_host

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
    assert verify_host(host(signed).url, PUBLIC) == Report(files)
    assert verify_folder(signed, PUBLIC) == Report(files)


def test_one_changed_byte_is_found(signed: Path, host: Callable[[Path], Server]) -> None:
    (script,) = signed.glob("assets/*/js/client.js")
    data = bytearray(script.read_bytes())
    data[len(data) // 2] ^= 1
    script.write_bytes(data)
    for copy in (script.with_name("client.js.br"), script.with_name("client.js.gz")):
        copy.unlink()
    path = script.relative_to(signed).as_posix()
    assert look(host(signed)) == [f"{path} was changed."]
    assert verify_folder(signed, PUBLIC).findings == [f"{path} was changed."]


def change(file: Path, text: str) -> None:
    """In this one form alone: who serves it has no compressed copies then."""
    file.write_text(text)
    for copy in file.parent.glob(f"{file.name}.*"):
        copy.unlink()


def test_an_extra_script_is_found(signed: Path, host: Callable[[Path], Server]) -> None:
    page = signed / "en/index.html"
    change(page, page.read_text().replace("</head>", '<script src="/extra.js"></script></head>'))
    (signed / "extra.js").write_text("// nothing good")
    (signed / "sw.js").write_text("// nothing good")
    (finding, strange) = look(host(signed))
    assert finding.startswith("en/index.html has ")
    assert strange == "sw.js should not be there."
    assert set(verify_folder(signed, PUBLIC).findings[1:]) == {
        "extra.js should not be there.",
        "sw.js should not be there.",
    }


def test_a_missing_and_a_weakened_header_are_found(signed: Path, host: Callable[[Path], Server]) -> None:
    """The host is ours, told by another manifest what to send; its checker holds it to the signed one."""
    manifest = signed / "manifest.json"
    document = json.loads(manifest.read_text())
    page = document["headers"]["rules"]["page"]
    del page["Integrity-Policy"]
    page["Content-Security-Policy"] = page["Content-Security-Policy"].replace("'none'", "'self'", 1)
    page["Link"] = "</extra.js>; rel=modulepreload"
    before = manifest.read_bytes()
    change(manifest, json.dumps(document))
    server = host(signed)
    found = look(server)
    assert found == ["manifest.json is not signed with this key: nothing that it says can be trusted."]
    findings = _with_the_signed_manifest(server, before, (signed / "manifest.sig").read_bytes())
    assert "en/index.html has no header Integrity-Policy." in findings
    assert "en/index.html has another header Content-Security-Policy." in findings
    assert "en/index.html has a header link, which is none of ours." in findings


def _with_the_signed_manifest(server: Server, manifest: bytes, signature: bytes) -> list[str]:
    """As from a host that shows the right manifest and sends other headers."""
    import httpx

    from taina.site import verify

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            shown = {"/manifest.json": manifest, "/manifest.sig": signature}.get(request.url.path)
            return super().handle_request(request) if shown is None else httpx.Response(200, content=shown)

    with httpx.Client(transport=Transport(), headers={"Accept-Encoding": "identity"}) as client:
        return verify.compare_host(client, f"{server.url}/", PUBLIC).findings


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_without_its_signature_nothing_is_believed(signed: Path, host: Callable[[Path], Server], name: str) -> None:
    (signed / name).write_bytes(b"{}")
    assert verify_folder(signed, PUBLIC).findings[0].startswith("manifest.json is not signed with this key")
    if name == "manifest.sig":
        assert look(host(signed))[0].startswith("manifest.json is not signed with this key")
        (signed / name).unlink()
        assert verify_folder(signed, PUBLIC).findings == ["manifest.sig cannot be read."]


def test_a_file_that_is_missing_is_found(signed: Path, host: Callable[[Path], Server]) -> None:
    for file in signed.glob("bg/privacy/*"):
        file.unlink()
    assert look(host(signed)) == ["bg/privacy/index.html is missing (404)."]
    assert verify_folder(signed, PUBLIC).findings == ["bg/privacy/index.html is missing."]


def test_another_s_key_is_none() -> None:
    with pytest.raises(UnreachableError):
        verify_host("http://127.0.0.1:1", PUBLIC)


def test_the_command_ends_with_a_number(signed: Path, tmp_path: Path) -> None:
    key = tmp_path / "site.pub"
    key.write_text(public_key(KEY) + "\n")
    command = [sys.executable, "-m", "taina", "verify", str(signed), "--key", str(key)]
    good = subprocess.run(command, capture_output=True, text=True, check=True)
    assert good.stderr.endswith("as signed.\n")
    (signed / "404.html").write_text("")
    bad = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert bad.returncode == 6
    assert json.loads(bad.stdout)["findings"] == [f"404.html has 0 bytes, not {len_of(signed):,}."]
    wrong = subprocess.run([*command[:-1], "nonsense"], capture_output=True, text=True, check=False)
    assert "no public key" in wrong.stderr


def len_of(signed: Path) -> int:
    return int(json.loads((signed / "manifest.json").read_text())["files"]["404.html"]["size"])


def test_the_script_makes_a_key_and_signs(built_site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(built_site, folder)
    script = [sys.executable, "scripts/sign_site.py"]
    made = subprocess.run([*script, "--new", str(tmp_path / "key")], capture_output=True, text=True, check=True)
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    done = subprocess.run(
        [*script, "--key", str(tmp_path / "key"), str(folder)], capture_output=True, text=True, check=True
    )
    assert made.stdout == done.stdout
    assert verify_folder(folder, read_key(done.stdout)).findings == []
    again = subprocess.run([*script, "--new", str(tmp_path / "key")], capture_output=True, text=True, check=False)
    assert again.returncode != 0
