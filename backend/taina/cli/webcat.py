"""`taina site webcat`: what a host that is enrolled in WEBCAT says to browsers, without a network."""

import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from taina.cli.output import say

_FILE = click.Path(path_type=Path, dir_okay=False)
_enrollment = click.option(
    "--enrollment", required=True, type=_FILE, help="What `webcat enrollment create` made. Keep it outside of FOLDER."
)
P = ParamSpec("P")


def _said(command: Callable[P, None]) -> Callable[P, None]:
    """What is wrong with somebody's files is said in words."""

    @wraps(command)
    def saying(*args: P.args, **kwargs: P.kwargs) -> None:
        from taina.site import SiteError

        try:
            command(*args, **kwargs)
        except SiteError as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            raise click.ClickException(f"{error.filename} cannot be read or written: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise click.ClickException("A tree head or a proof is not text.") from None

    return saying


@click.group()
def webcat() -> None:
    """What a host that is enrolled in WEBCAT says to browsers. Nothing here needs a network.

    The page "Run your own server" has all steps; they end with `taina site webcat bundle`. Repeat them whenever pages
    change, and before max_age of the enrollment is over.
    """


@webcat.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_enrollment
@click.option(
    "--tree-head", required=True, type=_FILE, help="What the log answers to get-tree-head: it tells the time."
)
@click.option("--out", required=True, type=_FILE, help="File to write, outside of FOLDER.")
@_said
def manifest(folder: Path, enrollment: Path, tree_head: Path, out: Path) -> None:
    """Write what has to be signed of the pages in FOLDER, which were built with --webcat."""
    from taina.site.webcat_bundle import prepare
    from taina.site.webcat_enrollment import read_enrollment

    enrolled = read_enrollment(enrollment.read_bytes())
    data, valid = prepare(folder, enrolled, tree_head.read_text("utf-8"), time.time())
    out.write_bytes(data)
    say(f"{out}, once it is signed, will be good until {valid.day}.")


@webcat.command()
@click.argument("manifest", type=_FILE)
@click.option("--key", required=True, type=_FILE, help="File that `site key` made.")
@_said
def sign(manifest: Path, key: Path) -> None:
    """Sign MANIFEST, and write what `sigsum-submit` hands to the log without having the key: MANIFEST.req."""
    from taina.site.signing import load_key
    from taina.site.sigsum import sign_request
    from taina.site.webcat_bundle import read_signed

    data = manifest.read_bytes()
    read_signed(data)
    out = _beside(manifest, ".req")
    out.write_text(sign_request(load_key(key), data))
    say(f"{out}. Now, where there is a network: sigsum-submit -p POLICY {out}")


@webcat.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("manifest", type=_FILE)
@_enrollment
@click.option(
    "--proof", "proofs", multiple=True, type=_FILE, help="What sigsum-submit wrote; by default, MANIFEST.proof."
)
@_said
def bundle(folder: Path, manifest: Path, enrollment: Path, proofs: tuple[Path, ...]) -> None:
    """Verify the proofs of MANIFEST, and write the bundle for WEBCAT into FOLDER.

    Where more than one signer has to sign, give one --proof for each.
    """
    from taina.site.webcat_bundle import join
    from taina.site.webcat_enrollment import read_enrollment

    texts = [proof.read_text("utf-8") for proof in proofs or [_beside(manifest, ".proof")]]
    data = enrollment.read_bytes()
    valid = join(folder, data, manifest.read_bytes(), texts, time.time())
    say(f"The bundle is good until {valid.day}. The enrollment is {read_enrollment(data).hash}.")


def _beside(file: Path, ending: str) -> Path:
    """As sigsum-submit names its files."""
    return file.with_name(file.name + ending)
