"""Between the reveal and its end nothing may be lost: by Ctrl-C, a closed terminal, a full disk, a closed pipe."""

import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from cli.conftest import COMMAND, Run, Terminal, hangup, like_others
from support.cutting_proxy import CuttingProxy, slow_network
from support.servers import Server
from taina import Client, File, base64url
from taina.client.results import Sent
from taina.errors import GoneError, UnreachableError
from taina.rules.access_keys import open_keys

MEBI = 1 << 20
CONTENT = os.urandom(6 * MEBI)


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("state")
    environment["XDG_STATE_HOME"] = str(folder)
    return folder


def claims(state: Path) -> list[Path]:
    return [path for path in state.rglob("*") if path.is_file()]


def send(taina: Server, *content: str | File, passphrase: str | None = None) -> Sent:
    with Client(taina.url) as client:
        return client.send(*content, ttl=600, passphrase=passphrase)


def receipt(taina: Server, sent: Sent) -> str:
    with Client(taina.url) as client:
        return client.receipt(sent.receipt).state


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_same_command_goes_on(
    taina: Server, run: Run, environment: dict[str, str], state: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C at 43 % lost the secret, and the next try suspected a thief."""
    sent = send(taina, File("x", CONTENT), passphrase="p")
    with slow_network(taina.port) as proxy:
        link = sent.link.replace(taina.url, proxy.url)
        begun = threading.Event()
        with hangup(signal.SIG_DFL):
            opening = subprocess.Popen(
                [*COMMAND, "open", link],
                env={**environment, "TAINA_PASSPHRASE": "p"},
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Where the tests run in the background of a shell, Ctrl-C is ignored, and that is inherited.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        while not any(path.suffix == ".part" for path in tmp_path.iterdir()):
            assert opening.poll() is None
            begun.wait(0.02)
        opening.send_signal(number)
        _, said = opening.communicate(timeout=30)
        proxy.rate = None
        assert receipt(taina, sent) == "revealed"
        assert [path.stat().st_mode & 0o777 for path in claims(state)] == [0o600]
        if number != signal.SIGKILL:
            assert opening.returncode == 128 + number
            assert b"same command" in said
            assert list(tmp_path.iterdir()) == []
        again = run("open", link, TAINA_PASSPHRASE="p")
    assert again.returncode == 0, again.stderr
    assert b"Going on" in again.stderr
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert claims(state) == []
    assert receipt(taina, sent) == "opened"


def test_a_wrong_passphrase_when_going_on_takes_nothing_away(
    taina: Server, run: Run, environment: dict[str, str], state: Path, tmp_path: Path
) -> None:
    sent = send(taina, "hunter2", passphrase="p")
    full = os.open("/dev/full", os.O_WRONLY)
    env = {**environment, "TAINA_PASSPHRASE": "p"}
    subprocess.run([*COMMAND, "open", sent.link], env=env, cwd="/", stdout=full, stderr=subprocess.PIPE, check=False)
    os.close(full)
    wrong = run("open", sent.link, TAINA_PASSPHRASE="q")
    assert wrong.returncode == 4
    assert run("open", sent.link, TAINA_PASSPHRASE="p").stdout == b"hunter2"


def test_somebody_else_is_still_refused(taina: Server, run: Run, state: Path) -> None:
    sent = send(taina, "hunter2")
    assert run("open", sent.link).returncode == 0
    assert claims(state) == []
    again = run("open", sent.link)
    assert again.returncode == 3
    assert b"If it was not you" in again.stderr


def test_a_claim_whose_time_is_over_accuses_nobody(taina: Server, run: Run, state: Path, tmp_path: Path) -> None:
    """A thief is suspected only where this user has not begun to open it."""
    sent = send(taina, "hunter2")
    with (
        CuttingProxy(taina.port, after=20) as proxy,
        Client(patience=0, state=state / "taina") as reader,
        pytest.raises(UnreachableError),  # it revealed, and the answer did not come
    ):
        reader.open(sent.link.replace(taina.url, proxy.url))
    assert len(claims(state)) == 1
    with Client(taina.url) as client, pytest.raises(GoneError):
        client.burn(sent.receipt)
    run("takedown", sent.link, "--data", str(taina.data))
    done = run("open", sent.link)
    assert done.returncode == 3
    assert b"interrupted" in done.stderr
    assert claims(state) == []


@pytest.mark.parametrize("more", [[], ["--json"], ["--out", "-"]], ids=["text", "json", "out"])
def test_a_full_disk_loses_nothing(
    taina: Server, environment: dict[str, str], state: Path, tmp_path: Path, run: Run, more: list[str]
) -> None:
    """It was acknowledged, and gone, with a traceback."""
    sent = send(taina, "hunter2")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "open", sent.link, *more],
            env=environment,
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert receipt(taina, sent) == "revealed"
    kept = list(tmp_path.iterdir())
    assert [path.read_bytes() for path in kept] == [b"hunter2"]
    assert kept[0].stat().st_mode & 0o777 == 0o600
    assert str(kept[0].name).encode() in done.stderr
    again = run("open", sent.link)
    assert again.stdout == b"hunter2"
    assert receipt(taina, sent) == "opened"


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("command", ["open", "send", "request"])
def test_a_closed_output_is_found_before_anything_is_done(
    taina: Server, environment: dict[str, str], state: Path, tmp_path: Path, command: str, more: list[str]
) -> None:
    sent = send(taina, "hunter2")
    arguments = {"open": [sent.link, *more], "send": ["x", *more], "request": more}[command]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, command, *arguments],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 1
    assert b"Standard output" in done.stderr
    assert b"Traceback" not in done.stderr
    assert receipt(taina, sent) == "waiting"


@pytest.mark.parametrize(("size", "blocks"), [(4000, 1), (3 * MEBI, 1000)], ids=["at its end", "on the way"])
def test_a_file_that_cannot_be_saved_is_still_there_for_another_try(
    taina: Server, environment: dict[str, str], state: Path, tmp_path: Path, run: Run, size: int, blocks: int
) -> None:
    """The server kept it, and nobody was told."""
    content = os.urandom(size)
    sent = send(taina, File("x", content))
    (tmp_path / "o").mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *COMMAND, "open", "-o", "o", sent.link],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"o cannot be written to: File too large." in done.stderr
    assert b"same command again, with another --out" in done.stderr
    assert receipt(taina, sent) == "revealed"
    again = run("open", sent.link)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "x").read_bytes() == content
    assert receipt(taina, sent) == "opened"


def test_a_folder_in_which_nothing_can_be_made_is_found_before_the_reveal(
    taina: Server, environment: dict[str, str], state: Path, tmp_path: Path
) -> None:
    """It can be written to, as far as its mode says, and not be entered."""
    sent = send(taina, File("x", b"x"))
    (tmp_path / "o").mkdir(mode=0o600)
    done = subprocess.run(
        [*like_others(), *COMMAND, "open", "-o", "o", sent.link],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"Name another with --out" in done.stderr) == (2, True), done.stderr
    assert receipt(taina, sent) == "waiting"


def test_a_pipe_that_nobody_reads_loses_nothing(
    taina: Server, environment: dict[str, str], state: Path, tmp_path: Path
) -> None:
    sent = send(taina, "hunter2" * 100_000)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "open", sent.link],
        env=environment,
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["hunter2" * 100_000]


def into_full(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    """A command whose standard output takes nothing: what it said on the other one."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], env=environment, cwd=folder, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1, done.stderr
    assert b"nobody foresaw" not in done.stderr
    return done.stderr.decode()


def find(said: str, kind: str) -> str:
    return next(word.strip('",') for word in said.split() if f"/{kind}/#" in word)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_what_there_is_once_is_said_where_it_cannot_be_written(
    taina: Server, environment: dict[str, str], tmp_path: Path, run: Run, more: list[str]
) -> None:
    """Of two links the second was lost, with both receipts and the passphrase; of a request its inbox."""
    said = into_full(environment, tmp_path, "send", "hunter2", "--words", "--recipients", "2", *more)
    words = re.search(r"[a-z]+(-[a-z]+){5,}", said)
    assert words
    links = re.findall(r"http[^\s\"]*/s/#[\w-]+", said)
    assert len(links) == 2
    for link in links:
        assert run("open", link, TAINA_PASSPHRASE=words[0]).stdout == b"hunter2"
    receipts = re.findall(r"http[^\s\"]*/receipt/#[\w-]+", said)
    assert [run("receipt", one).returncode for one in receipts] == [0, 0]

    asked = into_full(environment, tmp_path, "request", *more)
    assert b"No answer yet" in run("inbox", find(asked, "inbox")).stderr
    if more:
        answered = into_full(environment, tmp_path, "answer", find(asked, "r"), "hunter2", "--words", *more)
        words = re.search(r"[a-z]+(-[a-z]+){5,}", answered)
        assert words
        link = run("inbox", find(asked, "inbox")).stdout.decode().strip()
        assert run("open", link, TAINA_PASSPHRASE=words[0]).stdout == b"hunter2"


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_a_new_key_is_said_where_it_cannot_be_written(
    environment: dict[str, str], tmp_path: Path, more: list[str]
) -> None:
    """It was issued, and known to nobody."""
    said = into_full(environment, tmp_path, "keys", "add", "ann", "--data", "data", *more)
    token = re.search(r"(?<![\w-])[\w-]{43}(?![\w-])", said)
    assert token
    assert open_keys(tmp_path / "data").authenticate(base64url.decode(token[0])).name == "ann"


def test_the_command_for_an_outcome_runs_also_where_it_cannot_be_written(
    taina: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    sent = send(taina, "hunter2")
    with Client(taina.url) as client:
        client.burn(sent.receipt)
    into_full(environment, tmp_path, "receipt", sent.receipt, "--wait", "--exec", "echo $TAINA_STATE > told")
    assert (tmp_path / "told").read_text() == "burned\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_a_terminal_cannot_show_is_kept_and_named(
    taina: Server, environment: dict[str, str], state: Path, tmp_path: Path, encoding: str
) -> None:
    sent = send(taina, "тайна \U0001f511")
    showing = Terminal({**environment, "PYTHONIOENCODING": encoding}, tmp_path, "open", sent.link)
    assert showing.end() == 0
    assert [path.read_text("utf-8") for path in tmp_path.iterdir()] == ["тайна \U0001f511"]
    assert next(tmp_path.iterdir()).name in showing.shown


def test_all_output_fits_into_any_encoding(taina: Server, run: Run) -> None:
    sent = send(taina, "тайна")
    done = run("open", sent.link, "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert json.loads(done.stdout)["items"][0]["text"] == "тайна"
    assert run("open", send(taina, "тайна").link, PYTHONIOENCODING="ascii").stdout == "тайна".encode()
