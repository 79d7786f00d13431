"""The page “Scripts and AI assistants”: each of its blocks does what the page says, in each language."""

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client as Assistant
from mcp import StdioServerParameters

from conftest import ROOT
from support.apart import run_apart
from support.servers import Server
from taina.client import Client

SECRET = "correct horse battery staple"


def blocks(language: str) -> list[str]:
    text = (ROOT / "site" / "texts" / language / "recipes.md").read_text("utf-8")
    return [
        textwrap.dedent(block).strip("\n") + "\n"
        for block in re.findall(r"(?:(?:^    .*|^)\n)+", text, re.M)
        if block.strip()
    ]


@pytest.fixture(params=["en", "bg"])
def page(request: pytest.FixtureRequest) -> list[str]:
    return blocks(request.param)


@pytest.fixture
def shell(taina: Server, tmp_path: Path) -> Iterator[Any]:
    """Runs a script in a folder with a secret, where `taina` is this one and `pip` has nothing to do."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, line in (("taina", f'exec {sys.executable} -m taina "$@"'), ("pip", "exit 0")):
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    (tmp_path / "password.txt").write_text(SECRET)

    def run(script: str, **variables: str) -> str:
        summary = tmp_path / "summary"
        summary.unlink(missing_ok=True)
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
        environment |= {"PYTHONPATH": str(ROOT / "backend"), "TAINA_URL": taina.url} | variables
        done = subprocess.run(
            ["sh", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout + (summary.read_text() if summary.exists() else "")

    yield run


def opened(link: str) -> bytes | Path:
    with Client() as reader:
        return reader.open(link).files[0].content


def test_the_steps_of_pipelines_hand_over_a_file(page: list[str], shell: Any, tmp_path: Path) -> None:
    (step,) = yaml.safe_load(next(block for block in page if "GITHUB_STEP_SUMMARY" in block))
    assert set(step["env"]) == {"TAINA_URL"}
    assert opened(shell(step["run"]).strip()) == SECRET.encode()
    assert not (tmp_path / "password.txt").exists()
    (tmp_path / "password.txt").write_text(SECRET)
    job = yaml.safe_load(next(block for block in page if "image: python" in block))["hand-over"]
    assert set(job["variables"]) == {"TAINA_URL"}
    assert opened(shell("\n".join(job["script"])).strip()) == SECRET.encode()


def test_an_answer_to_a_request_prints_no_link_that_opens_it(page: list[str], shell: Any, taina: Server) -> None:
    (line,) = [block for block in page if "REQUEST_LINK" in block]
    with Client(taina.url) as asker:
        asked = asker.request()
        assert "/s/#" not in shell(line, REQUEST_LINK=asked.link)
        (answer,) = asker.inbox(asked.inbox).answers
        assert answer is not None
        assert asker.open(answer).files[0].content == SECRET.encode()


def test_an_assistant_is_configured_and_called_as_it_says(page: list[str], taina: Server, tmp_path: Path) -> None:
    (block,) = [block for block in page if "mcpServers" in block]
    configured = json.loads(block)["mcpServers"]["taina"]
    assert configured["command"] == "taina"
    here = {"/home/me/work": str(tmp_path), "https://secrets.example": taina.url}
    arguments = [here.get(one, one) for one in configured["args"]]
    calls = [call for block in page if re.match(r"\w+\(", block) for call in map(ast.parse, block.splitlines())]
    (tmp_path / "router.txt").write_text(SECRET)

    async def story() -> list[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path.parent / f"{tmp_path.name}-state")}
        command = StdioServerParameters(command=sys.executable, args=["-m", "taina", *arguments], env=environment)
        async with Assistant(command) as assistant:
            for module in calls:
                statement = module.body[0]
                assert isinstance(statement, ast.Expr)
                call = statement.value
                assert isinstance(call, ast.Call)
                assert isinstance(call.func, ast.Name)
                given = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
                result = await assistant.call_tool(call.func.id, given)
                assert not result.is_error, result
                told = result.structured_content
                assert told is not None
                if call.func.id == "send":
                    assert opened(told["link"]) == SECRET.encode()
                if call.func.id == "request":
                    with Client(taina.url) as person:
                        person.answer(told["link"], SECRET)
            return [tool.name for tool in (await assistant.list_tools()).tools]

    tools = run_apart(story())
    assert (tmp_path / ".env").read_text() == f"DB_PASSWORD='{SECRET}'\n"
    for language in ("en", "bg"):
        text = (ROOT / "site" / "texts" / language / "recipes.md").read_text("utf-8")
        assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == tools
