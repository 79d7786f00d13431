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
    **dict.fromkeys(("cs", "hr", "pl", "sl"), _LETTER),
    "bg": rf"[Нн]е|(?!{_TO_THE_LAST['bg']}){_LETTER}",
    "he": "\u05d0\u05d9",
    "ru": rf"(?!{_TO_THE_LAST['ru']}){_LETTER}{{1,2}}",
    "uk": rf"(?!{_TO_THE_LAST['uk']}){_LETTER}{{1,2}}",
}
"""Words after which a line does not end, by the language: prepositions, conjunctions, and "not" of Hebrew."""


def joined(text: str, language: str) -> str:
    """No line ends inside a sum, between a number and what it counts, before a dash or …, or as a language wants it."""
    text = re.sub(r"(?<=\d) (?=[\w%])|(?<=[A-Z]{3}) (?=/)| (?=[—–] |…|[−+] \d)|(?<=[−+]) (?=\d)", "\u00a0", text)
    if language in _TO_THE_LAST:
        text = re.sub(rf"(?<=\w) (?=(?:{_TO_THE_LAST[language]})\b)", "\u00a0", text)
    if language in _TO_THE_NEXT:
        text = re.sub(rf"(?<![\w-])({_TO_THE_NEXT[language]}) (?=[\w{{«„])", "\\1\u00a0", text)
    return text


def with_own_spaces(page: str, language: str) -> str:
    """A page in whose language other spaces stand between texts and elements than templates leave."""
    if language in _TO_THE_NEXT:
        page = re.sub(rf"(?<![\w-])({_TO_THE_NEXT[language]}) (?=<(?:a|bdi|code|em|span|strong)\b)", "\\1\u00a0", page)
    if language in _WIDE:
        page = _WIDE_IN_BRACKETS.sub(r"\1（\2）", _AFTER_WIDE_MARK.sub(r"\1", page))
    return page


def breakable(name: str) -> Markup:
    """A name in code whose lines may end after a dot, a slash or an underscore inside it, but not inside a number."""
    return Markup(re.sub(r"(?<=[\w}][./_])(?=[A-Za-z{])", "<wbr>", escape(name)))  # noqa: S704 - what it wraps is escaped


def with_whole_options(code: str) -> Markup:
    """Code, escaped, in which no line ends inside an option."""
    return Markup(re.sub(r"(?<![\w-])(--?[A-Za-z][\w-]*)", r"<span>\1</span>", str(escape(code))))  # noqa: S704 - as above
