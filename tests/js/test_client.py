"""site/js/client/client.js, as it is, with a real server; real browsers follow in tests/browser/."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.javascript import JavaScript, Refused
from support.servers import Server, free_port, start_server, stop_server
from taina import base64url
from taina.format.derive import sha256
from taina.format.links import Link, encode_link
from taina.format.payload import CHUNK_SIZE

TEXT = {"type": "text", "text": "Сейфът се отваря с 4711 🔑"}


class Person:
    """Someone with a browser of his own, at one server."""

    def __init__(self, javascript: JavaScript, url: str) -> None:
        self._javascript = javascript
        self._url = url

    def send(self, *items: dict[str, Any], passphrase: str | None = None) -> tuple[str, str]:
        sent = self._javascript.ask("send", url=self._url, items=list(items), ttl=3600, passphrase=passphrase)
        return sent["secret"], sent["receipt"]

    def open(self, link: str, passphrase: str | None = None) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._javascript.ask("open", url=self._url, text=link, passphrase=passphrase)[
            "items"
        ]
        return items

    def ask(self, what: str, link: str) -> Any:
        return self._javascript.ask(what, url=self._url, text=link)


@pytest.fixture
def sender(javascript: JavaScript, taina: Server) -> Person:
    return Person(javascript, taina.url)


@pytest.fixture
def reader(taina: Server) -> Iterator[Person]:
    """A process of his own: his claims are not the sender's."""
    program = JavaScript()
    yield Person(program, taina.url)
    program.close()


def test_a_text_is_read_once(sender: Person, reader: Person) -> None:
    link, receipt = sender.send(TEXT)
    for _ in range(5):
        status = reader.ask("status", link)
        assert (status["state"], status["passphrase"], status["attempts_left"]) == ("waiting", False, 10)
    assert sender.ask("receipt", receipt)["state"] == "waiting"
    assert reader.open(link) == [TEXT]
    for person in (reader, sender):
        with pytest.raises(Refused, match="gone") as refused:
            person.open(link)
        assert refused.value.members["state"] == "opened"
    found = sender.ask("receipt", receipt)
    assert (found["state"], found["proved"], found["failed_attempts"]) == ("opened", True, 0)


def test_only_the_passphrase_opens(sender: Person, reader: Person) -> None:
    link, receipt = sender.send(TEXT, passphrase="ﬁ парола")
    assert reader.ask("status", link)["passphrase"] is True
    with pytest.raises(Refused, match="wrong_passphrase") as refused:
        reader.open(link, "fi пароли")
    assert refused.value.members["attempts_left"] == 9
    assert reader.open(link, "fi парола") == [TEXT]
    found = sender.ask("receipt", receipt)
    assert (found["state"], found["proved"], found["failed_attempts"]) == ("opened", True, 1)


@pytest.mark.parametrize("size", [0, CHUNK_SIZE - 200, CHUNK_SIZE, CHUNK_SIZE + 1, 4 * CHUNK_SIZE + 5])
def test_a_file_arrives_as_it_was(size: int, sender: Person, reader: Person) -> None:
    data = (sha256(b"file") * (size // 32 + 1))[:size]
    link, receipt = sender.send({"type": "file", "name": "а.bin", "mime": "", "data": base64url.encode(data)}, TEXT)
    file, text = reader.open(link)
    assert base64url.decode(file.pop("data")) == data
    assert file == {"type": "file", "name": "а.bin", "mime": "", "size": size, "opaque": True}
    assert text == TEXT
    assert sender.ask("receipt", receipt)["proved"] is True


def test_a_burned_secret_is_gone(sender: Person, reader: Person) -> None:
    link, receipt = sender.send(TEXT)
    sender.ask("burn", receipt)
    with pytest.raises(Refused, match="gone") as refused:
        reader.open(link)
    assert refused.value.members["state"] == "burned"
    found = sender.ask("receipt", receipt)
    assert (found["state"], found["proved"]) == ("burned", False)


def test_a_link_that_nobody_made_is_not_found(sender: Person) -> None:
    with pytest.raises(Refused, match="not_found"):
        sender.open(encode_link(Link("secret", sha256(b"nobody made it"))))


def test_a_server_that_is_away_is_unreachable_and_the_next_try_is_the_same_reader(tmp_path: Path) -> None:
    server = start_server(tmp_path, port=free_port())
    program = JavaScript()
    try:
        person = Person(program, server.url)
        link, _ = person.send(TEXT)
        stop_server(server)
        with pytest.raises(Refused, match="unreachable"):
            person.open(link)
        server = start_server(tmp_path, port=server.port)
        assert person.open(link) == [TEXT]
    finally:
        program.close()
        stop_server(server)
