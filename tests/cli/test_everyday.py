"""What happens to people: files from Windows, proxies, unset variables, pipes without a name. Never a traceback."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import COMMAND, Run, RunHere, Terminal

TRACE = b"Traceback"
FORESAW = b"nobody foresaw"


def sent(run: Run, *arguments: str, given: bytes = b"hunter2", **more: str) -> str:
    done = run("send", *(arguments or ("-",)), given=given, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


PASSPHRASE = "pässwörd ключ"
UNDERSTOOD = {
    "UTF-8": PASSPHRASE.encode() + b"\n",
    "with a mark": b"\xef\xbb\xbf" + PASSPHRASE.encode() + b"\r\n",
    "UTF-16, little": b"\xff\xfe" + f"{PASSPHRASE}\r\nsecond".encode("utf-16-le"),
    "UTF-16, big": b"\xfe\xff" + f"{PASSPHRASE}\n".encode("utf-16-be"),
}
REFUSED = {
    "UTF-16 without a mark": "passphrase\n".encode("utf-16-le"),
    "UTF-16, big, without a mark": "passphrase\n".encode("utf-16-be"),
    "Latin-1": "pässwörd\n".encode("latin-1"),
    "half of UTF-16": b"\xff\xfea",
    "no text": bytes(range(256)),
    "empty": b"",
    "a mark alone": b"\xef\xbb\xbf\n",
}


@pytest.mark.parametrize("way", ["file", "stdin"])
@pytest.mark.parametrize("kind", UNDERSTOOD)
def test_a_passphrase_file_is_understood(run: Run, tmp_path: Path, kind: str, way: str) -> None:
    (tmp_path / "pass").write_bytes(UNDERSTOOD[kind])
    link = sent(run, "-", "--passphrase", TAINA_PASSPHRASE=PASSPHRASE)
    if way == "file":
        done = run("open", link, "--passphrase-file", "pass")
    else:
        done = run("open", link, "--passphrase-file", "-", given=UNDERSTOOD[kind])
    assert (done.stdout, done.returncode) == (b"hunter2", 0)


def test_a_passphrase_file_is_refused_and_costs_no_try(
    run_here: RunHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as told:
        told.setenv("TAINA_PASSPHRASE", "x")
        link = run_here("send", "hunter2", "--passphrase")[1].strip()
    for kind, data in REFUSED.items():
        (tmp_path / "pass").write_bytes(data)
        code, _, said = run_here("open", link, "--passphrase-file", "pass")
        assert code == 2, kind
        assert "passphrase file" in said, kind
        assert json.loads(run_here("status", link, "--json")[1])["attempts_left"] == 10, kind


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_of_a_key_is_refused_with_words(run_here: RunHere, tmp_path: Path, kind: str) -> None:
    (tmp_path / "key").write_bytes(REFUSED[kind])
    code, _, said = run_here("verify", ".", "--key", "key")
    assert code == 2
    assert "key file" in said


def test_a_key_that_is_longer_than_any_name_of_a_file_is_no_trouble(run: Run) -> None:
    done = run("verify", ".", "--key", "x" * 5000)
    assert done.returncode == 2
    assert b"not a public key" in done.stderr


def test_a_password_file_of_mail_is_refused_with_words(run: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(REFUSED["Latin-1"])
    mail = ("--mail-host", "localhost", "--mail-from", "a@b.example", "--mail-password-file", "password")
    done = run("serve", "--port", "0", "--url", "https://a.example", *mail)
    assert done.returncode == 1
    assert b"password is not text in UTF-8" in done.stderr
    assert FORESAW not in done.stderr


MAIL = ("--url", "https://a.example", "--mail-host", "127.0.0.1", "--mail-from", "a@b.example")
LOGIN = ("--mail-user", "u", "--mail-password-file", "file")


@pytest.mark.parametrize(
    ("written", "options", "said"),
    [
        (b"", LOGIN, "The first line of file is empty: see mail.password_file."),
        (b"\xef\xbb\xbf\r\n", LOGIN, "The first line of file is empty: see mail.password_file."),
        ("pässword\n".encode(), LOGIN, "The password in file has characters that cannot be sent"),
        ("password\n".encode("utf-16-le"), LOGIN, "The password in file has characters that cannot be sent"),
        (b"x", (*LOGIN, "--mail-user", "bücher"), "mail.user has characters that cannot be sent"),
        (b"x", ("--mail-authority", "file"), "file cannot be used (no certificate is in it): see mail.authority."),
        (b"x", ("--mail-authority", "gone"), "gone cannot be used (No such file or directory): see mail.authority."),
        (b"x", (*LOGIN, "--mail-password-file", "gone"), "gone cannot be read (No such file or directory): see mail."),
        (b"", ("--mail-user", "u"), "mail.password_file is missing: mail.user is set, and logging in needs a"),
    ],
)
def test_what_mail_cannot_use_is_said_at_the_start_and_by_the_doctor(
    run: Run, tmp_path: Path, written: bytes, options: tuple[str, ...], said: str
) -> None:
    """A certificate that was not there was said to be a password, and the others failed at every single mail."""
    (tmp_path / "file").write_bytes(written)
    done = run("serve", "--port", "0", *MAIL, *options)
    assert (done.returncode, said in done.stderr.decode()) == (1, True), done.stderr
    assert f"LOOK  {said}" in run("doctor", *MAIL, *options).stdout.decode()


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ('password_file = "p"\n', "p is not text in UTF-8: see mail.password_file."),
        ('password_file = "gone"\n', "gone cannot be read (No such file or directory): see mail.password_file."),
        ("", "mail.password_file is missing: mail.user is set, and logging in needs a password."),
    ],
)
def test_a_key_is_there_whatever_becomes_of_its_message(run: Run, tmp_path: Path, password: str, said: str) -> None:
    """It was lost where the password could not be read; where only the service has that, none could be revoked."""
    (tmp_path / "taina.toml").write_text(
        f'url = "https://a.example"\n[mail]\nhost = "127.0.0.1"\nfrom = "a@b.example"\nuser = "u"\n{password}'
    )
    (tmp_path / "p").write_bytes(REFUSED["Latin-1"])
    for arguments in (("add", "ann", "--contact", "a@b.example"), ("revoke", "ann")):
        done = run("keys", *arguments)
        assert done.returncode == 0
        assert f"{said} The message to a@b.example" in done.stderr.decode()
        assert len(done.stdout.strip()) == (43 if "add" in arguments else 0)
    for words in (("keys", "list"), ("config",), ("backup", "--out", "taina.tar")):
        assert run(*words).returncode == 0, words


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_key_that_standard_output_does_not_take_is_not_lost(
    environment: dict[str, str], tmp_path: Path, more: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "keys", "add", "ann", *more],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 1
    assert re.search(rb"(^|[ \"])[A-Za-z0-9_-]{43}([\"\n])", done.stderr)


def test_the_secret_may_follow_its_passphrase(run: Run) -> None:
    link = sent(run, "-", "--passphrase-file", "-", given=b"pass\nhunter2")
    assert run("open", link, TAINA_PASSPHRASE="pass").stdout == b"hunter2"


ENVIRONMENTS = [
    {"ALL_PROXY": "socks://127.0.0.1:9"},
    {"HTTPS_PROXY": "nonsense://x", "HTTP_PROXY": "nonsense://x"},
    {"NO_PROXY": "fe80::/10", "HTTP_PROXY": "http://u:hunter3@127.0.0.1:9"},
    {"NO_PROXY": "[::1]", "HTTP_PROXY": "http://127.0.0.1:9"},
    {"SSL_CERT_FILE": "/nowhere/at/all.pem"},
    {"TAINA_KEY": "x"},
    {"TAINA_URL": "http://[::1"},
    {"TAINA_URL": "http://127.0.0.1:99999"},
    {"TAINA_URL": "https://"},
    {"TAINA_URL": "https://xn--a"},
    {"TAINA_CA": "/dev/null"},
    {"TAINA_CA": "/nowhere"},
]


@pytest.mark.parametrize("environment_", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize("arguments", [["send", "x"], ["request"]], ids=lambda arguments: arguments[0])
def test_an_environment_that_cannot_be_used_is_explained(
    run_here: RunHere, monkeypatch: pytest.MonkeyPatch, environment_: dict[str, str], arguments: list[str]
) -> None:
    for name, value in environment_.items():
        monkeypatch.setenv(name, value)
    code, _, said = run_here(*arguments)
    assert code in (0, 2)
    assert "hunter3" not in said
    assert code == 0 or said.startswith("taina: ")


def test_an_authority_by_option(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    done = run("send", "x", "--ca", "ca.pem")
    assert done.returncode == 2
    assert b"ca.pem" in done.stderr


@pytest.mark.parametrize("ttl", ["999999999d", "99999999999999d", "36501d", "0", "-1d", "1.5h"])
def test_a_lifetime_has_bounds(run_here: RunHere, tmp_path: Path, ttl: str) -> None:
    (tmp_path / "data").mkdir()
    for arguments in (["send", "x"], ["request"], ["keys", "add", "ann", "--data", "data"]):
        code, out, said = run_here(*arguments, "--ttl", ttl)
        assert (code, out) == (2, "")
        assert said
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        "send|",
        "send|x|--words|--mail-to|",
        "send|--name=|-",
        "send|--|",
        "answer|LINK|",
        "open|LINK|--out|",
        "receipt|LINK|--wait|--exec|",
        "serve|--store|",
        "serve|--data=",
        "keys|add|ann|--data|",
        "verify|.|--key|x|--at-least|",
    ],
)
def test_a_variable_that_is_not_set_is_found(run_here: RunHere, arguments: str) -> None:
    """Nothing was mailed, nothing was run, and files and databases went to where nobody wanted them, without a word."""
    link = run_here("send", "hunter2")[1].strip()
    code, out, said = run_here(*(link if one == "LINK" else one for one in arguments.split("|")))
    assert (code, out) == (2, "")
    assert "An argument is empty: is a variable not set?" in said
    assert run_here("status", link)[0] == 0


@pytest.mark.parametrize("given", [b"", b"\n", b"\r\n\r\n"])
def test_line_ends_alone_are_no_secret(run: Run, tmp_path: Path, given: bytes) -> None:
    """`echo "$PASSWORD" | taina send` sent the end of a line where the variable was not set."""
    (tmp_path / "made").write_bytes(given)
    for done in (run("send", "-", given=given), run("send", given=given), run("send", given.decode())):
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"is a variable not set?" in done.stderr
    assert run("send", "made").returncode == 0  # what is a file is a file


@pytest.mark.parametrize("given", [b" ", b" \t\r\n"])
def test_other_white_space_is_a_secret(run: Run, given: bytes) -> None:
    for done in (run("send", "-", given=given), run("send", given.decode())):
        assert run("open", done.stdout.decode().strip()).stdout == given


@pytest.mark.parametrize(
    "odd", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii:strict"}]
)
def test_a_passphrase_that_cannot_be_read_as_typed_costs_no_try(
    run: Run, environment: dict[str, str], tmp_path: Path, odd: dict[str, str]
) -> None:
    link = sent(run, "-", "--passphrase", TAINA_PASSPHRASE="passä")
    typing = Terminal({**environment, **odd}, tmp_path, "open", link)
    typing.wait_for("Passphrase: ")
    typing.type("passä\n")
    assert typing.end() == 2
    assert "is not text in the encoding" in " ".join(typing.shown.split())
    assert json.loads(run("status", link, "--json").stdout)["attempts_left"] == 10


def test_what_is_typed_ends_before_the_end_of_its_line(run: Run, terminal: Callable[..., Terminal]) -> None:
    """Whoever copied it had a password with the end of a line in it."""
    typing = terminal("send")
    typing.wait_for("Type the secret")
    typing.type("hunter2\nhunter3\n\x04")
    assert typing.end() == 0
    link = next(word for word in typing.shown.split() if "/s/#" in word)
    assert run("open", link).stdout == b"hunter2\nhunter3"


def test_an_argument_that_is_no_text_is_refused_as_that(run: Run) -> None:
    for arguments in (["caf\udce9"], ["-", "--name", "caf\udce9"]):
        done = run("send", *arguments, given=b"x")
        assert done.returncode == 2
        assert b"not text in UTF-8" in done.stderr


def test_one_is_counted_as_one(run: Run) -> None:
    done = run("send", "x")
    assert b"a text of 1 character." in done.stderr
    link = run("send", "-", "--name", "x.txt", given=b"x").stdout.decode().strip()
    assert b"(1 byte)" in run("open", link).stderr


@pytest.mark.parametrize("quota", ["0", "-1", "1000001", "9" * 20, "1.5", "x"])
def test_a_quota_has_bounds(run_here: RunHere, tmp_path: Path, quota: str) -> None:
    (tmp_path / "data").mkdir()
    code, out, said = run_here("keys", "add", "ann", "--data", "data", "--quota", quota)
    assert (code, out) == (2, "")
    assert "--quota" in said
    assert list((tmp_path / "data").iterdir()) == []


def test_a_key_of_long_ago_that_never_ends_is_listed(run: Run, tmp_path: Path) -> None:
    """Such a key was once made; its list ended in a traceback for ever after."""
    from taina.rules.access_keys import open_keys

    data = tmp_path / "data"
    data.mkdir()
    open_keys(data).issue("ann", ttl=999_999_999 * 86400, quota=None, contact=None, language="en")
    done = run("keys", "list", "--data", "data")
    assert done.returncode == 0
    assert b"ann" in done.stdout


@pytest.mark.parametrize("arguments", [[""], ["", ""], ["a.txt", ""]])
def test_an_unset_variable_is_no_secret(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a.txt").write_text("x")
    done = run("send", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"variable" in done.stderr


def test_a_name_with_a_dot_keeps_it_but_not_at_home(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/.env").write_text("KEY=1")
    (tmp_path / "out").mkdir()
    links = [sent(run, "in/.env") for _ in range(2)]
    assert run("open", links[0], "--out", "out").returncode == 0
    assert (tmp_path / "out/.env").read_text() == "KEY=1"
    assert run("open", links[1], HOME=str(tmp_path)).returncode == 0
    assert (tmp_path / "env").read_text() == "KEY=1"
    assert not (tmp_path / ".env").exists()
    assert run("open", sent(run, "in/.env"), "--out", "out").returncode == 0
    assert (tmp_path / "out/.env (2)").read_text() == "KEY=1"


@pytest.mark.parametrize("name", ["..", ".", "...", "../x", ".. ", "./.ssh/authorized_keys"])
def test_a_name_of_dots_leaves_no_folder(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    link = sent(run, "-", "--name", name)
    assert run("open", link, "--out", "out").returncode == 0
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["hunter2"]


@pytest.mark.parametrize(
    "path", ["/proc/self/status", "/proc/sys/kernel/ostype", "/sys/kernel/mm/transparent_hugepage/enabled"]
)
def test_files_that_do_not_know_their_size(run: Run, path: str, tmp_path: Path) -> None:
    if not Path(path).exists():
        pytest.skip("not on this machine")
    assert run("open", sent(run, path)).returncode == 0
    assert (tmp_path / Path(path).name).stat().st_size > 0


def test_a_pipe_by_name(run: Run, tmp_path: Path, environment: dict[str, str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["/bin/sh", "-c", "printf hunter2 > pipe"], cwd=tmp_path):
        link = sent(run, "./pipe")
    assert run("open", link).stdout == b"hunter2"
    done = subprocess.run(
        ["/bin/bash", "-c", '"$@" <(printf hunter2)', "bash", *COMMAND, "send"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert run("open", done.stdout.decode().strip()).stdout == b"hunter2"


def test_http_to_another_host_is_warned_of(run: Run) -> None:
    done = run("status", "http://host.invalid/s/#x")
    assert b"https://" in done.stderr
    assert b"http://" in done.stderr
    assert b"can be read" not in run("send", "x").stderr


def test_standard_input_that_is_closed(environment: dict[str, str], tmp_path: Path) -> None:
    for arguments in (["send"], ["open", "-"], ["open", "x", "--passphrase-file", "-"], ["answer", "-", "-"]):
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert TRACE not in done.stderr
        assert FORESAW not in done.stderr
