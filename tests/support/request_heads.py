"""Requests that two readers of HTTP could take for different ones, and one that is fine."""

GOOD = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSALS = (400, 413, 431, 501)


def _post(headers: bytes, body: bytes) -> bytes:
    return b"POST /api/v1/status HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n" + body


AMBIGUOUS = {
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GOOD,
    "chunked twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + GOOD,
    "length beside chunked": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n" + GOOD,
    "length twice": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n" + GOOD,
    "length with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde" + GOOD,
    "length with underscore": b"POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n" + GOOD,
    "host twice": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "folded line": b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n" + GOOD,
    "bare line feed": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "bare carriage return": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n",
    "absolute target": b"GET http://other/api/v1/status HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /\r\nHost: a\r\n\r\n",
    "another version": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "authorization twice": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n",
    "connect": b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "length and chunked, the other order": _post(
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n" + GOOD
    ),
    "chunked with a space before the colon": _post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked after a tab": _post(b"Transfer-Encoding:\tchunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked in capitals": _post(b"Transfer-Encoding: CHUNKED\r\n", b"0\r\n\r\n" + GOOD),
    "chunked in quotes": _post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n" + GOOD),
    "chunked after identity": _post(b"Transfer-Encoding: identity, chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked before a letter": _post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked after a vertical tab": _post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked in a folded line": _post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked behind a bare line feed": _post(b"X: a\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked behind a bare carriage return": _post(b"X: a\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GOOD),
    "chunked with an underscore": _post(b"Transfer_Encoding: chunked\r\n", b"0\r\n\r\n" + GOOD),
    "a chunk's size with a sign": _post(b"Transfer-Encoding: chunked\r\n", b"+5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk's size beyond 64 bits": _post(b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\nabc"),
    "a chunk with an extension": _post(b"Transfer-Encoding: chunked\r\n", b"5;a=\nb\r\nabcde\r\n0\r\n\r\n"),
    "length twice, the same": _post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"abcde" + GOOD),
    "length as a list": _post(b"Content-Length: 5, 5\r\n", b"abcde" + GOOD),
    "length as different numbers in a list": _post(b"Content-Length: 0, 5\r\n", b"abcde" + GOOD),
    "length below zero": _post(b"Content-Length: -1\r\n", b"abcde" + GOOD),
    "length in hexadecimal": _post(b"Content-Length: 0x5\r\n", b"abcde" + GOOD),
    "length with a space in it": _post(b"Content-Length: 5 5\r\n", b"abcde" + GOOD),
    "length with a fraction": _post(b"Content-Length: 5.0\r\n", b"abcde" + GOOD),
    "length in other digits": _post("Content-Length: \u0665\r\n".encode(), b"abcde" + GOOD),
    "length beyond 64 bits": _post(b"Content-Length: 99999999999999999999\r\n", b"abcde" + GOOD),
    "length of nothing": _post(b"Content-Length:\r\n", b"abcde" + GOOD),
    "length behind a nul": _post(b"X: a\0Content-Length: 5\r\n", b"abcde" + GOOD),
    "length in a name with a space": _post(b"Content Length: 5\r\n", b"abcde" + GOOD),
    "a line without a colon": _post(b"Content-Length 5\r\n", b"abcde" + GOOD),
    "a line that begins with a colon": _post(b": 5\r\n", b"" + GOOD),
    "a space before the first header": b"POST / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n" + GOOD,
    "host with a port beyond all": b"GET / HTTP/1.1\r\nHost: a:999999\r\n\r\n",
    "host with a comma": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "two spaces in the first line": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the first line": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a version in small letters": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "a version of another kind": b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "an answer as a request": b"HTTP/1.1 200 OK\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + GOOD,
}
