"""What a browser gets from the bridge: the links that its addresses stand for."""

from html import escape

import falcon

from taina.errors import FormatError
from taina.format.links import Kind, decode_link, page_address

API = "/api/v1"


class Pages:
    """What a browser gets: clients build addresses of that service themselves, and those lead here."""

    def __init__(self, url: str) -> None:
        """`url`: the address of the instance."""
        self._url = url

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        _page(response, "Taina's bridge", f"Programs speak Onetime Secret's API with this address, at {API}.")

    def on_get_secret(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        said = "This address leads nowhere but to your own machine. Send this link instead; it can be opened once:"
        self._link(response, "secret", key, "Link to the secret", said)

    def on_get_private(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        said = "This is the receipt. Keep it to yourself; it shows what became of the secret:"
        self._link(response, "receipt", key, "Receipt", said)

    def _link(self, response: falcon.Response, kind: Kind, key: str, title: str, said: str) -> None:
        try:
            link = page_address(self._url, decode_link(key, kind))
        except FormatError:
            raise falcon.HTTPNotFound(description=f"This address does not contain the key of a {kind}.") from None
        _page(response, title, said, link)


def _page(response: falcon.Response, title: str, said: str, link: str | None = None) -> None:
    response.content_type = "text/html; charset=utf-8"
    response.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.set_header("Referrer-Policy", "no-referrer")
    copied = "" if link is None else f'<p><textarea readonly rows="3" cols="80">{escape(link)}</textarea></p>\n'
    response.text = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<h1>{escape(title)}</h1>\n<p>{escape(said)}</p>\n{copied}</html>\n"
    )
