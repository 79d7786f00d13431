"""The English of what people read is plain: phrases that no native writes are named, with what to write instead.

Thirty languages are made from these texts, and every odd phrase was once translated word for word.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "site/locales/en.json",
    *sorted((ROOT / "site/texts/en").glob("*.md")),
]

PROGRAM = sorted((ROOT / "backend/taina").rglob("*.py"))
"""Whose help, messages and sentences people read as well."""

BANNED = [
    # pattern, an example that it has to find, what to write
    (r"\b(by|on|through) another way\b(?!s)", "Tell it by another way.", "some other way; through another channel"),
    (r"\btell(s|ing)? it\b", "The sender tells it to you.", "share it; give it to you"),
    (r"\bhow (it|this|that|they|things) stands?\b", "See how it stands with a secret.", "the status of"),
    (r"\b(to|for|not|from|by) who (has|wants|prefers|needs)\b", "Send it to who has it.", "whoever; those who"),
    (r"(?<!there )\b(is|are) no (?!longer|more|one\b)\w+", "It is no answer to you.", "is not a"),
    (r"\b(has|have) not (the|a|an)\b", "whoever has not the link", "does not have; without"),
    (r"\bif not said\b", "| key | if not said |", "default"),
    (r"\w …", "Looking …", "no space before the ellipsis"),
    (r"\banew\b", "Please send it anew.", "again"),
    (r"\bby (a|this|that|the same|the) link\b", "Send it by a link.", "with a link; through the link"),
    (r"\bopens (only )?once\b", "The link opens only once.", "can be opened only once"),
    (r"\bby (a|one|every) click\b", "removed by one click", "with one click"),
    (
        r"\bstands? (in|under|at|on|beside|here|there|behind|below|so|for itself)\b",
        "It stands under Sent.",
        "is stored",
    ),
    (r"\bwrong tr(y|ies)\b|\btries left\b", "One more wrong try", "attempt"),
    (r"\b(he|him|his|himself|she|her|herself)\b", "one that a sender keeps for himself", "they; themselves"),
    (r"\be-mails?\b", "Send an e-mail.", "email"),
    (r"\bgives? (it|that|the \w+) up\b", "the server gave up, so give it up", "discard; cancel"),
    (r"\bmade such that\b", "made such that anybody can check", "built so that"),
    (r"\bfor the highest stakes\b", "For the highest stakes use a program.", "when the stakes are high"),
    (r"\bof none (is|are|has|have)\b", "of none is the key in a file", "none of them; no file contains"),
    (r"\bnot by (us|you|them) either\b", "not by us either", "not even by us"),
    (r"\bcan not\b", "It can not be opened.", "cannot"),
    (
        r"destroy\w*\b.*\b(attempts?|wrong)\b|\b(attempts?|wrong)\b.*\bdestroy",
        "One more wrong attempt will destroy the secret.",
        "lock for good",
    ),
    (r"\bsecret link\b", "the other one, the secret link", "link to the secret"),
    (r"^they\b", "They choose it and tell you some other way.", "whoever answers"),
]

ENDS = re.compile(
    r"\.errors\.|^[a-z]+\.(cut|empty|failed|full|interrupted|lost|missing|newer|not_\w+|unreachable|wiped|wrong_link)$"
    r"|^site\.(insecure|limited|outdated|stuck)$"
)
"""Texts at which people are stuck: errors, and the states of a page that show nothing to open."""
STATED = {"create.errors.cancelled", "receipt.failed"}
"""What somebody did on purpose, and a heading of a number."""
NEXT = re.compile(
    r"(^|[.:;,] |\b(and|or|please|then|can) )(add|allow|ask|change|check|copy|correct|create|enter|free|leave|log in"
    r"|make|open|press|reload|remove|save|send|tell|try|type|update|use|wait)\b",
    re.IGNORECASE,
)
"""A verb that tells somebody what to do."""
CODES = {catalog.stem for catalog in (ROOT / "site" / "locales").iterdir()}
"""Of languages: that of Hebrew is no word."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_phrase_is_one_that_no_native_writes(file: Path) -> None:
    texts = list(prose(file))
    assert texts
    assert odd(texts) == []


@pytest.mark.parametrize("file", PROGRAM, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nor_does_the_program_say_one(file: Path) -> None:
    assert odd(said(file)) == []


def odd(texts: Iterable[tuple[str, str]]) -> list[str]:
    return [
        f"{where}: {text!r} has {match[0]!r}; write: {instead}"
        for where, text in texts
        for pattern, _, instead in BANNED
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]


@pytest.mark.parametrize(("pattern", "example", "instead"), BANNED)
def test_the_phrases_are_found(pattern: str, example: str, instead: str) -> None:
    assert re.search(pattern, example, re.IGNORECASE)
    assert not re.search(pattern, instead, re.IGNORECASE)


def test_who_is_stuck_is_told_what_to_do_next() -> None:
    texts = {key: text for key, text in prose(ROOT / "site/locales/en.json") if ENDS.search(key)}
    assert len(texts) > 50 and texts.keys() > STATED
    assert [text for key, text in texts.items() if key not in STATED and not NEXT.search(text)] == []
    assert [text for key, text in texts.items() if "newer" in key and "if that does not help, " not in text] == []


def prose(file: Path) -> Iterator[tuple[str, str]]:
    """Where each text is and what it says; commands and other code are left out."""
    text = file.read_text("utf-8")
    if file.suffix == ".json":
        yield from values(json.loads(text))
        return
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`]*`", "`code`", text)
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text), 1):
        if paragraph.strip():
            yield f"paragraph {number}", " ".join(paragraph.split())


def said(file: Path) -> Iterator[tuple[str, str]]:
    """The texts of a module, the help of commands among them, but no docstrings: those are for its readers."""
    tree = ast.parse(file.read_text("utf-8"))
    docstrings = set()
    for node in ast.walk(tree):
        decorators = "".join(map(ast.dump, getattr(node, "decorator_list", [])))
        if "command" not in decorators and isinstance(body := getattr(node, "body", None), list):
            docstrings |= {id(line.value) for line in body if isinstance(line, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and node.value not in CODES:
            yield f"line {node.lineno}", node.value


def values(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield path, node
    else:
        for key, child in node.items():
            yield from values(child, f"{path}.{key}" if path else key)
