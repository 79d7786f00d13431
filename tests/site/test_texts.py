"""Catalogs: every language says the same things, with the same placeholders; the format page tells the truth."""

import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

from support.site_documents import Document
from support.sites import built_files
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
from taina.proof_of_work import find
from taina.site import build as build_site

CATALOGS = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted((build_site.SOURCE / "locales").glob("*.json"))
}
TRANSLATIONS = sorted(set(CATALOGS) - {build_site.REFERENCE})
PLURALS = {"zero", "one", "two", "few", "many", "other"}
SCRIPTS = "\n".join(file.read_text("utf-8") for file in sorted((build_site.SOURCE / "js").rglob("*.js")))

NAMES = {"meta.direction", "site.name", "site.api", "api.title"}
"""What may be the same in every language."""
COGNATES: dict[str, set[str]] = {
    "nl": {"site.privacy", "privacy.title", "site.contact"},
    "pt-BR": {"create.code"},
    "sv": {"site.theme_system"},
    "da": {"create.live.pause", "site.theme_system"},
    "de": {"create.optional", "create.passphrase", "reveal.passphrase", "site.theme_system"},
    "fr": {"create.live.pause", "lifetimes.300", "site.contact"},
    "it": {"create.passphrase", "privacy.title", "reveal.passphrase", "site.privacy"},
}
"""Texts that a language writes just as English does."""
ENGLISH = re.compile(r"\b(the|you|your|this|that|with|which)\b", re.IGNORECASE)
"""Words that no other language of ours has: whoever leaves a sentence in English leaves one of them."""
FOREIGN = {
    "AI",
    "API",
    "Bearer",
    "bearer",
    "C",
    "Ctrl",
    "curl",
    "email",
    "Enter",
    "http",
    "HTTPS",
    "https",
    "JavaScript",
    "PostgreSQL",
    "QR",
    "s",
    "Taina",
    "X25519",
}
"""What is written in Latin letters also where the language has others."""


def flatten(node: Any, path: str = "") -> dict[str, Any]:
    """Texts by their dotted path; the forms of a plural stay together."""
    if isinstance(node, str) or (path and set(node) <= PLURALS):
        return {path[1:]: node}
    return {name: text for key, child in node.items() for name, text in flatten(child, f"{path}.{key}").items()}


WRITTEN = {"copied", "forget", "go_on", "open", "pause", "remove", "save"}
"""Texts that scripts put on buttons, or give them as their names."""
AGAIN = {"look-again", "try-again"}
"""Buttons of two states of a page that do the same."""
NOTE = "meta.note"
"""What a language may say about itself on every page: that its speakers' help is welcome."""
TEXTS = {
    language: {key: text for key, text in flatten(catalog).items() if key != NOTE}
    for language, catalog in CATALOGS.items()
}


def forms_of(text: Any) -> dict[str, str]:
    return text if isinstance(text, dict) else {"other": text}


def placeholders(form: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", form))


LOCKING = (
    "reveal.live.wrong",
    "reveal.live.gone.locked",
    "receipt.live.states.locked",
    "receipt.live.explain.locked",
    "inbox.live.states.locked",
)
LOCK = {
    "ar": "قف",
    "bg": "заключ",
    "ca": "bloca",
    "cs": "uzam",
    "da": "lås",
    "de": "sperrt",
    "el": "κλειδ",
    "en": "lock",
    "eo": "ŝlos",
    "es": "bloque",
    "fi": "luki",
    "fr": "verrouill",
    "he": "נעל",
    "hr": "zaključ",
    "hu": "zárol",
    "it": "blocc",
    "ja": "ロック",
    "ko": "잠",
    "mi": "rakai",
    "nb": "låst",
    "nl": "vergrendel",
    "pl": "zablok",
    "pt-BR": "bloque",
    "ro": "bloca",
    "ru": "заблокирован",
    "sl": "zaklen",
    "sv": "lås",
    "tr": "kilitle",
    "uk": "заблокован",
    "vi": "khóa",
    "zh-CN": "锁定",
}
"""What all forms of the word for it have in common."""


def width(text: str) -> int:
    """In letters; those of China, Japan and Korea are twice as wide. Marks above and below take no room."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


@cache
def files() -> dict[str, bytes]:
    return {path: data for path, data in built_files().items() if path.endswith(".html")}


@cache
def built() -> dict[str, Document]:
    return {path: Document(data) for path, data in files().items()}


def test_there_is_a_reference() -> None:
    assert build_site.REFERENCE in CATALOGS


@pytest.mark.parametrize("language", CATALOGS)
def test_a_catalog_says_whose_it_is(language: str) -> None:
    meta = CATALOGS[language]["meta"]
    assert meta["direction"] == Locale.parse(language, sep="-").text_direction
    assert [catalog["meta"]["name"] for catalog in CATALOGS.values()].count(meta["name"]) == 1


@pytest.mark.parametrize("language", CATALOGS)
def test_a_catalog_has_the_keys_placeholders_and_plurals_of_the_reference(language: str) -> None:
    """Plural categories are those of Unicode CLDR, as in the browser's `Intl.PluralRules`."""
    reference, texts = TEXTS[build_site.REFERENCE], TEXTS[language]
    needed = {*Locale.parse(language, sep="-").plural_form.tags, "other"}
    assert list(texts) == list(reference)
    for key, text in texts.items():
        assert isinstance(text, dict) == isinstance(reference[key], dict), key
        if isinstance(text, dict):
            assert set(text) == needed, key
        wanted = placeholders(forms_of(reference[key])["other"])
        for category, form in forms_of(text).items():
            # A form for a single number may say it in words.
            missing = {"n"} if category in ("zero", "one", "two") else set()
            assert wanted - missing <= placeholders(form) <= wanted, key
            assert form.strip() == form != "", key
            assert not re.search(r'<[a-z]|\.\.\.|"', form), key


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_nothing_is_left_in_english(language: str) -> None:
    reference, texts = TEXTS[build_site.REFERENCE], TEXTS[language]
    assert {key for key, text in texts.items() if text == reference[key]} - NAMES == COGNATES.get(language, set())
    for key, text in texts.items():
        for form in forms_of(text).values():
            assert not ENGLISH.search(form), key


@pytest.mark.parametrize("language", CATALOGS)
def test_what_wrong_passphrases_do_has_one_name(language: str) -> None:
    """A secret is locked by them, before and after it happened; destroying is what the sender may do."""
    for key in LOCKING:
        for form in forms_of(TEXTS[language][key]).values():
            assert LOCK[language] in form.casefold(), (key, form)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_keeps_to_its_own_letters(language: str) -> None:
    """No letter that only looks right, and no Latin one where the language has others, except in names."""
    own = letters(CATALOGS[language]["meta"]["name"])
    for key, text in flatten({**CATALOGS[language], "meta": {"name": CATALOGS[language]["meta"]["name"]}}).items():
        for form in forms_of(text).values():
            found = letters(re.sub(r"\{\w+\}", "", form))
            assert found <= own, (key, found)


def letters(text: str) -> set[str]:
    """Whose they are, such as `LATIN`; those of Chinese and both kinds of Japanese count as one."""
    words = re.sub(r"[A-Za-z0-9]+", lambda word: "" if word[0] in FOREIGN else word[0], text)
    names = {unicodedata.name(letter).split()[0].partition("-")[0] for letter in words if letter.isalpha()}
    return {"CJK" if name in ("HIRAGANA", "KATAKANA", "IDEOGRAPHIC") else name for name in names}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_is_not_much_longer(language: str) -> None:
    """Far longer than the English it is a sentence gone astray. Whether a page has room for it is measured there."""
    for key, text in TEXTS[language].items():
        for form in forms_of(text).values():
            reference = width(max(forms_of(TEXTS[build_site.REFERENCE][key]).values(), key=width))
            assert width(form) <= max(1.8 * reference, reference + 25), key


def test_only_a_language_with_a_note_shows_one() -> None:
    notes = {language: catalog["meta"]["note"] for language, catalog in CATALOGS.items() if "note" in catalog["meta"]}
    assert notes and build_site.REFERENCE not in notes
    for path, page in built().items():
        language = path.partition("/")[0]
        shown = {note for note in notes.values() if note in page.text}
        assert shown == ({notes[language]} if language in notes else set()), path


def buttons(page: bytes) -> Iterator[tuple[str, str]]:
    """What each button does, by its address, id or place, and its name; those that scripts put there come last."""
    for place, (attributes, words) in enumerate(Document(page).buttons):
        effect = attributes.get("href") or attributes.get("for") or attributes.get("id") or f"button {place}"
        yield effect, attributes.get("aria-label") or words
        if pressed := attributes.get("data-hide"):
            yield f"{effect}, pressed", pressed
    for texts in re.findall(rb'<script type="application/json" id="texts">(.*?)</script>', page):
        live = json.loads(texts)
        yield from ((key, live[key]) for key in WRITTEN & set(live))


@pytest.mark.parametrize("language", CATALOGS)
def test_no_two_buttons_of_a_page_say_the_same(language: str) -> None:
    for path, page in files().items():
        if path.startswith(f"{language}/"):
            effects: dict[str, set[str]] = {}
            for effect, name in buttons(page):
                effects.setdefault(name.casefold(), set()).add(effect)
            alike = {name: found for name, found in effects.items() if len(found) > 1 and found != AGAIN}
            assert alike == {}, path
    # Of several links, each is copied by "Copy: " and the name of its field.
    assert CATALOGS[language]["create"]["link"] != CATALOGS[language]["create"]["receipt_link"]


def test_every_text_is_used() -> None:
    templates = "\n".join(
        file.read_text("utf-8") for folder in ("pages", "layouts") for file in (build_site.SOURCE / folder).iterdir()
    )
    for key in TEXTS[build_site.REFERENCE]:
        parts = key.split(".")
        if parts[0] == "lifetimes" or "errors" in parts:
            continue
        if "policy" in parts:
            assert f'"{parts[-1]}"' in SCRIPTS, key
        elif "live" in parts:
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
    page = files()["de/format/index.html"].decode()
    assert CATALOGS["de"]["site"]["reference_only"] in page
    assert '<article class="prose" lang="en" dir="ltr">' in page


def test_the_format_page_names_what_is_taken_out_of_links() -> None:
    text = (build_site.SOURCE / "texts/en/format.md").read_text("utf-8")
    (unseen,) = re.findall(r"invisible ones \(U\+([^)]+)\)", text)
    for place in re.findall(r"[0-9A-F]{4,5}(?:–[0-9A-F]{4,5})?", unseen):
        first, _, last = place.partition("–")
        for number in {int(first, 16), int(last or first, 16)}:
            assert clean_fragment(f"AQ{chr(number)}AB") == "AQAB", hex(number)
    for character in "<>()[]{}\"'`*.,;:!“”„«»‘’‚‹›。」』）،؛|~=/…":
        assert clean_fragment(f"{character}AQAB{character}") == "AQAB"
    assert clean_fragment("-AQ_AB-") == "-AQ_AB-"


@pytest.mark.parametrize("file", sorted((build_site.SOURCE / "texts").glob("*/format.md")), ids=lambda f: f.parent.name)
def test_a_translated_format_has_the_code_of_the_english(file: Path) -> None:
    """Member names, states, errors, labels, and the values of the example."""
    code = re.compile("`([^`\n]+)`")
    reference = (build_site.SOURCE / "texts" / build_site.REFERENCE / file.name).read_text("utf-8")
    assert Counter(code.findall(file.read_text("utf-8"))) == Counter(code.findall(reference))


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
        "work of 12 bits for it": str(find(link_keys.id, 12)),
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
        "link to the secret": encode_link(link),
        "receipt link": encode_link(Link("receipt", receipt_key + sha256(content_keys.opened)[:16])),
        "seed": seed.hex(),
        "public key": public.hex(),
        "request id": request.id.hex(),
        "answer token": request.token.hex(),
        "inbox token": inbox.token.hex(),
        "request link": encode_link(Link("request", public)),
        "inbox link": encode_link(Link("inbox", seed)),
    }


def test_no_link_of_a_long_text_leads_to_a_heading() -> None:
    """Headings have no names, so it would lead to the top of the page."""
    for file in (build_site.SOURCE / "texts").glob("*/*.md"):
        assert re.findall(r"\]\((?!http)[^)]*#[^)]*\)", file.read_text("utf-8")) == [], file


COUNTED = r"(?!(?:and|at|from|in|of|on|or|to|with|в|във|до|за|и|или|на|от|при|с|със)\b)\w"
"""Not what stands between two numbers."""
WIDE_MARKS = re.compile(r"[。？！：；，、](?:</\w+>)? |\([\u3040-\u9fff]|[\u3040-\u9fff]\)")


@pytest.mark.parametrize("language", sorted(CATALOGS))
def test_numbers_stay_with_what_they_count_and_wide_marks_have_no_space(language: str) -> None:
    """A line may not end between them. Chinese and Japanese have wide brackets, and no space where sentences meet."""
    for path, page in files().items():
        if path.startswith(f"{language}/"):
            words = re.sub(r"<(article|pre|code|script|style)\b.*?</\1>", "", page.decode(), flags=re.DOTALL)
            assert WIDE_MARKS.findall(words) == [], path
            assert (
                re.findall(rf">[^<]*\d {COUNTED}[^<]*<", re.sub(r"<(\w+) [^>]*lang=\"en\".*?</\1>", "", words)) == []
            ), path


@pytest.mark.parametrize("language", ["en", "bg"])
def test_numbers_of_long_texts_stay_with_their_units(language: str) -> None:
    """As each language writes a share: English without a space, Bulgarian with one at which no line ends."""
    shares = []
    for path, page in files().items():
        if path.startswith(f"{language}/") and "/api/" not in path:
            words = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "", page.decode(), flags=re.DOTALL)
            assert re.findall(rf">[^<]*\d (?:%|{COUNTED})[^<]*<", words) == [], path
            shares += re.findall(r"\d(\s?)%", words)
    assert set(shares) == {"" if language == "en" else "\u00a0"}


@pytest.mark.parametrize("language", sorted(CATALOGS))
def test_no_line_begins_with_a_dash_or_a_particle_or_ends_in_a_letter_alone(language: str) -> None:
    """The last as Slavic languages have it; in Russian and Ukrainian also not in two letters ("на", "из")."""
    short = {"bg": 1, "cs": 1, "hr": 1, "pl": 1, "ru": 2, "sl": 1, "uk": 2}.get(language)
    particle = {"bg": "ли|ѝ", "ru": "бы?|же?|ли", "uk": "би?|же?"}.get(language)
    for path, page in files().items():
        if path.startswith(f"{language}/"):
            words = re.sub(r"<(pre|code|script|style|title)\b.*?</\1>", "", page.decode(), flags=re.DOTALL)
            words = re.sub(r"<[^>]*>", "|", re.sub(r"<(\w+) [^>]*lang=\"en\".*?</\1>", "|", words, flags=re.DOTALL))
            assert re.findall(r".{9} [—–] .{9}|.{9} …|.{9} [−+]\s\d|[−+] \d", words) == [], path
            assert language != "he" or "\u05d0\u05d9 " not in words, path  # "can" would stand alone below "not"
            if particle:
                assert re.findall(rf"\w+ (?:{particle})\b", words) == [], path
            if short:
                alone = rf"(?<![\w-])(?!(?:{particle})\b)[^\W\d_A-Za-z]{{1,{short}}} \w+"
                assert re.findall(alone, words) == [], path
                if language in ("cs", "hr", "pl", "sl"):
                    assert re.findall(r"(?<![\w-])[^\W\d_] \w+", words) == [], path


@pytest.mark.parametrize("language", ["bg", "cs", "hr", "pl", "ru", "sl", "uk"])
def test_a_letter_alone_stays_with_code_and_links_too(language: str) -> None:
    """Also across the ends of our own lines in long texts."""
    for path, page in files().items():
        if path.startswith(f"{language}/"):
            words = re.sub(r"<(pre|script|style)\b.*?</\1>", "", page.decode(), flags=re.DOTALL)
            words = re.sub(r"<(\w+) [^>]*lang=\"en\".*?</\1>", "|", words, flags=re.DOTALL)
            assert re.findall(r"[\s>(][^\W\d_A-Zѝ][ \n]<(?:code|a|strong|em|span)\b.{20}", words) == [], path


def test_whole_translations_are_of_one_length() -> None:
    """Though some languages have fewer forms of a plural."""
    texts = re.findall(r"</code></td><td>(\d+)</td>", files()["en/translate/index.html"].decode())
    assert len(texts) == len(CATALOGS)
    assert len(set(texts)) == 1


@pytest.mark.parametrize("language", sorted(CATALOGS))
def test_a_paragraph_of_sentences_ends_like_one(language: str) -> None:
    """Also where a link is its last word; but not after a colon."""
    for path, page in files().items():
        if path.startswith(f"{language}/") and "/api/" not in path:
            words = re.sub(r"<(article|pre)\b.*?</\1>", "", page.decode(), flags=re.DOTALL)
            for paragraph in re.findall(r"<p\b[^>]*>(.*?)</p>", words, flags=re.DOTALL):
                text = html.unescape(re.sub(r"<button.*?</button>|<[^>]+>", "", paragraph)).strip()
                if re.search(r"[.!?؟]\s+\w|[。！？]\w", text):
                    assert re.search(r"[.!?؟。！？:：][)”]?$|[:：][\w\s]+$", text), (path, text)
