"""Onetime Secret's REST API on this machine, versions 1 and 2, for clients that know no other.

Names of fields, statuses and errors are those of its documentation and its source (docs.onetimesecret.com;
onetimesecret/onetimesecret, apps/api/v1 and apps/api/v2). A secret's key is the fragment of its link, and a metadata or
receipt key that of its receipt, so that both outlive the bridge. The key of a secret is told once, in the answer to the
call that made it, and not kept.

Loopback is not an identity: every user of the machine, and many a sandboxed program, reaches it. So each call shows the
token of this bridge as the password of basic authentication.
"""

import falcon
from falcon.media import MultipartFormHandler

from taina.client import Client
from taina.client.bridge import refusals
from taina.client.bridge.callers import OwnUserOnly, Settled
from taina.client.bridge.calls import Calls
from taina.client.bridge.pages import Pages
from taina.client.bridge.version1 import Version1
from taina.client.bridge.version2 import Version2
from taina.client.loopback import MAX_BODY

App = falcon.App[falcon.Request, falcon.Response]
_RECEIPTS = ("private", "metadata", "receipt")
"""What the other side of a secret has been called over the years; all are in use."""


def create_bridge(client: Client, token: str | None) -> App:
    """The WSGI application, for this machine only: what goes in is not encrypted yet.

    Args:
        token: wanted of every call, as the password of basic authentication; the name is anybody's choice. None where
            nobody else reaches it.
    """
    calls = Calls(client)
    app = falcon.App(middleware=[OwnUserOnly(token)])
    app.add_middleware(Settled(calls))
    app.resp_options.default_media_type = "application/json; charset=utf-8"
    multipart = MultipartFormHandler()
    multipart.parse_options.max_body_part_buffer_size = MAX_BODY
    app.req_options.media_handlers["multipart/form-data"] = multipart
    refusals.install(app)

    old, new, pages = Version1(calls), Version2(calls), Pages(calls)
    for path in ("status", "authcheck", "generate"):
        app.add_route(f"/api/v1/{path}", old, suffix=path)
    for path in ("share", "create"):
        app.add_route(f"/api/v1/{path}", old, suffix="share")
    app.add_route("/api/v1/secret/{key}", old, suffix="secret")
    for path in ("status", "version"):
        app.add_route(f"/api/v2/{path}", new, suffix=path)
    app.add_route("/api/v2/supported-locales", new, suffix="locales")
    app.add_route("/api/v2/secret/status", new, suffix="statuses")
    for start in ("/api/v2", "/api/v2/guest"):
        app.add_route(f"{start}/secret/conceal", new, suffix="conceal")
        app.add_route(f"{start}/secret/generate", new, suffix="generate")
        app.add_route(f"{start}/secret/{{key}}", new, suffix="secret")
        app.add_route(f"{start}/secret/{{key}}/status", new, suffix="secret_status")
        app.add_route(f"{start}/secret/{{key}}/reveal", new, suffix="reveal")
    for name in _RECEIPTS:
        for api, resource in (("/api/v1", old), ("/api/v2", new), ("/api/v2/guest", new)):
            app.add_route(f"{api}/{name}/recent", resource, suffix="recent")
            app.add_route(f"{api}/{name}/{{key}}", resource, suffix="receipt")
            app.add_route(f"{api}/{name}/{{key}}/burn", resource, suffix="burn")
        app.add_route(f"/{name}/{{key}}", pages, suffix="receipt")
    app.add_route("/", pages)
    app.add_route("/secret/{key}", pages, suffix="secret")
    return app
