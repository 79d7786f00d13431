"""Catalogs: every language says the same things, with the same placeholders; the format page tells the truth."""

import json
import re
from typing import Any

import pytest

from taina.format.derive import (
    derive_content_keys,
    derive_inbox,
    derive_link_keys,
    derive_receipt,
    derive_request,
    sha256,
)
from taina.format.envelope import public_key
from taina.format.links import Link, clean_fragment, encode_link
from taina.format.payload import Header, Item, encode_header, pack
from taina.format.stream import StreamKey, seal_chunk
from taina.site import build as build_site

CATALOGS = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted((build_site.SOURCE / "locales").glob("*.json"))
}
PLURALS = {"zero", "one", "two", "few", "many", "other"}
_CATEGORIES = {
    "other": "ja ko vi zh-CN",
    "one other": "bg da de el en eo fi hu mi nb nl sv tr",
    "one few other": "hr ro",
    "one two other": "he",
    "one many other": "ca es fr it pt-BR",
    "one two few other": "sl",
    "one few many other": "cs pl ru uk",
    "zero one two few many other": "ar",
}
NEEDED = {language: set(categories.split()) for categories, all_ in _CATEGORIES.items() for language in all_.split()}
"""Plural categories of each language (Unicode CLDR). A new catalog brings its line."""
SCRIPTS = "\n".join(file.read_text("utf-8") for file in sorted((build_site.SOURCE / "js").rglob("*.js")))


def flatten(node: Any, path: str = "") -> dict[str, Any]:
    """Texts by their dotted path; the forms of a plural stay together."""
    if isinstance(node, str) or (path and set(node) <= PLURALS):
        return {path[1:]: node}
    return {name: text for key, child in node.items() for name, text in flatten(child, f"{path}.{key}").items()}


def placeholders(text: Any) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text["other"] if isinstance(text, dict) else text))


def test_there_is_a_reference() -> None:
    assert build_site.REFERENCE in CATALOGS
    assert set(CATALOGS) <= set(NEEDED)


@pytest.mark.parametrize("language", CATALOGS)
def test_a_catalog_has_the_keys_placeholders_and_plurals_of_the_reference(language: str) -> None:
    reference, texts = flatten(CATALOGS[build_site.REFERENCE]), flatten(CATALOGS[language])
    assert list(texts) == list(reference)
    for key, text in texts.items():
        assert placeholders(text) == placeholders(reference[key]), key
        assert isinstance(text, dict) == isinstance(reference[key], dict), key
        forms = text if isinstance(text, dict) else {"other": text}
        if isinstance(text, dict):
            assert set(forms) == NEEDED[language], key
        for form in forms.values():
            assert form.strip() == form != "", key
            assert not re.search(r'<[a-z]|\.\.\.|"', form), key


@pytest.mark.parametrize("language", CATALOGS)
def test_a_translation_is_not_much_longer(language: str) -> None:
    """A button has to hold it: three times the English, or eight characters more, is a sentence gone astray."""
    reference, texts = flatten(CATALOGS[build_site.REFERENCE]), flatten(CATALOGS[language])
    for key, text in texts.items():
        if isinstance(text, str):
            assert len(text) <= max(1.8 * len(reference[key]), len(reference[key]) + 12), key


def test_every_text_is_used() -> None:
    templates = "\n".join(
        file.read_text("utf-8") for folder in ("pages", "layouts") for file in (build_site.SOURCE / folder).iterdir()
    )
    for key in flatten(CATALOGS[build_site.REFERENCE]):
        parts = key.split(".")
        if parts[0] == "lifetimes" or "errors" in parts:
            continue
        if "live" in parts:
            rest = parts[parts.index("live") + 1 :]
            assert f'"{".".join(rest)}"' in SCRIPTS or f"`{rest[0]}." in SCRIPTS or f"live.{rest[0]}" in templates, key
        else:
            stem = parts[-1].removesuffix("_title")
            used = (parts[-1], f'"{stem}"', f'"{parts[-1].partition("_")[0]}_"')
            assert any(word in templates for word in used), key


def test_long_texts_have_no_language_without_a_catalog() -> None:
    folders = {folder.name for folder in (build_site.SOURCE / "texts").iterdir()}
    assert folders <= set(CATALOGS)
    assert {"privacy.md", "format.md"} <= {file.name for file in (build_site.SOURCE / "texts/en").iterdir()}


def test_a_language_without_its_own_text_gets_the_english_one_and_is_told() -> None:
    page = build_site.build()["bg/format/index.html"].decode()
    assert CATALOGS["bg"]["site"]["reference_only"] in page
    assert '<article class="prose" lang="en" dir="ltr">' in page


def test_the_format_page_names_what_is_cut_off_around_links() -> None:
    text = (build_site.SOURCE / "texts/en/format.md").read_text("utf-8")
    (around,) = re.findall(r"removes from both ends the characters\n\n    (.+)\n", text)
    for character in around.split():
        assert clean_fragment(f"{character}AQAB{character}") == "AQAB"
    assert clean_fragment("-AQ_AB-") == "-AQ_AB-"


def test_the_worked_example_of_the_format_is_true() -> None:
    text = (build_site.SOURCE / "texts/en/format.md").read_text("utf-8")
    told = dict(re.findall(r"^\| ([\w ]+) \| `(.+)` \|$", text.partition("## Worked example")[2], re.MULTILINE))
    key, receipt_key = bytes.fromhex(told["K"]), bytes.fromhex(told["R"])
    link_keys = derive_link_keys(key)
    content_keys = derive_content_keys(key, told["passphrase"])
    receipt = derive_receipt(receipt_key)
    link = Link("secret", key, passphrase=True)
    body = told["text"].encode()
    header = Header((Item("text", len(body)),), int(told["expires"]))
    payload = b"".join(pack(header, [body]))
    seed = bytes.fromhex(told["seed"])
    inbox = derive_inbox(seed)
    public = public_key(inbox.private)
    request = derive_request(public)
    sealed = seal_chunk(StreamKey(content_keys.content, link.flags, link_keys.id), 0, True, payload)
    assert told == {
        "K": key.hex(),
        "R": receipt_key.hex(),
        "passphrase": told["passphrase"],
        "text": told["text"],
        "expires": told["expires"],
        "secret id": link_keys.id.hex(),
        "link proof": link_keys.proof.hex(),
        "passphrase salt": link_keys.salt.hex(),
        "content key": content_keys.content.hex(),
        "reveal proof": content_keys.reveal.hex(),
        "opened proof": content_keys.opened.hex(),
        "receipt id": receipt.id.hex(),
        "receipt token": receipt.token.hex(),
        "header": encode_header(header)[4:].decode(),
        "length of the payload": str(len(payload)),
        "start of the sealed chunk": sealed[:16].hex(),
        "its tag": sealed[-16:].hex(),
        "secret link": encode_link(link),
        "receipt link": encode_link(Link("receipt", receipt_key + sha256(content_keys.opened)[:16])),
        "seed": seed.hex(),
        "public key": public.hex(),
        "request id": request.id.hex(),
        "answer token": request.token.hex(),
        "inbox token": inbox.token.hex(),
        "request link": encode_link(Link("request", public)),
        "inbox link": encode_link(Link("inbox", seed)),
    }
