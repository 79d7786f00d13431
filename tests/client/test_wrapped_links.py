"""What was sent through a mail scanner goes to the instance, and never to the scanner's host."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from support.hostile_server import HostileServer, says
from taina import Client
from taina.errors import IncompleteLinkError

WRAPPED: dict[str, Callable[[str, str], str]] = {
    "in a parameter": lambda scanner, link: f"{scanner}/?url={quote(link, safe='')}&data=05%7C02&reserved=0",
    "in a parameter, as it was": lambda scanner, link: f"{scanner}/url?q={link}&sa=D",
    "in the path": lambda scanner, link: f"{scanner}/click/{link}",
    "a sentence": lambda scanner, link: f"the manual is at {scanner}/help, the key at {link}",
    "a sentence with a page of ours": lambda scanner, link: f"not {scanner}/s/#x but {link}",
    "Proofpoint": lambda scanner, link: f"{scanner}/ https://urldefense.com/v3/__{link.replace('#', '*')}__;Iw!!x!y$",
    "Markdown": lambda scanner, link: f"[{scanner}/s/]({link})",
}
LOST: dict[str, Callable[[str, str], str]] = {
    "without its scheme": lambda scanner, link: f"{scanner}/?url={quote(link.partition('://')[2], safe='')}",
    "in the path, without its scheme": lambda scanner, link: f"{scanner}/click/{link.partition('://')[2]}",
    "the key alone": lambda scanner, link: f"ask {scanner}/s/ with the key #{link.partition('#')[2]}",
    "another page": lambda scanner, link: f"{scanner}/help#{link.partition('#')[2]}",
}


@pytest.mark.parametrize("way", WRAPPED)
def test_a_wrapped_link_asks_its_own_instance(client: Client, way: str) -> None:
    with HostileServer(lambda _: says({})) as scanner, Client(patience=0) as reader:
        sent = client.send("hunter2", ttl=600)
        text = WRAPPED[way](scanner.url, sent.link)
        assert reader.status(text).state == "waiting"
        assert reader.receipt(WRAPPED[way](scanner.url, sent.receipt)).state == "waiting"
        assert reader.open(text).text == "hunter2"
        asked = client.request(ttl=600)
        assert reader.request_status(WRAPPED[way](scanner.url, asked.link)).answers_left == 1
        reader.withdraw(WRAPPED[way](scanner.url, asked.inbox))
        assert scanner.asked == []


@pytest.mark.parametrize("way", ["{}", "//{}", "http:/{}", "hxxp://{}", "see {}"])
def test_a_link_without_its_scheme_does_not_ask_another_instance(client: Client, way: str) -> None:
    """The one of --url or TAINA_URL was asked, which had never heard of it, and learned its proof."""
    sent = client.send("hunter2", ttl=600)
    with HostileServer(lambda _: says({})) as other, Client(other.url, patience=0) as reader:
        for link, call in ((sent.link, reader.open), (sent.link, reader.status), (sent.receipt, reader.receipt)):
            with pytest.raises(IncompleteLinkError, match="with --url"):
                call(way.format(link.partition("://")[2]))
        assert other.asked == []


@pytest.mark.parametrize("way", LOST)
def test_a_link_whose_instance_is_not_told_is_refused(client: Client, way: str) -> None:
    with HostileServer(lambda _: says({})) as scanner, Client(client.url, patience=0) as reader:
        text = LOST[way](scanner.url, client.send("hunter2", ttl=600).link)
        for call in (reader.status, reader.open):
            with pytest.raises(IncompleteLinkError, match="with --url"):
                call(text)
        assert scanner.asked == []
