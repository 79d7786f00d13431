"""The mailer. It knows four messages and no others, and has no way to send what somebody else wrote.

A link is mailed only for the holder of an access key, only if it is one of this instance, and only if it needs a
passphrase: the mail provider reads the link like anybody, so it alone must open nothing.
"""

import datetime
import email.policy
import email.utils
import hashlib
import logging
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from taina import base64url
from taina.config import Config
from taina.config.values import mailbox
from taina.errors import InvalidError, MailError
from taina.mail.texts import TEXTS
from taina.rules.access_keys import AccessKeys
from taina.store.access_keys import AccessKey
from taina.store.turns import HELPERS, elsewhere

Notice = Literal["issued", "expiring", "revoked"]

_log = logging.getLogger(__name__)
_SECONDS = 20.0
_NOT_SENT = "has characters that cannot be sent to log in: only those of ASCII can."
AT_ONCE = HELPERS // 2
"""Messages on their way: where a mail server does not answer, the other threads are there for access keys."""
_FRAGMENT = re.compile(r"/s/#([A-Za-z0-9_-]{47})")
_VERSION_KIND_PASSPHRASE = 0b1000_0001
"""The flags of a link to a secret that needs a passphrase, version 1: see the format."""


class UnusableMailError(Exception):
    """Mail is set up in a way that cannot work; the message names the option."""


class Mailer:
    """Sends by the operator's SMTP server, over TLS whose certificate is checked."""

    def __init__(self, config: Config) -> None:
        """Raises: UnusableMailError: the password, its file or the authority's certificate cannot be used."""
        if not (config.mail_host and config.mail_from and config.url):
            raise ValueError("mail is not set up")
        if config.mail_user and not config.mail_user.isascii():
            raise UnusableMailError(f"mail.user {_NOT_SENT}")
        # Not where options are checked: the service alone may have it, and commands that mail nothing do without it.
        if config.mail_user and not config.mail_password_file:
            raise UnusableMailError("mail.password_file is missing: mail.user is set, and logging in needs a password.")
        self._host, self._port, self._security = config.mail_host, config.mail_port, config.mail_security
        self._from, self._url = config.mail_from, config.url
        self._per_key, self._per_day = config.mail_per_key, config.mail_per_day
        self._user = config.mail_user
        self._password = _read_password(config.mail_password_file) if config.mail_password_file else ""
        self._tls = _trust(config.mail_authority)
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def send_link(self, keys: AccessKeys, token: bytes | None, link: str, to: str, language: str) -> None:
        """Mail a secret's link to one reader. The address is used this once and kept nowhere.

        Raises:
            KeyNeededError, KeyRefusedError, QuotaError: of the access key that was shown.
            InvalidError: no link of this instance that needs a passphrase, or no address.
            MailError: it could not be sent; the sender has to do so.
        """
        key = keys.authenticate(token)
        self._check_link(link)
        try:
            to = mailbox(to)
        except ValueError:
            raise InvalidError("This is not one email address.", field="to") from None
        take_back = keys.spend(key.name, "mail", self._per_key)
        try:
            keys.spend("", "mail", self._per_day)
        except Exception:
            take_back()
            raise
        self._send("secret", to, language, link=link)

    def send_notice(self, notice: Notice, key: AccessKey) -> None:
        """Tell the holder of a key what became of it. Raises: MailError."""
        if key.contact is None:
            return
        with_date, without = TEXTS[_known(key.language)]["until"]
        until = without if key.expires is None else with_date.format(date=_date(key.expires))
        self._send(notice, key.contact, key.language, name=key.name, until=until)

    def _check_link(self, link: str) -> None:
        found = _FRAGMENT.fullmatch(link.removeprefix(self._url)) if link.startswith(self._url) else None
        try:
            raw = base64url.decode(found[1]) if found else b""
        except ValueError:
            raw = b""
        body, check = raw[:-2], raw[-2:]
        if not found or hashlib.sha256(b"taina/v1 link" + body).digest()[:2] != check:
            raise InvalidError("This is not a link to a secret of this instance.", field="link")
        if body[0] != _VERSION_KIND_PASSPHRASE:
            raise InvalidError("Only the link of a secret with a passphrase is mailed.", field="link")

    @elsewhere
    def _send(self, message: Literal["secret"] | Notice, to: str, language: str, **facts: str) -> None:
        if not self._free.acquire(blocking=False):
            raise MailError
        try:
            mail = self._message(message, to, language, facts)
            with self._connection() as server:
                if self._user:
                    server.login(self._user, self._password)
                # To the address that was checked, not to what a parser finds in the header.
                server.send_message(mail, self._from, [to])
        except (OSError, smtplib.SMTPException, ValueError):
            # Whatever the other side says may hold the address; nobody else is to read it.
            raise MailError from None
        finally:
            self._free.release()

    def _message(
        self, message: Literal["secret"] | Notice, to: str, language: str, facts: Mapping[str, str]
    ) -> EmailMessage:
        subject, body = TEXTS[_known(language)][message]
        mail = EmailMessage(policy=email.policy.SMTP)
        # Checked again: the address beside a key may be older than this check.
        mail["From"], mail["To"], mail["Subject"] = self._from, mailbox(to), subject
        mail["Date"] = email.utils.formatdate()
        mail["Message-ID"] = email.utils.make_msgid(domain=self._from.partition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body.format(instance=self._url, **facts))
        return mail

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            yield server
        finally:
            # What was accepted before is sent, whatever comes of the farewell.
            with suppress(OSError, smtplib.SMTPException), closing(server):
                server.quit()

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=_SECONDS, context=self._tls)
        server = smtplib.SMTP(self._host, self._port, timeout=_SECONDS)
        server.starttls(context=self._tls)
        return server


class ExpiryNotices:
    """A sweep that tells the holders whose keys are about to expire, once an hour at the most."""

    def __init__(self, mailer: Mailer, keys: AccessKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._mailer = mailer
        self._keys = keys
        self._clock = clock
        self._next = clock()
        self._told: set[bytes] = set()
        """The keys whose holders were told by this process: where that cannot be noted, it is not sent again."""

    def __call__(self, limit: int) -> int:
        if self._clock() >= self._next:
            self._next = self._clock() + 3600
            for key in self._keys.about_to_expire():
                self._tell(key)
        return 0

    def _tell(self, key: AccessKey) -> None:
        """One that fails does not keep the others from theirs."""
        try:
            if key.hash not in self._told:
                self._mailer.send_notice("expiring", key)
                self._told.add(key.hash)
            self._keys.note_warned(key)
        except MailError:
            _log.error("a notice about an access key could not be sent; it is tried again in an hour")
        except OSError:
            _log.error("a notice about an access key was sent, but not noted; noting it is tried again in an hour")


def _read_password(file: Path) -> str:
    """The first line, as the command line reads one; what no server could take is refused before it is tried."""
    try:
        line = file.read_bytes().decode("utf-8-sig").partition("\n")[0].removesuffix("\r")
    except OSError as error:
        raise UnusableMailError(f"{file} cannot be read ({error.strerror}): see mail.password_file.") from None
    except UnicodeDecodeError:
        raise UnusableMailError(f"{file} is not text in UTF-8: see mail.password_file.") from None
    if not line:
        raise UnusableMailError(f"The first line of {file} is empty: see mail.password_file.")
    if not (line.isascii() and line.isprintable()):
        raise UnusableMailError(f"The password in {file} {_NOT_SENT} See mail.password_file.")
    return line


def _trust(authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        what = "no certificate is in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise UnusableMailError(f"{authority} cannot be used ({what}): see mail.authority.") from None


def _known(language: str) -> str:
    return language if language in TEXTS else "en"


def _date(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M")
