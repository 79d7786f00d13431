"""`taina doctor`, `taina backup`: what an operator does now and then."""

import io
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import click

from taina.cli.config import every_option, read_config
from taina.store.access_keys import KeyFile

_WHY = """\
A backup of Taina: its options and its access keys, and no secrets.

Secrets are not backed up, and cannot be. Each is sealed on disk under a key that is overwritten when the secret is
opened, burned or expires; a copy of the database that could be opened would bring back what was promised to be gone.
To restore: put keys.db into the folder of the database, and taina.toml to where the server reads it.
"""


@click.command()
@every_option
def doctor(file: Path | None, **flags: Any) -> None:
    """Look at this instance: permissions, disk, database, clock, and what people get at its address.

    Ends with 1 if there is something to be done.
    """
    from taina.server.doctor import examine

    findings = list(examine(read_config(file, flags).config))
    for finding in findings:
        click.echo(f"{'ok   ' if finding.good else 'LOOK '} {finding.said}")
    sys.exit(any(not finding.good for finding in findings))


@click.command()
@every_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write, such as taina.tar."
)
def backup(file: Path | None, out: Path, **flags: Any) -> None:
    """Save the options and the access keys. The server may run meanwhile. Secrets are not saved, on purpose."""
    loaded = read_config(file, flags)
    keys = loaded.config.data / "keys.db"
    try:
        out.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    with tarfile.open(out, "w") as archive, tempfile.TemporaryDirectory() as folder:
        member = tarfile.TarInfo("README.txt")
        member.size = len(_WHY.encode())
        archive.addfile(member, io.BytesIO(_WHY.encode()))
        if loaded.file:
            archive.add(loaded.file, "taina.toml")
        if keys.is_file():
            copy = Path(folder) / "keys.db"
            KeyFile(keys).copy_to(copy)
            archive.add(copy, "keys.db")
        names = archive.getnames()
    click.echo(f"{out}: {', '.join(names)}", err=True)
