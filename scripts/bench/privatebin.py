"""PrivateBin as a peer: a checkout of it behind nginx and php-fpm, with its plain files in a folder of their own.

The checkout is only read. It needs nginx and php-fpm (on Debian: apt install nginx-light php-fpm php-gd).
"""

import base64
import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from support.servers import free_port, processor_time, running

_WORKERS = 8
"""Processes of PHP."""

_SETTINGS = """;<?php http_response_code(403); /*
[main]
discussion = false
[traffic]
limit = 0
[purge]
limit = 300
[model]
class = Filesystem
[model_options]
dir = "{folder}/data"
"""
_PHP = """[global]
error_log = {folder}/php.log
daemonize = no
[peer]
user = {user}
group = {user}
listen = {folder}/php.sock
listen.mode = 0666
pm = static
pm.max_children = {workers}
env[CONFIG_PATH] = {folder}
"""
_NGINX = """daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 2;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME {checkout}/index.php;
            fastcgi_pass unix:{folder}/php.sock;
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class PrivateBin:
    port: int
    pids: tuple[int, int]
    """Of nginx and of php-fpm, which start the others."""
    stored: Path

    def ids(self) -> list[str]:
        """Of the secrets that lie in its folder: its answers have status 200 where it failed, too."""
        return [file.stem for file in self.stored.glob("*/*/*.php")]

    def processor_time(self) -> float:
        """Seconds that all its processes have taken."""
        return sum(processor_time(pid) for parent in self.pids for pid in (parent, *_children(parent)))


@contextmanager
def privatebin(checkout: Path) -> Iterator[PrivateBin]:
    """A PrivateBin that runs while it is needed, without a limit on how often a client may create.

    Raises:
        click.ClickException: a program is missing, or the folder is not a checkout of PrivateBin.
    """
    nginx, php = _program("nginx"), _program("php-fpm")
    if not (checkout / "lib" / "Controller.php").is_file():
        raise click.ClickException(f"{checkout} is not a checkout of PrivateBin.")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        facts = {
            "folder": folder,
            "checkout": checkout.resolve(),
            "port": port,
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "workers": _WORKERS,
        }
        for file, text in (("conf.php", _SETTINGS), ("php.conf", _PHP), ("nginx.conf", _NGINX)):
            (folder / file).write_text(text.format(**facts), "utf-8")
        behind = stack.enter_context(running([php, "-R", "-y", str(folder / "php.conf")], folder / "php.sock"))
        front = stack.enter_context(running([nginx, "-p", name, "-c", str(folder / "nginx.conf")], port))
        yield PrivateBin(port, (front.pid, behind.pid), folder / "data")


def create(size: int) -> bytes:
    """The request that stores so many random bytes for a week, to be burned by whoever reads them."""
    settings = [_text(16), _text(8), 310_000, 256, 128, "aes", "gcm", "none"]
    secret = {
        "v": 2,
        "adata": [settings, "plaintext", 0, 1],
        "ct": _text(size),
        "meta": {"expire": "1week"},
    }
    body = json.dumps(secret, separators=(",", ":"))
    return f"POST / HTTP/1.1\r\n{_HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def reveal(identifier: str) -> bytes:
    return f"GET /?{identifier} HTTP/1.1\r\n{_HEAD}\r\n".encode()


_HEAD = "Host: localhost\r\nAccept: application/json\r\nX-Requested-With: JSONHttpRequest\r\n"


def _text(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def _program(name: str) -> str:
    """Debian's php-fpm has its version in its name, and stands where only root looks."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    found = found or next((str(file) for file in sorted(Path("/usr/sbin").glob(f"{name}*"))), None)
    if found is None:
        raise click.ClickException(
            f"{name} is missing. Install it (on Debian: apt install nginx-light php-fpm php-gd)."
        )
    return found
