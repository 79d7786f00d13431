"""`taina verify`: whether a site is the one that its maker signed."""

import os
from pathlib import Path

import click

from taina.cli.options import first_line, json_option
from taina.cli.output import progress, say, say_json


@click.command()
@click.argument("place", metavar="URL | FOLDER")
@click.option(
    "--key", envvar="TAINA_SITE_KEY", required=True, help="Public key of whoever signed it, or a file that contains it."
)
@click.option(
    "--at-least",
    metavar="RELEASE",
    help="Oldest release of the pages that is good: its number or its day, such as 0.2.0 or 2026-11-28.",
)
@json_option
def verify(place: str, key: str, at_least: str | None, as_json: bool) -> None:
    """Fetch every file of a site, as browsers do and in every coding, and compare it, and its headers, with the signed
    list.

    Ends with 6 if anything differs. What a host shows to you may not be what it shows to others: ask from several
    networks, and more than once.
    """
    from taina.site.manifest import read_key
    from taina.site.verify import shown, verify_folder, verify_host

    # Path.is_file raises for what is too long to be a name.
    public = read_key(first_line(Path(key), "key") if os.path.isfile(key) else key)  # noqa: PTH113
    if "://" in place:
        with progress("Comparing") as on_progress:
            report = verify_host(place, public, on_progress or (lambda *_: None), at_least)
    else:
        report = verify_folder(Path(place), public, at_least)
    if as_json:
        facts = {"files": report.files, "release": report.release, "released": report.released}
        say_json({**facts, "findings": report.findings})
    else:
        for finding in report.findings:
            say(finding)
        end = "as signed" if not report.findings else f"{len(report.findings)} findings"
        release = f" of release {report.release}" if report.release else ""
        release += f" ({report.released})" if report.released else ""
        say(f"{shown(place)}: {report.files} files{release}, {end}.", err=True)
    if report.findings:
        raise SystemExit(6)
