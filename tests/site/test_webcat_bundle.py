"""The bundle for WEBCAT: what its extension would accept is written, and whatever it would refuse is not."""

import base64
import errno
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.sigsum import DAY, Log, name_of, to_json
from support.sites import write_site
from taina.cli.site import site
from taina.site import SiteError, signing, webcat
from taina.site.sigsum import sign_request
from taina.site.webcat_bundle import Validity, join, prepare, read_bundle
from taina.site.webcat_enrollment import read_enrollment

VERSION = "7"
BUNDLE = ".well-known/webcat/bundle.json"
WRITTEN = (BUNDLE, ".well-known/webcat/enrollment.json", ".well-known/webcat/manifest.json")
NOW = 1_800_000_000
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    write_site(folder, webcat=VERSION)
    signing.sign(folder, KEY)
    return folder


@pytest.fixture
def pages(built: Path, tmp_path: Path) -> Path:
    """The lists alone, which is all that a bundle is made of."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ("manifest.json", "manifest.sig"):
        shutil.copyfile(built / name, folder / name)
    return folder


@dataclass
class Signed:
    """What is handed to `join`."""

    log: Log
    enrollment: dict[str, Any]
    manifest: bytes
    proofs: list[str]

    def join(self, pages: Path, now: float = NOW) -> Validity:
        return join(pages, to_json(self.enrollment), self.manifest, self.proofs, now)


@pytest.fixture
def signed(pages: Path) -> Signed:
    return sign(pages, KEY)


def sign(pages: Path, *keys: Ed25519PrivateKey, **enrolled: int) -> Signed:
    log = Log()
    enrollment = log.enrollment(KEY, OTHER, **enrolled)
    manifest, _ = prepare(pages, read_enrollment(to_json(enrollment)), log.tree_head(NOW), NOW)
    return Signed(log, enrollment, manifest, [log.submit(sign_request(key, manifest), NOW) for key in keys])


def bundle_of(pages: Path) -> dict[str, Any]:
    return dict(json.loads((pages / BUNDLE).read_bytes()))


def test_a_bundle_has_what_the_extension_reads(pages: Path, signed: Signed) -> None:
    assert signed.join(pages) == Validity(NOW + 1, 180 * DAY)
    bundle = bundle_of(pages)
    assert bundle["enrollment"] == signed.enrollment == json.loads((pages / WRITTEN[1]).read_bytes())
    assert webcat.canonical(bundle["manifest"]) == signed.manifest
    assert bundle["manifest"]["version"] == VERSION
    assert bundle["manifest"]["timestamp"].startswith("size=3\nroot_hash=")
    assert bundle["signatures"] == {name_of(KEY): signed.proofs[0].strip()}
    assert json.loads((pages / WRITTEN[2]).read_bytes()) == {
        "manifest": bundle["manifest"],
        "signatures": bundle["signatures"],
    }


def test_the_hash_of_an_enrollment_is_that_of_its_canonical_form(signed: Signed) -> None:
    digest = hashlib.sha256(webcat.canonical(signed.enrollment)).digest()
    for indent in (None, 2):
        enrolled = read_enrollment(json.dumps(signed.enrollment, indent=indent).encode())
        assert enrolled.hash == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_the_same_steps_give_the_same_bytes(pages: Path, signed: Signed, tmp_path: Path) -> None:
    signed.join(pages)
    first = {path: (pages / path).read_bytes() for path in WRITTEN}
    signed.join(pages, NOW + DAY)
    assert {path: (pages / path).read_bytes() for path in WRITTEN} == first
    assert sorted(path.name for path in (pages / ".well-known/webcat").iterdir()) == [
        "bundle.json",
        "enrollment.json",
        "manifest.json",
    ]


def test_what_cannot_be_written_leaves_what_was(pages: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    signed.join(pages)
    before = {file: file.read_bytes() for file in pages.rglob("*.json")}
    signed.enrollment["cas_url"] = "https://other.example"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "bundle.json")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        signed.join(pages)
    assert {file: file.read_bytes() for file in pages.rglob("*") if file.suffix in (".json", ".part")} == before


def test_two_of_two_signers_have_to_sign(pages: Path) -> None:
    both = sign(pages, KEY, OTHER, threshold=2)
    both.join(pages)
    assert set(bundle_of(pages)["signatures"]) == {name_of(KEY), name_of(OTHER)}
    both.proofs = [both.proofs[0], both.proofs[0]]
    with pytest.raises(SiteError, match="asks for the proofs of 2 signers, and has 1"):
        both.join(pages)


def of_stranger(signed: Signed) -> None:
    stranger = Ed25519PrivateKey.generate()
    signed.proofs = [signed.log.submit(sign_request(stranger, signed.manifest), NOW)]


def of_other_log(signed: Signed) -> None:
    signed.proofs = [Log().submit(sign_request(KEY, signed.manifest), NOW)]


def of_other_bytes(signed: Signed) -> None:
    signed.proofs = [signed.log.submit(sign_request(KEY, signed.manifest + b"\n"), NOW)]


def unseen(signed: Signed) -> None:
    signed.proofs = [signed.log.submit(sign_request(KEY, signed.manifest), NOW, present=(2,))]


def changed(signed: Signed, **facts: object) -> None:
    signed.manifest = webcat.canonical({**json.loads(signed.manifest, strict=False), **facts})
    signed.proofs = [signed.log.submit(sign_request(KEY, signed.manifest), NOW)]


def other_head(present: tuple[int, ...], log: Log | None = None) -> Callable[[Signed], None]:
    return lambda signed: changed(signed, timestamp=(log or signed.log).tree_head(NOW, present).strip())


def enrolled(**facts: object) -> Callable[[Signed], None]:
    return lambda signed: signed.enrollment.update(facts)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (of_stranger, "a key that the enrollment does not name as a signer"),
        (of_other_log, "of a log that the policy does not name"),
        (of_other_bytes, "of something else"),
        (unseen, "Too few witnesses"),
        (other_head((1,)), "Too few witnesses"),
        (other_head((0, 1), Log()), "No log of the policy signed this tree head"),
        (lambda signed: changed(signed, timestamp=""), "not a tree head"),
        (lambda signed: changed(signed, version="8"), "are not those of this manifest"),
        (lambda signed: changed(signed, files={}), "are not those of this manifest"),
        (lambda signed: changed(signed, extra_csp={}), "are not those of this manifest"),
        (lambda signed: changed(signed, more=1), "are not those of this manifest"),
        (lambda signed: setattr(signed, "manifest", signed.manifest + b"\n"), "not a manifest as"),
        (lambda signed: setattr(signed, "manifest", b"[]"), "not a manifest as"),
        (lambda signed: setattr(signed, "manifest", b"[" * 100_000), "not a manifest as"),
        (lambda signed: setattr(signed, "proofs", []), "asks for the proofs of 1 signers, and has 0"),
        (enrolled(type="sigstore"), "its type has to be sigsum"),
        (enrolled(type=None), "its type has to be sigsum"),
        (enrolled(policy=""), "not one that Sigsum compiled"),
        (enrolled(policy=7), "has no policy"),
        (enrolled(policy="A" * 8193), "more than 8,192 characters"),
        (enrolled(signers=[]), "names no signers"),
        (enrolled(signers=["A"]), "not a public key"),
        (enrolled(signers=[7]), "not a public key"),
        (enrolled(signers=[name_of(KEY), name_of(KEY)]), "names a signer twice"),
        (enrolled(threshold=0), "has to be from 1 to 2"),
        (enrolled(threshold=3), "has to be from 1 to 2"),
        (enrolled(threshold="1"), "has to be from 1 to 2"),
        (enrolled(threshold=True), "has to be from 1 to 2"),
        (enrolled(max_age=0), "a number of seconds"),
        (enrolled(max_age=367 * DAY), "up to a year"),
        (enrolled(max_age=1.5), "has no canonical form"),
        (enrolled(max_age=None), "a number of seconds"),
        (enrolled(logs={}), "no addresses of logs"),
        (enrolled(logs=None), "no addresses of logs"),
        (enrolled(logs={"x": 1}), "no addresses of logs"),
    ],
)
def test_whatever_the_extension_would_refuse_is_not_written(
    pages: Path, signed: Signed, lie: Callable[[Signed], None], said: str
) -> None:
    lie(signed)
    with pytest.raises(SiteError, match=re.escape(said)):
        signed.join(pages)
    assert sorted(path.name for path in pages.rglob("*")) == ["manifest.json", "manifest.sig"]


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_pages_that_changed_since_are_not_joined(pages: Path, signed: Signed, name: str) -> None:
    (pages / name).write_bytes((pages / name).read_bytes() + b" ")
    with pytest.raises(SiteError, match=r"are not those of this manifest\. Make the manifest again"):
        signed.join(pages)


def test_a_bundle_that_nobody_saw_would_never_end(pages: Path, signed: Signed) -> None:
    """The extension takes it for fresh for ever: a rule that asks for no witness is refused."""
    policy = base64.urlsafe_b64encode(signed.log.policy(least=0)).decode().rstrip("=")
    signed.enrollment["policy"] = policy
    changed(signed, timestamp=signed.log.tree_head(NOW, ()).strip())
    with pytest.raises(SiteError, match="No witness cosigned"):
        signed.join(pages)


def test_its_age_counts_from_the_middle_witness_on(pages: Path, signed: Signed) -> None:
    """That is the second of three, and of two: as the extension counts."""
    valid = signed.join(pages)
    assert valid.until == NOW + 1 + 180 * DAY
    other_head((0, 2))(signed)
    assert signed.join(pages).made == NOW + 2
    with pytest.raises(SiteError, match="older than max_age"):
        signed.join(pages, NOW + 2 + 180 * DAY)
    enrollment = read_enrollment(to_json(signed.enrollment))
    with pytest.raises(SiteError, match=r"older than max_age of the enrollment\. Fetch another"):
        prepare(pages, enrollment, signed.log.tree_head(NOW), NOW + 181 * DAY)


@pytest.mark.parametrize(
    ("max_age", "left", "short"),
    [(180, 61, False), (180, 59, True), (30, 15, False), (30, 13, True), (14, 8, False), (14, 6, True), (7, 4, False)],
)
def test_it_is_short_under_a_third_or_under_two_weeks(max_age: int, left: int, short: bool) -> None:
    valid = Validity(NOW, max_age * DAY)
    now = NOW + (max_age - left) * DAY
    assert valid.is_short(now) is short
    assert valid.days_left(now) == left
    assert valid.days_left(now + (left + 1) * DAY) == -1


@given(st.binary() | st.from_type(type(None)).map(lambda _: b"[" * 100_000))
def test_any_bytes_are_refused_as_a_bundle_in_words(data: bytes) -> None:
    with pytest.raises(SiteError):
        read_bundle(data)


PLACES = [
    "enrollment", "manifest", "signatures", "enrollment/type", "enrollment/policy", "enrollment/signers",
    "enrollment/threshold", "enrollment/max_age", "enrollment/logs", "manifest/app", "manifest/version",
    "manifest/default_csp", "manifest/extra_csp", "manifest/files", "manifest/files/~1index.html", "manifest/wasm",
    "manifest/timestamp", "manifest/more", "signatures/~2",
]  # fmt: skip
ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(([], {}, [{}], {"a": 1}))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_a_bundle_with_any_other_part_is_refused_in_words(
    pages: Path, signed: Signed, place: str, value: object
) -> None:
    signed.join(pages)
    bundle = bundle_of(pages)
    *outer, key = (part.replace("~1", "/").replace("~2", name_of(KEY)) for part in place.split("/"))
    holder = bundle
    for part in outer:
        holder = holder[part]
    # 1.0 and true are equal to what is there.
    if repr(holder.get(key, "nothing")) != repr(value):
        holder[key] = value
        try:
            read_bundle(json.dumps(bundle).encode())
        except SiteError:
            return
        # Of these the hash tells, by which WEBCAT's list names an enrollment.
        assert place in ("enrollment/max_age", "enrollment/threshold")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(site, ["webcat", *map(str, arguments)])


def test_the_steps_of_the_page_for_operators(pages: Path, tmp_path: Path) -> None:
    log, now = Log(), int(time.time())
    key, enrollment, head, out = (tmp_path / name for name in ("key", "enrollment.json", "tree-head", "webcat"))
    made = signing.new_key(key)
    enrollment.write_bytes(to_json(log.enrollment(made)))
    head.write_text(log.tree_head(now))
    first = run("manifest", pages, "--enrollment", enrollment, "--tree-head", head, "--out", out)
    assert re.fullmatch(r".*webcat, once it is signed, will be good until \d{4}-\d\d-\d\d\.\n", first.output)
    second = run("sign", out, "--key", key)
    assert second.output.endswith(f"sigsum-submit -p POLICY {out}.req\n")
    request = Path(f"{out}.req").read_text()
    assert bytes.fromhex(request.split("\n")[0][8:]) == hashlib.sha256(out.read_bytes()).digest()
    Path(f"{out}.proof").write_text(log.submit(request, now))
    third = run("bundle", pages, out, "--enrollment", enrollment)
    assert third.output.startswith("The bundle is good until ")
    assert read_enrollment(enrollment.read_bytes()).hash in third.output
    read_bundle((pages / BUNDLE).read_bytes())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("manifest nowhere --enrollment good --tree-head head --out out", "nowhere holds no built pages"),
        ("manifest pages --enrollment nothing --tree-head head --out out", "nothing cannot be read"),
        ("manifest pages --enrollment head --tree-head head --out out", "webcat enrollment create"),
        ("manifest pages --enrollment good --tree-head good --out out", "Fetch one: curl https://LOG/get-tree-head"),
        ("manifest pages --enrollment good --tree-head binary --out out", "not text"),
        ("manifest pages --enrollment good --tree-head head --out nowhere/out", "out cannot be read or written"),
        ("manifest plain --enrollment good --tree-head head --out out", "taina site build --webcat VERSION"),
        ("sign nothing --key key", "nothing cannot be read"),
        ("sign good --key key", "This is not a manifest as `taina site webcat manifest` writes it"),
        ("bundle pages good --enrollment good", "good.proof cannot be read"),
        ("bundle pages good --enrollment good --proof good", "This is not a manifest as"),
        ("bundle pages good --enrollment good --proof binary", "not text"),
    ],
)
def test_wrong_files_are_told_in_words(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    log, now = Log(), int(time.time())
    signing.new_key(tmp_path / "key")
    (tmp_path / "good").write_bytes(to_json(log.enrollment(KEY)))
    (tmp_path / "head").write_text(log.tree_head(now))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    shutil.copytree(pages, tmp_path / "plain")
    document = json.loads((pages / "manifest.json").read_text())
    for rule in document["headers"]["rules"].values():
        del rule["X-Webcat-Version"]
    (tmp_path / "plain" / "manifest.json").write_text(json.dumps(document))
    there = sorted(tmp_path.rglob("*"))
    result = run(*command.split())
    assert result.exit_code == 1
    assert said in result.output
    assert sorted(tmp_path.rglob("*")) == there


@pytest.mark.parametrize("version", ["", "v4", "4-1", "1.", ".1", "4,1", "1.2.3.4.5.6.7", "1\n2"])
def test_a_version_is_numbers_and_dots(tmp_path: Path, version: str) -> None:
    result = CliRunner().invoke(site, ["build", "--out", str(tmp_path / "out"), "--webcat", version])
    assert result.exit_code == 2
    assert "has to be numbers and dots, such as 4 or 1.2." in result.output
    assert not (tmp_path / "out").exists()
