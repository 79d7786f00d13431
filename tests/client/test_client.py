"""The library against a real server."""

import gc
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import taina
from support.servers import Server, start_server, stop_server
from taina import Client, File
from taina.client.results import Opened
from taina.errors import (
    AnsweredError,
    FileError,
    GoneError,
    IncompleteLinkError,
    InvalidError,
    NotFoundError,
    NotTainaError,
    StorageFullError,
    TooLargeError,
    UnreachableError,
    WrongLinkError,
    WrongPassphraseError,
)

MEBI = 1 << 20
SIZES = [0, 1, MEBI - 1, MEBI, MEBI + 1, 3 * MEBI + 5]


def test_a_text_is_opened_once_and_the_receipt_proves_it(client: Client) -> None:
    sent = client.send("Парола 🔑", ttl=600)
    assert client.receipt(sent.receipt).state == "waiting"
    assert client.status(sent.link).attempts_left == 10
    opened = client.open(sent.link)
    assert opened.items == ("Парола 🔑",)
    assert (opened.text, opened.files, opened.late) == ("Парола 🔑", (), False)
    receipt = client.receipt(sent.receipt)
    assert (receipt.state, receipt.proved, receipt.failed_attempts) == ("opened", True, 0)
    for again in (client.open, client.status):
        with pytest.raises(GoneError) as caught:
            again(sent.link)
        assert caught.value.members["state"] == "opened"


@pytest.mark.parametrize("size", SIZES)
def test_a_file_in_memory(client: Client, size: int) -> None:
    content = os.urandom(size)
    opened = client.open(client.send(File("ключ.bin", content, "application/x-key")).link)
    assert opened.files == (File("ключ.bin", content, "application/x-key"),)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_on_disk(client: Client, tmp_path: Path, size: int) -> None:
    path = tmp_path / "in.bin"
    path.write_bytes(os.urandom(size))
    folder = tmp_path / "out"
    folder.mkdir()
    (file,) = client.open(client.send(path).link, folder=folder).files
    assert file.content == folder / "in.bin"
    assert (folder / "in.bin").read_bytes() == path.read_bytes()


def test_a_large_file_passes_without_filling_the_memory(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        for _ in range(88):  # Padmé and the tags bring it close to the hundred of the server's own bound
            file.write(os.urandom(MEBI))
    steps: list[tuple[int, int]] = []
    folder = tmp_path / "out"
    folder.mkdir()
    # Nor because it is looked for late: who uses us may have turned that off.
    gc.disable()
    tracemalloc.start()
    try:
        sent = client.send(path, on_progress=lambda *step: steps.append(step))
        client.open(sent.link, folder=folder)
        assert tracemalloc.get_traced_memory()[1] < 24 * MEBI
    finally:
        tracemalloc.stop()
        gc.enable()
    assert steps[-1][0] == steps[-1][1] > 88 * MEBI
    with path.open("rb") as one, (folder / "large.bin").open("rb") as other:
        while piece := one.read(MEBI):
            assert piece == other.read(MEBI)
        assert not other.read(1)


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("Договор за наем.pdf", "Договор за наем.pdf"),
        ("عقد الإيجار.pdf", "عقد الإيجار.pdf"),
        ("🔑 keys.txt", "🔑 keys.txt"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c.txt", "a_b_c.txt"),
        ("..", "file"),
        ("x" * 300 + ".tar", "x" * 196 + ".tar"),
    ],
)
def test_names_stay_in_the_folder(client: Client, tmp_path: Path, name: str, saved: str) -> None:
    (file,) = client.open(client.send(File(name, b"content")).link, folder=tmp_path).files
    assert file.name == name
    assert [path.name for path in tmp_path.iterdir()] == [saved]


def test_a_taken_name_gets_a_number_and_is_overwritten_only_when_told(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    both = client.send(File("a.txt", b"one"), File("a.txt", b"two"))
    client.open(both.link, folder=tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "mine",
        "a (2).txt": "one",
        "a (3).txt": "two",
    }
    client.open(client.send(File("a.txt", b"theirs")).link, folder=tmp_path, overwrite=True)
    assert (tmp_path / "a.txt").read_text() == "theirs"


def test_texts_and_files_together_keep_their_order(client: Client) -> None:
    items = ("first", File("a.txt", b"a"), "second", File("b.txt", b""))
    opened = client.open(client.send(*items).link)
    assert [item if isinstance(item, str) else item.name for item in opened.items] == [
        "first",
        "a.txt",
        "second",
        "b.txt",
    ]
    assert opened.text == "first\nsecond"


def test_ten_wrong_passphrases_lock_it(client: Client) -> None:
    sent = client.send("hunter2", passphrase="парола ﬁ")
    for left in range(9, -1, -1):
        with pytest.raises(WrongPassphraseError) as caught:
            client.open(sent.link, "wrong")
        assert caught.value.members["attempts_left"] == left
    with pytest.raises(GoneError):
        client.open(sent.link, "парола ﬁ")
    receipt = client.receipt(sent.receipt)
    assert (receipt.state, receipt.failed_attempts) == ("locked", 10)


def test_the_right_passphrase_in_another_spelling(client: Client) -> None:
    sent = client.send("hunter2", passphrase="парола ﬁ")
    with pytest.raises(WrongPassphraseError):
        client.open(sent.link, "парола")
    assert client.open(sent.link, "парола fi").text == "hunter2"
    assert client.receipt(sent.receipt).failed_attempts == 1


def test_a_passphrase_that_is_missing_or_not_asked_for_costs_no_attempt(client: Client) -> None:
    for sent, passphrase in ((client.send("x", passphrase="p"), None), (client.send("x"), "p")):
        with pytest.raises(InvalidError) as caught:
            client.open(sent.link, passphrase)
        assert caught.value.members["field"] == "passphrase"
        assert client.receipt(sent.receipt).failed_attempts == 0


def test_another_passphrase_at_the_second_try_is_wrong_and_nothing_was_tampered_with(client: Client) -> None:
    """The server asks no proof of a reader who goes on."""
    sent = client.send("hunter2", passphrase="p")

    def fail(_: Opened) -> None:
        raise FileError

    with pytest.raises(FileError):
        client.open(sent.link, "p", deliver=fail)
    with pytest.raises(WrongPassphraseError) as caught:
        client.open(sent.link, "q")
    assert caught.value.members == {}
    assert client.open(sent.link, "p").text == "hunter2"


def test_burned_is_gone(client: Client) -> None:
    sent = client.send("x")
    client.burn(sent.receipt)
    client.burn(sent.receipt)
    assert client.receipt(sent.receipt).state == "burned"
    with pytest.raises(GoneError):
        client.open(sent.link)
    opened = client.send("x")
    client.open(opened.link)
    with pytest.raises(GoneError):
        client.burn(opened.receipt)


def test_one_link_for_each_recipient(client: Client) -> None:
    sent = client.send_each(3, "for each", passphrase="p")
    assert len({one.link for one in sent} | {one.receipt for one in sent}) == 6
    assert [client.open(one.link, "p").text for one in sent] == ["for each"] * 3


def piped(content: bytes) -> Path:
    """What a shell makes of `<(…)`: a path whose content can be read once."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return Path(f"/dev/fd/{reading}")


def test_each_recipient_gets_what_can_be_read_once(client: Client) -> None:
    """The second one got an empty file, and nobody was told."""
    sent = client.send_each(2, piped(b"hunter2"))
    assert [client.open(one.link).files[0].content for one in sent] == [b"hunter2"] * 2


def test_a_pipe_of_more_than_is_held_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of it would be missing."""
    monkeypatch.setattr("taina.client.contents._MAX_HELD", 6)
    with pytest.raises(FileError, match="Save it as a file first"):
        client.send(piped(b"hunter2"))


def test_all_recipients_or_none(built_site: Path, tmp_path: Path) -> None:
    server = start_server(tmp_path, "--max-storage", "5MiB")
    made: list[bytes] = []

    def random(size: int) -> bytes:
        made.append(os.urandom(size))
        return made[-1]

    try:
        with Client(server.url, random=random) as client:
            with pytest.raises(StorageFullError):
                client.send_each(4, File("x", os.urandom(2 * MEBI)))
            client.send(File("x", os.urandom(4 * MEBI)))  # what was made has been burned, and its room is free
    finally:
        stop_server(server)


def test_two_links_raced_for_by_threads(client: Client) -> None:
    """A client may be shared by threads; a secret has one reader."""
    sent = client.send("once")
    outcomes: list[str] = []

    def read(reader: Client) -> None:
        with reader:
            try:
                outcomes.append(reader.open(sent.link).text)
            except GoneError:
                outcomes.append("gone")

    threads = [threading.Thread(target=read, args=[Client()]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone"] * 7 + ["once"]


def test_one_client_in_many_threads(client: Client) -> None:
    texts: list[str] = []

    def pass_on(n: int) -> None:
        texts.append(client.open(client.send(f"text {n}").link).text)

    threads = [threading.Thread(target=pass_on, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts) == [f"text {n}" for n in range(8)]


def test_links_of_another_kind_and_cut_ones_are_told_apart(client: Client) -> None:
    sent = client.send("x")
    with pytest.raises(WrongLinkError) as caught:
        client.open(sent.receipt)
    assert caught.value.members["kind"] == "receipt"
    for call in (client.open, client.status):
        with pytest.raises(IncompleteLinkError):
            call(sent.link[:-3])
    assert client.open(f"  <{sent.link}>. ").text == "x"


def test_a_bare_fragment_needs_an_instance(client: Client) -> None:
    sent = client.send("x")
    fragment = sent.link.partition("#")[2]
    with Client() as nowhere, pytest.raises(InvalidError):
        nowhere.status(fragment)
    assert client.open(fragment).text == "x"
    with Client() as nowhere, pytest.raises(InvalidError):
        nowhere.send("x")


@pytest.mark.parametrize("ttl", [0, 299, 30 * 86400 + 1])
def test_a_lifetime_out_of_range_is_refused(client: Client, ttl: int) -> None:
    with pytest.raises(InvalidError) as caught:
        client.send("x", ttl=ttl)
    assert caught.value.members["field"] == "ttl"


def test_what_is_too_large_is_refused_before_it_is_sent(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 * MEBI)
    with pytest.raises(TooLargeError, match="100 MiB"):
        client.send(path)


def test_a_file_that_cannot_be_read_or_changes(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileError):
        client.send(tmp_path / "missing")
    shrinking = tmp_path / "shrinking"
    shrinking.write_bytes(bytes(12 * MEBI))

    def shrink(done: int, total: int) -> None:
        shrinking.write_bytes(bytes(2 * MEBI))

    with pytest.raises(FileError):
        client.send(shrinking, on_progress=shrink)


def test_half_a_character_is_refused(client: Client) -> None:
    with pytest.raises(InvalidError):
        client.send("\ud800")


def test_a_late_secret_is_told(taina: Server) -> None:
    with Client(taina.url, clock=lambda: 1_000_000_000) as past, Client() as reader:
        assert reader.open(past.send("x", ttl=600).link).late


def test_who_answers_there(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9", patience=0) as client, pytest.raises(UnreachableError):
        client.send("x")
    with pytest.raises(InvalidError):
        Client("file:///etc")


def test_something_else_that_answers(taina: Server) -> None:
    with Client(f"{taina.url}/en", patience=0) as client, pytest.raises((NotTainaError, NotFoundError)):
        client.instance()


def test_a_request_is_answered_and_only_its_inbox_reads_it(client: Client) -> None:
    asked = client.request(ttl=600, answers=2)
    assert client.inbox(asked.inbox).answers == ()
    client.answer(asked.link, "the password")
    assert client.request_status(asked.link).answers_left == 1
    receipt = client.answer(asked.link, File("key.pem", b"key"), passphrase="p").receipt
    first, second = client.inbox(asked.inbox).answers
    assert first and second
    assert client.open(first).text == "the password"
    assert client.open(second, "p").files[0].content == b"key"
    assert client.receipt(receipt).proved
    with pytest.raises(AnsweredError):
        client.answer(asked.link, "too late")
    client.withdraw(asked.inbox)
    client.withdraw(asked.inbox)
    for call, link in ((client.inbox, asked.inbox), (client.request_status, asked.link)):
        with pytest.raises(NotFoundError):
            call(link)


def test_a_request_may_want_a_passphrase(client: Client) -> None:
    asked = client.request(passphrase=True)
    with pytest.raises(InvalidError):
        client.answer(asked.link, "x")
    client.answer(asked.link, "x", passphrase="p")


def test_the_public_names_are_there() -> None:
    for name in taina.__all__:
        assert getattr(taina, name) is not None
    with pytest.raises(AttributeError):
        _ = taina.nothing


def test_nothing_secret_stands_in_a_repr(client: Client) -> None:
    shows: list[Callable[[], object]] = [
        lambda: client.send("hunter2"),
        lambda: client.open(client.send("hunter2").link),
        lambda: client.request(),
    ]
    for show in shows:
        said = repr(show())
        assert "hunter2" not in said
        assert "#" not in said
