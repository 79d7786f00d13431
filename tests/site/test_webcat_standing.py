"""What `taina verify` says of a site that browsers with WEBCAT check."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.bundles import sign_for_webcat
from support.servers import start_server, stop_server
from support.sigsum import DAY, name_of
from support.sites import write_site
from taina.cli.verify import verify
from taina.site import signing
from taina.site.manifest import read_key
from taina.site.verify import verify_folder, verify_host

KEY = Ed25519PrivateKey.generate()
PUBLIC = read_key(signing.public_key(KEY))
NOW = int(time.time())
WEBCAT = Path(".well-known/webcat")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    write_site(folder, webcat="7")
    signing.sign(folder, KEY)
    return folder


@pytest.fixture
def pages(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "pages")


def test_a_bundle_is_said_with_the_days_that_are_left(pages: Path) -> None:
    enrollment = sign_for_webcat(pages, KEY, NOW - 100 * DAY)
    report = verify_folder(pages, PUBLIC, clock=lambda: NOW)
    assert report.findings == []
    assert report.webcat is not None
    assert (report.webcat.version, report.webcat.enrollment, report.webcat.signers) == ("7", enrollment, [name_of(KEY)])
    assert report.webcat.days_left == 80
    assert not report.webcat.short
    later = verify_folder(pages, PUBLIC, clock=lambda: NOW + 21 * DAY)
    assert later.findings == []
    assert later.webcat is not None
    assert later.webcat.short
    assert str(later.webcat).startswith("WEBCAT: version 7, good for 59 more days, until ")
    assert str(later.webcat).endswith("; sign again soon.")


def test_plain_pages_have_no_bundle(built_site: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(built_site, tmp_path / "plain")
    signing.sign(folder, KEY)
    (folder / WEBCAT).mkdir(parents=True)
    (folder / WEBCAT / "bundle.json").write_text("{}")
    report = verify_folder(folder, PUBLIC)
    assert report.webcat is None
    assert report.findings == [".well-known/webcat/bundle.json should not be there."]


def missing(pages: Path) -> None:
    (pages / WEBCAT / "bundle.json").unlink()


def of_pages_with(before: str, after: str) -> Callable[[Path], None]:
    """The bundle of pages whose manifest says something else."""

    def change(pages: Path) -> None:
        other = pages.with_name("other")
        shutil.copytree(pages, other)
        manifest = other / "manifest.json"
        manifest.write_text(manifest.read_text().replace(before, after))
        sign_for_webcat(other, KEY, NOW)
        shutil.copyfile(other / WEBCAT / "bundle.json", pages / WEBCAT / "bundle.json")

    return change


def signed_anew(pages: Path) -> None:
    """The pages are signed by their maker after the bundle was made."""
    sign_for_webcat(pages, KEY, NOW)
    manifest = pages / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    signing.sign(pages, KEY)


def in_file(name: str, before: str, after: str) -> Callable[[Path], None]:
    def change(pages: Path) -> None:
        file = pages / WEBCAT / name
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after, 1))

    return change


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (missing, "bundle.json is missing: browsers with WEBCAT show nothing of an enrolled host without it."),
        (
            of_pages_with('"X-Webcat-Version": "7"', '"X-Webcat-Version": "6"'),
            "is not good. It is of version 6, and the pages are of 7.",
        ),
        (of_pages_with("default-src 'none'", "default-src 'self'"), "is not good. It is not of these pages."),
        (signed_anew, "is not good. It is not of these pages."),
        (in_file("bundle.json", '"version":"7"', '"version":"8"'), "is not good. The proof is of something else"),
        (in_file("bundle.json", "leaf_index=", "leaf_index=1"), "is not good. The log does not have"),
        (in_file("bundle.json", '"threshold":1', '"threshold":2'), "is not good. The threshold"),
        (in_file("bundle.json", "{", ""), "is not good. It is not a bundle"),
        (in_file("enrollment.json", '"threshold": 1', '"threshold": 2'), "does not say what the bundle says."),
        (in_file("manifest.json", '"version":"7"', '"version":"8"'), "does not say what the bundle says."),
        (lambda pages: (pages / WEBCAT / "enrollment.json").unlink(), "enrollment.json is missing."),
        (lambda pages: (pages / WEBCAT / "manifest.json").unlink(), "manifest.json is missing."),
        (lambda pages: (pages / WEBCAT / "bundle-prev.json").write_text("{}"), "bundle-prev.json, which browsers"),
        (lambda pages: (pages / WEBCAT / "more.json").write_text("{}"), "webcat/more.json should not be there."),
    ],
)
def test_each_lie_is_a_finding(pages: Path, lie: Callable[[Path], object], said: str) -> None:
    sign_for_webcat(pages, KEY, NOW)
    assert verify_folder(pages, PUBLIC).findings == []
    lie(pages)
    (finding,) = verify_folder(pages, PUBLIC).findings
    assert said in finding


def test_an_expired_bundle_is_a_finding(pages: Path) -> None:
    sign_for_webcat(pages, KEY, NOW - 180 * DAY)
    report = verify_folder(pages, PUBLIC, clock=lambda: NOW + 2)
    assert report.webcat is None
    (finding,) = report.findings
    assert finding.endswith("is not good. It has expired: make it again with a new tree head.")


def test_a_bundle_of_the_keys_before_is_known(pages: Path) -> None:
    sign_for_webcat(pages, KEY, NOW)
    shutil.copyfile(pages / WEBCAT / "bundle.json", pages / WEBCAT / "bundle-prev.json")
    sign_for_webcat(pages, KEY, NOW, max_age=90 * DAY)
    assert verify_folder(pages, PUBLIC).findings == []


def test_a_host_is_asked_for_its_bundle(pages: Path, tmp_path: Path) -> None:
    """And answers its own page to all that is not there, whatever the language."""
    enrollment = sign_for_webcat(pages, KEY, NOW)
    server = start_server(tmp_path / "data", "--site", str(pages))
    try:
        report = verify_host(server.url, PUBLIC)
        assert report.findings == []
        assert report.webcat is not None
        assert report.webcat.enrollment == enrollment
        for path in ("/bg/nothing", "/en/nothing", "/nothing"):
            answer = httpx.get(server.url + path)
            assert (answer.status_code, answer.content) == (404, (pages / "404.html").read_bytes())
            assert answer.headers["x-webcat-version"] == "7"
        assert httpx.get(f"{server.url}/en", follow_redirects=False).headers["x-webcat-version"] == "7"
    finally:
        stop_server(server)


def test_the_command_says_how_long_it_is_good(pages: Path) -> None:
    enrollment = sign_for_webcat(pages, KEY, NOW - 160 * DAY)
    command = [str(pages), "--key", signing.public_key(KEY)]
    said = CliRunner().invoke(verify, command)
    assert said.exit_code == 0
    assert "; sign again soon." in said.stderr
    assert f"Its enrollment is {enrollment}.\n" in said.stderr
    told = json.loads(CliRunner().invoke(verify, [*command, "--json"]).stdout)
    assert told["webcat"]["enrollment"] == enrollment
    assert told["webcat"]["short"] is True
    missing(pages)
    assert json.loads(CliRunner().invoke(verify, [*command, "--json"]).stdout)["webcat"] is None
