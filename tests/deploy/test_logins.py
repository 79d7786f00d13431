"""The examples for a login before creating, from the page for operators, with Debian's Caddy and nginx."""

import os
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Page

from browser.engines import Browsers, PlaywrightTab, choose, reach
from conftest import ROOT
from deploy.test_proxies import DEPLOY, caddy, nginx
from support.api import secret_path
from support.examples import adapted
from support.login import COOKIE, LoginServer, log_in, login_server
from support.secrets import Made
from support.servers import Server, free_port, start_server, stop_server
from taina import Client, base64url
from taina.config import load
from taina.errors import LoginNeededError
from taina.rules.access_keys import open_keys
from taina.server.doctor import examine

TEXT = (ROOT / "site/texts/en/self-host.md").read_text("utf-8")
SECTION = re.split(r"^## ", TEXT.partition("## With your own login\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
OPTIONS, CADDY, MAP, BLOCKS, LOCATION = (
    textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n)+", SECTION, re.MULTILINE)
)


class Guarded(NamedTuple):
    url: str
    server: Server
    login: LoginServer


@contextmanager
def guarded(
    name: str, site: Path, folder: Path, *, leads_on: bool = False, forgetful: bool = False
) -> Iterator[Guarded]:
    """`taina serve` behind the shipped example with the lines for a login; over plain HTTP, which localhost may.

    Args:
        forgetful: the operator has left out what removes the header of a client.
    """
    folder.mkdir()
    (folder / "taina.toml").write_text(OPTIONS)
    server = start_server(folder / "data", "--config", str(folder / "taina.toml"), "--site", str(site))
    try:
        port = free_port()
        with login_server(f"http://localhost:{port}", leads_on=leads_on) as login:
            values = {
                "127.0.0.1:8080": f"127.0.0.1:{server.port}",
                "127.0.0.1:4180": f"127.0.0.1:{login.server_port}",
            }
            if name == "caddy":
                added = adapted(CADDY, {"request_header -Remote-User": ""}) if forgetful else CADDY
                text = (DEPLOY / "Caddyfile").read_text().replace("\treverse_proxy ", f"{added}\treverse_proxy ", 1)
                values |= {
                    "secrets.example.org {": f"http://localhost:{port} {{",
                    "lb_try_duration 15s": "lb_try_duration 1s",
                }
            else:
                added = adapted(LOCATION, {"proxy_set_header Remote-User $login;": ""}) if forgetful else LOCATION
                text = re.sub(r"\n *ssl_.*|\n *listen \[.*", "", (DEPLOY / "nginx.conf").read_text())
                text = text.replace("server {", f"{MAP}server {{", 1)
                text = text.replace("location / {", f"{BLOCKS}location / {{\n{added}", 1)
                values |= {
                    "secrets.example.org": "localhost",
                    "listen 443 ssl http2": f"listen {port}",
                    "listen 80": f"listen 127.0.0.1:{free_port()}",
                    "/var/log/nginx/taina.log": f"{folder}/taina.log",
                }
            text = adapted(text, values)
            proxy = folder / "proxy"
            proxy.mkdir()
            with caddy(proxy, port, text) if name == "caddy" else nginx(proxy, port, text):
                yield Guarded(f"http://localhost:{port}", server, login)
    finally:
        stop_server(server)


@pytest.mark.parametrize("name", ["caddy", "nginx"])
def test_who_has_logged_in_creates_and_nobody_else(name: str, built_site: Path, tmp_path: Path) -> None:
    with guarded(name, built_site, tmp_path / "here") as (url, server, login), httpx.Client(base_url=url) as http:
        session = {"Cookie": f"{COOKIE}={log_in(url)}"}

        def put(headers: dict[str, str], path: str = "/api/v1") -> int:
            made = Made()
            return http.put(f"{path}{secret_path(made)}", json=made.body(), headers=headers).status_code

        assert put({}) == 401
        assert put({"Cookie": f"{COOKIE}=wrong"}) == 401
        assert put(session) == 201
        for path in ("/api/v1", "//api/v1", "/api//v1", "/api/v1/../v1", "/api/%761"):
            for more in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": f"Bearer {'A' * 43}"}):
                assert put({"Remote-User": "ann", **more}, path) not in (200, 201)
        asked = login.asked
        token = base64url.encode(open_keys(server.data).issue("robot")[1])
        with Client(url, key=token, patience=0) as machine, Client(url, patience=0) as anybody:
            link = machine.send("by a machine").link
            assert anybody.open(link).text == "by a machine"
            request = machine.request()
            anybody.answer(request.link, "by whoever was asked")
            (answer,) = anybody.inbox(request.inbox).answers
            assert answer is not None and anybody.open(answer).text == "by whoever was asked"
            # One call of these alone: the answer was first tried without saying what it answers.
            assert login.asked == asked + 1
            with pytest.raises(LoginNeededError):
                anybody.send("by nobody")
            with pytest.raises(LoginNeededError):
                anybody.rules()


@pytest.mark.parametrize("name", ["caddy", "nginx"])
def test_the_doctor_tries_to_get_in(name: str, built_site: Path, tmp_path: Path) -> None:
    for forgetful in (False, True):
        folder = tmp_path / str(forgetful)
        with guarded(name, built_site, folder, forgetful=forgetful) as (url, server, _):
            flags = {"url": url, "data": str(server.data)}
            said = [
                (finding.good, finding.said)
                for finding in examine(load(flags, environment={}, file=folder / "taina.toml").config)
            ]
        assert (True, "Secrets can be opened without a login.") in said
        assert any(
            good and line.startswith("Policy: create proxy, passphrases optional, files true") for good, line in said
        )
        forged = [line for good, line in said if not good and "by a forged" in line]
        # Caddy knows every spelling of a path, so that its guard alone keeps a forged header out.
        assert bool(forged) == (forgetful and name == "nginx")
        assert ((True, "Nobody creates without a login, nor by a forged Remote-User.") in said) != bool(forged)


def press_log_in(page: Page) -> None:
    """As a person does it: by the link, in the tab that it opens."""
    with page.expect_popup() as opened:
        page.click("#log-in")
    opened.value.click("#enter")
    opened.value.wait_for_url("**/en/")
    opened.value.close()


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
@pytest.mark.parametrize(("name", "leads_on"), [("caddy", False), ("caddy", True), ("nginx", False)])
def test_the_page_offers_the_login_and_keeps_what_was_entered(
    name: str, leads_on: bool, engine: str, browsers: Browsers, built_site: Path, tmp_path: Path
) -> None:
    file = tmp_path / "plan.bin"
    file.write_bytes(os.urandom(3 << 20))
    with (
        guarded(name, built_site, tmp_path / "here", leads_on=leads_on) as (url, _, _),
        browsers.tab(engine) as tab,
        browsers.tab(engine) as other,
    ):
        assert isinstance(tab, PlaywrightTab)
        tab.open(f"{url}/en/")
        tab.wait("!document.querySelector('#login').hidden")
        tab.fill("#text", "before the login")
        choose(tab, [file])
        tab.click("#send")
        reach(tab, "error")
        tab.wait("document.querySelector('#error').innerText.includes('Log in first')")
        assert tab.value("#text") == "before the login" and tab.shown("#chosen")
        press_log_in(tab.page)
        assert tab.value("#text") == "before the login" and tab.shown("#chosen")
        tab.click("#send")
        reach(tab, "done")
        other.open(tab.value("#link"))
        reach(other, "before")
        other.click("#reveal")
        reach(other, "shown")
        assert other.text("#secret-text") == "before the login"
        # The session goes on for the page of requests, and who is asked needs none.
        tab.open(f"{url}/en/request/")
        tab.wait("!document.querySelector('#login').hidden")
        tab.click("#make")
        reach(tab, "done")
        other.open(tab.value("#link"))
        reach(other, "ready")
        assert not other.evaluate("document.querySelector('#login')")
        other.fill("#text", "the answer")
        other.click("#send")
        reach(other, "done")
