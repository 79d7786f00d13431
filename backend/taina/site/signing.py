"""Sign a built site: Ed25519 over the bytes of its manifest.json, into manifest.sig beside it."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from taina import base64url
from taina.site import SiteError
from taina.site.manifest import MANIFEST, SIGNATURE


def new_key(file: Path) -> Ed25519PrivateKey:
    """Make a key into a file for this user alone. Raises: FileExistsError: a key is never overwritten; OSError."""
    key = Ed25519PrivateKey.generate()
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_key(file: Path) -> Ed25519PrivateKey:
    """Raises: SiteError: it cannot be read, or holds no such key."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise SiteError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SiteError(f"{file} is not an Ed25519 key without a password. Make one: taina site key FILE")
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    """What `taina verify` takes: 32 bytes in base64url."""
    return base64url.encode(key.public_key().public_bytes_raw())


def sign(site: Path, key: Ed25519PrivateKey) -> None:
    """Raises: SiteError: the folder holds no built pages."""
    try:
        manifest = (site / MANIFEST).read_bytes()
    except OSError:
        raise SiteError(f"{site} holds no built pages. Build them: taina site build --out {site}") from None
    (site / SIGNATURE).write_text(base64url.encode(key.sign(manifest)) + "\n")
