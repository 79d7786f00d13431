"""What was opened, for an API that knows texts only."""

import base64

from taina.client.results import Opened


def files_of(opened: Opened) -> dict[str, object]:
    """A member for the files, if there are any: what only opens once must not be lost for want of a name."""
    if not opened.files:
        return {}
    files = [
        {"name": file.name, "content_base64": base64.b64encode(b"".join(file.pieces())).decode()}
        for file in opened.files
    ]
    return {"files": files}
