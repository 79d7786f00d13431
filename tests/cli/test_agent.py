"""`taina agent` as an assistant meets it: the SDK's own client, over standard input and output."""

import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as Assistant
from mcp import StdioServerParameters

from cli.conftest import Run
from support.apart import run_apart
from support.servers import Server
from taina.client import Client

SECRET = "correct horse battery staple"
Call = Callable[..., Awaitable[tuple[bool, str]]]


def talk(taina: Server, base: Path, story: Callable[[Call], Awaitable[None]], *options: str) -> str:
    """Let an assistant tell its story; all that it was told, for looking for what it must not know."""
    (base / "work").mkdir(exist_ok=True)
    heard: list[str] = []
    command = ["-m", "taina", "agent", "work", "--url", taina.url, "--log", "log.txt", *options]
    environment = {**os.environ, "XDG_STATE_HOME": str(base / "state"), "ALLOWED": SECRET}

    async def all_of_it() -> None:
        started = StdioServerParameters(command=sys.executable, args=command, cwd=base, env=environment)
        async with Assistant(started) as assistant:
            heard.append(str(await assistant.list_tools()))

            async def call(tool: str, **arguments: Any) -> tuple[bool, str]:
                result = await assistant.call_tool(tool, arguments)
                heard.append(str(result))
                if not result.is_error:
                    return True, json.dumps(result.structured_content)
                return False, "".join(one.text for one in result.content if one.type == "text")

            await story(call)

    run_apart(all_of_it())
    return "\n".join(heard)


def test_it_hands_over_and_asks_without_seeing_a_secret(taina: Server, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "router.txt").write_text(SECRET)

    async def story(call: Call) -> None:
        done, text = await call("send", file="router.txt", lifetime_seconds=3600)
        assert done, text
        sent = json.loads(text)
        assert json.loads((await call("look", secret=sent["secret"]))[1])["state"] == "waiting"
        with Client(taina.url) as person:
            assert person.open(sent["link"]).files[0].content == SECRET.encode()
        assert json.loads((await call("look", secret=sent["secret"]))[1])["state"] == "opened"
        asked = json.loads((await call("request"))[1])
        with Client(taina.url) as person:
            person.answer(asked["link"], SECRET)
        fetched = json.loads((await call("fetch", request=asked["request"], file=".env", variable="DB"))[1])
        assert (fetched["arrived"], fetched["saved"]) == (True, [".env"])
        second = json.loads((await call("send", variable="ALLOWED"))[1])
        assert (await call("burn", secret=second["secret"]))[0]

    heard = talk(taina, tmp_path, story, "--variable", "ALLOWED")
    assert (tmp_path / "work" / ".env").read_text() == f"DB='{SECRET}'\n"
    assert SECRET not in heard
    assert "/receipt/#" not in heard
    assert "/inbox/#" not in heard
    log = (tmp_path / "log.txt").read_text()
    assert [line.split(" ", 1)[1] for line in log.splitlines()] == [
        "send 'router.txt': done",
        "look 'secret-1': done",
        "look 'secret-1': done",
        "request: done",
        "fetch 'request-2' into '.env' 'DB': done",
        "send 'ALLOWED': done",
        "burn 'secret-3': done",
    ]


def test_what_is_refused_is_said_in_words_that_help(taina: Server, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text(SECRET)

    async def story(call: Call) -> None:
        for tool, arguments, words in [
            ("send", {"file": "../outside"}, "Name a file below it"),
            ("send", {"variable": "PATH"}, "allows one by --variable"),
            ("send", {"file": "a\nb"}, "not a file"),
            ("look", {"secret": "secret-7"}, "no secret called"),
            ("fetch", {"request": "x\ny: done", "file": "f"}, "no request called"),
            ("send", {"file": "../outside", "lifetime_seconds": "soon"}, "lifetime_seconds"),
            ("open", {"link": "x"}, "open"),
        ]:
            done, text = await call(tool, **arguments)
            assert not done
            assert words in text

    heard = talk(taina, tmp_path, story)
    assert SECRET not in heard
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert len(lines) == 5, "what does not fit the tools reaches none, and each line is one call"


def test_a_log_that_can_no_longer_be_written_takes_nothing_back(taina: Server, tmp_path: Path) -> None:
    """The secret was stored, and its link lost, for want of a line about it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "router.txt").write_text(SECRET)
    (tmp_path / "logs").mkdir()

    async def story(call: Call) -> None:
        shutil.rmtree(tmp_path / "logs")
        done, text = await call("send", file="router.txt")
        assert done, text
        with Client(taina.url) as person:
            assert person.open(json.loads(text)["link"]).files[0].content == SECRET.encode()
        refused = await call("send", file="missing.txt")
        assert refused[0] is False
        assert "is not a file in the folder" in refused[1]

    talk(taina, tmp_path, story, "--log", "logs/log.txt")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing",), b"does not exist"),
        ((".", "--log", "missing/log.txt"), b"missing/log.txt cannot be written to: No such file or directory."),
        ((".", "--url", ""), b"An argument is empty"),
        (("/",), b"Name a folder below it"),
    ],
)
def test_a_wrong_start_is_refused_in_words(run: Run, arguments: tuple[str, ...], words: bytes) -> None:
    done = run("agent", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
