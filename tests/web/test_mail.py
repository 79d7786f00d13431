"""Mail, against a real SMTP server over TLS: four messages, for holders of keys, with links of this instance."""

import ast
import binascii
import email.policy
import itertools
import re
import smtplib
import sqlite3
import ssl
import string
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from support.certificates import certificate, of_server
from support.servers import Server, free_port, start_server, stop_server
from taina import Client, base64url, mail
from taina.config import load
from taina.errors import InvalidError, KeyNeededError, KeyRefusedError, MailError, NotFoundError, QuotaError, TainaError
from taina.mail import ExpiryNotices, Mailer
from taina.mail.texts import TEXTS
from taina.rules.access_keys import open_keys
from taina.store.turns import HELPERS

URL = "https://secrets.example"
READER = "reader@example.org"
ENCODED = [
    "=?utf-8?q?v=25evil.net?=@relay.example",
    "=?utf-8?q?v=40evil.net=2Cx?=@example.org",
    "=?utf-8?q?a=0Ab?=@example.org",
    "=?utf-8?b?YUBldmlsLm5ldA==?=@example.org",
    "=?us-ascii?Q?a?=@example.org",
]
"""What a parser of headers decodes into addresses that are refused when written plainly."""


@dataclass
class Post:
    """What the SMTP server received."""

    authority: Path
    security: str
    port: int = 0
    received: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    farewell: str = "221 Bye"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.received.append((envelope.rcpt_tos, parsed))
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        return self.farewell

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TAINA_MAIL_HOST": "127.0.0.1",
            "TAINA_MAIL_PORT": str(self.port),
            "TAINA_MAIL_FROM": "taina@secrets.example",
            "TAINA_MAIL_AUTHORITY": str(self.authority),
            "TAINA_MAIL_SECURITY": self.security,
            "TAINA_URL": URL,
        }


@pytest.fixture(params=["tls", "starttls"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    yield from serve_post(tmp_path, request.param)


@pytest.fixture
def tls_post(tmp_path: Path) -> Iterator[Post]:
    yield from serve_post(tmp_path, "tls")


def serve_post(folder: Path, security: str, **more: Any) -> Iterator[Post]:
    cert, _ = certificate(folder)
    post = Post(cert, security)
    context = of_server(folder)
    options: dict[str, Any] = {"ssl_context": context, **more}
    if security == "starttls":
        options = {"tls_context": context, "require_starttls": True}
    post.port = free_port()
    controller = Controller(post, hostname="127.0.0.1", port=post.port, **options)
    controller.start()
    yield post
    controller.stop()


def mailer(post: Post, **more: str) -> Mailer:
    return Mailer(load(environment={**post.environment, **more}).config)


@pytest.fixture
def instance(tls_post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name, value in {**tls_post.environment, "TAINA_MAIL_PER_KEY": "2", "TAINA_MAIL_PER_DAY": "3"}.items():
        monkeypatch.setenv(name, value)
    server = start_server(tmp_path / "data")
    yield server
    stop_server(server)


def link_with(server: Server, passphrase: str | None) -> str:
    with Client(server.url) as client:
        return client.send("x", passphrase=passphrase).link.replace(server.url, URL)


def key_of(server: Server, name: str = "ann") -> str:
    return base64url.encode(open_keys(server.data).issue(name)[1])


def test_a_link_is_mailed_in_the_reader_s_language(instance: Server, tls_post: Post) -> None:
    link = link_with(instance, "six generated words")
    with Client(instance.url, key=key_of(instance)) as client:
        assert client.instance()["options"]["mail"] is True
        client.mail(link, READER, "bg")
    ((to, message),) = tls_post.received
    subject, body = TEXTS["bg"]["secret"]
    assert (to, message["To"], message["Subject"]) == ([READER], READER, subject)
    assert message.get_content().replace("\r\n", "\n") == body.format(instance=URL, link=link)
    assert message.get_content_type() == "text/plain"
    assert "six generated words" not in message.as_string()
    assert set(message.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }


def test_no_other_mail_can_be_sent(instance: Server, tls_post: Post) -> None:
    """Whatever is asked for: no free text, no other link, no second recipient, nobody without a key."""
    good = link_with(instance, "six generated words")
    key = key_of(instance)
    refused: list[tuple[type[TainaError], str | None, str, str]] = [
        (KeyNeededError, None, good, READER),
        (KeyRefusedError, base64url.encode(bytes(32)), good, READER),
        (InvalidError, key, link_with(instance, None), READER),
        (InvalidError, key, good.replace(URL, "https://evil.example"), READER),
        (InvalidError, key, good.replace(URL, URL + ".evil.example"), READER),
        (InvalidError, key, good[:-1], READER),
        (InvalidError, key, f"{good}\n\nBuy now", READER),
        (InvalidError, key, good.replace("/s/", "/receipt/"), READER),
        (InvalidError, key, "Buy now", READER),
        *[
            (InvalidError, key, good, to)
            for to in (
                "a@example.org, b@example.org",
                "a@example.org\r\nBcc: b@example.org",
                "a@example.org\nSubject: Buy now",
                "<a@example.org>",
                "Ann <a@example.org>",
                '"a b"@example.org',
                "a%b@c@example.org",
                "elsewhere.example!a@example.org",
                "a@localhost",
                "@example.org",
                "а@example.org",
                *ENCODED,
            )
        ],
    ]
    for error, shown, link, to in refused:
        with Client(instance.url, key=shown) as client, pytest.raises(error):
            client.mail(link, to)
    extra = {"link": good, "to": READER, "language": "en", "text": "Buy now"}
    asked = httpx.post(f"{instance.url}/api/v1/mail", json=extra, headers={"Authorization": f"Bearer {key}"})
    assert (asked.status_code, asked.json()["field"]) == (422, "text")
    assert tls_post.received == []


def test_nothing_else_in_the_house_knows_smtp() -> None:
    """The mailer has two ways to send, and each takes its words from the catalog."""
    assert set(get_args(mail.Notice)) | {"secret"} == set(TEXTS["en"]) - {"until"} == set(TEXTS["bg"]) - {"until"}
    public = {name for name in vars(Mailer) if not name.startswith("_")}
    assert public == {"send_link", "send_notice"}
    tree = ast.parse(Path(mail.__file__).read_text("utf-8"))
    sent = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "send_message"]
    written = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "set_content"]
    assert len(sent) == len(written) == 1


def test_mails_are_counted_for_each_key_and_in_all(instance: Server, tls_post: Post) -> None:
    link = link_with(instance, "six generated words")
    for name, expected in [("ann", 2), ("bob", 1)]:
        with Client(instance.url, key=key_of(instance, name)) as client:
            for _ in range(expected):
                client.mail(link, READER)
            with pytest.raises(QuotaError):
                client.mail(link, READER)
    assert len(tls_post.received) == 3


def test_an_instance_without_mail_says_so(taina: Server) -> None:
    with Client(taina.url, key=base64url.encode(bytes(32))) as client:
        assert client.instance()["options"]["mail"] is False
        with pytest.raises(NotFoundError):
            client.mail(f"{URL}/s/#x", READER)


def test_holders_of_keys_are_told_of_them(post: Post, tmp_path: Path) -> None:
    environment = {**post.environment, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}

    def keys(*arguments: str) -> None:
        command = [sys.executable, "-m", "taina", "keys", *arguments, "--data", str(tmp_path / "data")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert "could not be sent" not in done.stderr

    keys("add", "ann", "--contact", READER, "--language", "bg")
    keys("add", "quiet")
    keys("revoke", "quiet")
    keys("revoke", "ann")
    subjects = [message["Subject"] for _, message in post.received]
    assert subjects == [TEXTS["bg"]["issued"][0], TEXTS["bg"]["revoked"][0]]
    access = open_keys(tmp_path / "data")
    access.issue("soon", ttl=86400, contact=READER)
    access.issue("later", ttl=30 * 86400, contact=READER)
    hour = iter([0.0, 0.0, 0.0, 3700.0, 3700.0])
    notices = ExpiryNotices(mailer(post), access, clock=lambda: next(hour))
    for _ in range(2):
        notices(1)
    assert [message["Subject"] for _, message in post.received[2:]] == [TEXTS["en"]["expiring"][0]]
    assert "soon" in post.received[2][1].get_content()


def test_a_notice_that_cannot_be_noted_is_not_sent_again(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk had the first mailed every hour, and the others never."""
    access = open_keys(tmp_path)
    for name in ("ann", "bob"):
        access.issue(name, ttl=86400, contact=READER)
    hour = itertools.count(0.0, 4000.0)
    notices = ExpiryNotices(mailer(post), access, clock=lambda: next(hour))
    with monkeypatch.context() as patched, sqlite3.connect(tmp_path / "keys.db") as other:
        other.execute("BEGIN IMMEDIATE")
        patched.setattr("taina.store.access_keys._PATIENCE", 0.0)
        for _ in range(3):
            assert notices(1) == 0
        other.rollback()
    other.close()
    assert [message["Subject"] for _, message in post.received] == [TEXTS["en"]["expiring"][0]] * 2
    assert len(caplog.messages) == 6
    assert all("sent, but not noted" in line for line in caplog.messages)
    assert len(list(access.about_to_expire())) == 2
    notices(1)
    assert list(access.about_to_expire()) == []
    assert len(post.received) == 2


@pytest.mark.parametrize("contact", ENCODED)
def test_no_address_that_was_taken_before_is_decoded(tls_post: Post, tmp_path: Path, contact: str) -> None:
    """An older version may have put it beside a key; one of them was an error that nobody foresaw."""
    key, _ = open_keys(tmp_path / "data").issue("ann", contact=contact)
    with pytest.raises(MailError):
        mailer(tls_post).send_notice("issued", key)
    assert tls_post.received == []


@pytest.mark.parametrize("to", ["a#'&$*+/?=^_`{|}~-@example.org", "a=b?c=d?@example.org", "a..b@example.org"])
def test_a_message_goes_to_the_address_that_was_given(tls_post: Post, tmp_path: Path, to: str) -> None:
    key, _ = open_keys(tmp_path / "data").issue("ann", contact=to)
    mailer(tls_post).send_notice("issued", key)
    ((recipients, message),) = tls_post.received
    assert (recipients, message["To"]) == ([to], to)


def test_a_server_with_another_s_certificate_gets_nothing(tls_post: Post, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other")
    access = open_keys(tmp_path / "data")
    key, _ = access.issue("ann", contact=READER)
    with pytest.raises(MailError):
        mailer(tls_post, TAINA_MAIL_AUTHORITY=str(other)).send_notice("issued", key)
    assert tls_post.received == []


def test_a_password_of_windows_logs_in(tmp_path: Path) -> None:
    """Notepad puts a mark before it, and another end behind it."""
    seen: list[bytes] = []

    def authenticate(*told: Any) -> AuthResult:
        seen.append(told[-1].password)
        return AuthResult(success=True)

    (tmp_path / "password").write_bytes(b"\xef\xbb\xbfhunter2\r\nsecond line\r\n")
    for post in serve_post(tmp_path, "tls", auth_require_tls=False, authenticator=authenticate):
        login = {"TAINA_MAIL_USER": "u", "TAINA_MAIL_PASSWORD_FILE": str(tmp_path / "password")}
        key, _ = open_keys(tmp_path / "data").issue("ann", contact=READER)
        mailer(post, **login).send_notice("issued", key)
    assert seen == [b"hunter2"]


def test_a_login_that_cannot_be_understood_is_a_mail_that_was_not_sent(
    tls_post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_bytes(b"hunter2")
    key, _ = open_keys(tmp_path / "data").issue("ann", contact=READER)

    def misread(*_: object) -> None:
        raise binascii.Error

    monkeypatch.setattr(smtplib.SMTP, "login", misread)
    login = {"TAINA_MAIL_USER": "u", "TAINA_MAIL_PASSWORD_FILE": str(tmp_path / "password")}
    with pytest.raises(MailError):
        mailer(tls_post, **login).send_notice("issued", key)


@pytest.mark.parametrize("farewell", ["250 OK", "421 Too busy", "500 What?", "no answer of SMTP"])
def test_what_was_accepted_is_sent_whatever_the_server_says_afterwards(
    post: Post, tmp_path: Path, farewell: str
) -> None:
    """It was told as not sent: people sent it again, and holders of keys had the same notice each hour."""
    post.farewell = farewell
    key, _ = open_keys(tmp_path / "data").issue("ann", contact=READER)
    mailer(post).send_notice("issued", key)
    assert len(post.received) == 1


@pytest.mark.parametrize("fault", [TimeoutError, ssl.SSLError, ConnectionResetError])
def test_what_was_accepted_is_sent_however_the_connection_ends(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[OSError]
) -> None:
    command = smtplib.SMTP.putcmd

    def cut(server: smtplib.SMTP, cmd: str, args: str = "") -> None:
        if cmd.upper() == "QUIT":
            raise fault
        command(server, cmd, args)

    monkeypatch.setattr(smtplib.SMTP, "putcmd", cut)
    key, _ = open_keys(tmp_path / "data").issue("ann", contact=READER)
    mailer(post).send_notice("issued", key)
    assert len(post.received) == 1


def test_a_mail_server_that_stalls_leaves_threads_for_others(
    tls_post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All helpers would wait for it, and nobody who shows an access key would be answered."""
    key, _ = open_keys(tmp_path / "data").issue("ann", contact=READER)
    mailing = mailer(tls_post)
    waiting, go_on = threading.Semaphore(0), threading.Event()

    def stall(_: Mailer) -> smtplib.SMTP:
        waiting.release()
        go_on.wait()
        raise OSError

    monkeypatch.setattr(Mailer, "_connect", stall)
    refused = (MailError, mailing.send_notice, "issued", key)
    threads = [threading.Thread(target=pytest.raises, args=refused) for _ in range(mail.AT_ONCE)]
    for thread in threads:
        thread.start()
        waiting.acquire()
    with pytest.raises(MailError):
        mailing.send_notice("issued", key)
    go_on.set()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    mailing.send_notice("issued", key)
    assert len(tls_post.received) == 1
    assert mail.AT_ONCE < HELPERS


def test_every_language_has_every_message() -> None:
    fields = {
        message: [{name for _, name, _, _ in string.Formatter().parse(part) if name} for part in texts]
        for message, texts in TEXTS["en"].items()
    }
    for texts in TEXTS.values():
        assert {m: [set(re.findall(r"\{(\w+)\}", part)) for part in parts] for m, parts in texts.items()} == fields
