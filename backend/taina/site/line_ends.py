"""Where a line of the pages may end and where not, by the customs of each language."""

import re

from markupsafe import Markup, escape

_WIDE = ("ja", "zh-CN")
_AFTER_WIDE_MARK = re.compile(r"(?<=[。？！：；，、])((?:</\w+>)?) ")
"""The space that templates leave between sentences: after a mark of full width, Chinese and Japanese write none."""
_WIDE_IN_BRACKETS = re.compile(r" ?((?:<[^<>]+>)?)\(([\u3040-\u30ff\u4e00-\u9fff]+)\)")
"""What templates put in brackets, where Chinese and Japanese have theirs of full width, without a space before them."""
_TO_THE_LAST = {"bg": "ли|ѝ", "ru": "бы?|же?|ли", "uk": "би?|же?"}
"""Words before which a line does not end, by the language: particles."""
_LETTER = r"[^\W\d]"
_TO_THE_NEXT = {
    "ar": "[وف]?(?:لا|لم|لن)|ما(?= دام)",
    **dict.fromkeys(("cs", "hr", "pl", "sl"), _LETTER),
    "bg": rf"[Нн]е|[Дд]а(?: се)?|(?!{_TO_THE_LAST['bg']}){_LETTER}",
    "fi": "[Ee]i|[Ee]t|[Ee]ivät|[Ää]lä",
    "he": "\u05d0\u05d9",
    "ru": rf"(?!{_TO_THE_LAST['ru']}){_LETTER}{{1,2}}",
    "uk": rf"(?!{_TO_THE_LAST['uk']}){_LETTER}{{1,2}}",
}
"""Words after which a line does not end, by the language: prepositions, conjunctions, "not" in some."""

_QUOTED = re.compile(r"[«„“”][^«»„“”{]{,24}[»“”]")
"""What a button is called."""
_PARTICLES = "をにがはもでとへのや"
_JAPANESE = re.compile(
    rf"(?<=[」』）])(?=[{_PARTICLES}])|(?<=この|その|どの)(?=[^\W\d])|(?<=もう)(?=一度)|(?<=間)(?=違)"
    r"|(?<=[のへで])(?=[^」\W][^「」]{,9}」)"
)
"""Places in Japanese, which has no spaces, at which a line does not end: before a particle, inside a name in quotes."""
_BETWEEN = {"en": "and|at|from|in|of|on|or|to|with", "bg": "в|във|до|за|и|или|на|от|при|с|със"}
"""Words that do not say what is counted before them."""
_INSIDE = re.compile(
    "|".join(
        (
            r"(?<=\d) (?=(?:to|до) [\d{])|(?<=\d (?:to|до)) (?=[\d{])",
            r" (?=[—–] |…|[−+] \d)|(?<=[−+]) (?=\d)| (?==)|(?<==) |(?<=[A-Z]{3}) (?=/)",
            r"(?<=[a-zA-Z)]) (?=\d+\.\d+\b(?!\.))|(?<=RFC) (?=\d)",
            r"(?<=version) (?=\d)|(?<=верси[яи]) (?=\d)|(?<=стъпк[аи]) (?=\d)",
        )
    )
)
"""Spaces inside sums, ranges, and names with a number."""
_SHORT = 24
"""Letters of a name in code that has room in any line."""
_NUMBERED = re.compile(
    r"\b[A-Z]{2,}-\d+(?:-[A-Z]+)?\b|(?:U\+)?\b[0-9A-F]{4}–[0-9A-F]{4}\b|\b(?:[Пп]о|[Нн]ай)-\w{1,16}\b"
)


def joined(text: str, language: str) -> str:
    """No line ends inside a sum, between a number and what it counts, before a dash or …, or as a language wants it."""
    text = _INSIDE.sub("\u00a0", text).replace("|| ", "||\u2060\u00a0")  # a line may end after a bar
    between = _BETWEEN.get(language, "(?!)")  # which matches nothing
    text = re.sub(rf"(?:(?<=\d)|(?<={{n}})|(?<={{wanted}})) (?!(?:{between})\b)(?=[\w%])", "\u00a0", text)
    text = _QUOTED.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    if language == "ja":
        text = _JAPANESE.sub("\u2060", text)
        text = re.sub(rf"(?<=[A-Za-z0-9]) (?=[{_PARTICLES}])|(?<=あと) ", "\u00a0", text)
    if language in _TO_THE_LAST:
        text = re.sub(rf"(?<=\w) (?=(?:{_TO_THE_LAST[language]})\b)", "\u00a0", text)
    if language in _TO_THE_NEXT:
        pattern = rf"(?<![\w-])(?:{_TO_THE_NEXT[language]}),? (?=[\w{{«„])"
        text = re.sub(pattern, lambda found: found[0].replace(" ", "\u00a0"), text)
    return text


def with_own_spaces(page: str, language: str) -> str:
    """A page in whose language other spaces stand between texts and elements than templates leave."""
    if language in _TO_THE_NEXT:
        page = re.sub(rf"(?<![\w-])({_TO_THE_NEXT[language]}) (?=<(?:a|bdi|code|em|span|strong)\b)", "\\1\u00a0", page)
    if language in _WIDE:
        if language == "ja":
            page = re.sub(r"(?<=[？！])((?:</\w+>)?) ", "\\1\u3000", page)
        page = _WIDE_IN_BRACKETS.sub(r"\1（\2）", _AFTER_WIDE_MARK.sub(r"\1", page))
    return page


def breakable(name: str) -> Markup:
    """A name in code whose lines may end after marks inside it: not inside a number, nor before the kind of a file."""
    parts = r"(?<=[\w}][/_])(?=[A-Za-z{])|(?<=[\w}]\.)(?=[A-Za-z{])(?![a-z]{1,4}(?![\w./-]))|(?<=://)|(?<=\w@)(?=\w)"
    return Markup(re.sub(parts, "<wbr>", escape(name)))  # noqa: S704 - what it wraps is escaped


def with_breakable_addresses(code: Markup) -> Markup:
    """Code whose lines may end after a slash of an address; elsewhere there are spaces."""
    return Markup(re.sub(r"https?://[^\s<&]+", lambda found: re.sub(r"(?<=\w/)(?=.)", "<wbr>", found[0]), code))  # noqa: S704


def name_in_code(name: str) -> Markup:
    """A name that is short stays in one line, also within others; a long one goes on where `breakable` lets it."""
    written = with_whole_options(name)
    if len(name) <= _SHORT:
        return Markup(f'<code class="whole">{breakable(written)}</code>')  # noqa: S704 - escaped
    parts = (Markup(part) for part in re.split("([ =])", written))  # noqa: S704 - escaped
    return Markup("<code>{}</code>").format(
        Markup("").join(breakable(part) if len(part.striptags()) > _SHORT else part for part in parts)
    )


def with_whole_numbers(text: str) -> Markup:
    """Text, escaped, in which no line ends inside a standard, a range, a comparative: UTF-8, U+2000–200F, по-малко."""
    return Markup(_NUMBERED.sub(r'<span class="whole">\g<0></span>', str(escape(text))))  # noqa: S704 - as above


def with_whole_options(code: str) -> Markup:
    """Code, escaped, in which no line ends inside an option."""
    return Markup(re.sub(r"(?<![\w-])(--?[A-Za-z][\w-]*)", r"<span>\1</span>", str(escape(code))))  # noqa: S704 - as above
