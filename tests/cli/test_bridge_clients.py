"""Programs of other people, written for Onetime Secret, with `taina bridge` in its place.

The page about the bridge has a table of them; what cannot be installed here is called as its documentation shows it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from cli.conftest import TOKEN, Run, curl
from conftest import ROOT
from support.javascript import find_node

CLIENT = ROOT / "tests" / "js" / "onetimesecret.cjs"
ACCOUNT = ("-u", f"USERNAME:{TOKEN}")


def call(bridge: str, method: str, *arguments: Any) -> Any:
    command = [find_node(), str(CLIENT), bridge, TOKEN, method, *(json.dumps(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def shown(page: str) -> str:
    """The link that a page of the bridge shows."""
    return httpx.get(page).text.partition('<code class="link">')[2].partition("<")[0]


def test_onetimesecret_api_of_npm_shares_and_reads(bridge: str) -> None:
    assert call(bridge, "status")["answer"]
    shared = call(bridge, "share", "тайна & hunter2", {"ttl": 600, "passphrase": "p"})["answer"]
    assert (shared["state"], shared["ttl"], shared["passphrase_required"]) == ("new", 600, True)
    assert shared["custid"] == "user@example.org"
    metadata = call(bridge, "retrieveMetadata", shared["metadata_key"])["answer"]
    assert metadata["state"] == "new"
    assert not {"secret_key", "share_url"} & metadata.keys()
    assert call(bridge, "retrieveSecret", shared["secret_key"], {"passphrase": "wrong"}) == {
        "error": "UnknownSecretError"
    }
    secret = call(bridge, "retrieveSecret", shared["secret_key"], {"passphrase": "p"})["answer"]
    assert secret == {"value": "тайна & hunter2", "secret_key": shared["secret_key"], "share_domain": ""}
    assert call(bridge, "retrieveSecret", shared["secret_key"], {"passphrase": "p"}) == {"error": "UnknownSecretError"}
    received = call(bridge, "retrieveMetadata", shared["metadata_key"])["answer"]
    assert received["state"] == "received"
    assert "secret_ttl" not in received  # as that service leaves it out there
    assert received["received"] >= received["created"]


def test_onetimesecret_api_of_npm_generates_burns_and_lists(bridge: str) -> None:
    made = call(bridge, "generate", {"ttl": 600})["answer"]
    assert len(made["value"]) == 16
    burned = call(bridge, "burn", made["metadata_key"])["answer"]
    assert burned["state"]["state"] == "burned"
    assert call(bridge, "retrieveSecret", made["secret_key"]) == {"error": "UnknownSecretError"}
    recent = call(bridge, "recentMetadata")["answer"]
    assert recent[0]["metadata_key"] == made["metadata_key"]
    assert not [one for one in recent if "secret_key" in one or "share_url" in one]


def test_onetimesecret_api_of_npm_knows_a_wrong_token(bridge: str) -> None:
    command = [find_node(), str(CLIENT), bridge, "wrong", "recentMetadata"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"error": "NotAuthorizedError"}


def test_onetimesecret_of_pypi_makes_a_link(bridge: str, run: Run) -> None:
    def link(*arguments: str | None) -> subprocess.CompletedProcess[str]:
        script = (
            "import sys, onetimesecret\n"
            f"user, key = {arguments!r}\n"
            f"client = onetimesecret.OneTimeSecretCli(user, key, url={bridge!r})\n"
            "print(client.create_link('тайна & hunter2', ttl=600))"
        )
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    made = link("user@example.org", TOKEN).stdout.strip()
    assert made.startswith(f"{bridge}/secret/")
    assert run("open", shown(made), TAINA_URL=None).stdout.decode() == "тайна & hunter2"
    assert "OneTimeSecretError: Not authorized (Status code: 404)" in link("user@example.org", "wrong").stderr
    assert "OneTimeSecretError: Not authorized (Status code: 401)" in link(None, None).stderr


def test_otscli_of_pypi_takes_the_token_in_the_address(bridge: str, run: Run) -> None:
    """It has no option for one. Its page is found without."""
    program = Path(sys.executable).parent / "otscli"
    address = bridge.replace("://", f"://anybody:{TOKEN}@")
    command = [str(program), "-d", address, "-s", "hunter2", "-p", "open sesame"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    page = urlsplit(done.stdout.strip())
    link = shown(f"{bridge}{page.path}")
    assert run("open", link, TAINA_URL=None, TAINA_PASSPHRASE="open sesame").stdout == b"hunter2"


def test_curl_as_the_documentation_shows_it(bridge: str) -> None:
    api = f"{bridge}/api/v1"
    assert curl(*ACCOUNT, f"{api}/status") == (200, {"status": "nominal", "locale": "en"})
    assert curl(*ACCOUNT, f"{api}/authcheck")[0] == 200
    status, shared = curl("-X", "POST", *ACCOUNT, "-d", "secret=SECRET&ttl=3600", f"{api}/share")
    assert (status, shared["ttl"]) == (200, 3600)
    assert curl("-X", "POST", *ACCOUNT, f"{api}/private/{shared['metadata_key']}")[1]["state"] == "new"
    assert curl("-X", "POST", *ACCOUNT, f"{api}/secret/{shared['secret_key']}")[1]["value"] == "SECRET"
    assert curl("-X", "POST", *ACCOUNT, f"{api}/private/{shared['metadata_key']}/burn")[0] == 404
    made = curl("-X", "POST", *ACCOUNT, "-d", "ttl=3600", f"{api}/generate")[1]
    assert curl("-X", "POST", *ACCOUNT, f"{api}/private/{made['metadata_key']}/burn")[1]["state"]["state"] == "burned"
    assert curl(*ACCOUNT, f"{api}/private/recent")[1][0]["custid"] == "USERNAME"


def test_curl_of_version_2(bridge: str) -> None:
    body = '{"secret":{"secret":"SECRET","ttl":3600}}'
    api = f"{bridge}/api/v2"
    status, made = curl(*ACCOUNT, "-H", "Content-Type: application/json", "-d", body, f"{api}/secret/conceal")
    assert (status, made["success"]) == (200, True)
    key = made["record"]["secret"]["identifier"]
    opened = curl(
        *ACCOUNT, "-H", "Content-Type: application/json", "-d", '{"continue":true}', f"{api}/secret/{key}/reveal"
    )
    assert opened[1]["record"]["secret_value"] == "SECRET"


@pytest.mark.parametrize("asked_first", [False, True])
def test_powershell_s_invoke_restmethod(bridge: str, asked_first: bool) -> None:
    """-Body @{…} is a form without a charset; -Credential is shown only to who asks for it, and -Headers at once."""
    known = httpx.BasicAuth("user@example.org", TOKEN)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Expect": "100-continue"}
    body = b"ttl=3600&secret=P%C3%A4ss%26word&passphrase=x"
    with httpx.Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT; en-GB) WindowsPowerShell/5.1"}) as shell:
        if asked_first:
            answer = shell.post(f"{bridge}/api/v1/share", content=body, headers=form)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        key = shell.post(f"{bridge}/api/v1/share", content=body, headers=form, auth=known).json()["secret_key"]
        # A module for it puts everything into the query of a POST without a body.
        read = shell.post(f"{bridge}/api/v1/secret/{key}?passphrase=x", auth=known)
    assert read.json()["value"] == "Päss&word"


def test_powershell_s_form_has_parts_with_types(bridge: str) -> None:
    """-Form @{…} of PowerShell 7: names without quotes, and a charset for each."""
    head = "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name="
    parts = "".join(f"{head}{name}\r\n\r\n{value}\r\n" for name, value in (("secret", "Päss"), ("ttl", "3600")))
    headers = {"Content-Type": 'multipart/form-data; boundary="b"'}
    content = f"{parts}--b--\r\n".encode()
    shared = httpx.post(f"{bridge}/api/v1/share", content=content, headers=headers, auth=("a", TOKEN)).json()
    assert shared["ttl"] == 3600
    assert httpx.post(f"{bridge}/api/v1/secret/{shared['secret_key']}", auth=("a", TOKEN)).json()["value"] == "Päss"


def test_ruby_s_net_http_and_httparty(bridge: str) -> None:
    """Net::HTTP.post_form, and the options of HTTParty that the Ruby client of that service sets."""
    headers = {
        "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        "User-Agent": "Ruby",
        "Accept": "application/json",
        "X-Onetime-Client": "ruby: 3.1.2/0.5.1",
    }
    auth = ("user@example.org", TOKEN)
    with httpx.Client(headers=headers, auth=auth) as ruby:
        form = {"secret": "Jazz, jazz and more jazz.", "ttl": "7200", "recipient": ""}
        shared = ruby.post(f"{bridge}/api/v1/share", data=form).json()
        assert shared["ttl"] == 7200
        assert ruby.post(f"{bridge}/api/v1/metadata/{shared['metadata_key']}").json()["state"] == "new"
        assert ruby.post(f"{bridge}/api/v1/secret/{shared['secret_key']}").json()["value"] == form["secret"]


def test_the_table_of_the_page_names_what_is_installed_here() -> None:
    for language in ("en", "bg"):
        text = (ROOT / "site" / "texts" / language / "recipes.md").read_text("utf-8")
        lock = (ROOT / "requirements-dev.lock").read_text()
        packages = json.loads((ROOT / "site/package-lock.json").read_text())["packages"]
        for name in ("onetimesecret", "otscli"):
            (version,) = re.findall(rf"^{name}==(\S+) ", lock, re.MULTILINE)
            assert f"`{name}` {version}" in text
        assert f"`onetimesecret-api` {packages['node_modules/onetimesecret-api']['version']}" in text
