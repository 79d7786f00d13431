"""`taina config`, and how the other commands of an operator come to the options."""

from collections.abc import Callable
from pathlib import Path

import click

from taina.cli.output import say, say_json
from taina.config import FILE, OPTIONS, SYSTEM_FILE, Loaded, load, shown_option
from taina.config.values import ConfigError, shown

_PATHS = {"guard": True, "open": False}

config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of options (or TAINA_CONFIG). Default: taina.toml in this folder, or else /etc/taina/taina.toml.",
)


def every_option(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command a flag for each option, and --config."""
    for one in reversed(OPTIONS):
        told = f"{one.describe}  [{one.variable}; {shown(one.default)}]"
        command = click.option(one.flag, one.name, multiple=one.several, metavar="", help=told)(command)
    return config_option(command)


def read_config(file: Path | None, flags: dict[str, object] | None = None) -> Loaded:
    """
    Raises:
        click.UsageError: an option is wrong; it says which and what was expected.
    """
    try:
        return load(flags, file=file)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None


@click.command()
@every_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, on one line.")
@click.option("--paths", is_flag=True, help="Print the calls that a login guards instead, and those that stay open.")
def config(file: Path | None, as_json: bool, paths: bool, **flags: object) -> None:
    """Print every option of the server: its value, and where that came from."""
    if paths:
        _say_paths(as_json)
        return
    loaded = read_config(file, flags)
    rows = [(one.key, shown_option(one, loaded.config), loaded.sources[one.name]) for one in OPTIONS]
    if as_json:
        say_json({key: {"value": value, "source": source} for key, value, source in rows})
        return
    read = loaded.file.absolute() if loaded.file else f"no file: there is no {FILE} here, and no {SYSTEM_FILE}"
    say(f"Options are read from {read}.", err=True)
    wide = [max(len(row[n]) for row in rows) for n in (0, 1)]
    for key, value, source in rows:
        say(f"{key:{wide[0]}}  {value:{wide[1]}}  {source}")


def _say_paths(as_json: bool) -> None:
    """For `create = "proxy"`: what the proxy has to guard."""
    # Imported here: the web is not needed for the options.
    from taina.web.policy import CALLS

    if as_json:
        say_json({word: [[c.method, c.pattern] for c in CALLS if c.guarded is g] for word, g in _PATHS.items()})
        return
    say(
        "Guard these, unless they have a header Authorization: Bearer. Taina itself looks at what that shows.",
        err=True,
    )
    say("All the rest stays open: the pages, and calls of people who open, answer or look at a receipt.", err=True)
    for call in CALLS:
        say(f"{'guard' if call.guarded else 'open':5}  {call.method:6}  {call.pattern}")
