"""The examples for systemd and containers are what the page for operators says of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT
from support.examples import adapted

DEPLOY = ROOT / "scripts" / "deploy"
LANGUAGES = ["en", "bg"]


def drop_in(language: str) -> str:
    """What the page has operators write after `systemctl edit taina.service`."""
    page = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
    (block,) = re.findall(r"^((?:    .*\n)*    IPAddressAllow=.*\n(?:    .*\n)*)", page, re.MULTILINE)
    return re.sub(r"^    ", "", block, flags=re.MULTILINE)


def test_both_languages_allow_other_hosts_in_the_same_way() -> None:
    assert "IPAddressDeny=any" in (DEPLOY / "taina.service").read_text("utf-8").splitlines()
    assert drop_in("en") == drop_in("bg")
    for language in LANGUAGES:
        scaling = (ROOT / "site/texts" / language / "scaling.md").read_text("utf-8")
        assert "../self-host/" in scaling.split("psql")[0], "who uses PostgreSQL is sent to it"


def test_operators_give_their_commands_what_the_service_is_given() -> None:
    """An address may contain `&`, which ends a command of the shell unless it is quoted."""
    for language in LANGUAGES:
        (file,) = re.findall(r"^EnvironmentFile=(.*)$", drop_in(language), re.MULTILINE)
        for name in ("self-host", "scaling"):
            page = (ROOT / "site/texts" / language / f"{name}.md").read_text("utf-8")
            assert f"`(set -a; . {file}; taina doctor)`" in page
            assert "TAINA_STORE=p" not in page
            assert "TAINA_STORE='postgresql://" in page


def test_units_say_nothing_that_the_oldest_systemd_does_not_know() -> None:
    """Ubuntu 22.04, which the page names, has 249: `%d` came with 251, and would be a letter of the path there."""
    units = {file.name: file.read_text("utf-8") for file in DEPLOY.glob("taina.s*")}
    units |= {language: drop_in(language) for language in LANGUAGES}
    assert [name for name, text in units.items() if not set(re.findall(r"%(.)", text)) <= set("CS")] == []
    for language in LANGUAGES:
        (handed,) = re.findall(r"^LoadCredential=([^:]+):", drop_in(language), re.MULTILINE)
        page = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
        assert f'password_file = "/run/credentials/taina.service/{handed}"' in page
        assert "Environment=TAINA_" not in drop_in(language), "commands that root runs do not get it"


def test_no_unit_starts_without_a_file_that_it_names() -> None:
    """Without that of the database's address, a server with nothing in it would start beside the one that is meant."""
    shown = [*DEPLOY.rglob("*"), *(ROOT / "site/texts").rglob("*.md")]
    texts = {file: file.read_text("utf-8") for file in shown if file.is_file()}
    waived = r"(EnvironmentFile|LoadCredential\w*)=-|\brequired: *false|\boptional: *true"
    assert [str(file) for file, text in texts.items() if re.search(waived, text)] == []
    assert any("EnvironmentFile=" in text for text in texts.values())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd to ask")
@pytest.mark.parametrize("language", [None, *LANGUAGES])
def test_systemd_understands_the_unit_and_what_operators_add_to_it(tmp_path: Path, language: str | None) -> None:
    for name in ("taina.service", "taina.socket"):
        text = (DEPLOY / name).read_text("utf-8").replace("/usr/local/bin/taina", "/bin/true")
        (tmp_path / name).write_text(text, "utf-8")
    if language:
        extra = tmp_path / "taina.service.d" / "override.conf"
        extra.parent.mkdir()
        extra.write_text(drop_in(language), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "taina.service"], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "taina" in line] == []


def test_a_value_that_a_test_put_in_is_not_replaced_again() -> None:
    """A port of 41807 held the 4180 of the login that was replaced next."""
    example = "to 127.0.0.1:8080 and 127.0.0.1:4180"
    values = {"127.0.0.1:8080": "127.0.0.1:41807", "127.0.0.1:4180": "127.0.0.1:8080"}
    assert adapted(example, values) == "to 127.0.0.1:41807 and 127.0.0.1:8080"
    with pytest.raises(AssertionError, match="4181"):
        adapted(example, {"127.0.0.1:4181": "127.0.0.1:1"})
