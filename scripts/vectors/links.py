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


def _wide(text: str) -> str:
    """As input methods write it, for East Asian type."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


def _named(text: str) -> str:
    names = {":": "colon", "/": "sol", ".": "period", "#": "num", "_": "lowbar", "-": "#45"}
    return "".join(f"&{names[letter]};" if letter in names else letter for letter in text)


def _quoted_printable(text: str) -> str:
    """With all that it may encode (RFC 2045, section 6.7), and with what a parameter would add."""
    return "".join(letter if letter.isalnum() else f"={ord(letter):02X}" for letter in f"{text}&a=b")


def proofpoint_2(link: str, host: str = "urldefense.proofpoint.com") -> str:
    """A link as Proofpoint's version 2 puts it into its own."""
    coded = "".join(c if c.isalnum() or c in "/." else f"%{ord(c):02X}" for c in link)
    return f"https://{host}/v2/url?u={coded.replace('%', '-').replace('/', '_')}&d=DwMFaQ&c=x&r=y&m=z&s=w&e="


def proofpoint_3(link: str) -> str:
    """A link as its version 3 does: what stood at each `*` follows, in base64url."""
    return f"https://urldefense.com/v3/__{link.replace('#', '*')}__;Iw!!Ab1!x_y-z$"


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

    half, scanned = len(address) - 20, "https://scan.example/?url="
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
        "a word behind it": f"{address} tomorrow",
        "a word glued to it": f"{address}Please",
        "a word glued to it, as a browser gives it": f"#{text}Please",
        "a full stop and a word": f"{address}.Please",
        "a parameter without its mark": f"{text}utm_source=mail",
        "a dash behind it": f"{address}-",
        "twice": text + text,
        "full-width letters": _wide(text),
        "a full-width address": _wide(address),
        "full-width letters, as a browser gives them": f"#{quote(_wide(text))}",
        "a full-width hash": address.replace("#", "\uff03"),
        "a full-width hash, percent-encoded": address.replace("#", quote("\uff03")),
        "a full-width percent sign": address.replace("#", "\uff0523"),
        "a decimal character reference": address.replace("#", "&#35;"),
        "a hexadecimal character reference": address.replace("#", "&#x23;"),
        "a hexadecimal character reference in capitals": address.replace("#", "&#X0023;"),
        "a named character reference": address.replace("#", "&num;"),
        "a character reference, escaped again": address.replace("#", "&amp;#35;"),
        "a character reference, percent-encoded": address.replace("#", "%26%2335%3B"),
        "all but letters as character references": "".join(c if c.isalnum() else f"&#{ord(c)};" for c in address),
        "all but letters as character references by name": _named(address),
        "a character reference behind it": f"{address}&#46;",
        "a character reference to what is not seen": f"{address[:half]}&#8203;{address[half:]}",
        "a character reference to nothing, behind it": f"{address}&#1114112;&#xD800;",
        "quoted-printable": f'<a href=3D"{address}" target=3D"_blank">',
        "quoted-printable, wrapped": f'<a href=3D"{address[:half]}=\r\n{address[half:]}" target=3D"_blank">',
        "quoted-printable, wrapped, and nothing else": f"{address[:half]}=\n{address[half:]}",
        "quoted-printable, wrapped, spaces behind it": f"{address[:half]}= \t\r\n{address[half:]}",
        "quoted-printable, wrapped in the address": f"https://taina.exam=\r\nple/s/#{text}",
        "quoted-printable, wrapped, as a browser gives it": f"#{text[:27]}={text[27:]}",
        "quoted-printable, all but letters": _quoted_printable(address),
        "quoted-printable, all but letters, wrapped": _quoted_printable(f"{address[:half]}\0{address[half:]}").replace(
            "=00", "=\r\n"
        ),
        "quoted-printable in a parameter": f"https://scan.example/?url=3D{address.replace('#', '%23')}&d=3D1",
        "a parameter that is no quoted-printable": f"{address}&id=2345&ref=3F",
        "Proofpoint, version 1": f"https://urldefense.proofpoint.com/v1/url?u={quote(address, safe='')}&k=x%0A&r=y",
        "Proofpoint, version 2": proofpoint_2(address),
        "Proofpoint, version 2, on its later host": proofpoint_2(address, "urldefense.com"),
        "Proofpoint, version 3": proofpoint_3(address),
        "Proofpoint, version 3, and a full stop": f"({proofpoint_3(address)}).",
        "Proofpoint, version 3, wrapped": proofpoint_3(address).replace("/s/", "/s\r\n/"),
        "Proofpoint, version 3, within a mail scanner": scanned + quote(proofpoint_3(address), safe=""),
        "Proofpoint, version 2, within a mail scanner": scanned + quote(proofpoint_2(address), safe=""),
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
    yield incomplete("a word before it", f"look {text}")
    yield incomplete("junk of the alphabet before it", "AAAA" + text)
    yield incomplete("a slash within", f"{text[:9]}/{text[9:]}")
    yield incomplete("bytes that are not UTF-8 within", f"#{text[:9]}%FF{text[9:]}")
    yield incomplete("percent-encoded without end", f"https://taina.example/s/%252525252523{text}")
    yield incomplete("three dots for the rest", text[:24] + "…")
    yield incomplete("stray bits", text[:-1] + chr(ord(text[-1]) + 1))
    yield incomplete("the other base64", text.replace("-", "+").replace("_", "/"))
    yield incomplete("a Cyrillic letter that looks alike", text.replace("A", "А", 1))
    yield incomplete("a word within", f"{text[:20]}Please{text[20:]}")
    yield incomplete("a word glued to what was cut", f"{address[:-8]}Please, tomorrow")
    yield incomplete("a word glued to a mistyped one", f"{'B' + text[1:]}Please")
    yield incomplete("twice, the first cut", text[:-3] + text)
    yield incomplete("a word glued before it", f"https://taina.example/s/#look{text}")
    yield incomplete("a hash that was lost", f"https://taina.example/s/{text}")
    yield incomplete("a character reference without its end", f"https://taina.example/s/&#x23{text}")
    yield incomplete("a character reference to nothing, within", f"{text[:9]}&#1114112;{text[9:]}")
    yield incomplete("a character reference without end", f"https://taina.example/s/&{'amp;' * 9}#35;{text}")
    yield incomplete("quoted-printable, cut at a line's end", f"{address[:half]}=")
    yield incomplete(
        "Proofpoint, version 2, its key as it was", f"https://urldefense.com/v2/url?u=https-3A__a.example_s_-23{text}"
    )
    yield incomplete("Proofpoint, version 3, without what it replaced", proofpoint_3(address).partition("__;")[0])
    yield incomplete("Proofpoint, version 3, with nothing replaced", proofpoint_3(address).replace("__;Iw!", "__;!"))
    yield incomplete("Proofpoint, version 3, on another host", proofpoint_3(address).replace("urldefense", "other"))
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
