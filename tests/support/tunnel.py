"""A way through a proxy, of each kind."""

import socket

from support.cutting_proxy import CuttingProxy


class Tunnel(CuttingProxy):
    """A proxy that leads to one server whatever it is asked for: by SOCKS, by CONNECT, or as it is."""

    def _serve(self, client: socket.socket, cut: int | None) -> None:
        first = client.recv(1, socket.MSG_PEEK)
        if first == b"\x05":
            client.recv(1 << 16)
            client.sendall(b"\x05\x00")  # no login
            client.recv(1 << 16)
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        elif first == b"C":
            client.recv(1 << 16)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        super()._serve(client, cut)
