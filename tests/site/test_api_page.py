"""The page about the API: every call is there, and every command on it runs."""

import re
import secrets
import shutil
import subprocess

import pytest

from support.servers import Server
from support.sites import built_files
from taina.base64url import encode
from taina.rules.types import Limits
from taina.site.api_page import Call, calls
from taina.web.openapi import document

CALLS = calls()
VARIABLES = {
    **dict.fromkeys(["SECRET_ID", "CLAIM_ID", "RECEIPT_ID", "REQUEST_ID"], 16),
    **dict.fromkeys(["ACCESS_KEY", "LINK_PROOF", "RECEIPT_TOKEN", "CLAIM_TOKEN", "ANSWER_TOKEN", "INBOX_TOKEN"], 32),
}
"""What the commands take from the shell, and of how many bytes it is."""


def test_no_call_is_left_out() -> None:
    paths = document(Limits())["paths"]
    there = {(method, f"/api/v1{path}") for path, item in paths.items() for method in item if method != "parameters"}
    assert {(call.method.lower(), call.path) for call in CALLS} == there
    page = built_files()["en/api/index.html"].decode()
    assert all(f'id="{call.name}"' in page for call in CALLS)
    assert '<td lang="en">integer, at least 17. More than 104857600 is refused with 413.</td>' in page


@pytest.mark.parametrize("language", ["ar", "he", "ja"])
def test_the_colon_of_a_label_runs_as_the_text_behind_it(language: str) -> None:
    """Isolated with its label it stood before it, where that runs from the right and the text does not."""
    page = built_files()[f"{language}/api/index.html"].decode()
    assert "</bdi>:" in page or "</bdi>：" in page
    assert not re.search(r"[:：]</(bdi|strong)>", page)


def test_a_name_is_broken_after_its_marks_and_nowhere_else() -> None:
    page = built_files()["en/api/index.html"].decode()
    assert '<code class="whole">receipt_<wbr>hash</code>' in page
    assert '<code class="whole">claim.id</code>' in page
    assert "/<wbr>secrets/<wbr>{secret_<wbr>id}" in page
    assert '<code class="whole">127.0.0.1</code>' in (options := built_files()["en/self-host/index.html"].decode())
    assert '<code class="whole">client_<wbr>creates</code>' in options
    assert '<code class="whole">/etc/<wbr>taina/<wbr>taina.toml</code>' in options
    assert "\\u" not in page
    assert "`" not in page.partition('class="prose call"')[2]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_its_command_is_a_request_that_the_server_understands(call: Call, taina: Server) -> None:
    """With random keys it may be told that there is nothing, but never that the request is malformed."""
    assert shutil.which("curl")
    values = {name: encode(secrets.token_bytes(size)) for name, size in VARIABLES.items()} | {"N": "0"}
    command = call.curl.replace("https://secrets.example", taina.url).replace("@chunk", "@/dev/null")
    command = command.replace("curl ", "curl --silent --show-error --output /dev/null --write-out '%{http_code}' ", 1)
    status = subprocess.run(["sh", "-euc", command], env=values, capture_output=True, text=True, check=True).stdout
    assert status in [code for code, _ in call.answers] or status in {"403", "404"}
    assert status in call.problems or status < "400"
    if call.name in ("createSecret", "ask"):
        assert status == "201"
