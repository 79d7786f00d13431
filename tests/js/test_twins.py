"""What both languages have is called the same in both, each in its own spelling."""

import re
from itertools import islice
from typing import Any, get_args

from support.javascript import JavaScript
from taina import Client
from taina.cli import receipt
from taina.client import transport, waiting
from taina.errors import TainaError
from taina.format import derive, envelope, links, payload, stream
from taina.store import State

STEPS = {"credential", "seal"}
"""Of Python's `answer`, which a page takes one by one: a person may wait between them."""
ONLY_IN_JAVASCRIPT = {
    *("agree", "openBase", "sealBase"),  # of HPKE, which Python has from a library
    *("flagsOf", "streamKey"),  # in Python a property and a constructor
    "text",  # a check that Python's readers of headers keep to themselves
}


def _python(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def test_calls_of_the_client_have_the_names_of_taina_client(javascript: JavaScript) -> None:
    names: dict[str, list[str]] = javascript.ask("names")
    assert {"status", "receipt", "burn", "send", "open"} <= set(names["Client"])
    assert {_python(name) for name in names["Client"] + names["Requests"]} - STEPS <= set(dir(Client))
    assert {_python(name) for name in names["Transport"]} <= set(dir(transport.Transport))


def test_functions_and_constants_of_the_format_have_the_names_of_taina_format(javascript: JavaScript) -> None:
    names: dict[str, list[str]] = javascript.ask("names")
    ours: set[str] = set()
    for module in (derive, envelope, links, payload, stream):
        ours |= set(dir(module))
    missing = {name for name in names["format"] if name not in ours and _python(name) not in ours}
    assert missing == ONLY_IN_JAVASCRIPT


def test_the_states_that_pages_believe_are_those_that_a_server_says(javascript: JavaScript) -> None:
    names: dict[str, list[str]] = javascript.ask("names")
    assert tuple(names["states"]) == get_args(State)


def test_the_codes_that_pages_believe_are_those_that_a_server_sends(javascript: JavaScript, api: Any) -> None:
    names: dict[str, list[str]] = javascript.ask("names")
    document = api.get("/openapi.json").json()
    sent = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert TainaError.code in sent
    assert sorted(names["codes"]) == sorted(sent)


def test_a_page_waits_as_the_commands_do(javascript: JavaScript) -> None:
    told = javascript.ask("waiting", looks=30)
    assert told["pauses"] == list(islice(waiting.pauses(), 30))
    assert tuple(told["states"]) == receipt._OPEN_STATES
