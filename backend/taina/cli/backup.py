"""`taina backup`: what may be saved of an instance."""

import io
import os
import tarfile
from pathlib import Path

import click

from taina.cli.config import every_option, read_config
from taina.cli.output import say

_WHY = """\
A backup of Taina: its options and its access keys, and no secrets.

Secrets are not backed up, and cannot be. Each is sealed on disk under a key that is overwritten when the secret is
opened, burned or expires; a copy of the database that could be opened would bring back what was promised to be gone.
To restore: put keys.db into the folder of the database, and taina.toml to where the server reads it. Afterwards
`taina doctor` says whether they are for the eyes of the server's user, and of nobody else.
"""


@click.command()
@every_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write, such as taina.tar."
)
def backup(file: Path | None, out: Path, **flags: object) -> None:
    """Save the file of options and the access keys. The server may run meanwhile. Secrets are not saved, on purpose."""
    from taina.store import UnusableError
    from taina.store.access_keys import KeyFile

    loaded = read_config(file, flags)
    keys = loaded.config.data / "keys.db"
    options = None if loaded.file == Path(os.devnull) else loaded.file  # that names no file on purpose
    if not keys.is_file() and options is None:
        raise click.ClickException(
            f"There is nothing to save in {keys.parent.absolute()}. Is this the instance? See --data and --config."
        )
    for path in (options, keys if os.path.lexists(keys) else None):
        if path and not path.is_file():
            # As a pipe, whose text was read and is gone.
            raise click.ClickException(f"{path} is not a file, so it cannot be saved.")
    try:
        saved = KeyFile(keys).read_whole() if keys.is_file() else None
    except UnusableError as error:
        raise click.ClickException(str(error)) from None
    content = io.BytesIO()
    # What links lead to, and not the links: they lead nowhere on another machine.
    with tarfile.open(fileobj=content, mode="w", dereference=True) as archive:
        _add(archive, tarfile.TarInfo("README.txt"), _WHY.encode())
        if options:
            _add(archive, archive.gettarinfo(options, "taina.toml"), options.read_bytes())
        if saved is not None:
            # With the owner, to whom `tar` run by root gives it back.
            _add(archive, archive.gettarinfo(keys, "keys.db"), saved)
        names = archive.getnames()
    try:
        out.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    try:
        out.write_bytes(content.getvalue())
    except OSError as error:
        out.unlink()  # half of it would look like a backup
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    say(f"{out}: {', '.join(names)}", err=True)


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, content: bytes) -> None:
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
