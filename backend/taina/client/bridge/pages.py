"""What a browser gets from the bridge: the links that its addresses stand for."""

import base64
import hashlib
from html import escape

import falcon

from taina.client.bridge.calls import Calls
from taina.errors import FormatError
from taina.format.links import Kind

# The colours and the shapes of the pages of an instance.
_STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#fbfaf7, #131614); --card: light-dark(#ffffff, #1b1f1d);
  --sunken: light-dark(#f4f2ec, #0f1210); --ink: light-dark(#1d201e, #ecebe5); --quiet: light-dark(#5a5f5b, #a5aaa5);
  --line: light-dark(#d9d6cc, #333936); --accent: light-dark(#0b6b57, #6fd3b8); }
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1rem, 6vh, 4rem) clamp(1rem, 4vw, 1.5rem); background: var(--paper); color: var(--ink);
  font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-inline-size: 42rem; margin: auto; padding: clamp(1.25rem, 5vw, 2rem); background: var(--card);
  border: 1px solid var(--line); border-radius: 0.625rem; }
h1 { margin: 0 0 0.75rem; font: 600 1.6rem/1.25 ui-serif, "Iowan Old Style", Palatino, Georgia, serif; }
p { margin: 0 0 1rem; }
p:last-child { margin: 0; }
code { font: 0.95rem/1.5 ui-monospace, "SF Mono", "Noto Sans Mono", Menlo, Consolas, monospace; }
.link { display: block; padding: 0.75rem 1rem; background: var(--sunken); border: 1px solid var(--line);
  border-radius: 0.5rem; overflow-wrap: anywhere; user-select: all; -webkit-user-select: all; }
.note { color: var(--quiet); font-size: 0.925rem; }
a { color: var(--accent); }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Pages:
    """What a browser gets: clients build addresses of that service themselves, and those lead here."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        said = (
            "<p>Programs speak Onetime Secret’s API with this address: <code>/api/v1</code>, <code>/api/v2</code>. "
            "What they share is encrypted here, before it leaves your machine.</p>\n"
            f"<p>It is stored at <code>{escape(self._calls.url)}</code>.</p>"
        )
        _page(response, "Taina’s bridge", said)

    def on_get_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        link = self._link(response, "secret", key)
        if link is not None:
            said = (
                "<p>The address of this page leads to your own machine and nowhere else. Send this link instead:</p>\n"
                f'<p><code class="link">{escape(link)}</code></p>\n'
                '<p class="note">A click selects the whole link. It can be opened once: do not try it yourself.</p>'
            )
            _page(response, "The link to send", said)

    def on_get_receipt(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        link = self._link(response, "receipt", key)
        if link is not None:
            said = (
                "<p>The receipt shows what became of the secret, and burns it. Keep it to yourself:</p>\n"
                f'<p><code class="link">{escape(link)}</code></p>\n'
                f'<p><a href="{escape(link)}" rel="noreferrer">Open the receipt</a></p>'
            )
            _page(response, "Receipt", said)

    def _link(self, response: falcon.Response, kind: Kind, key: str) -> str | None:
        try:
            return self._calls.address(key, kind)
        except FormatError:
            said = f"<p>This address does not contain the whole key of a {kind}. Copy it again, up to its end.</p>"
            _page(response, "Nothing here", said)
            response.status = falcon.HTTP_404
            return None


def _page(response: falcon.Response, title: str, said: str) -> None:
    """`said`: HTML."""
    response.content_type = "text/html; charset=utf-8"
    response.set_header("Content-Security-Policy", _POLICY)
    response.set_header("Referrer-Policy", "no-referrer")
    response.text = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n{said}\n</main>\n</html>\n"
    )
