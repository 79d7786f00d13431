"""Where a line of the pages may end and where not, by the customs of each language."""

import re

from markupsafe import Markup, escape

_AFTER_WIDE_MARK = re.compile(r"(?<=[。？！：；，、])((?:</\w+>)?) ")
"""The space that templates leave between sentences: after a mark of full width, Chinese and Japanese write none."""
_WIDE_IN_BRACKETS = re.compile(r" ?((?:<[^<>]+>)?)\(([\u3040-\u30ff\u4e00-\u9fff]+)\)")
"""What templates put in brackets, where Chinese and Japanese have theirs of full width, without a space before them."""
_CLINGING = {"bg": 1, "cs": 1, "hr": 1, "pl": 1, "ru": 2, "sl": 1, "uk": 2}
"""Of how many letters the words are after which a line does not end: prepositions and conjunctions, by the language."""


def joined(text: str, language: str) -> str:
    """No line ends between a number and what it counts, after GET, before a dash, or in what a language keeps whole."""
    text = re.sub(r"(?<=\d) (?=[\w%])|(?<=[A-Z]{3}) (?=/)| (?=[—–] )", "\u00a0", text)
    longest = _CLINGING.get(language, 0)
    return re.sub(rf"(?<![\w-])([^\W\d]{{1,{longest}}}) (?=[\w{{«„])", "\\1\u00a0", text) if longest else text


def without_spaces_of_wide_marks(page: str) -> str:
    """A page whose templates left spaces where Chinese and Japanese write none."""
    return _WIDE_IN_BRACKETS.sub(r"\1（\2）", _AFTER_WIDE_MARK.sub(r"\1", page))


def breakable(name: str) -> Markup:
    """A name in code whose lines may end after a dot, a slash or an underscore inside it, but not inside a number."""
    return Markup(re.sub(r"(?<=[\w}][./_])(?=[A-Za-z{])", "<wbr>", escape(name)))  # noqa: S704 - what it wraps is escaped


def with_whole_options(code: str) -> Markup:
    """Code, escaped, in which no line ends between the dashes of an option and its name."""
    return Markup(re.sub(r"(?<![\w-])(--?[A-Za-z])", r"<span>\1</span>", str(escape(code))))  # noqa: S704 - as above
