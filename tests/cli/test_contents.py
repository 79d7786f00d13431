"""What is to be sent, as it is named or typed on each system."""

import io
import sys
from pathlib import Path

import click
import pytest

from taina.cli.contents import read_contents

MOST = 1 << 30
PATHS = [
    "C:\\report.txt",
    "c:/report.txt",
    ".\\report.txt",
    "..\\report.txt",
    "\\\\server\\report.txt",
    "~\\report.txt",
]


class Typed(io.BytesIO):
    def isatty(self) -> bool:
        return True


def type_in(monkeypatch: pytest.MonkeyPatch, platform: str, typed: bytes) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Typed(typed)))


@pytest.mark.parametrize("argument", [*PATHS, "./report.txt", "/report.txt"])
def test_a_path_of_windows_is_never_sent_as_a_text_there(monkeypatch: pytest.MonkeyPatch, argument: str) -> None:
    """A mistyped name of a file was taken for the secret itself."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(click.UsageError, match="not a file that can be read"):
        read_contents((argument,), None, MOST)


@pytest.mark.parametrize("platform", ["linux", "win32"])
@pytest.mark.parametrize("text", ["a:b", "C:hunter2", "x\\y", ".hidden", "ab:/c", "1:\\x"])
def test_a_text_that_only_resembles_a_path_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    assert read_contents((text,), None, MOST) == [text]


@pytest.mark.parametrize("argument", PATHS)
def test_elsewhere_a_text_may_look_like_a_path_of_windows(monkeypatch: pytest.MonkeyPatch, argument: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert read_contents((argument,), None, MOST) == [argument]


@pytest.mark.parametrize(
    ("platform", "typed", "text", "keys"),
    [
        ("win32", b"hunter2\r\n", "hunter2", "Ctrl+Z and Enter"),
        ("win32", b"two\r\nlines\r\n", "two\nlines", "Ctrl+Z and Enter"),
        ("win32", b"\r\nx\r\n\r\n", "\nx\n", "Ctrl+Z and Enter"),
        ("linux", b"hunter2\n", "hunter2", "Ctrl+D"),
        ("linux", b"odd\r\n", "odd\r", "Ctrl+D"),
    ],
)
def test_a_typed_secret_has_no_more_than_was_typed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    platform: str,
    typed: bytes,
    text: str,
    keys: str,
) -> None:
    """On Windows it kept a carriage return, and nobody could end it as they were told."""
    type_in(monkeypatch, platform, typed)
    assert read_contents((), None, MOST) == [text]
    assert f"end it with {keys} on a line of its own" in capsys.readouterr().err


def test_what_windows_pipes_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\r\nb\r\n")))
    assert read_contents((), None, MOST) == ["a\r\nb\r\n"]
