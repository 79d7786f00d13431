"""What runs on a user's machine, and alone may open a secret: `Client`, its calls and its files."""

from taina.client.contents import Content
from taina.client.requests import Requests
from taina.client.secrets import OnProgress

__all__ = ["Client", "Content", "OnProgress"]


class Client(Requests):
    """A client of one instance; links of other instances are asked where they point to. Thread-safe.

        with Client("https://taina.example") as client:
            sent = client.send("hunter2", ttl=3600)
            client.open(sent.link).text

    Args:
        url: address of the instance. Without one nothing can be sent, and links must be whole addresses.
        key: access key, for an instance that is private; no other instance ever sees it.
        patience: seconds for which a call is tried again while the network or the server is out.
        timeout: seconds that one try may hang.
        state: folder in which an opening that was interrupted leaves what another process needs to go on; None
            keeps that in memory.
        verify: file (PEM) of the certificate authority to trust, or an ssl.SSLContext, in place of the usual ones.
        proxy: address of a proxy, such as http://proxy.example:3128, in place of those that variables name; one of
            the kind socks5:// needs `taina[socks]`.
        transport: an httpx.BaseTransport that carries requests in place of the network, as for tests.
        on_retry: told of each failure that is tried again, and of the seconds until then.

    The variables HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are heeded; InvalidError says which of them cannot be.

    Every method may raise UnreachableError, and a link error for a link that is damaged or of another kind.
    """
