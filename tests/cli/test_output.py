"""One writer to the terminal: nothing that somebody else wrote moves its cursor, fills its clipboard or lies."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import taina.cli
from cli.conftest import COMMAND, Run, Terminal
from support.hostile_server import HostileServer, problem, says
from taina.format.links import Link, encode_link

CLI = Path(taina.cli.__file__).parent
ATTACK = "\x1b]0;owned\x07\x1b[2K\rtaina: opened. \x1b[32mVerified.\x9b2J\x7f\u202e\u2066\u2028\u2029\u061c\x85"
LINK = encode_link(Link("secret", bytes(32)))
RECEIPT = encode_link(Link("receipt", bytes(48)))
HARMFUL = [*map(chr, range(9)), *map(chr, range(0x0B, 0x0D)), *map(chr, range(0x0E, 0x20)), "\x7f"]
HARMFUL += [*map(chr, range(0x80, 0xA0)), *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"]


def harmful(shown: str) -> list[str]:
    """What is in it that no terminal should get; a carriage return only before the end of a line."""
    found = [one for one in HARMFUL if one in shown]
    return found + (["\r"] if "\r" in shown.replace("\r\n", "\n") else [])


def after_the_bar(shown: str) -> str:
    """The bar of a transfer moves the cursor, with sequences of ours."""
    return shown.rpartition("100%")[2].replace("\x1b[?25h", "").replace("\x1b[0m", "")


def test_one_module_writes() -> None:
    """Asked of the syntax tree: what goes past `output.py` goes past its rules."""
    ways = {"echo", "secho", "print", "write", "writelines", "echo_via_pager"}
    past = set()
    for file in CLI.glob("*.py"):
        if file.name == "output.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr"):
                past.add(f"{file.name}: {node.attr}")
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id == "print":
                past.add(f"{file.name}: print")
            if isinstance(called, ast.Attribute) and called.attr in ways and ast.unparse(called.value) == "click":
                past.add(f"{file.name}: click.{called.attr}")
    assert past == set()


LIES = [
    problem(403, code="wrong_passphrase", detail=ATTACK, attempts_left=ATTACK),
    problem(410, code="gone", detail=ATTACK, state=ATTACK, ended=ATTACK),
    problem(422, code="invalid", detail=ATTACK, field=ATTACK),
    problem(400, code=ATTACK, detail=ATTACK),
    problem(404, code="not_found", detail=ATTACK, **{ATTACK: ATTACK}),
    problem(400, code="wrong_link", detail=ATTACK, kind=ATTACK),
    problem(400, code="tampered", detail=ATTACK),
    problem(400, code=["gone"], detail=[ATTACK]),
    says({"state": ATTACK, "size": 1, "chunks": 1, "expires": 1, "attempts_left": 1}),
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["plain", "json"])
def test_a_server_says_codes_and_numbers_and_no_word_of_its_own(
    terminal: Callable[..., Terminal], lie: list[bytes], more: list[str]
) -> None:
    with HostileServer(lambda _: lie) as server:
        showing = terminal("status", f"{server.url}/s/#{LINK}", *more)
        assert showing.end() in (2, 3, 4, 5, 6)
    assert harmful(showing.shown) == []
    assert "Verified" not in showing.shown
    assert "owned" not in showing.shown
    assert len(showing.shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"code": "wrong_passphrase", "detail": "x", "attempts_left": 3}, "Attempts left: 3."),
        ({"code": "wrong_passphrase", "detail": "x", "attempts_left": 10**30}, "The passphrase is wrong.\n"),
        ({"code": "wrong_passphrase", "detail": "x", "attempts_left": -1}, "The passphrase is wrong.\n"),
        ({"code": "wrong_passphrase", "detail": "x", "attempts_left": True}, "The passphrase is wrong.\n"),
        ({"code": "gone", "detail": "x", "state": "burned"}, "it was burned, unread"),
        ({"code": "gone", "detail": "x", "state": ["burned"]}, "The secret is gone"),
    ],
)
def test_facts_beside_a_code_are_checked(run: Run, document: dict[str, object], said: str) -> None:
    with HostileServer(lambda _: problem(410, **document)) as server:
        done = run("status", f"{server.url}/s/#{LINK}")
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", [10**17, 10**30, -(10**17), 253402300800, 1e400, 0.5, True, None, "1"])
@pytest.mark.parametrize("member", ["expires", "created", "ended", "size", "failed_attempts", "attempts_left"])
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["plain", "json"])
def test_a_number_that_is_none_is_not_formatted(
    run_here: Callable[..., tuple[int, str, str]], number: object, member: str, more: list[str]
) -> None:
    """`expires` of 10^17 was a traceback."""
    facts = {"expires": 1, "created": 1, "ended": 1, "size": 1, "failed_attempts": 0, "attempts_left": 1}
    document = {"state": "waiting", "chunks": 1, **facts, member: number}
    with HostileServer(lambda _: says(document)) as server:
        for command, link in (("status", f"s/#{LINK}"), ("receipt", f"receipt/#{RECEIPT}")):
            code, out, err = run_here(command, f"{server.url}/{link}", *more)
            assert "Traceback" not in err
            assert "nobody foresaw" not in out + err
            assert code in (0, 5)


def test_names_and_texts_are_shown_harmless(terminal: Callable[..., Terminal], run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    link = run("send", "-", "--name", ATTACK + ".txt", given=b"x").stdout.decode().strip()
    showing = terminal("open", link, "--out", "out")
    assert showing.end() == 0
    assert harmful(after_the_bar(showing.shown)) == []
    link = run("send", "-", given=ATTACK.encode()).stdout.decode().strip()
    showing = terminal("open", link)
    assert showing.end() == 0
    assert harmful(after_the_bar(showing.shown).replace("\u061c", "")) == []
    for text in (ATTACK, "a\x9bb\x85c\x7f"):
        link = run("send", "-", given=text.encode()).stdout.decode().strip()
        showing = terminal("open", link, "--json")
        assert showing.end() == 0
        shown = after_the_bar(showing.shown)
        assert harmful(shown) == []
        assert json.loads(shown)["items"][0]["text"] == text


@pytest.mark.parametrize("more", [[], ["--json"], ["--out", "-"]], ids=["text", "json", "out"])
def test_what_is_opened_stands_on_lines_of_its_own(
    terminal: Callable[..., Terminal], run: Run, tmp_path: Path, more: list[str]
) -> None:
    """It was shown behind the bar of the transfer, on the same line."""
    for told, said in (("-",), "hunter2"), (("-", "--name", "a"), "Saved a (7 bytes)"):
        link = run("send", *told, given=b"hunter2").stdout.decode().strip()
        showing = terminal("open", link, *more)
        assert showing.end() == 0
        lines = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", showing.shown).split("\r\n")
        assert lines[-1] == ""
        assert lines[-2] == said or json.loads(lines[-2])["items"]
        assert lines[-3].endswith("100%")


@pytest.mark.parametrize("arguments", [[ATTACK], ["send", "--" + ATTACK], ["open", ATTACK], ["send", "./" + ATTACK]])
def test_what_was_pasted_is_shown_harmless(terminal: Callable[..., Terminal], arguments: list[str]) -> None:
    showing = terminal(*arguments)
    assert showing.end() == 2
    assert harmful(showing.shown) == []


def test_errors_of_usage_are_json_too(run: Run) -> None:
    done = run("send", "--frobnicate", "--json")
    assert (json.loads(done.stdout)["error"], done.returncode) == ("usage", 2)
    after = run("send", "./missing", "--", "--json")
    assert (after.stdout, after.returncode) == (b"", 2)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["send", "--help"], ["config"], ["completion", "bash"]]
)
def test_what_goes_nowhere_is_said_in_words(environment: dict[str, str], arguments: list[str]) -> None:
    """Help and version on a full disk once were an error that nobody foresaw."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "taina: Standard output takes nothing (No space left on device)."


ONCE = [["send", "-", "--words"], ["answer", "REQUEST", "-", "--words"], ["request"]]
"""What tells on standard error what there is no second time."""


@pytest.mark.parametrize("arguments", ONCE, ids=["send", "answer", "request"])
@pytest.mark.parametrize("way", ["2>&-", "2>/dev/full"])
def test_what_is_told_once_is_not_lost_where_standard_error_takes_nothing(
    run: Run, environment: dict[str, str], arguments: list[str], way: str
) -> None:
    """The words and the inbox were nowhere, and the command ended with 0."""
    asked = json.loads(run("request", "--json").stdout)
    told = [asked["link"] if one == "REQUEST" else one for one in arguments]
    shell = ["sh", "-c", f'exec "$@" {way}', "sh", *COMMAND, *told]
    done = subprocess.run(shell, input=b"x", stdout=subprocess.PIPE, env=environment, timeout=60, check=False)
    assert done.returncode == 1
    if way == "2>&-":
        assert done.stdout == b""  # and nothing was made
        assert json.loads(run("inbox", "--json", asked["inbox"]).stdout)["answers"] == []
    else:
        said = done.stdout.decode()
        assert ("Inbox, for yourself: http" in said) == ("request" in arguments)
        assert "Passphrase" not in said  # the link goes there, and whoever gets it would get both


def test_on_a_terminal_words_come_where_somebody_reads_them(environment: dict[str, str]) -> None:
    parent, child = os.openpty()
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "send", "-", "--words"]
        done = subprocess.run(command, input=b"x", stdout=child, stderr=full, env=environment, timeout=60, check=False)
    said = os.read(parent, 1 << 16)
    os.close(parent)
    os.close(child)
    assert done.returncode == 1
    assert b"Passphrase, to be shared some other way: " in said


@pytest.mark.parametrize("arguments", [["send", "-"], ["send", "-", "--words", "--json"], ["request", "--json"]])
@pytest.mark.parametrize("way", ["2>&-", "2>/dev/full", "2>/dev/null"])
def test_what_needs_no_standard_error_goes_on_without(
    environment: dict[str, str], arguments: list[str], way: str
) -> None:
    shell = ["sh", "-c", f'exec "$@" {way}', "sh", *COMMAND, *arguments]
    done = subprocess.run(shell, input=b"x", stdout=subprocess.PIPE, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout[:1] in (b"h", b"{")) == (0, True)
