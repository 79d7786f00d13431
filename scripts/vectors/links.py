"""Links whole, mangled, cut, mistyped, of another kind and of another version."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from vectors.notation import Vector, fresh_key
from vectors.reference import KINDS, b64, link, raw_link, sha256

_UNSEEN = {
    "a zero-width space": "\u200b",
    "a no-break space": "\u00a0",
    "a mark of direction": "\u200e",
    "an isolate": "\u2068",
    "a soft hyphen": "\u00ad",
    "a word joiner": "\u2060",
    "a mark of byte order": "\ufeff",
    "an ideographic space": "\u3000",
    "a Hangul filler": "\u3164",
    "a variation selector": "\ufe0f",
    "a tag": "\U000e0020",
}
_UNWANTED = _UNSEEN | {
    "a typographic quote": "”",
    "a guillemet": "»",
    "an ellipsis": "…",
    "a full-width full stop": "．",
    "an emoji": "\U0001f512",
}


def links() -> Iterator[Vector]:
    key, longer = fresh_key("link"), fresh_key("link") + fresh_key("opened")[:16]
    bodies = {"secret": key, "receipt": longer, "request": key, "inbox": key}
    whole = {kind: link(kind, body) for kind, body in bodies.items()}

    def read(name: str, text: str, kind: str = "secret", passphrase: bool = False, written: bool = False) -> Vector:
        made = {"name": name, "text": text, "kind": kind}
        return made | {"body": b64(bodies[kind]), "passphrase": passphrase, "written": written}

    def refused(name: str, text: str, kind: str = "secret", *, error: str) -> Vector:
        return {"name": name, "text": text, "kind": kind, "error": error}

    def wrong(found: str, asked: str) -> Vector:
        name = f"{found} where {asked} is asked for"
        return {"name": name, "text": whole[found], "kind": asked, "found": found, "error": "wrong_link"}

    text = whole["secret"]
    address = f"https://taina.example/s/#{text}"

    for kind in KINDS:
        yield read(kind, whole[kind], kind, written=True)
    yield read("secret with a passphrase", link("secret", key, True), passphrase=True, written=True)
    yield read("request for a passphrase", link("request", key, True), "request", passphrase=True, written=True)

    half = len(address) - 20
    for name, mangled in {
        "with the hash": f"#{text}",
        "a whole address": address,
        "a whole address, percent-encoded": address.replace("#", "%23").replace("/", "%2F"),
        "letters percent-encoded": f"#%{ord(text[0]):02x}%{ord(text[1]):02X}{text[2:]}",
        "behind a mail scanner": f"https://scan.example/?url={address.replace('#', '%23')}&data=05%7C02&reserved=0",
        "white space around": f" \t{address}\r\n",
        "wrapped in a mail": f"{address[:half]}\r\n{address[half:]}",
        "no-break and zero-width spaces": f"{address[:half]}\u00a0\u200b\u2060{address[half:]}\ufeff",
        "angle brackets": f"<{address}>",
        "angle brackets around the fragment": f"<{text}>",
        "end of a sentence": f"{address}.",
        "in brackets, end of a sentence": f"({address}).",
        "a link in Markdown": f"[{address}]({address})",
        "Markdown's code": f"`{text}`",
        "bold in Markdown": f"**{text}**",
        "a chat's two halves": f"<{address}|{address}>",
        "straight quotes": f'"{address}",',
        "straight quotes, and a word behind": f'"{address}", please',
        "the HTML of a mail": f'<a href="{address}" target="_blank">Open</a>',
        "the HTML of a mail, in single quotes": f"<a href='{address}'>Open</a>",
        "a chat's link with a text": f"<{address}|the secret>",
        "a link in Markdown, with a title": f'[Open]({address} "secret")',
        "a link in reStructuredText": f"`Open <{address}>`_",
        "a field of RTF": f'{{\\field{{\\*\\fldinst HYPERLINK "{address}"}}{{\\fldrslt Open}}}}',
        "JSON, with its slashes escaped": '{"link":"' + address.replace("/", "\\/") + '","n":1}',
        "a comma and more, without a space": f"{address},please",
        "typographic quotes": f"„{address}“",
        "guillemets": f"«{text}»",
        "a campaign parameter": f"{address}&utm_source=mail&utm_medium=x",
        "a click identifier": f"{address}?fbclid=IwAR0_x-y",
        "an escaped ampersand": f"{address}&amp;utm_source=mail",
        "percent-encoded twice": f"https://taina.example/s/%2523{text}",
        "a slash behind it": f"{text}/",
        "padding behind it": f"{text}=",
        "half a character behind it": f"{text}\ud83d",
        "three dots behind it": f"{address}…",
        "a full stop of another script": f"{address}。",
        "an emoji behind it": f"{address}\U0001f512",
        "backslashes before what Markdown would read": address.replace("_", "\\_").replace("-", "\\-"),
        "a backslash at a wrap": f"{address[:half]}\\\n{address[half:]}",
        "bytes that are not UTF-8 behind it": f"#{text}%FF%C3",
        "percent-encoded twice behind it": f"#{text}%25E2%2580%258B",
    }.items():
        yield read(name, mangled)
    # As `location.hash` gives them.
    for name, character in _UNWANTED.items():
        yield read(f"{name} behind it, as a browser gives it", f"#{text}{quote(character)}")
        yield read(f"{name} before it, as a browser gives it", f"#{quote(character)}{text}")
    for name in _UNSEEN:
        yield read(f"{name} within, as it was sent", text[:9] + _UNWANTED[name] + text[9:])
        yield read(f"{name} within, as a browser gives it", f"#{text[:9]}{quote(_UNWANTED[name])}{text[9:]}")

    incomplete, newer = partial(refused, error="incomplete_link"), partial(refused, error="newer_link")
    for kind in KINDS:
        for asked in KINDS:
            if asked != kind:
                yield wrong(kind, asked)
    for kind in ("secret", "receipt"):
        cut = whole[kind]
        for size in range(len(cut)):
            yield incomplete(f"{kind} cut after {size}", cut[:size], kind)
    for place in range(0, len(text), 3):
        other = "A" if text[place] != "A" else "B"
        yield incomplete(f"mistyped at {place}", text[:place] + other + text[place + 1 :])
    for place in range(1, len(text), 9):
        yield incomplete(f"left out at {place}", text[:place] + text[place + 1 :])
        yield incomplete(f"doubled at {place}", text[:place] + text[place - 1 :])
    swapped = next(place for place in range(10, 40) if text[place] != text[place + 1])
    yield incomplete("two swapped", text[:swapped] + text[swapped + 1] + text[swapped] + text[swapped + 2 :])
    yield incomplete("lower case", text.lower())
    yield incomplete("upper case", text.upper())
    yield incomplete("nothing behind the hash", "https://taina.example/s/#")
    yield incomplete("no fragment", "https://taina.example/s/")
    yield incomplete("a word behind it", f"{address} tomorrow")
    yield incomplete("a word before it", f"look {text}")
    yield incomplete("junk of the alphabet behind it", text + "AAAA")
    yield incomplete("junk of the alphabet before it", "AAAA" + text)
    yield incomplete("a slash within", f"{text[:9]}/{text[9:]}")
    yield incomplete("bytes that are not UTF-8 within", f"#{text[:9]}%FF{text[9:]}")
    yield incomplete("percent-encoded without end", f"https://taina.example/s/%252525252523{text}")
    yield incomplete("a parameter without its mark", text + "utm_source=mail")
    yield incomplete("twice", text + text)
    yield incomplete("three dots for the rest", text[:24] + "…")
    yield incomplete("stray bits", text[:-1] + chr(ord(text[-1]) + 1))
    yield incomplete("the other base64", text.replace("-", "+").replace("_", "/"))
    yield incomplete("a Cyrillic letter that looks alike", text.replace("A", "А", 1))
    yield incomplete("full-width letters", "".join(chr(ord(letter) + 0xFEE0) for letter in text))
    yield incomplete("half a character within", f"{text[:9]}\ud83d{text[9:]}")

    yield newer("version 0", raw_link(0x00, key))
    yield newer("version 2", raw_link(0x02, key))
    yield newer("version 2, another size", raw_link(0x02, key + key))
    yield newer("version 15 of an unknown kind", raw_link(0x7F, key))
    yield incomplete("version 2, cut", raw_link(0x02, key)[:-1])
    yield newer("kind 4", raw_link(0x41, key))
    yield newer("kind 7", raw_link(0x71, key))
    yield incomplete("a receipt with a passphrase", raw_link(0x91, longer), "receipt")
    yield incomplete("an inbox with a passphrase", raw_link(0xB1, key), "inbox")
    yield incomplete("a body too short", raw_link(0x01, key[:-1]))
    yield incomplete("a body too long", raw_link(0x01, longer))
    yield incomplete("a receipt too short", raw_link(0x11, key), "receipt")
    yield incomplete("no body", raw_link(0x01, b""))
    yield incomplete("a check and nothing else", b64(sha256(b"taina/v1 link")[:2]))
    yield incomplete("another label in the check", b64(b"\x01" + key + sha256(b"\x01" + key)[:2]))
