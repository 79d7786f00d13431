"""Built pages that are signed for WEBCAT, by a log and witnesses in memory."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.sigsum import Log, to_json
from taina.site.sigsum import sign_request
from taina.site.webcat_bundle import join, prepare
from taina.site.webcat_enrollment import read_enrollment


def sign_for_webcat(pages: Path, key: Ed25519PrivateKey, made: int, log: Log | None = None, **enrolled: int) -> str:
    """Write what WEBCAT fetches into the folder of the pages; the hash of their enrollment.

    Args:
        made: when (Unix time).
        enrolled: `threshold` and `max_age` (seconds) of the enrollment.
    """
    log = log or Log()
    enrollment = to_json(log.enrollment(key, **enrolled))
    manifest, _ = prepare(pages, read_enrollment(enrollment), log.tree_head(made), made)
    join(pages, enrollment, manifest, [log.submit(sign_request(key, manifest), made)], made)
    return read_enrollment(enrollment).hash
