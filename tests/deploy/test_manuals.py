"""What is made from the program is as the program is now: python scripts/manuals.py"""

import shutil
import subprocess

import click
import pytest

import taina
from manuals import LIBRARY, MAN_PAGE, library, man_page
from taina.cli import main


def test_the_man_page_is_that_of_these_commands() -> None:
    text = MAN_PAGE.read_text("utf-8")
    assert text == man_page(), "run python scripts/manuals.py"
    for name in main.list_commands(click.Context(main)):
        assert f"\n.SS taina {name}" in text


def test_the_reference_is_that_of_these_docstrings() -> None:
    text = LIBRARY.read_text("utf-8")
    assert text == library(), "run python scripts/manuals.py"
    for name in taina.__all__:
        assert name.startswith("_") or name in text


@pytest.mark.skipif(not shutil.which("groff"), reason="there is no groff to ask")
def test_groff_takes_the_man_page_without_a_word() -> None:
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", str(MAN_PAGE)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "taina send" in done.stdout
