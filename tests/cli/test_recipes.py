"""The page “Scripts and AI assistants”: each of its blocks does what the page says, in each language."""

import ast
import configparser
import json
import os
import re
import shlex
import shutil
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
STORES = {
    "pass": f"printf '%s\\nuser: me\\n' '{SECRET}'",
    "keepassxc-cli": f"""printf '%s\\n' '{SECRET}'""",
}
"""Password stores as their manuals say that they answer: the password is the first line."""


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
    noted = f'printf "%s\\n" "$*" >> {tmp_path}/arguments; '
    for name, line in (("taina", f'exec {sys.executable} -m taina "$@"'), ("pip", "exit 0"), *STORES.items()):
        (programs / name).write_text(f"#!/bin/sh\n{noted}{line}\n")
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
        assert SECRET not in done.stdout + done.stderr
        return done.stdout + (summary.read_text() if summary.exists() else "")

    yield run
    arguments = tmp_path / "arguments"
    assert SECRET not in (arguments.read_text() if arguments.exists() else "")


def opened(link: str) -> bytes:
    with Client() as reader:
        return b"".join(reader.open(link).files[0].pieces())


def opened_text(link: str) -> str:
    with Client() as reader:
        return reader.open(link).text


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
    line = next(block for block in page if "REQUEST_LINK" in block)
    with Client(taina.url) as asker:
        asked = asker.request()
        assert "/s/#" not in shell(line, REQUEST_LINK=asked.link)
        (answer,) = asker.inbox(asked.inbox).answers
        assert answer is not None
        assert asker.open(answer).files[0].content == SECRET.encode()


def test_an_ansible_playbook_opens_a_secret_and_hands_it_on(
    page: list[str], shell: Any, taina: Server, tmp_path: Path
) -> None:
    """The plugin and the module's task as Ansible calls them; the whole playbook where Ansible is installed."""
    plugin = next(block for block in page if "LookupModule" in block)
    playbook = next(block for block in page if "ansible.builtin.set_fact" in block)
    (play,) = yaml.safe_load(playbook)
    *tasks, removal = play["tasks"]
    assert [task["no_log"] for task in tasks] == [True] * 4
    with Client(taina.url) as sender:
        links = [sender.send(SECRET).link for _ in range(2)]

    (tmp_path / "ansible" / "plugins").mkdir(parents=True)
    (tmp_path / "ansible" / "errors.py").write_text("class AnsibleError(Exception): pass\n")
    (tmp_path / "ansible" / "plugins" / "lookup.py").write_text(
        "class LookupBase:\n    def find_file_in_search_path(self, variables, kind, name): return name\n"
    )
    (tmp_path / "plugin.py").write_text(plugin)
    (tmp_path / "link.txt").write_text(links[0])
    look = "import plugin; text = plugin.LookupModule().run(['link.txt'])"
    check = f"{look}; assert text == [{SECRET!r}], len(text)"
    here = f'PYTHONPATH="$PYTHONPATH:." {sys.executable} -c'
    kept = tmp_path / Path(removal["ansible.builtin.file"]["path"]).name
    for _ in range(2):  # after the link was used up: a task after the first one had failed
        shell(f"{here} {shlex.quote(check)}")
        assert kept.stat().st_mode & 0o777 == 0o600
    kept.unlink()
    again = f"import ansible.errors as e\ntry: {look}\nexcept e.AnsibleError as error: print(error)"
    assert "gone" in shell(f"{here} {shlex.quote(again)}")
    assert not kept.exists()

    task = next(task for task in play["tasks"] if "ansible.builtin.command" in task)
    module = task["ansible.builtin.command"]
    assert module["stdin"] == "{{ password }}"
    assert module["stdin_add_newline"] is False
    assert opened_text(shell(f"printf '{SECRET}' | {module['cmd']}").strip()) == SECRET

    program = shutil.which("ansible-playbook")
    if program is None:
        return
    work = tmp_path / "work"
    (work / "lookup_plugins").mkdir(parents=True)
    (work / "lookup_plugins" / "taina.py").write_text(plugin)
    (work / "link.txt").write_text(links[1])
    (work / "play.yml").write_text(playbook.replace("https://secrets.example", taina.url))
    told = shell(f"cd work; unset PYTHONPATH; ANSIBLE_HOME=../home {program} -vvv play.yml")
    assert "failed=0" in told
    assert (work / "db.password").read_text() == SECRET
    assert [file.name for file in work.iterdir() if "opened" in file.name] == []
    link = (work / "send-this.txt").read_text()
    assert link not in told
    assert opened_text(link) == SECRET


def test_the_program_of_an_external_data_source_keeps_its_protocol(page: list[str], shell: Any, tmp_path: Path) -> None:
    """Terraform's: an object of texts comes, an object of texts goes, and a failure is a status and a sentence."""
    source = next(block for block in page if 'data "external"' in block)
    assert "sensitive = true" in source
    (name,) = re.findall(r"path\.module}/(\w+\.py)", source)
    (tmp_path / name).write_text(next(block for block in page if "json.load(sys.stdin)" in block))
    asked = json.dumps({"file": str(tmp_path / "password.txt")})
    command = f"printf '%s' '{asked}' | {sys.executable} {name}"
    result = json.loads(shell(command))
    assert {type(value) for value in result.values()} == {str}
    kept = tmp_path / "password.txt.sent.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(shell(command)) == result  # each plan runs it
    assert opened(result["link"]) == SECRET.encode()
    with pytest.raises(subprocess.CalledProcessError) as failure:
        shell(command.replace("password.txt", "missing.txt"))
    assert failure.value.stdout == ""
    assert "missing.txt" in failure.value.stderr
    assert "Traceback" not in failure.value.stderr


def credential(page: list[str], tmp_path: Path) -> tuple[str, str, Path]:
    """The script with /run and /etc in this folder, as they are on a new machine; the credential's name and place."""
    script = next(block for block in page if "systemd-creds" in block)
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(next(block for block in page if "LoadCredentialEncrypted" in block))
    name, _, path = unit["Service"]["LoadCredentialEncrypted"].partition(":")
    assert f"--name={name} /run/db-password {path}" in script
    assert unit["Service"]["ExecStart"].endswith(f"=/run/credentials/my-service.service/{name}")
    (tmp_path / "run").mkdir()
    (tmp_path / "etc").mkdir()
    here = script.replace("/run/", "run/").replace("/etc/", "etc/")
    assert "etc/credstore.encrypted" in here
    return here, name, tmp_path / path.removeprefix("/")


def test_a_credential_of_systemd_has_what_was_opened(
    page: list[str], shell: Any, taina: Server, tmp_path: Path
) -> None:
    here, name, file = credential(page, tmp_path)
    with Client(taina.url) as sender:
        (tmp_path / "link.txt").write_text(sender.send(SECRET).link)
    if shutil.which("systemd-creds") is None:  # the rest of it then
        here = here.replace(f"systemd-creds encrypt --name={name}", "cp")
        shell(here)
        assert file.read_text() == SECRET
        return
    key = str(tmp_path / "host.key")
    shell(here, SYSTEMD_CREDENTIAL_SECRET=key)
    assert SECRET.encode() not in file.read_bytes()
    assert file.parent.stat().st_mode & 0o777 == 0o700
    shown = f"systemd-creds decrypt --name={name} {file} decrypted"
    shell(shown, SYSTEMD_CREDENTIAL_SECRET=key)
    assert (tmp_path / "decrypted").read_text() == SECRET
    assert not (tmp_path / "run" / "db-password").exists()


def test_what_was_opened_for_a_credential_is_kept_until_it_is_one(
    page: list[str], shell: Any, taina: Server, tmp_path: Path
) -> None:
    here, name, file = credential(page, tmp_path)
    fails = here.replace(f"systemd-creds encrypt --name={name}", "false")
    assert fails != here
    copies = here.replace(f"systemd-creds encrypt --name={name}", "cp")
    opened_file = tmp_path / "run" / "db-password"
    with Client(taina.url) as sender:
        (tmp_path / "link.txt").write_text(sender.send(SECRET).link)
        with pytest.raises(subprocess.CalledProcessError):
            shell(f"set +e\n{fails}")
        assert opened_file.read_text() == SECRET
        assert opened_file.stat().st_mode & 0o777 == 0o600
        # Nor does the next one overwrite it, or use up its own link.
        link = sender.send(SECRET).link
        (tmp_path / "link.txt").write_text(link)
        with pytest.raises(subprocess.CalledProcessError):
            shell(f"set +e\n{copies}")
        assert opened_file.read_text() == SECRET
        assert opened_text(link) == SECRET
    # A link that is gone leaves the credential that is there as it is.
    opened_file.unlink()
    file.write_text("the one before")
    with pytest.raises(subprocess.CalledProcessError):
        shell(f"set +e\n{copies}")
    assert file.read_text() == "the one before"


def test_a_job_of_kubernetes_answers_a_request(page: list[str], shell: Any, taina: Server, tmp_path: Path) -> None:
    """Its YAML is read, and its script run; no cluster is asked."""
    job = yaml.safe_load(next(block for block in page if "kind: Job" in block))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    assert pod["volumes"][0]["name"] == mount["name"]
    assert container["env"][0]["name"] == "REQUEST_LINK"
    assert container["command"] == ["sh", "-ec"]
    (tmp_path / "password").write_text(SECRET)
    (script,) = container["args"]
    with Client(taina.url) as asker:
        asked = asker.request()
        told = shell(script.replace(f"{mount['mountPath']}/", ""), REQUEST_LINK=asked.link)
        assert "/s/#" not in told
        (answer,) = asker.inbox(asked.inbox).answers
        assert answer is not None
        assert asker.open(answer).files[0].content == SECRET.encode()


def test_functions_print_the_link_of_a_stored_password(page: list[str], shell: Any) -> None:
    block = next(block for block in page if "pass_link()" in block)
    *_, first, second = block.strip().splitlines()
    for call in (first, second):
        assert opened_text(shell(block.replace(first, "").replace(second, "") + call).strip()) == SECRET


def test_a_macro_of_mutt_replaces_the_text_by_a_link(page: list[str], shell: Any) -> None:
    (command,) = re.findall(r"<filter-entry>(.*)<enter>", next(block for block in page if "macro compose" in block))
    assert opened_text(shell(f"{command} < password.txt").strip()) == SECRET


def test_an_assistant_is_configured_and_called_as_it_says(page: list[str], taina: Server, tmp_path: Path) -> None:
    (block,) = [block for block in page if "mcpServers" in block]
    configured = json.loads(block)["mcpServers"]["taina"]
    assert configured["command"] == "taina"
    here = {"/home/me/work": str(tmp_path), "https://secrets.example": taina.url}
    arguments = [here.get(one, one) for one in configured["args"]]
    calls = [
        call
        for block in page
        if re.match(r"(send|request|fetch)\(", block)
        for call in map(ast.parse, block.splitlines())
    ]
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
                got = result.structured_content
                assert got is not None
                if call.func.id == "send":
                    assert opened(got["link"]) == SECRET.encode()
                if call.func.id == "request":
                    with Client(taina.url) as person:
                        person.answer(got["link"], SECRET)
            return [tool.name for tool in (await assistant.list_tools()).tools]

    tools = run_apart(story())
    assert (tmp_path / ".env").read_text() == f"DB_PASSWORD='{SECRET}'\n"
    for language in ("en", "bg"):
        text = (ROOT / "site" / "texts" / language / "recipes.md").read_text("utf-8")
        assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == tools
