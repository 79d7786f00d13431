"""Write tests/vectors/instance-0.1.0/: the folder of an instance as version 0.1.0 left it, and what was made there.

Run once, in a checkout with its whole history: it installs 0.1.0 in an environment of its own and lives a story with
its server and its command line. `story.json` holds the links and what has to come of them; `{url}` stands for the
address of the instance. A test starts today's program on the folder, with a clock that is set back to `made`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "tests" / "vectors" / "instance-0.1.0"
OLD = "595a8f0"
"""The last commit of 0.1.0 whose schema and layout nothing of 0.2.0 had changed."""
OPTIONS = """\
trusted_proxies = ["127.0.0.1", "::1"]
origins = ["https://pages.example"]
create = "keys"
max_size = "7MiB"
max_storage = "1GiB"
work = 4
client_creates = 100
client_reveals = 100
client_misses = 50
client_storage = "512MiB"
log = "errors"

[mail]
per_key = 5
per_day = 50
"""
FILES = {"notes.txt": b"Notes of our own.\n", "blob.bin": bytes(range(256)) * 80}
WEEKS = "30d"


def install(folder: Path) -> Path:
    """The program of 0.1.0."""
    source, environment = folder / "source", folder / "environment"
    source.mkdir()
    archive = subprocess.run(["git", "archive", OLD], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "x", "-C", source], input=archive, check=True)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", source / "requirements.lock"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", source], check=True)
    return environment / "bin/taina"


class Instance:
    """A server of 0.1.0, and its command line."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self.folder = program, folder
        (folder / "taina.toml").write_text(OPTIONS, "utf-8")
        self.environment = {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"}
        self.keys = {
            name: self._text("keys", "add", name, "--quota", "50", "--data", "data") for name in ("ann", "bob")
        }
        serve: list[str | Path] = [program, "serve", "--port", "0", "--data", "data"]
        self._server = subprocess.Popen(
            serve, cwd=folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = self._server.stdout.readline() if self._server.stdout else ""
        found = re.search(r"http://[^/]+", said)
        if not found:
            sys.exit(f"0.1.0 does not start: {said}")
        self.url = found[0]
        self.environment |= {"TAINA_URL": self.url, "TAINA_KEY": self.keys["ann"]}

    def run(self, *arguments: str, given: bytes = b"") -> Any:
        """The answer in JSON of a command that succeeds."""
        return json.loads(self._text(*arguments, "--json", given=given))

    def _text(self, *arguments: str, given: bytes = b"") -> str:
        command: list[str | Path] = [self._program, *arguments]
        done = subprocess.run(
            command, input=given, cwd=self.folder, env=self.environment, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def send(self, *arguments: str, given: bytes = b"") -> dict[str, str]:
        (made,) = self.run("send", "--ttl", WEEKS, *arguments, given=given)["secrets"]
        return {"link": made["link"], "receipt": made["receipt"]}

    def stop(self) -> None:
        self._server.send_signal(signal.SIGTERM)
        if self._server.wait(timeout=20):
            sys.exit("0.1.0 did not end well.")


def live(instance: Instance) -> dict[str, Any]:
    """The story, and what a test asks about it."""
    for name, content in FILES.items():
        (instance.folder / name).write_bytes(content)
    (instance.folder / "passphrase").write_text("correct horse\n", "utf-8")
    text = instance.send("-", given=b"A text that waits")
    protected = instance.send("-", "--passphrase-file", "passphrase", given=b"Behind a passphrase")
    files = instance.send(*FILES)
    opened = instance.send("-", given=b"Opened by the old program")
    instance.run("open", opened["link"])
    burned = instance.send("-", given=b"Burned by the old program")
    instance.run("burn", burned["receipt"])
    request = instance.run("request", "--ttl", WEEKS, "--answers", "2")
    instance.run("answer", request["link"], "-", given=b"An answer that waits")
    instance.environment["TAINA_KEY"] = instance.keys["bob"]
    instance._text("keys", "revoke", "bob", "--data", "data")
    return {
        "made": int(time.time()),
        "keys": instance.keys,
        "text": text,
        "protected": protected,
        "files": files,
        "opened": opened,
        "burned": burned,
        "request": {name: request[name] for name in ("link", "inbox")},
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        program = install(Path(scratch))
        folder = Path(scratch) / "instance"
        folder.mkdir()
        instance = Instance(program, folder)
        story = live(instance)
        instance.stop()
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir(parents=True)
        for name in ("data/taina.db", "data/keys.db", "taina.toml"):
            shutil.copyfile(folder / name, OUT / Path(name).name)
        told = json.dumps(story, indent=1).replace(instance.url, "{url}")
        (OUT / "story.json").write_text(told + "\n", "ascii")


if __name__ == "__main__":
    main()
