"""Sign a built site: Ed25519 over the bytes of its manifest.json, into manifest.sig beside it.

python scripts/sign_site.py --new site.key            make a key, once; keep it off the server
python scripts/sign_site.py --key site.key build/site
"""

import sys
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from taina import base64url
from taina.site.verify import MANIFEST, SIGNATURE


def new_key(file: Path) -> Ed25519PrivateKey:
    """Raises: FileExistsError: a key is never overwritten."""
    key = Ed25519PrivateKey.generate()
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    return base64url.encode(key.public_key().public_bytes_raw())


def sign(site: Path, key: Ed25519PrivateKey) -> None:
    (site / SIGNATURE).write_text(base64url.encode(key.sign((site / MANIFEST).read_bytes())) + "\n")


@click.command()
@click.option("--new", type=click.Path(path_type=Path, dir_okay=False), help="Make a key into this file.")
@click.option("--key", "file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Sign with this one.")
@click.argument("site", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True))
def main(new: Path | None, file: Path | None, site: Path | None) -> None:
    """Sign a built site, and print the public key by which it is verified."""
    if new:
        key = new_key(new)
    elif file and site:
        loaded = load_pem_private_key(file.read_bytes(), password=None)
        if not isinstance(loaded, Ed25519PrivateKey):
            sys.exit(f"{file} is no Ed25519 key.")
        key = loaded
        sign(site, key)
    else:
        raise click.UsageError("Say --new FILE, or --key FILE and the folder of the site.")
    click.echo(public_key(key))


if __name__ == "__main__":
    main()
