"""What an assistant may do: hand over and ask, inside one folder, and never see a secret."""

import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.servers import Server
from taina.cli.options import first_line
from taina.client import Client
from taina.client.agent import Agent
from taina.client.agent.variables import read_variable, with_variable
from taina.client.receiving import File
from taina.client.results import Inbox, Sent
from taina.errors import (
    FileError,
    GoneError,
    InvalidError,
    NotFoundError,
    TainaError,
    UnreachableError,
    WrongPassphraseError,
)

SECRET = "correct horse battery staple"


class Desk:
    """An agent in a folder, beside a file that it must not reach; and a client of its own for the other side."""

    def __init__(self, client: Client, base: Path) -> None:
        self.client = client
        self.folder = base / "work"
        self.folder.mkdir()
        self.kept = base / "state" / "kept.json"
        (base / "outside.txt").write_text("outside")
        self.agent = Agent(client, self.folder, self.kept, ["ALLOWED"], sleep=lambda seconds: None)

    def write(self, name: str, text: str = SECRET) -> str:
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
def desk(taina: Server, tmp_path: Path) -> Iterator[Desk]:
    with Client(taina.url, state=tmp_path / "state") as client:
        yield Desk(client, tmp_path)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_is_handed_over_looked_at_and_opened_by_its_reader(desk: Desk, taina: Server) -> None:
    sent = desk.agent.send(desk.write("router.txt"), None, None, None)
    assert desk.agent.look(sent.secret).state == "waiting"
    with Client(taina.url) as reader:
        (file,) = reader.open(sent.link).files
        assert (file.name, file.content) == ("router.txt", SECRET.encode())
    seen = desk.agent.look(sent.secret)
    assert (seen.state, seen.proved) == ("opened", True)


def test_a_variable_is_sent_as_a_text(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(".env", f"OTHER=no\nexport DATABASE='{SECRET}' # a comment\n")
    sent = desk.agent.send(".env", "DATABASE", 3600, None)
    assert desk.client.open(sent.link).text == SECRET
    monkeypatch.setenv("ALLOWED", SECRET)
    assert desk.client.open(desk.agent.send(None, "ALLOWED", None, None).link).text == SECRET


def test_a_refused_send_leaves_no_words_and_can_be_repeated(desk: Desk) -> None:
    """The file was left behind, and the second try failed because it was there already."""
    desk.write("a")
    with pytest.raises(InvalidError):
        desk.agent.send("a", None, 1, "words.txt")  # a lifetime that no instance allows
    assert not (desk.folder / "words.txt").exists()
    sent = desk.agent.send("a", None, 3600, "words.txt")
    assert desk.client.status(sent.link).passphrase


def test_a_secret_whose_receipt_cannot_be_kept_is_burned(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would get its link, and nobody could burn it."""
    sent = []
    send = desk.client.send

    def noted(*content: Any, **more: Any) -> Sent:
        sent.append(send(*content, **more))
        return sent[-1]

    monkeypatch.setattr(desk.client, "send", noted)
    desk.kept.parent.mkdir(exist_ok=True)
    desk.kept.write_text("no JSON")
    with pytest.raises(FileError, match="cannot be read"):
        desk.agent.send(desk.write("a"), None, None, "words.txt")
    assert not (desk.folder / "words.txt").exists()
    assert desk.client.receipt(sent[0].receipt).state == "burned"


def test_what_could_not_be_written_whole_is_not_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        desk.agent.send(desk.write("a"), None, None, "words.txt")
    assert not (desk.folder / "words.txt").exists()


def test_a_secret_is_burned_by_its_name(desk: Desk) -> None:
    sent = desk.agent.send(desk.write("a"), None, None, None)
    desk.agent.burn(sent.secret)
    assert desk.agent.look(sent.secret).state == "burned"


def test_six_words_go_into_a_file_and_nowhere_else(desk: Desk) -> None:
    sent = desk.agent.send(desk.write("a"), None, None, "words.txt")
    words = (desk.folder / "words.txt").read_text().strip()
    assert len(words.split("-")) >= 6
    assert mode(desk.folder / "words.txt") == 0o600
    assert words not in repr(astuple(sent))
    assert desk.client.open(sent.link, words).files[0].content == SECRET.encode()


def test_an_answer_is_saved_for_its_owner_alone_and_its_request_deleted(desk: Desk) -> None:
    asked = desk.agent.request(3600)
    assert not desk.agent.fetch(asked.request, "key.txt", None, None, 0).arrived
    desk.client.answer(asked.link, SECRET)
    fetched = desk.agent.fetch(asked.request, "key.txt", None, None, 60)
    assert astuple(fetched) == (True, ("key.txt",), len(SECRET))
    assert (desk.folder / "key.txt").read_text() == SECRET
    assert mode(desk.folder / "key.txt") == 0o600
    with pytest.raises(NotFoundError):
        desk.client.request_status(asked.link)
    with pytest.raises(FileError, match="no request called"):
        desk.agent.fetch(asked.request, "again.txt", None, None, 0)


@pytest.mark.parametrize(
    ("left", "ends"), [((None,), 4_000_000_000), ((), 1)], ids=["filled with junk", "its time is over"]
)
def test_a_request_that_nobody_can_answer_any_more_is_told(
    desk: Desk, left: tuple[None, ...], ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An assistant would call again, and again, as it is told to."""
    asked = desk.agent.request(None)
    monkeypatch.setattr(desk.client, "inbox", lambda _: Inbox(left, 1, ends))
    with pytest.raises(GoneError, match="takes no more answers"):
        desk.agent.fetch(asked.request, "key.txt", None, None, 600)


def test_one_file_gets_the_name_that_was_chosen_and_several_a_folder(desk: Desk) -> None:
    asked = desk.agent.request(None)
    desk.client.answer(asked.link, File("../.bashrc", b"one"))
    assert desk.agent.fetch(asked.request, "one.bin", None, None, 0).saved == ("one.bin",)
    assert mode(desk.folder / "one.bin") == 0o600
    asked = desk.agent.request(None)
    desk.client.answer(asked.link, File("a", b"1"), SECRET, File("text.txt", b"2"))
    assert desk.agent.fetch(asked.request, "several", None, None, 0).saved == (
        "several/a",
        "several/text.txt",
        "several/text1.txt",
    )
    assert (desk.folder / "several" / "text1.txt").read_text() == SECRET
    assert {mode(path) for path in (desk.folder / "several").iterdir()} == {0o600}
    assert sorted(path.name for path in desk.folder.iterdir()) == ["one.bin", "several"], "no scraps"


def test_an_answer_becomes_a_variable_beside_the_others(desk: Desk) -> None:
    asked = desk.agent.request(None)
    desk.client.answer(asked.link, "it's $HOME")
    desk.write(".env", "A=1\nKEY=old\nB='two\nKEY=inner'\n")
    desk.agent.fetch(asked.request, ".env", "KEY", None, 0)
    text = (desk.folder / ".env").read_text()
    assert [read_variable(text, name) for name in ("A", "KEY", "B")] == ["1", "it's $HOME", "two\nKEY=inner"]
    assert mode(desk.folder / ".env") == 0o600


def test_what_fails_after_an_answer_is_saved_takes_nothing_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer lay there, opened for good, and the assistant was told that it could not be fetched."""

    def withdraw(inbox: str) -> None:
        desk.kept.write_text("no JSON")
        raise UnreachableError

    asked = desk.agent.request(None)
    sent = desk.client.answer(asked.link, SECRET)
    monkeypatch.setattr(desk.client, "withdraw", withdraw)
    assert astuple(desk.agent.fetch(asked.request, "key.txt", None, None, 0)) == (True, ("key.txt",), len(SECRET))
    assert (desk.folder / "key.txt").read_text() == SECRET
    assert desk.client.receipt(sent.receipt).state == "opened"


@pytest.mark.parametrize(
    ("contents", "file", "variable", "why"),
    [
        ((SECRET,), "taken.txt", None, "there already"),
        ((SECRET,), "nowhere/key.txt", None, "not there"),
        ((SECRET,), "../key.txt", None, "not inside"),
        ((SECRET,), "new.env", "A B", "name of a variable"),
        (("two\nlines",), "new.env", "KEY", "several lines"),
        ((File("a", b"1"),), "new.env", "KEY", "holds files"),
    ],
)
def test_what_cannot_be_saved_there_can_be_saved_elsewhere(
    desk: Desk, contents: tuple[str | File, ...], file: str, variable: str | None, why: str
) -> None:
    """Nothing is lost by a wrong name, before the reveal or after it."""
    desk.write("taken.txt", "mine")
    asked = desk.agent.request(None)
    desk.client.answer(asked.link, *contents)
    with pytest.raises(FileError, match=why):
        desk.agent.fetch(asked.request, file, variable, None, 0)
    assert sorted(path.name for path in desk.folder.iterdir()) == ["taken.txt"], "no scraps"
    assert (desk.folder / "taken.txt").read_text() == "mine"
    desk.agent.fetch(asked.request, "right.txt", None, None, 0)
    expected = contents[0] if isinstance(contents[0], str) else "1"
    assert (desk.folder / "right.txt").read_text() == expected


def test_an_answer_with_a_passphrase_takes_it_from_a_file(desk: Desk) -> None:
    asked = desk.agent.request(None)
    desk.client.answer(asked.link, SECRET, passphrase="open sesame")
    with pytest.raises(InvalidError, match="needs a passphrase"):
        desk.agent.fetch(asked.request, "key.txt", None, None, 0)
    with pytest.raises(WrongPassphraseError):
        desk.agent.fetch(asked.request, "key.txt", None, desk.write("wrong", "sesame"), 0)
    desk.agent.fetch(asked.request, "key.txt", None, desk.write("right", "open sesame\n"), 0)
    assert (desk.folder / "key.txt").read_text() == SECRET


PASSPHRASES = [
    (b"\xef\xbb\xbfwords\r\n", "words"),
    (b"words\nwritten on a Friday\n", "words"),
    (b" words\t\n", " words\t"),
    (b"words\x0cmore\n", "words\x0cmore"),
    (b"words\n" + b"x" * 70000, "words"),
    (b"words\ncaf\xe9", "words"),
    (b"\xff\xfe" + "words\r\n".encode("utf-16-le"), "words"),
]


@pytest.mark.parametrize(("written", "passphrase"), PASSPHRASES, ids=lambda what: repr(what)[:20])
def test_a_passphrase_is_read_as_people_write_it(desk: Desk, written: bytes, passphrase: str) -> None:
    """As `taina answer --passphrase-file` reads it: a mark, a second line or a space cost one of ten attempts."""
    asked = desk.agent.request(600)
    desk.client.answer(asked.link, SECRET, passphrase=passphrase)
    (desk.folder / "words.txt").write_bytes(written)
    assert first_line(desk.folder / "words.txt", "passphrase") == passphrase
    assert desk.agent.fetch(asked.request, "answer.txt", None, "words.txt", 0).arrived


@pytest.mark.parametrize("written", [b"", b"\xef\xbb\xbf\r\n", b"\nwords\n", "words".encode("utf-16-le"), b"caf\xe9"])
def test_what_is_no_passphrase_costs_no_try(desk: Desk, written: bytes) -> None:
    asked = desk.agent.request(600)
    sent = desk.client.answer(asked.link, SECRET, passphrase="words")
    (desk.folder / "words.txt").write_bytes(written)
    with pytest.raises(FileError):
        desk.agent.fetch(asked.request, "answer.txt", None, "words.txt", 0)
    assert desk.client.receipt(sent.receipt).failed_attempts == 0


def test_a_file_of_variables_from_windows_is_understood(desk: Desk) -> None:
    (desk.folder / ".env").write_bytes(b"\xef\xbb\xbfFIRST=hunter2\r\nSECOND=x\r\n")
    assert desk.client.open(desk.agent.send(".env", "FIRST", None, None).link).text == "hunter2"


def test_an_empty_variable_is_no_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED", "")
    desk.write(".env", "NOTHING=\nQUOTED=''\n")
    for file, variable in ((None, "ALLOWED"), (".env", "NOTHING"), (".env", "QUOTED")):
        with pytest.raises(FileError, match="is empty"):
            desk.agent.send(file, variable, None, None)


def test_it_waits_as_long_as_it_was_told(desk: Desk) -> None:
    waited: list[float] = []
    agent = Agent(desk.client, desk.folder, desk.kept, sleep=waited.append)
    asked = agent.request(None)
    assert not agent.fetch(asked.request, "key.txt", None, None, 12).arrived
    assert waited == [5, 6.25, 0.75]
    waited.clear()
    assert not agent.fetch(asked.request, "key.txt", None, None, 10**9).arrived
    assert sum(waited) == 600


OUTSIDE = [
    "../outside.txt",
    "/etc/passwd",
    "",
    ".",
    "..",
    "link",
    "loop",
    "a/../../outside.txt",
    "a\0b",
    "x" * 5000,
]


@pytest.mark.parametrize("name", OUTSIDE, ids=lambda name: repr(name)[:30])
def test_no_name_leads_outside(desk: Desk, name: str) -> None:
    (desk.folder / "link").symlink_to("../outside.txt")
    (desk.folder / "loop").symlink_to("loop")
    asked = desk.agent.request(None)
    for act in (
        lambda: desk.agent.send(name, None, None, None),
        lambda: desk.agent.send(name, "KEY", None, None),
        lambda: desk.agent.send(desk.write("a"), None, None, name),
        lambda: desk.agent.fetch(asked.request, name, None, None, 0),
        lambda: desk.agent.fetch(asked.request, name, "KEY", None, 0),
    ):
        with pytest.raises(TainaError) as refused:
            act()
        assert "outside" not in str(refused.value).replace("outside.txt", "")
    assert (desk.folder.parent / "outside.txt").read_text() == "outside"


@pytest.mark.parametrize("variable", ["TAINA_KEY", "HOME", "allowed", ""])
def test_a_variable_that_was_not_allowed_is_not_sent(desk: Desk, variable: str) -> None:
    with pytest.raises(FileError, match="may not be sent"):
        desk.agent.send(None, variable, None, None)


def test_neither_file_nor_variable_says_what_is_missing(desk: Desk) -> None:
    with pytest.raises(InvalidError, match="Name a file"):
        desk.agent.send(None, None, None, None)
    with pytest.raises(FileError, match="not set"):
        desk.agent.send(None, "ALLOWED", None, None)


def test_names_outlive_the_program_and_are_given_once(desk: Desk) -> None:
    sent = desk.agent.send(desk.write("a"), None, None, None)
    asked = desk.agent.request(None)
    desk.client.answer(asked.link, SECRET)
    desk.agent.fetch(asked.request, "key.txt", None, None, 0)
    again = Agent(desk.client, desk.folder, desk.kept)
    assert again.look(sent.secret).state == "waiting"
    assert again.request(None).request not in (asked.request, sent.secret)
    assert mode(desk.kept) == 0o600
    with pytest.raises(FileError, match="no request called"):
        again.fetch(sent.secret, "x", None, None, 0)
    with pytest.raises(FileError, match="no secret called"):
        again.look("secret-99")


@pytest.mark.parametrize("text", ["", "[]", '{"made": "x"}', '{"made": 1, "held": []}'])
def test_a_broken_list_is_said_and_nothing_made_in_vain(desk: Desk, text: str) -> None:
    desk.kept.parent.mkdir(exist_ok=True)
    desk.kept.write_text(text)
    with pytest.raises(FileError, match="Move it away"):
        desk.agent.look("secret-1")


lines = st.lists(
    st.sampled_from(
        ["A=1", "export KEY=x", "KEY='a b'", "# it's a comment", "", 'B="two', 'KEY=in"', "=", "é=1", "C='"]
    )
)
values = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=30)


@given(lines, values)
@example(["C='"], "#")
@example(["C='", "A=1", "KEY=x"], "'")
def test_a_variable_reads_as_it_was_written_and_others_stay(parts: list[str], value: str) -> None:
    text = "\n".join(parts)
    changed = with_variable(text, "KEY", value)
    assert read_variable(changed, "KEY") == value
    for name in ("A", "B"):
        try:
            before = read_variable(text, name)
        except FileError:
            continue
        assert read_variable(changed, name) == before
    assert with_variable(changed, "KEY", value) == changed


def test_a_shell_reads_it_so_too(tmp_path: Path) -> None:
    value = 'it\'s "quoted" $HOME `id` \\ # é'
    (tmp_path / ".env").write_text(with_variable("A=1\n", "KEY", value))
    script = '. ./.env; printf %s "$KEY"'
    assert subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True).stdout == value


def sourced(text: str, name: str) -> str:
    """The variable, as `sh` has it after these lines."""
    script = f'{text}\nprintf %s "${name}"'
    return subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode()


plain = st.text("ab1=/:@é#!*?[]{}^%,.+-_\u00a0", min_size=1, max_size=4)
within = st.lists(plain | st.sampled_from([" ", "'", "\n", "\t", *(f"\\{one}" for one in '$`"\\\na1 #')])).map("".join)
quoted = st.one_of(
    plain,
    st.text('ab #"\\$`\n\t!é', max_size=6).map("'{}'".format),
    within.map('"{}"'.format),
    st.sampled_from(list("#'\"\\$` \t\nab&;|<>()*~é")).map("\\{}".format),
)
comments = st.sampled_from(["", " ", "\t# it's", ' # "b\\', " \\\n# c"])


@given(st.sampled_from(["", "export ", " \t"]), st.lists(quoted, max_size=5).map("".join), comments)
@example("", "postgres://u:pa#ss@db/x", " # it's")
@example("", '"pa\\$word"', "")
@example("", "#", "")
def test_what_a_shell_makes_of_a_value_is_sent(before: str, written: str, after: str) -> None:
    """All of it: a password was cut at a number sign, and had a backslash too many, without a word."""
    text = f"# don't\nA=1 # B=2\n{before}KEY={written}{after}\nC=3"
    assert read_variable(text, "KEY") == sourced(text, "KEY")
    assert read_variable(text, "C") == "3"


@pytest.mark.parametrize("text", ["KEY= x", "KEY=a b", "KEY=a 'b'", "KEY=1 OTHER=2", "KEY='a", 'KEY="a\\"', "KEY=a\\"])
def test_what_is_not_one_value_is_not_sent(text: str) -> None:
    with pytest.raises(FileError, match="not one word"):
        read_variable(text, "KEY")


@pytest.mark.parametrize("value", ["p&ss", "a;b", "$HOME", "`id`", "$(id)", "a|b<c>(d)", "!x", "~/x"])
def test_what_a_shell_would_run_or_expand_is_sent_as_it_is_written(value: str) -> None:
    """No such file is run, and programs that read one without a shell take these for themselves."""
    assert read_variable(f"KEY={value}", "KEY") == value
