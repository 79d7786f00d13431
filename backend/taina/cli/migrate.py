"""`taina migrate`: from the file to PostgreSQL, while no server runs."""

from pathlib import Path

import click

from taina.cli.output import say


@click.command()
@click.option("--from", "source", required=True, metavar="sqlite:PATH", help="The database file of a stopped server.")
@click.option(
    "--to",
    "target",
    required=True,
    envvar="TAINA_STORE",
    metavar="postgresql://…",
    help="As for `taina serve --store`; better in the environment (TAINA_STORE).",
)
@click.option(
    "--delete-source", is_flag=True, help="Overwrite its keys and delete the file once all has been compared."
)
def migrate(source: str, target: str, delete_source: bool) -> None:
    """Move all secrets, receipts and requests to PostgreSQL.

    Every entry is copied as it is and then compared. Broken off, it goes on where it stopped. Let no server run on
    either side meanwhile. Afterwards none starts on the file: what was revealed on one side is still on the other.
    Once the target has served, --delete-source only checks that nothing of the file is missing there.
    """
    kind, _, path = source.partition(":")
    if kind != "sqlite" or not path:
        raise click.BadParameter("Write it like sqlite:data/taina.db", param_hint="'--from'")
    # Imported here so that the other commands need not load two databases.
    from taina.store import UnusableError
    from taina.store.migration import Move

    try:
        with Move(Path(path), target) as move:
            moved = move.copy(lambda so_far: say(f"{so_far.secrets} secrets so far", err=True))
            move.verify()
            move.mark_source()
            if move.is_repeated:
                say(f"{path} was moved before. Nothing is missing in the target, and nothing was copied again.")
            else:
                say(
                    f"{moved.secrets} secrets ({moved.new} of them new there) and {moved.requests} requests are in the "
                    "target, and equal."
                )
            if delete_source:
                move.delete_source()
                say(f"{path} is deleted.")
            else:
                say(f"{path} is marked: no server starts on it again. To delete it, add --delete-source.")
    except UnusableError as error:
        raise click.ClickException(str(error)) from None
