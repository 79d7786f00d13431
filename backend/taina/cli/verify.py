"""`taina verify`: whether a site is the one that its maker signed."""

import os
from dataclasses import asdict
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
@click.option("--release", is_flag=True, help="FOLDER is a release: check sums, signature and pages.")
@json_option
def verify(place: str, key: str, at_least: str | None, release: bool, as_json: bool) -> None:
    """Fetch every file of a site, as browsers do and in every coding, and compare it, and its headers, with the signed
    list.

    With --release, compare the files of a release with its signed sums, and what is in them with each other.

    Ends with 6 if anything differs. What a host shows to you may not be what it shows to others: ask from several
    networks, and more than once.
    """
    from taina.site.manifest import read_key
    from taina.site.verify import shown, verify_folder, verify_host

    public = read_key(_key_text(key))
    if "://" not in place and not os.path.isdir(place):  # noqa: PTH112 - a Path fails where this user may not look
        raise click.UsageError(
            f"{place} is neither a folder that can be read nor an address: one begins with https://."
        )
    if release:
        if "://" in place:
            raise click.UsageError("--release goes with a folder: download the release into one.")
        from taina.site.release import verify_release

        report = verify_release(Path(place), public, at_least)
    elif "://" in place:
        with progress("Comparing") as on_progress:
            report = verify_host(place, public, on_progress or (lambda *_: None), at_least)
    else:
        report = verify_folder(Path(place), public, at_least)
    if as_json:
        facts = {"files": report.files, "release": report.release, "released": report.released}
        say_json({**facts, "webcat": report.webcat and asdict(report.webcat), "findings": report.findings})
    else:
        for finding in report.findings:
            say(finding)
        end = "as signed" if not report.findings else f"{len(report.findings)} findings"
        which = f" of release {report.release}" if report.release else ""
        which += f" ({report.released})" if report.released else ""
        if report.webcat:
            say(f"{report.webcat} Its enrollment is {report.webcat.enrollment}.", err=True)
        say(f"{shown(place)}: {report.files} files{which}, {end}.", err=True)
    if report.findings:
        raise SystemExit(6)


def _key_text(key: str) -> str:
    """The key itself; of a file its first line, or all of one in PEM, as in a release."""
    # Path.is_file raises for what is too long to be a name.
    if not os.path.isfile(key):  # noqa: PTH113
        return key
    line = first_line(Path(key), "key")
    return Path(key).read_text("utf-8", "replace") if line.startswith("-----BEGIN") else line
