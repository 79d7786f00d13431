"""Which translations are behind the English: the script that tells, and its record."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import translations


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the texts in which German is up to date."""
    for folder in ("locales", "texts"):
        shutil.copytree(translations.SITE / folder, tmp_path / folder)
    (tmp_path / "translations.json").write_text("{}")
    monkeypatch.setattr(translations, "SITE", tmp_path)
    monkeypatch.setattr(translations, "RECORD", tmp_path / "translations.json")
    run("de", "--mark")
    assert translations.stale("de", translations.read()) == {}
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(translations.main, arguments)
    assert result.exit_code == 0, result.output
    return result


def change(site: Path, language: str, section: str, key: str, text: object) -> None:
    file = site / "locales" / f"{language}.json"
    catalog = json.loads(file.read_text("utf-8"))
    if text is None:
        del catalog[section][key]
    else:
        catalog[section][key] = text
    file.write_text(json.dumps(catalog))


def test_the_record_knows_every_language_and_no_other() -> None:
    assert sorted(translations.read()) == translations.languages()


@pytest.mark.parametrize("language", translations.languages())
def test_no_translation_is_behind_the_english(language: str) -> None:
    assert set(translations.stale(language, translations.read())) == set()


def test_a_changed_english_text_is_named_with_its_translation(site: Path) -> None:
    change(site, "en", "create", "title", "Share a new secret")
    assert set(translations.stale("de", translations.read())) == {"create.title"}
    output = run("de").output
    assert "create.title\n  en: Share a new secret\n  de: " in output
    assert translations.texts_of("de")["create.title"] in output
    assert "de: 1\n" in run().output


def test_a_changed_translation_is_not_behind(site: Path) -> None:
    change(site, "de", "create", "title", "Anders gesagt")
    assert translations.stale("de", translations.read()) == {}


def test_marking_takes_only_what_is_named(site: Path) -> None:
    change(site, "en", "create", "title", "Share a new secret")
    change(site, "en", "reveal", "title", "A new secret for you")
    run("de", "--mark", "create.title")
    assert set(translations.stale("de", translations.read())) == {"reveal.title"}
    run("de", "--mark")
    assert translations.stale("de", translations.read()) == {}


def test_what_is_missing_stays_named_until_it_is_there(site: Path) -> None:
    change(site, "de", "create", "title", None)
    assert translations.stale("de", translations.read()) == {"create.title": None}
    run("de", "--mark")
    assert translations.stale("de", translations.read()) == {"create.title": None}
    assert "  de: (missing)\n" in run("de").output


def test_a_long_text_is_behind_only_where_there_is_one(site: Path) -> None:
    run("bg", "--mark")
    english = site / "texts" / "en" / "privacy.md"
    english.write_text(english.read_text("utf-8") + "\nOne more promise.\n", "utf-8")
    record = translations.read()
    assert set(translations.stale("bg", record)) == {"texts/privacy.md"}
    assert translations.stale("de", record) == {}


@pytest.mark.parametrize("arguments", [("xx",), ("en",), ("de", "no.such.key"), ("de", "--mark", "no.such.key")])
def test_an_unknown_language_or_key_is_refused(site: Path, arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(translations.main, arguments)
    assert result.exit_code == 2
    assert "Error: " in result.output
