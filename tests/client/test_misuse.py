"""Wrong types are refused with a sentence, before anything is sent; and no call asks more than it needs."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.hostile_server import HostileServer, problem, says, whole
from support.servers import Server
from taina import Client, File
from taina.errors import InvalidError, NotTainaError
from taina.format.links import Link, encode_link

LINK = encode_link(Link("secret", bytes(32)))
MISUSES: dict[str, Callable[[Any], object]] = {
    "bytes": lambda client: client.send(b"x"),
    "a list": lambda client: client.send(["x"]),
    "None": lambda client: client.send(None),
    "a number": lambda client: client.send(5),
    "a timedelta": lambda client: client.send("x", ttl=timedelta(hours=1)),
    "a fraction of seconds": lambda client: client.send("x", ttl=1.5),
    "seconds as text": lambda client: client.send("x", ttl="3600"),
    "true as seconds": lambda client: client.send("x", ttl=True),
    "a passphrase in bytes": lambda client: client.send("x", ttl=600, passphrase=b"p"),
    "a passphrase that is a number": lambda client: client.send("x", ttl=600, passphrase=1234),
    "a file of text": lambda client: client.send(File("a", "text")),  # type: ignore[arg-type]
    "a file without a name": lambda client: client.send(File(None, b"x")),  # type: ignore[arg-type]
    "a file of an odd type": lambda client: client.send(File("a", b"x", None)),  # type: ignore[arg-type]
    "recipients": lambda client: client.send_each("3", "x", ttl=600),
    "a link in bytes": lambda client: client.open(LINK.encode()),
    "no link": lambda client: client.status(None),
    "a result for its link": lambda client: client.receipt(object()),
    "a folder as a number": lambda client: client.open(LINK, folder=5),
    "answers": lambda client: client.request(ttl=600, answers="2"),
    "the lifetime of a request": lambda client: client.request(ttl=timedelta(days=1)),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_wrong_type_is_refused_with_a_sentence(misuse: str) -> None:
    with HostileServer(lambda _: says({})) as server, Client(server.url, patience=0) as client:
        with pytest.raises(TypeError, match=r"^[a-z_ ]+ (is|are) .+, not .+\.$"):
            MISUSES[misuse](client)
        assert server.asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        *({"url": b"https://x"}, {"url": 5}, {"key": b"x"}, {"key": 5}),
        *({"verify": False}, {"verify": 5}, {"proxy": 5}, {"transport": "http"}),
    ],
)
def test_a_client_of_wrong_types(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"is .+, not"):
        Client(**arguments)


def test_a_folder_may_be_a_text(client: Client, tmp_path: Path) -> None:
    link = client.send(File("a", b"x"), ttl=600).link
    client.open(link, folder=str(tmp_path))  # type: ignore[arg-type]
    assert (tmp_path / "a").read_bytes() == b"x"


class Counting:
    """A server that tells an instance's answers again, and notes the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, asked: str) -> list[bytes]:
        method, path, _ = asked.split()
        self.calls.append(f"{method} {path.split('/')[3]}")
        if method == "GET":
            return says({"answers_left": 1, "expires": 2_000_000_000})
        return says({"expires": 2_000_000_000})


def test_an_answer_takes_three_calls() -> None:
    asked = encode_link(Link("request", bytes([9] + [0] * 31)))
    counting = Counting()
    with HostileServer(counting) as server, Client(server.url) as client:
        client.answer(asked, "x", ttl=600)
    assert counting.calls == ["GET requests", "PUT secrets", "POST requests"]


def test_a_private_instance_is_asked_for_its_lifetime_once() -> None:
    """By the create that needed a key, and by the one that showed the request, it was asked twice."""
    asked = encode_link(Link("request", bytes([9] + [0] * 31)))
    calls: list[str] = []

    def private(line: str) -> list[bytes]:
        method, path, _ = line.split()
        calls.append(f"{method} {path.split('/')[3]}")
        if method == "PUT" and calls.count("PUT secrets") == 1:
            return problem(401, code="key_needed")
        return says({"ttl": {"default": 600}, "answers_left": 1, "expires": 2_000_000_000, "state": "open"})

    with HostileServer(private) as server, Client(server.url) as client:
        looked = client.request_status(asked)
        client.answer(asked, "x", looked=looked)
    assert calls == ["GET requests", "GET status", "PUT secrets", "PUT secrets", "POST requests"]


def test_the_api_of_a_split_host_is_found_once(taina: Server) -> None:
    """Pages on a host of their own say in a file where the API is: that was asked for by each call."""

    def pages(asked: str) -> list[bytes]:
        return says({"api": taina.url}) if "api.json" in asked else problem(404)

    with HostileServer(pages) as server, Client(server.url) as client:
        sent = client.send("hunter2", ttl=600)
        assert sent.link.startswith(server.url)
        assert client.status(sent.link).state == "waiting"
        assert client.open(sent.link).text == "hunter2"
        assert client.receipt(sent.receipt).state == "opened"
        assert [line.split()[1] for line in server.asked].count("/api.json") == 1
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://user:hunter2@host.example", "Write https://host.example"),
        ("https://host.example?q=1", "Write https://host.example"),
        (f"https://host.example/s/#{LINK}", "Write https://host.example"),
        ("ftp://host.example", "is not an address"),
        ("https://", "is not an address"),
        ("https://host.example:0", "is not an address"),
        ("https://host.example:port", "is not an address"),
        ("https://[::1", "is not an address"),
        ("//user:hunter2@host.example", "is not an address"),
        (f"host#{LINK}", "is not an address"),
    ],
)
def test_what_is_no_address_of_an_instance_is_told_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(InvalidError) as caught:
        Client(url)
    assert said in caught.value.detail
    assert "hunter2" not in caught.value.detail
    assert LINK not in caught.value.detail


@pytest.mark.parametrize("around", [" {} ", "{}/", "{}///", "\t{}/\n", "\u00a0{}"])
def test_what_stands_around_an_address_is_passed_over(taina: Server, around: str) -> None:
    with Client(around.format(taina.url)) as client:
        sent = client.send("x")
        assert sent.link.startswith(f"{taina.url}/s/#")


@pytest.mark.parametrize(
    ("status", "path", "said"),
    [
        ("401 Unauthorized", "", "A login stands before this address"),
        ("407 Proxy Authentication Required", "", "The proxy on the way wants a login"),
        ("301 Moved Permanently", "", "leads on to another"),
        ("308 Permanent Redirect", "", "leads on to another"),
        ("404 Not Found", "/secrets", "has a host of its own"),
        ("405 Method Not Allowed", "/en", "has a host of its own"),
        ("404 Not Found", "", "is not Taina"),
    ],
)
def test_what_stands_before_an_instance_is_said(status: str, path: str, said: str) -> None:
    page = whole(b"<h1>No</h1>", status, "text/html", "Location: https://elsewhere.example/")
    with HostileServer(lambda _: page) as server, Client(server.url + path, patience=0) as client:
        with pytest.raises(NotTainaError) as caught:
            client.instance()
        assert said in caught.value.detail
        assert "elsewhere" not in caught.value.detail
