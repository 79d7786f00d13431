"""A visitor with WEBCAT who goes everywhere, without a browser."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import httpx

from support.webcat import Answer, Refusal, Request, judge
from taina.site.webcat import Manifest

WANTED = {
    ".css": ("style",),
    ".js": ("script", "worker"),
    ".json": ("empty",),
    ".png": ("image",),
    ".svg": ("image",),
    ".txt": ("empty",),
}
"""What pages want files for, by the ends of their names; each may be opened by itself, too."""
MISSING = ("/nothing", "/bg/nothing", "/en/s/nothing", "/assets/nothing.js")


def ask(client: httpx.Client, path: str, destination: str = "document", method: str = "GET") -> Answer:
    """What a server answers."""
    response = client.request(method, path, headers={"Sec-Fetch-Dest": destination})
    return Answer(response.status_code, tuple(response.headers.multi_items()), response.content)


@dataclass(frozen=True)
class Visitor:
    client: httpx.Client
    """With the address of the host."""
    manifest: Manifest

    def judged(self, path: str, destination: str = "document", method: str = "GET") -> Refusal | None:
        """Why one address is refused."""
        return judge(self.manifest, Request(path, destination), ask(self.client, path, destination, method))

    def refused(self) -> list[tuple[str, str, Refusal]]:
        """Visit every file of the manifest, by its folder too, with and without its slash, and what is not there.

        Returns:
            The paths that are refused, for what they are asked, and why.
        """
        visits = {(path, "document") for path in (*MISSING, *self.manifest["files"])}
        for path in self.manifest["files"]:
            visits |= {(path, wanted) for wanted in WANTED.get(PurePosixPath(path).suffix, ())}
            if path.endswith("/index.html"):
                folder = path.removesuffix("index.html")
                visits |= {(folder, "document"), (folder.rstrip("/") or "/", "document")}
        judged = [(path, wanted, self.judged(path, wanted)) for path, wanted in sorted(visits)]
        return [(path, wanted, refusal) for path, wanted, refusal in judged if refusal]
