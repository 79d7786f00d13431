"""`taina send|open|status|receipt|burn`, from a shell and at a terminal."""

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import click
import httpx
import pytest

from cli.conftest import Run, RunHere, Terminal
from support.clocks import other_clock
from support.hostile_server import HostileServer, says
from support.servers import Server, free_port, start_server, stop_server
from taina import base64url
from taina.cli.open import _check_folder
from taina.format.derive import derive_link_keys
from taina.format.links import decode_link

MEBI = 1 << 20


def sent(run: Run, *arguments: str, given: bytes = b"hunter2") -> str:
    done = run("send", *(arguments or ("-",)), given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def test_a_pipe_gives_a_link_and_the_link_the_text(run: Run, taina: Server) -> None:
    done = run("send", "-", given=b"hunter2")
    link, nothing = done.stdout.decode().split("\n")
    assert re.fullmatch(re.escape(taina.url) + r"/s/#[\w-]{47}", link)
    assert nothing == ""
    assert b"Receipt, for yourself: " + taina.url.encode() in done.stderr
    assert b"Sealed a text of 7 characters." in done.stderr
    opened = run("open", link)
    assert (opened.stdout, opened.returncode) == (b"hunter2", 0)
    again = run("open", link)
    assert (again.stdout, again.returncode) == (b"", 3)
    assert "it was opened. If it was not you, tell its sender" in again.stderr.decode()


@pytest.mark.parametrize("text", ["a\n", "a\n\n", "", " ", "тайна\tسر 🔑", "no newline"])
def test_a_text_arrives_as_it_was(run: Run, text: str) -> None:
    if text:
        assert run("open", sent(run, given=text.encode())).stdout.decode() == text
    else:
        done = run("send", "-", given=b"")
        assert done.returncode == 2
        assert b"nothing on standard input" in done.stderr


@pytest.mark.parametrize("size", [0, 1, MEBI, MEBI + 1, 3 * MEBI])
def test_a_file_arrives_under_its_name(run: Run, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "Договор.pdf").write_bytes(content)
    link = sent(run, "Договор.pdf")
    (tmp_path / "out").mkdir()
    done = run("open", link, "--out", "out")
    assert (done.stdout, done.returncode) == (b"", 0)
    assert "Saved" in done.stderr.decode()
    assert (tmp_path / "out/Договор.pdf").read_bytes() == content


def test_files_are_not_overwritten_unless_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    links = [sent(run, "a.txt", "b.txt") for _ in range(2)]
    assert run("open", links[0]).returncode == 0
    assert (tmp_path / "a (2).txt").read_text() == "one"
    (tmp_path / "a.txt").write_text("changed")
    assert run("open", links[1], "--force").returncode == 0
    assert (tmp_path / "a.txt").read_text() == "one"
    assert len(list(tmp_path.iterdir())) == 4


def test_standard_input_as_a_file_and_out_again(run: Run) -> None:
    content = os.urandom(2000)
    done = run("open", sent(run, "-", "--name", "key.bin", given=content), "--out", "-")
    assert done.stdout == content
    assert run("open", sent(run, given=b"\xff\xfe\x00"), "--out", "-").stdout == b"\xff\xfe\x00"


def test_json_for_programs(run: Run) -> None:
    done = run("send", "-", "--json", "--recipients", "2", "--ttl", "2h", "--words", given=b"x")
    document = json.loads(done.stdout)
    first, second = document["secrets"]
    assert len(document["passphrase"].split("-")) >= 6
    assert set(first) == {"link", "receipt", "expires"}
    status = json.loads(run("status", first["link"], "--json").stdout)
    assert status == {
        "state": "waiting",
        "passphrase": True,
        "size": 1040,
        "expires": first["expires"],
        "attempts_left": 10,
    }
    wrong = run("open", first["link"], "--json", TAINA_PASSPHRASE="wrong")
    assert (json.loads(wrong.stdout)["attempts_left"], wrong.returncode) == (9, 4)
    opened = json.loads(run("open", first["link"], "--json", TAINA_PASSPHRASE=document["passphrase"]).stdout)
    assert opened["items"] == [{"type": "text", "text": "x"}]
    receipt = json.loads(run("receipt", first["receipt"], "--json").stdout)
    assert (receipt["state"], receipt["proved"], receipt["failed_attempts"]) == ("opened", True, 1)
    assert json.loads(run("burn", second["receipt"], "--json").stdout) == {"state": "burned"}
    gone = run("open", second["link"], "--json", TAINA_PASSPHRASE="x")
    assert (json.loads(gone.stdout)["error"], gone.returncode) == ("gone", 3)


def test_receipts_say_what_became_of_it(run: Run) -> None:
    done = run("send", "-", given=b"x")
    link = done.stdout.decode().strip()
    receipt = re.search(r"http\S+/receipt/#\S+", done.stderr.decode())
    assert receipt
    assert b"It waits for its reader." in run("receipt", receipt[0]).stdout
    run("open", link)
    said = run("receipt", receipt[0], "--wait").stdout.decode()
    assert "It was opened" in said
    assert "The reader's key proves it." in said
    assert run("burn", receipt[0]).returncode == 3


def test_waiting_for_the_reader(run: Run) -> None:
    document = json.loads(run("send", "-", "--json", given=b"x").stdout)["secrets"][0]
    said: list[bytes] = []
    waiting = threading.Thread(target=lambda: said.append(run("receipt", document["receipt"], "--wait").stdout))
    waiting.start()
    run("open", document["link"])
    waiting.join(timeout=30)
    assert b"It was opened" in said[0]


def test_a_command_runs_when_a_secret_has_ended(run: Run, tmp_path: Path) -> None:
    document = json.loads(run("send", "-", "--json", given=b"x").stdout)["secrets"][0]
    note = ("--exec", 'printf %s "$TAINA_STATE" >> outcome')
    assert run("receipt", document["receipt"], *note).returncode == 2
    assert not (tmp_path / "outcome").exists()
    run("burn", document["receipt"])
    done = run("receipt", document["receipt"], "--wait", *note)
    assert (done.returncode, (tmp_path / "outcome").read_text()) == (0, "burned")
    failed = run("receipt", document["receipt"], "--wait", "--exec", "exit 3")
    assert failed.returncode == 1
    assert b"It was burned" in failed.stdout
    assert b"ended with 3" in failed.stderr


def test_what_fails_after_the_result_is_no_second_document(run: Run) -> None:
    """Whoever reads JSON reads one document; the error that came behind it broke that."""
    document = json.loads(run("send", "-", "--json", given=b"x").stdout)["secrets"][0]
    run("burn", document["receipt"])
    failed = run("receipt", document["receipt"], "--wait", "--json", "--exec", "exit 3")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["state"] == "burned"
    assert b"ended with 3" in failed.stderr
    failed = run("send", "-", "--json", "--words", "--mail-to", "ann@example.org", given=b"x")
    assert failed.returncode == 6
    assert "/s/#" in json.loads(failed.stdout)["secrets"][0]["link"]
    assert b"This instance mails nothing." in failed.stderr


def test_an_error_is_a_document_where_there_is_no_other(run_here: RunHere) -> None:
    """Also behind a command of the same process that had one."""
    for _ in range(2):
        code, said, _ = run_here("send", "text", "--json")
        assert (code, list(json.loads(said))) == (0, ["secrets"])
        code, said, told = run_here("send", "text", "--ttl", "1m", "--json")
        assert (code, json.loads(said)["error"], told) == (6, "invalid", "")


@pytest.mark.parametrize(
    ("set_to", "language"),
    [
        *((none, "en") for none in ("", None, "C", "POSIX", "C.UTF-8", "\udcff\udcff", "fil_PH")),
        *[("bg_BG.UTF-8", "bg"), ("de", "de"), ("pt-BR", "pt"), ("sr@latin", "sr")],
    ],
)
def test_mail_is_in_the_language_of_whoever_sends_it(
    run_here: RunHere, monkeypatch: pytest.MonkeyPatch, set_to: str | None, language: str
) -> None:
    """Set and empty, as in some containers, LANG had the instance refuse the call."""
    mailed: list[str] = []
    monkeypatch.setattr("taina.client.Client.mail", lambda client, link, to, language: mailed.append(language))
    monkeypatch.delenv("LANG", raising=False)
    if set_to is not None:
        monkeypatch.setenv("LANG", set_to)
    code, _, told = run_here("send", "text", "--words", "--mail-to", "ann@example.org")
    assert (code, mailed) == (0, [language]), told


def test_a_link_that_is_not_mailed_is_printed_all_the_same(run: Run) -> None:
    done = run("send", "-", "--words", "--mail-to", "ann@example.org", given=b"x")
    assert done.returncode == 6
    assert b"This instance mails nothing. The secret is stored: send its link yourself." in done.stderr
    assert b"/s/#" in done.stdout


@pytest.mark.parametrize(("key_file", "secret"), [("-", "-"), ("/dev/stdin", "text")])
def test_a_key_from_a_pipe_is_read_once(run: Run, key_file: str, secret: str) -> None:
    """To mail the link it was read again: the secret was stored, and the first line of the key's file said to be
    empty."""
    told = ("--words", "--mail-to", "ann@example.org", "--key-file", key_file)
    done = run("send", secret, *told, given=base64url.encode(bytes(32)).encode() + b"\nx")
    assert b"This instance mails nothing." in done.stderr
    assert b"/s/#" in done.stdout


def test_a_secret_that_has_expired_is_said_to_have(run: Run, tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", port=free_port())
    link = run("send", "-", "--ttl", "5m", given=b"x", TAINA_URL=server.url).stdout.decode().strip()
    stop_server(server)
    server = start_server(tmp_path / "data", port=server.port, wrapper=other_clock("FAKETIME=+600"))
    said = run("open", link).stderr.decode()
    stop_server(server)
    assert "it was deleted, has expired, or was never on this server" in said
    assert "30 days" not in said


def test_a_passphrase_from_a_file_or_the_environment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("парола\nsecond line\n")
    link = sent(run, "-", "--passphrase-file", "pass")
    assert run("open", link, TAINA_PASSPHRASE="парола").stdout == b"hunter2"
    done = run("send", "-", "--passphrase", given=b"hunter2", TAINA_PASSPHRASE="other")
    opened = run("open", done.stdout.decode().strip(), "--passphrase-file", "-", given=b"other\n")
    assert opened.stdout == b"hunter2"


def test_a_passphrase_with_nobody_to_ask(run: Run) -> None:
    done = run("send", "-", "--words", given=b"x")
    words = re.search(r"shared some other way: (.+)", done.stderr.decode())
    assert words
    assert len(words[1].split("-")) >= 6  # a word may have a hyphen of its own
    asked = run("open", done.stdout.decode().strip())
    assert asked.returncode == 2
    assert b"no terminal to ask on" in asked.stderr


def test_links_by_standard_input_stay_out_of_the_process_list(run: Run) -> None:
    link = sent(run)
    assert run("status", "-", given=link.encode()).returncode == 0
    assert run("open", "-", given=link.encode()).stdout == b"hunter2"


def test_a_bare_fragment_and_the_instance_by_option(run: Run, taina: Server) -> None:
    fragment = sent(run).partition("#")[2]
    assert run("open", fragment, TAINA_URL=None).returncode == 2
    assert run("open", fragment, "--url", taina.url, TAINA_URL="http://127.0.0.1:9").stdout == b"hunter2"


def test_a_qr_code_is_drawn_beside_the_link(run: Run) -> None:
    done = run("send", "-", "--qr", given=b"x")
    assert done.stdout.count(b"\n") == 1
    assert len([line for line in done.stderr.decode().splitlines() if set(line) <= set(" ▀▄█\x1b[0123456789;m")]) > 10


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["send"], 2, "nothing on standard input"),
        (["send", "./missing.txt"], 2, "missing.txt is not a file"),
        (["send", "."], 2, "is a folder"),
        (["send", "/proc/self/mem"], 1, "cannot be read"),
        (["send", "-", "--ttl", "soon"], 2, "Write 30m, 2h or 7d"),
        (["send", "text", "--ttl", "1m"], 6, "A lifetime is"),
        (["send", "text", "--words", "--passphrase"], 2, "Choose one of"),
        (["send", "text", "--recipients", "0"], 2, "0 is not in the range"),
        (["send", "--name", "a.txt", "text"], 2, "--name goes with standard input"),
        (["send", "-", "text"], 2, "is sent alone"),
        (["send", "text", "--mail-to", "ann@example.org"], 2, "--mail-to goes with --words"),
        (["open", "nonsense"], 2, "incomplete"),
        (["open", "https://127.0.0.1:1/s/#AQ"], 2, "incomplete"),
        (["status", ""], 2, "An argument is empty"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_bad_input_says_what_to_do(run: Run, arguments: list[str], code: int, said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, b"")
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_folder_that_cannot_be_written_to_is_found_before_the_reveal(run: Run, tmp_path: Path) -> None:
    link = sent(run)
    assert run("open", link, "--out", "missing").returncode == 2
    assert run("open", link).stdout == b"hunter2"


def test_a_folder_without_room_is_found_before_the_reveal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    _check_folder(tmp_path, 1000)
    with pytest.raises(click.UsageError, match=r"has no room for 1,001 bytes\. Name another"):
        _check_folder(tmp_path, 1001)


def test_files_and_what_is_said_of_them_do_not_share_a_pipe(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    link = sent(run, "a.bin")
    done = run("open", link, "--out", "-", "--json")
    assert done.returncode == 2
    assert "Name a folder with --out" in json.loads(done.stdout)["detail"]
    (tmp_path / "here").mkdir()
    (item,) = json.loads(run("open", link, "--out", "here", "--json").stdout)["items"]
    assert {name: item[name] for name in ("type", "name", "size")} == {"type": "file", "name": "a.bin", "size": 2}
    assert Path(tmp_path, item["path"]).read_bytes() == b"\0\1"


def test_a_burn_is_told_and_the_link_opens_nothing(run: Run) -> None:
    document = json.loads(run("send", "-", "--json", given=b"x").stdout)["secrets"][0]
    burned = run("burn", document["receipt"])
    assert (burned.returncode, burned.stdout) == (0, b"Burned. Its link opens nothing any more.\n")
    assert run("open", document["link"]).returncode == 3


def test_the_last_wrong_passphrase_says_that_it_was_the_last(run: Run, taina: Server) -> None:
    done = run("send", "-", "--passphrase", given=b"x", TAINA_PASSPHRASE="right")
    link = done.stdout.decode().strip()
    found = decode_link(link, "secret")
    keys = derive_link_keys(found.body)
    with httpx.Client(base_url=f"{taina.url}/api/v1/secrets/{base64url.encode(keys.id)}") as api:
        token = {"Authorization": f"Bearer {base64url.encode(keys.proof)}"}
        for _ in range(9):
            assert api.post("/reveal", headers=token, json={"proof": base64url.encode(bytes(32))}).status_code == 403
    done = run("open", link, TAINA_PASSPHRASE="wrong")
    assert b"that was the last attempt: the secret is locked for good." in done.stderr
    assert run("status", link).returncode == 3


def test_a_receipt_in_place_of_a_link(run: Run) -> None:
    document = json.loads(run("send", "-", "--json", given=b"x").stdout)["secrets"][0]
    done = run("open", document["receipt"])
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Ask the sender for the other link" in done.stderr
    assert run("open", document["link"]).stdout == b"x"


def test_nobody_there(run: Run) -> None:
    link = sent(run)
    done = run("status", link.partition("#")[2], "--url", "not a url")
    assert done.returncode in (5, 6)
    assert b"Traceback" not in done.stderr


def test_a_passphrase_is_asked_for_without_an_echo(terminal: Callable[..., Terminal], run: Run) -> None:
    sending = terminal("send", "hunter2", "--passphrase")
    for prompt in ("Passphrase: ", "Repeat for confirmation: "):
        sending.wait_for(prompt)
        sending.type("отваряй\n")
    assert sending.end() == 0
    assert "отваряй" not in sending.shown
    link = re.search(r"http\S+/s/#\S+", sending.shown)
    assert link
    opening = terminal("open", link[0])
    opening.wait_for("Passphrase: ")
    opening.type("wrong\n")
    opening.wait_for("Attempts left: 9.")
    opening.wait_for("Passphrase: ")
    opening.type("отваряй\n")
    opening.wait_for("hunter2")
    assert opening.end() == 0
    assert "отваряй" not in opening.shown


def test_a_secret_is_typed_at_a_terminal(terminal: Callable[..., Terminal], run: Run) -> None:
    sending = terminal("send")
    sending.wait_for("Ctrl+D")
    sending.type("typed here\n\x04")
    assert sending.end() == 0
    link = re.search(r"http\S+/s/#\S+", sending.shown)
    assert link
    assert run("open", link[0]).stdout == b"typed here"


def test_no_bytes_reach_a_terminal_but_printable_ones(terminal: Callable[..., Terminal], run: Run) -> None:
    link = sent(run, given="red \x1b[31m\u202egnp.exe".encode())
    showing = terminal("open", link)
    assert showing.end() == 0
    assert "\x1b[31m" not in showing.shown
    assert "\u202e" not in showing.shown
    assert "gnp.exe" in showing.shown


def test_a_file_is_saved_where_standard_output_is_a_terminal(
    terminal: Callable[..., Terminal], run: Run, tmp_path: Path
) -> None:
    link = sent(run, "-", "--name", "key.bin", given=b"\x00\x1b[2J")
    showing = terminal("open", link, "--out", "-")
    assert showing.end() == 0
    assert "\x1b[2J" not in showing.shown
    assert (tmp_path / "key.bin").read_bytes() == b"\x00\x1b[2J"


def test_progress_is_shown_at_a_terminal_only(terminal: Callable[..., Terminal], run: Run, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(6 * MEBI))
    showing = terminal("send", "large")
    assert showing.end() == 0
    assert "100%" in showing.shown
    assert b"%" not in run("send", "large").stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(run: Run, shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert b"_TAINA_COMPLETE" in done.stdout


def test_help_names_every_command(run: Run) -> None:
    said = run("--help").stdout.decode()
    for command in ("send", "open", "status", "receipt", "burn", "request", "answer", "inbox", "serve", "bridge"):
        assert re.search(rf"^  {command} ", said, re.MULTILINE)
        assert run(command, "--help").returncode == 0


def test_a_wrapped_link_never_asks_the_wrapper(run: Run) -> None:
    with HostileServer(lambda _: says({})) as scanner:
        link = sent(run)
        lost = f"{scanner.url}/?url={link.partition('://')[2].replace('#', '%23')}"
        for command in ("status", "open", "receipt", "burn", "answer", "inbox"):
            refused = run(command, lost)
            assert refused.returncode == 2
            assert b"taina:" in refused.stderr
        wrapped = f"{scanner.url}/?url={quote(link, safe='')}&data=x"
        assert run("status", wrapped, TAINA_URL=None).returncode == 0
        assert run("open", quote(wrapped), TAINA_URL=None).stdout == b"hunter2"
        assert scanner.asked == []
