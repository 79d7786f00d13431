"""All that commands write goes through here: lines, JSON, a secret's own text, progress.

What somebody else wrote (a name, a text, an error's facts) may try to move the cursor, fill the clipboard or turn
letters around. So no terminal gets a control character: it is shown as `\\x…` or `\\u…`.
"""

import contextlib
import datetime
import io
import json
import re
import sys
from collections.abc import Callable, Iterator

import click

OnProgress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0, DEL, C1, what turns or breaks lines, and halves of characters, which cannot be written at all."""
_CONTROLS_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")
"""As above, but a text may have lines and tabs, and the marks that right-to-left writing needs."""

_documents = 0


class OutputError(click.ClickException):
    """What was to be written could not be."""

    def __init__(self, error: OSError | None = None, stream: str = "output") -> None:
        super().__init__(f"Standard {stream} takes nothing ({error.strerror if error else 'it is closed'}).")


def need_output() -> None:
    """Before anything is done whose result would have no place to go. Raises: OutputError."""
    if sys.stdout is None:
        raise OutputError


def need_errors() -> None:
    """As `need_output`, where part of the result is for a person. Raises: OutputError: standard error is closed."""
    if sys.stderr is None:
        raise OutputError(stream="error")


def is_terminal() -> bool:
    """Whether standard output is one."""
    return sys.stdout is not None and sys.stdout.isatty()


def say(line: str, *, err: bool = False) -> None:
    """A line for a person, or a result for a program. What cannot go to standard error goes nowhere.

    Raises:
        OutputError: standard output is closed or full.
    """
    if not err:
        _write(_encoded(_line(line)))
        return
    with contextlib.suppress(OutputError):
        _write_error(line)


def say_results(*lines: str) -> None:
    """Lines that there are only once, such as links: where standard output fails, all of them on standard error.

    Raises:
        OutputError: that it did.
    """
    try:
        for line in lines:
            say(line)
    except OutputError:
        for line in lines:
            say(line, err=True)
        raise


def say_apart(*lines: str, private: bool = False) -> None:
    """Lines that there are only once, for a person: where standard error fails, all of them on standard output.

    Args:
        private: never into a pipe or a file, where the links go.

    Raises:
        OutputError: standard error did.
    """
    try:
        for line in lines:
            _write_error(line)
    except OutputError:
        with contextlib.suppress(OutputError):
            for line in () if private and not is_terminal() else lines:
                say(line)
        raise


def say_json(document: dict[str, object], *, once: bool = False) -> None:
    """One line of ASCII, which every terminal and every encoding can take.

    Args:
        once: it holds what there is only once: where standard output fails, it goes to standard error.

    Raises:
        OutputError: standard output is closed or full.
    """
    global _documents
    line = json.dumps(document).replace("\x7f", "\\u007f")
    if once:
        say_results(line)
    else:
        say(line)
    _documents += 1


def documents() -> int:
    """How many `say_json` has written in this process."""
    return _documents


def write_text(text: str) -> bool:
    """A secret's text: to a terminal what it can show, into a pipe as it is. Returns: whether nothing was replaced.

    Raises:
        OutputError: standard output is closed or full.
    """
    if not is_terminal():
        _write(text.encode("utf-8"))
        return True
    shown = _encoded(_CONTROLS_IN_TEXT.sub(_escape, text))
    _write(shown + b"\n")
    return shown == text.encode("utf-8")


def write_bytes(content: bytes) -> None:
    """A file's content, which never goes to a terminal. Raises: OutputError."""
    _write(content)


def write_script(text: str) -> None:
    """Lines of our own. Raises: OutputError."""
    _write(text.encode("utf-8"))


def draw(drawing: str) -> None:
    """Blocks and colours of our own, on standard error."""
    if sys.stderr is None:
        return
    try:
        data = drawing.encode(sys.stderr.encoding)
    except UnicodeEncodeError:
        say("taina: This terminal cannot draw a QR code: its encoding is not UTF-8.", err=True)
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.buffer.write(data)
        sys.stderr.flush()


@contextlib.contextmanager
def progress(label: str) -> Iterator[OnProgress | None]:
    """A bar on standard error, where that is a terminal; nothing in a pipe."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield None
        return
    bar = click.progressbar(length=1, label=label, file=stream)

    def advance(done: int, total: int) -> None:
        bar.length = max(total, 1)
        bar.update(done - bar.pos)

    with bar:
        yield advance


def when(seconds: int) -> str:
    """A point in time, in the local zone."""
    try:
        return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %Z")
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar has"


def _line(line: str) -> str:
    return _CONTROLS.sub(_escape, line) + "\n"


def _write_error(line: str) -> None:
    """Raises: OutputError: standard error is closed or full."""
    if sys.stderr is None:
        raise OutputError(stream="error")
    try:
        sys.stderr.buffer.write(_line(line).encode(sys.stderr.encoding, "backslashreplace"))
        sys.stderr.flush()
    except (OSError, ValueError) as error:
        raise OutputError(error if isinstance(error, OSError) else None, "error") from None


def _encoded(text: str) -> bytes:
    encoding = (sys.stdout.encoding if sys.stdout is not None else None) or "utf-8"
    return text.encode(encoding, "backslashreplace")


def _write(data: bytes) -> None:
    """At once, so that an error comes here and not when the program ends."""
    if sys.stdout is None:
        raise OutputError
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except (OSError, ValueError) as error:
        # Python would try to flush once more at its end, and complain.
        drop_stdout()
        raise OutputError(error if isinstance(error, OSError) else None) from None


def drop_stdout() -> None:
    """Have nothing written to it any more, also not at the end of the program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.detach()
    sys.stdout = None


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
