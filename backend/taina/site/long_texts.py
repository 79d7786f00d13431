"""Long texts: from Markdown to what a page shows."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from taina.site.line_ends import joined, name_in_code, with_breakable_addresses, with_whole_numbers, with_whole_options

_SENTENCE = 60
"""Letters of a cell that on a phone has no room beside two others."""


@cache
def to_html(text: str, language: str) -> Markup:
    """Markdown (CommonMark with tables) as HTML whose lines end by the customs of its language."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.core.ruler.before("text_join", "lines", _join_lines)
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    markdown.add_render_rule(
        "text", lambda _, tokens, index, *__: with_whole_numbers(joined(tokens[index].content, language))
    )
    markdown.add_render_rule("code_inline", lambda _, tokens, index, *__: name_in_code(tokens[index].content))
    markdown.add_render_rule("code_block", _block_of_code)
    return Markup(markdown.render(text))  # noqa: S704 - our own text


def _block_of_code(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Its long lines go on in the next; those of a drawing, and of columns, must not."""
    block = f"<pre><code>{with_breakable_addresses(with_whole_options(tokens[index].content))}</code></pre>\n"
    return f'<div class="scroll" tabindex="0">{block}</div>\n' if re.search(r"─|\S  +(?:=|\|\|)", block) else block


def _table_open(__: RendererProtocol, tokens: Sequence[Token], index: int, *___: Any) -> str:
    """A frame of its own: where a table is too wide, it scrolls, and not the page (WCAG 2.2, 1.4.10).

    A table of sentences in three columns or more is stacked on a phone, where every cell has the width of the page and
    the name of its column before it.
    """
    cells: list[tuple[Token, str]] = []
    for at in range(index + 1, len(tokens)):
        if tokens[at].type == "table_close":
            break
        if tokens[at].type in ("th_open", "td_open"):
            cells.append((tokens[at], "".join(part.content for part in tokens[at + 1].children or [])))
    names = [text for token, text in cells if token.type == "th_open"]
    if len(names) < 3 or max(len(text) for _, text in cells) <= _SENTENCE:
        return '<div class="scroll" tabindex="0"><table>'
    for number, (token, _) in enumerate(cells):
        if token.type == "td_open":
            token.attrSet("data-column", names[number % len(names)])
    return '<div class="scroll" tabindex="0"><table class="stacked">'


def _join_lines(state: StateCore) -> None:
    """What stays with the next word does so across the ends of our lines, too."""
    for token in state.tokens:
        for child in token.children or []:
            if child.type == "softbreak":
                child.type, child.tag, child.content = "text", "", " "
