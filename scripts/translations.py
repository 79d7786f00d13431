"""Tell which translations were made from another English than today's.

python scripts/translations.py                            how many are stale or missing in each language
python scripts/translations.py bg                         what those are: key, English, present translation
python scripts/translations.py bg --mark                  record that everything in Bulgarian renders today's English
python scripts/translations.py bg --mark create.lede …    only these

`site/translations.json` keeps, for each language and section, the digests of the English texts that were translated.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import click

SITE = Path(__file__).resolve().parents[1] / "site"
RECORD = SITE / "translations.json"
REFERENCE = "en"
PLURALS = {"zero", "one", "two", "few", "many", "other"}

Record = dict[str, dict[str, str]]
"""By language and section: digests, separated by spaces."""


def texts_of(language: str) -> dict[str, str]:
    """Short texts by their dotted key, long ones by their path below `site/`; the forms of a plural stay together."""
    found: dict[str, str] = {}

    def collect(node: Any, path: str) -> None:
        if isinstance(node, str):
            found[path] = node
        elif set(node) <= PLURALS:
            found[path] = json.dumps(node, ensure_ascii=False)
        else:
            for name, child in node.items():
                collect(child, f"{path}.{name}" if path else name)

    catalog = json.loads((SITE / "locales" / f"{language}.json").read_text("utf-8"))
    del catalog["meta"]
    collect(catalog, "")
    for file in sorted((SITE / "texts" / language).glob("*.md")):
        found[f"texts/{file.name}"] = file.read_text("utf-8")
    return found


def languages() -> list[str]:
    return sorted({file.stem for file in (SITE / "locales").glob("*.json")} - {REFERENCE})


def digest(key: str, english: str) -> str:
    return hashlib.sha256(f"{key}\n{english}".encode()).hexdigest()[:8]


def section(key: str) -> str:
    return key.partition(".")[0]


def read() -> Record:
    record: Record = json.loads(RECORD.read_text("utf-8"))
    return record


def stale(language: str, record: Record) -> dict[str, str | None]:
    """Keys whose English is not the one that was translated, with the present translation; None where there is none.

    Long texts are optional: one that a language does not have is not missing.
    """
    own = texts_of(language)
    known = record.get(language, {})
    return {
        key: own.get(key)
        for key, english in texts_of(REFERENCE).items()
        if (key in own or not key.startswith("texts/"))
        and (key not in own or digest(key, english) not in known.get(section(key), "").split())
    }


def mark(language: str, keys: set[str], record: Record) -> None:
    """Record today's English as what these texts were translated from, and drop digests of English that is gone."""
    behind = set(stale(language, record)) - keys
    own = texts_of(language)
    fresh: dict[str, list[str]] = {}
    for key, english in texts_of(REFERENCE).items():
        if key in own and key not in behind:
            fresh.setdefault(section(key), []).append(digest(key, english))
    record[language] = {name: " ".join(digests) for name, digests in fresh.items()}


@click.command()
@click.argument("language", required=False)
@click.option("--mark", "marking", is_flag=True, help="Record today's English as what was translated.")
@click.argument("keys", nargs=-1)
def main(language: str | None, marking: bool, keys: tuple[str, ...]) -> None:
    record = read()
    if language is None:
        for code in languages():
            click.echo(f"{code}: {len(stale(code, record))}")
        return
    if language not in languages():
        raise click.UsageError(f"There is no site/locales/{language}.json that is a translation.")
    behind = stale(language, record)
    if unknown := [key for key in keys if key not in texts_of(REFERENCE)]:
        raise click.UsageError(f"English has no {', '.join(unknown)}.")
    if marking:
        mark(language, set(keys) or set(behind), record)
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
        click.echo(f"{language}: {len(stale(language, record))}")
        return
    english = texts_of(REFERENCE)
    for key in keys or behind:
        translation = texts_of(language).get(key)
        click.echo(f"{key}\n  {REFERENCE}: {_shown(key, english[key])}\n  {language}: {_shown(key, translation)}")


def _shown(key: str, text: str | None) -> str:
    if text is None:
        return "(missing)"
    return f"({len(text)} characters)" if key.startswith("texts/") else text


if __name__ == "__main__":
    main()
