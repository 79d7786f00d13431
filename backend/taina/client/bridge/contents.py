"""What was opened, for an API that knows texts only."""

import base64
from pathlib import Path

from taina.client.results import Opened


def files_of(opened: Opened) -> dict[str, object]:
    """A member for the files, if there are any: what only opens once must not be lost for want of a name."""
    if not opened.files:
        return {}
    files = [{"name": file.name, "content_base64": _encoded(file.content)} for file in opened.files]
    return {"files": files}


def _encoded(body: bytes | Path) -> str:
    return base64.b64encode(body if isinstance(body, bytes) else body.read_bytes()).decode()
