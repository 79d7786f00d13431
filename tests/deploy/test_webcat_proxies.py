"""Hosts that are enrolled in WEBCAT behind the examples for Caddy and nginx: nothing honest is refused."""

import json
import ssl
from pathlib import Path

import httpx
import pytest

from deploy.test_proxies import alone, behind
from support.servers import stop_server
from support.sites import write_site
from support.webcat_visitor import Visitor
from taina.site import hosting
from taina.site.webcat import make_manifest
from taina.web.site_headers import Headers

pytestmark = pytest.mark.parametrize("proxy", ["caddy", "nginx"])


def test_a_visitor_may_go_everywhere(proxy: str, webcat_site: Path, tmp_path: Path) -> None:
    manifest = make_manifest((webcat_site / "manifest.json").read_bytes())
    with behind(proxy, webcat_site, tmp_path) as secured:
        context = ssl.create_default_context(cafile=secured.authority)
        with httpx.Client(base_url=secured.url, verify=context, timeout=60) as client:
            visitor = Visitor(client, manifest)
            assert visitor.refused() == []
            assert visitor.judged("/api/v1/status", "empty") is None
            assert visitor.judged("/api/v1/nothing", "empty") is None
            stop_server(secured.server)
            assert client.get("/api/v1/status").status_code in (502, 504)
            assert visitor.judged("/api/v1/status", "empty") is None
            assert visitor.judged("/api/v1/secrets/x", "empty", "PUT") is None


def test_pages_without_their_api(proxy: str, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    write_site(pages, api="https://api.example", webcat="2")
    ours = (pages / "manifest.json").read_bytes()
    document = json.loads(ours)
    for name, data in hosting.files(Headers(**document["headers"]), list(document["files"])).items():
        (pages / name).write_bytes(data)
    with alone(proxy, pages, tmp_path / "host") as url, httpx.Client(base_url=url) as client:
        visitor = Visitor(client, make_manifest(ours))
        assert "/api/v" not in visitor.manifest["extra_csp"]
        assert visitor.refused() == []
        assert client.get("/en/").headers["x-webcat-version"] == visitor.manifest["version"]
