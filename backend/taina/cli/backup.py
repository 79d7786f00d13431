"""`taina backup`: what may be saved of an instance."""

import io
import tarfile
import tempfile
from pathlib import Path

import click

from taina.cli.config import every_option, read_config
from taina.cli.output import say

_WHY = """\
A backup of Taina: its options and its access keys, and no secrets.

Secrets are not backed up, and cannot be. Each is sealed on disk under a key that is overwritten when the secret is
opened, burned or expires; a copy of the database that could be opened would bring back what was promised to be gone.
To restore: put keys.db into the folder of the database, and taina.toml to where the server reads it.
"""


@click.command()
@every_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write, such as taina.tar."
)
def backup(file: Path | None, out: Path, **flags: object) -> None:
    """Save the file of options and the access keys. The server may run meanwhile. Secrets are not saved, on purpose."""
    from taina.store.access_keys import KeyFile

    loaded = read_config(file, flags)
    keys = loaded.config.data / "keys.db"
    if not keys.is_file() and loaded.file is None:
        raise click.ClickException(
            f"There is nothing to save in {keys.parent.absolute()}. Is this the instance? See --data and --config."
        )
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
    say(f"{out}: {', '.join(names)}", err=True)
