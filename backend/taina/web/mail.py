"""`/mail`: have the instance mail a link, for the holder of an access key."""

import falcon

from taina.errors import NotFoundError
from taina.mail import Mailer
from taina.rules.access_keys import AccessKeys
from taina.web.parsing import bearer, read_json


class MailResource:
    """`/mail`: sends a link for the holder of an access key.

    Args:
        mailer: None where this instance mails nothing.
        keys: whose holders may have it mail.
    """

    def __init__(self, mailer: Mailer | None = None, keys: AccessKeys | None = None) -> None:
        self._mailer = mailer
        self._keys = keys

    @property
    def mails(self) -> bool:
        """Whether this instance can."""
        return self._mailer is not None

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        token = bearer(request) if request.get_header("Authorization") else None
        fields = read_json(request)
        link, to, language = fields.text("link", 300), fields.text("to", 254), fields.text("language", 20)
        fields.done()
        if self._mailer is None or self._keys is None:
            raise NotFoundError("This instance mails nothing. Send the link yourself.")
        self._mailer.send_link(self._keys, token, link, to, language)
        response.status = falcon.HTTP_204
