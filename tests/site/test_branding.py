"""An operator's name, colour, logo, links and contact: taken where they are sound, refused where they could harm."""

import json
import re
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.site_documents import Document
from support.sites import built_files, few_languages
from taina import base64url
from taina.format.derive import derive_request
from taina.format.links import Link, decode_link, encode_link
from taina.site import build as build_site
from taina.site import colours, logo
from taina.site.branding import LooksError, read_looks

REQUEST = encode_link(Link("request", bytes(range(32))))
PLAIN = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#123456" d="M1 1h6v6z"/></svg>'
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def configured(folder: Path, table: str, picture: bytes | None = None) -> dict[str, bytes]:
    """A site built with a `[site]` table, in a few languages."""
    if picture is not None:
        (folder / "logo.svg").write_bytes(picture)
    (folder / "taina.toml").write_text(f"[site]\n{table}\n", "utf-8")
    return build_site.build(Path(few_languages().name), read_looks(folder / "taina.toml"))


def refused(folder: Path, table: str, picture: bytes | None = None) -> str:
    with pytest.raises(LooksError) as caught:
        configured(folder, table, picture)
    return str(caught.value)


def test_all_of_it_together(tmp_path: Path) -> None:
    table = f"""
name = "Тайните на Пример"
accent = "#0B5FA5"
logo = "logo.svg"
links = [{{ text = "Imprint", url = "https://example.org/imprint?a=1&b=2" }}]
contact = "https://secrets.example/r/#{REQUEST}"
folder = "build/site"
"""
    site = configured(tmp_path, table, PLAIN)
    page = Document(site["en/index.html"])
    assert "Тайните на Пример" in page.text
    assert "Taina" not in page.text
    assert ("a", {"href": "https://example.org/imprint?a=1&b=2", "rel": "noreferrer"}) in page.tags
    (sheet,) = [tag for tag in page.all("link") if tag["rel"] == "stylesheet"]
    css = site[str(sheet["href"])[1:]].decode()
    assert css.startswith((build_site.SOURCE / "css/site.css").read_text("utf-8"))
    assert "--accent: light-dark(#0b5fa5, " in css
    (picture,) = page.all("img")
    assert site[str(picture["src"])[1:]] == PLAIN
    contact = Document(site["bg/contact/index.html"])
    assert f"/bg/r/#{REQUEST}" in list(contact.addresses())
    assert "/en/contact/" in list(page.addresses())
    request = derive_request(decode_link(REQUEST, "request").body)
    assert json.loads(site["manifest.json"])["contact"] == base64url.encode(request.id)


def test_without_a_table_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text('host = "127.0.0.1"\n')
    assert build_site.build(looks=read_looks(tmp_path / "taina.toml")) == built_files()
    assert "en/contact/index.html" not in built_files()


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\" onload=alert(1) '", "{{ 7 * 7 }}", "</title><b>", "&lt;b"]
)
def test_a_name_is_only_ever_text(tmp_path: Path, name: str) -> None:
    plain = configured(tmp_path, "")
    site = configured(tmp_path, f"name = '''{name}'''")
    for path in (path for path in plain if path.startswith(("en/", "ar/")) and path.endswith(".html")):
        document, usual = Document(site[path]), Document(plain[path])
        assert [tag for tag, _ in document.tags] == [tag for tag, _ in usual.tags], path
        assert name in document.text
        assert escape(name).encode() in site[path].replace(b"&#34;", b"&quot;").replace(b"&#39;", b"&#x27;")


@pytest.mark.parametrize("name", ['""', '"   "', f'"{"x" * 41}"', "17", '"a\\u202eb"', '"a\\u0000b"', '"a\\nb"'])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    assert "site.name" in refused(tmp_path, f"name = {name}")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//example.org",
        "/privacy/",
        " https://example.org",
        "https://",
        "https://example.org/ onclick=alert(1)",
        "https://example.org/\\u0022onclick=alert(1)",
        "https://user:word@example.org/",
        "https://example.org:x/",
        "https://exa\\u043cple.org/",
        "https:\\\\\\\\example.org",
    ],
)
def test_only_whole_https_addresses_are_linked(tmp_path: Path, url: str) -> None:
    assert "site.links[0].url" in refused(tmp_path, f'links = [{{ text = "x", url = "{url}" }}]')


@pytest.mark.parametrize(
    "links", ['"https://example.org"', '["https://example.org"]', '[{ url = "https://a.example" }]', str([1] * 7)]
)
def test_links_of_another_shape_are_refused(tmp_path: Path, links: str) -> None:
    assert "site.links" in refused(tmp_path, f"links = {links}")


@pytest.mark.parametrize(
    "accent", ['"red"', '"#abc"', '"#12345g"', '"#123456; background: url(//e.example)"', "123456"]
)
def test_an_accent_is_a_colour_and_nothing_more(tmp_path: Path, accent: str) -> None:
    assert "site.accent" in refused(tmp_path, f"accent = {accent}")


def test_a_pale_accent_is_refused_with_one_that_can_be_read(tmp_path: Path) -> None:
    message = refused(tmp_path, 'accent = "#ffcc00"')
    (better,) = re.findall(r'"(#[0-9a-f]{6})"', message)
    assert configured(tmp_path, f'accent = "{better}"')


@given(COLOURS)
def test_whatever_is_taken_can_be_read_in_both_themes(colour: str) -> None:
    accent = colours.darken(colour)
    rules = colours.style(accent).decode()
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", rules)
    light, dark = ({name: pair[n] for name, *pair in found} for n in range(2))
    for theme, surfaces in ((light, ("#ffffff", "#fbfaf7", "#f4f2ec")), (dark, ("#131614", "#1b1f1d", "#0f1210"))):
        for surface in surfaces:
            assert colours.contrast(theme["accent"], surface) >= colours.ENOUGH
        assert colours.contrast(theme["accent"], theme["on-accent"]) >= colours.ENOUGH
        assert colours.contrast(theme["accent-strong"], theme["on-accent"]) >= colours.ENOUGH


def test_contrast_is_that_of_the_guidelines() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        '<path onload="alert(1)"/>',
        '<a href="javascript:alert(1)"><path/></a>',
        '<use href="https://e.example/x.svg#a"/>',
        '<image href="https://e.example/x.png"/>',
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>",
        "<style>@import url(https://e.example/x.css)</style>",
        '<path style="fill: url(https://e.example/x)"/>',
        '<path fill="url(https://e.example/x#y)"/>',
        '<path fill="URL( //e.example )"/>',
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
        '<path xmlns:x="http://www.w3.org/1999/xlink" x:href="#a"/>',
        "<text>words</text>",
        "<?xml-stylesheet href='https://e.example/x.css'?>",
    ],
)
def test_a_logo_is_a_drawing_and_nothing_more(tmp_path: Path, inside: str) -> None:
    picture = PLAIN.replace(b"</svg>", inside.encode() + b"</svg>")
    assert "site.logo" in refused(tmp_path, 'logo = "logo.svg"', picture)


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"GIF89a",
        b"<html><script>alert(1)</script></html>",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + PLAIN,
        PLAIN.decode().encode("utf-16"),
        b'<?xml version="1.0"?><?xml-stylesheet href="x"?>' + PLAIN,
        PLAIN.replace(b' viewBox="0 0 8 8"', b""),
        PLAIN.replace(b"</svg>", b"<g>" * 3000 + b"</g>" * 3000 + b"</svg>"),
        PLAIN + PLAIN,
    ],
)
def test_what_is_no_such_drawing_is_refused(tmp_path: Path, picture: bytes) -> None:
    assert "site.logo" in refused(tmp_path, 'logo = "logo.svg"', picture)


def test_usual_drawings_are_taken(tmp_path: Path) -> None:
    gradient = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- drawn by hand -->\n<svg xmlns="http://www.w3.org/2000/svg" '
        b'viewBox="0 0 8 8"><defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        b'<rect width="8" height="8" fill="url(#a)"/></svg>'
    )
    for picture in (PLAIN, gradient):
        assert configured(tmp_path, 'logo = "logo.svg"', picture)


@given(st.binary(max_size=200))
def test_whatever_is_given_as_a_logo_the_answer_is_clear(data: bytes) -> None:
    try:
        logo.check(data)
    except ValueError as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize("contact", ["", "https://example.org/", f"https://x.example/r/#{REQUEST[:-1]}", "17"])
def test_a_contact_that_is_no_request_link_is_refused(tmp_path: Path, contact: str) -> None:
    assert "site.contact" in refused(tmp_path, f'contact = "{contact}"')


def test_other_mistakes_name_their_key(tmp_path: Path) -> None:
    assert "site.colour" in refused(tmp_path, 'colour = "red"')
    assert "missing.svg" in refused(tmp_path, 'logo = "missing.svg"')
    (tmp_path / "taina.toml").write_text("site = 3")
    with pytest.raises(LooksError, match="table"):
        read_looks(tmp_path / "taina.toml")
    (tmp_path / "taina.toml").write_text("[site")
    with pytest.raises(LooksError, match="TOML"):
        read_looks(tmp_path / "taina.toml")


def test_whoever_finds_a_weakness_is_told_where_to_write(tmp_path: Path) -> None:
    (tmp_path / "taina.toml").write_text(
        'url = "https://secrets.example"\n[site]\ncontact_until = 2027-01-31\n'
        f'contact = "https://secrets.example/r/#{REQUEST}"\n'
    )
    site = build_site.build(looks=read_looks(tmp_path / "taina.toml"))
    assert site[".well-known/security.txt"].decode().splitlines() == [
        "Contact: https://secrets.example/contact/",
        "Expires: 2027-01-31T00:00:00Z",
        "Canonical: https://secrets.example/.well-known/security.txt",
        "Preferred-Languages: en, bg",
    ]
    assert "contact/index.html" in site
    assert ".well-known/security.txt" not in built_files()


def test_crawlers_are_kept_from_links_alone() -> None:
    site = built_files()
    assert site["robots.txt"].decode().startswith("User-agent: *\nDisallow: /s/\n")
    refused = [line.partition(": ")[2] for line in site["robots.txt"].decode().splitlines()[1:]]
    assert all(f"{path[1:]}index.html" in site for path in refused)
    assert "/bg/inbox/" in refused
    assert "/" not in refused
