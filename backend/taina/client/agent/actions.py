"""The actions of an agent. What they return may be read by a model, so no content of a secret is ever in it."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from taina.client import Client
from taina.client.agent.folder import Folder, replace, write_new
from taina.client.agent.kept import Kept
from taina.client.agent.variables import check_name, read_variable, with_variable
from taina.client.receiving import sync
from taina.client.results import Opened, Outcome
from taina.client.waiting import pauses
from taina.client.words import read_first_line, six_words
from taina.errors import FileError, GoneError, InvalidError, TainaError
from taina.format.links import decode_link

MAX_WAIT = 600
"""Seconds that one call may wait for an answer."""
_MAX_TEXT = 1 << 16
"""Bytes of a file of variables."""


# Results without slots: the protocol's package takes those for defaults of the fields.
@dataclass(frozen=True)
class HandedOver:
    secret: str
    """A name for `look` and `burn`."""
    link: str
    """For the reader. It can be opened once."""
    expires: int
    """Unix seconds."""


@dataclass(frozen=True)
class AskedFor:
    request: str
    """A name for `fetch`."""
    link: str
    """For the person who has the secret."""
    expires: int
    """Unix seconds, until which it can be answered."""


@dataclass(frozen=True)
class Fetched:
    arrived: bool
    saved: tuple[str, ...] = ()
    """Where, below the folder."""
    size: int = 0
    """Bytes."""


@dataclass(frozen=True)
class Seen:
    state: Outcome
    proved: bool
    """The reader's key proves that it was opened, whatever the server says."""
    failed_attempts: int
    expires: int
    """Unix seconds."""


class Agent:
    """
    Args:
        client: of the instance at which secrets are left.
        folder: the only one in which files are read and written.
        kept: a file outside it for receipts and inboxes.
        variables: names of variables of the environment that may be sent.
    """

    def __init__(
        self,
        client: Client,
        folder: Path,
        kept: Path,
        variables: Container[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._folder = Folder(folder)
        self._kept = Kept(kept)
        self._variables = variables
        self._sleep = sleep

    def send(
        self, file: str | None, variable: str | None, lifetime: int | None, passphrase_file: str | None
    ) -> HandedOver:
        """Leave a secret with the instance: a file, a variable in a file, or one of the environment.

        Args:
            lifetime: seconds; None takes the instance's own.
            passphrase_file: a new file for six words that the reader needs besides the link.

        Raises:
            FileError: a name leads outside, or to nothing, or no receipt can be kept. Nothing was left anywhere.
            TainaError: as of `Client.send`; no passphrase file is left.
        """
        content = self._content(file, variable)
        words = None
        with contextlib.ExitStack() as undo:
            if passphrase_file is not None:
                words, path = six_words(), self._folder.free(passphrase_file)
                write_new(path, f"{words}\n".encode())
                undo.callback(path.unlink, missing_ok=True)
            sent = self._client.send(content, ttl=lifetime, passphrase=words)
            undo.callback(self._try_to_burn, sent.receipt)
            name = self._kept.add("secret", sent.receipt)
            undo.pop_all()
        return HandedOver(name, sent.link, sent.expires)

    def request(self, lifetime: int | None) -> AskedFor:
        """Ask a person for a secret. Raises: TainaError: as of `Client.request`."""
        asked = self._client.request(ttl=lifetime)
        return AskedFor(self._kept.add("request", asked.inbox), asked.link, asked.expires)

    def fetch(
        self, request: str, file: str, variable: str | None, passphrase_file: str | None, seconds: int
    ) -> Fetched:
        """Wait for the answer to a request, open it and save it; the request is deleted then, where that is possible.

        Args:
            file: a new file, or a new folder where the answer holds several files; with `variable`, a file of
                variables, which is made where there is none.
            passphrase_file: a file with the passphrase, where whoever answered has set one.
            seconds: how long to wait for it; 0 looks once.

        Raises:
            FileError: it cannot be saved there. Nothing was opened, or what was is kept for another try.
            GoneError: no answer can come any more.
            TainaError: as of `Client.inbox` and `Client.open`.
        """
        inbox = self._kept.find("request", request)
        path = self._destination(file, variable)
        link = self._wait(inbox, min(max(seconds, 0), MAX_WAIT))
        if link is None:
            return Fetched(arrived=False)
        passphrase = None
        if decode_link(link, "secret").passphrase:
            if passphrase_file is None:
                raise InvalidError("The answer needs a passphrase. Ask for a file with it, and name that.")
            passphrase = read_first_line(self._folder.existing(passphrase_file), "passphrase")
        fetched = Fetched(arrived=False)

        def deliver(opened: Opened) -> None:
            nonlocal fetched
            saved = _save(opened, staging, path, variable)
            names = tuple(str(one.relative_to(self._folder.root)) for one in saved)
            fetched = Fetched(True, names, sum(one.stat().st_size for one in saved))

        staging = Path(tempfile.mkdtemp(prefix=".taina-", dir=path.parent))
        try:
            self._client.open(link, passphrase, folder=staging, hidden=True, deliver=deliver)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        # It is here, and can be fetched no second time: from now on nothing makes this a failure.
        with contextlib.suppress(TainaError):
            self._client.withdraw(inbox)
        with contextlib.suppress(TainaError, OSError):
            self._kept.drop(request)
        return fetched

    def look(self, secret: str) -> Seen:
        """What became of a secret that was sent. Raises: FileError, TainaError: as of `Client.receipt`."""
        found = self._client.receipt(self._kept.find("secret", secret))
        return Seen(found.state, found.proved, found.failed_attempts, found.expires)

    def burn(self, secret: str) -> None:
        """Destroy it unread. Raises: FileError, TainaError: as of `Client.burn`."""
        self._client.burn(self._kept.find("secret", secret))

    def _try_to_burn(self, receipt: str) -> None:
        with contextlib.suppress(TainaError):
            self._client.burn(receipt)

    def _content(self, file: str | None, variable: str | None) -> str | Path:
        if file is not None:
            path = self._folder.existing(file)
            return path if variable is None else _full(variable, read_variable(_text_of(path), variable))
        if variable is None:
            raise InvalidError("Name a file, a variable, or a variable in a file.")
        if variable not in self._variables:
            raise FileError(
                f"The variable {variable} may not be sent. Whoever starts `taina agent` allows one by --variable."
            )
        if variable not in os.environ:
            raise FileError(f"The variable {variable} is not set.")
        return _full(variable, os.environ[variable])

    def _destination(self, file: str, variable: str | None) -> Path:
        if variable is None:
            return self._folder.free(file)
        check_name(variable)
        path = self._folder.find(file)
        if not os.path.lexists(path):
            return self._folder.free(file)
        _text_of(self._folder.existing(file))
        return path

    def _wait(self, inbox: str, seconds: int) -> str | None:
        """The link of the first answer that is one; None if none came in time. Raises: GoneError: none can come."""
        left = float(seconds)
        for pause in pauses():
            found = self._client.inbox(inbox)
            link = next((one for one in found.answers if one is not None), None)
            if link is None and found.is_over(time.time()):
                raise GoneError("This request takes no more answers, and none came. Make a new request.")
            if link is not None or left <= 0:
                break
            self._sleep(min(pause, left))
            left -= pause
        return link


def _text_of(path: Path) -> str:
    """Of a small file. Raises: FileError."""
    try:
        if path.stat().st_size > _MAX_TEXT:
            raise FileError(f"{path.name} is too large for a file of variables.")
        return path.read_text("utf-8-sig")  # editors of Windows put a mark before it
    except (OSError, UnicodeDecodeError):
        raise FileError(f"{path.name} cannot be read as text.") from None


def _full(variable: str, value: str) -> str:
    """Raises: FileError: there is nothing in it."""
    if not value:
        raise FileError(f"The variable {variable} is empty.")
    return value


def _save(opened: Opened, staging: Path, path: Path, variable: str | None) -> list[Path]:
    """What was opened, at its place; the server keeps it until this has returned.

    Args:
        staging: a folder beside `path`, with the files.

    Raises:
        FileError: it cannot be there.
    """
    if variable is not None:
        if opened.files:
            raise FileError("The answer holds files, which a variable cannot. Fetch it again without a variable.")
        before = _text_of(path) if path.exists() else ""
        replace(path, with_variable(before, variable, opened.text).encode())
        return [path]
    if opened.items == (opened.text,):
        write_new(path, opened.text.encode("utf-8"))
        return [path]
    if opened.text:
        write_new(staging / _free_name(staging), opened.text.encode("utf-8"))
    try:
        names = sorted(file.name for file in staging.iterdir())
        if len(names) == 1:
            path.open("xb").close()  # taking the name is what makes it ours
            (staging / names[0]).replace(path)
        else:
            staging.rename(path)
        sync(path.parent)
    except OSError as error:
        raise FileError(f"{path.name} cannot be written: {error.strerror}.") from None
    return [path] if len(names) == 1 else [path / name for name in names]


def _free_name(folder: Path) -> str:
    taken = {one.name.casefold() for one in folder.iterdir()}
    return next(name for n in range(len(taken) + 1) if (name := f"text{n or ''}.txt") not in taken)
