"""Senders that choose names of files to do harm: nothing leaves the folder, nothing is replaced, all arrives.

    python -m drills.hostile_files --rounds 500

Run it in scripts/, or with that folder in PYTHONPATH. The control takes each name as it is.
"""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drills.promises import command, promise
from support.servers import serving
from taina import Client, File

_PIECES = (
    *("..", ".", "/", "\\", "~", " ", "-", ":", "|", "$(id)", "%2e%2e%2f"),
    *("CON", "aux.txt", "nul", ".bashrc", "taina.toml", "existing.txt", "link.txt", "notes", "снимка", "a" * 300),
    *("\x1b[2K", "\x07", "\x9b31m", "\u202e", "\u2066", "\u2028", "\u200b", "\u061c", "\u2800", "\xe9", "e\u0301"),
)
_TAKEN = ("existing.txt", "link.txt")
"""What stands in the folder before: a file, and a link that leads out of it."""


def run(rounds: int) -> Iterator[str]:
    """Send and open files whose names are made of the worst that names can hold."""
    harm = files = 0
    with serving() as server, Client(server.url) as client, tempfile.TemporaryDirectory() as root:
        for n in range(rounds):
            around = Path(root, str(n))
            folder = around / "folder"
            folder.mkdir(parents=True)
            (around / "outside.txt").write_bytes(b"outside")
            (folder / "existing.txt").write_bytes(b"existing")
            (folder / "link.txt").symlink_to(around / "outside.txt")
            names = [_name() for _ in range(random.randint(1, 12))]
            harm += sum(_would_harm(folder, name) for name in names)
            contents = {b"%d %d" % (n, i): name for i, name in enumerate(names)}
            sent = client.send(*(File(name, content) for content, name in contents.items()), ttl=600)
            client.open(sent.link, folder=folder, hidden=random.random() < 0.5)
            _look(around, folder, contents)
            files += len(names)
    promise(harm > 0, "no name would have done any harm, so this drill shows nothing")
    yield f"{files} files in {rounds} secrets: each arrived in its folder, and nothing was replaced"
    yield f"the control would have left the folder, replaced a file or written controls with {harm} of them"


def _name() -> str:
    return "".join(random.choices(_PIECES, k=random.randint(1, 4)))


def _would_harm(folder: Path, name: str) -> bool:
    path = folder / name
    return not path.resolve().is_relative_to(folder.resolve()) or name in _TAKEN or not name.isprintable()


def _look(around: Path, folder: Path, contents: dict[bytes, str]) -> None:
    promise(sorted(path.name for path in around.iterdir()) == ["folder", "outside.txt"], "something left the folder")
    promise((around / "outside.txt").read_bytes() == b"outside", "a link was followed out of the folder")
    promise((folder / "existing.txt").read_bytes() == b"existing", "a file that was there was replaced")
    promise((folder / "link.txt").is_symlink(), "a link that was there was replaced")
    came = [path for path in folder.iterdir() if path.name not in _TAKEN]
    promise(all(path.is_file() for path in came), "something else than a file was made")
    promise(all(path.name.isprintable() for path in came), "a name has what a terminal obeys")
    promise(sorted(path.read_bytes() for path in came) == sorted(contents), "not all that was sent is there")


main = command(run, 500, "Secrets to send and open.")

if __name__ == "__main__":
    main()
