"""Who sends a request, as far as limits have to know it: a mark that means nothing outside this process."""

import hashlib
import secrets
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import falcon

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAX_HOPS = 16
"""Proxies in a row that are believed."""
_MAX_FORWARDED = 2048
"""Characters of the header that are read, from its end: room for so many hops."""
_REMEMBERED = 256
"""Clients whose marks are not made anew for each request."""


class ClientMarks:
    """Tells clients apart by a keyed hash of their address. The key is drawn here and never leaves the memory."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        """`proxies`: those whose word on where a request came from (X-Forwarded-For) is taken."""
        self._proxies = tuple(proxies)
        self._key = secrets.token_bytes(32)
        self._mark = lru_cache(_REMEMBERED)(self._find)

    def of(self, request: falcon.Request) -> bytes:
        """16 bytes, the same for all requests of one IPv4 address or of one IPv6 network of 64 bits.

        A provider gives a customer such a network at least, so what lies within it is one client.
        """
        forwarded = request.env.get("HTTP_X_FORWARDED_FOR", "") if self._proxies else ""
        return self._mark(request.env.get("REMOTE_ADDR", ""), forwarded[-_MAX_FORWARDED:])

    def _find(self, peer: str, forwarded: str) -> bytes:
        address = self._address(peer, forwarded)
        packed = b"" if address is None else address.packed
        return hashlib.blake2b(packed[:8] if len(packed) == 16 else packed, key=self._key, digest_size=16).digest()

    def _address(self, peer: str, forwarded: str) -> Address | None:
        """The nearest hop that is no proxy of ours; what stands further to the left is only that hop's word."""
        address = _parse(peer)
        hops = forwarded.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:] if forwarded else []
        while hops and address is not None and self._trusts(address):
            hop = _parse(hops.pop())
            if hop is None:
                break
            address = hop
        return address

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def is_of(proxies: Sequence[Network], peer: str) -> bool:
    """Whether a connection, by its address, comes from one of these. A Unix socket has no address, so it does not."""
    address = _parse(peer)
    return address is not None and any(address in network for network in proxies)


def _parse(text: str) -> Address | None:
    """An address, also as some proxies write it: with a port, in brackets, or an IPv4 one mapped into IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
