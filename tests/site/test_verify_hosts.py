"""What `taina verify` makes of hosts that lie in the head of an answer, or in its course, over real sockets."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.hostile_server import HostileServer
from taina import base64url
from taina.errors import UnreachableError
from taina.site import comparison, verify
from taina.site.manifest import read_key
from taina.site.signing import public_key

KEY = Ed25519PrivateKey.generate()
POLICY = "default-src 'none'; script-src 'self'"
FILES = {
    "en/index.html": b"<!doctype html><p>Taina",
    "404.html": b"<!doctype html><p>Not found",
    "assets/0/js/page.js": b"export {};",
}
FACTS = {path: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in FILES.items()}
HEADERS = {"rules": {"all": {"Content-Security-Policy": POLICY}}, "paths": {"/": "all"}}
MANIFEST = json.dumps({"release": "0.2", "headers": HEADERS, "files": FACTS}).encode()
SIGNATURE = base64url.encode(KEY.sign(MANIFEST)).encode()


@dataclass
class Given:
    """An answer, to be changed before it is sent."""

    status: str
    headers: list[str]
    body: bytes
    asked: str
    """The head of the request, in lower case."""
    before: bytes = b""
    after: bytes = b""
    length: bool = True
    more: Iterable[bytes] = field(default_factory=list)

    def pieces(self) -> Iterable[bytes]:
        size = [f"Content-Length: {len(self.body)}"] if self.length else []
        lines = [f"HTTP/1.1 {self.status}", *self.headers, *size, "Connection: close", "", ""]
        yield self.before + "\r\n".join(lines).encode() + self.body + self.after
        yield from self.more


def host(change: Callable[[Given], None]) -> HostileServer:
    def answer(line: str) -> Iterable[bytes]:
        path = line.split()[1].removeprefix("/")
        path = f"{path}index.html" if path.endswith("/") else path
        shown = {**FILES, "manifest.json": MANIFEST, "manifest.sig": SIGNATURE}
        status = "200 OK" if path in shown else "404 Not Found"
        kind = "text/javascript" if path.endswith(".js") and path in shown else "text/html"
        kind = "application/json" if path.endswith(".json") else kind
        headers = [f"Content-Security-Policy: {POLICY}", f"Content-Type: {kind}; charset=utf-8"]
        given = Given(status, headers, shown.get(path, FILES["404.html"]), server.heads[-1])
        change(given)
        given.headers = [line.replace("{url}", server.url) for line in given.headers]
        return given.pieces()

    server = HostileServer(answer)
    return server


def findings(change: Callable[[Given], None]) -> list[str]:
    with host(change) as server:
        return verify.verify_host(server.url, read_key(public_key(KEY))).findings


def shows_early(given: Given) -> None:
    given.before = b"HTTP/1.1 103 Early Hints\r\nLink: </x.js>; rel=preload; as=script\r\n\r\n"


def goes_on_and_shows_early(given: Given) -> None:
    shows_early(given)
    given.before = b"HTTP/1.1 100 Continue\r\n\r\n" + given.before


def has_trailers(given: Given) -> None:
    given.length = False
    given.headers += ["Transfer-Encoding: chunked", "Trailer: Link"]
    given.body = b"%x\r\n%s\r\n0\r\nLink: </x.js>; rel=preload\r\n\r\n" % (len(given.body), given.body)


def never_ends(given: Given) -> None:
    given.length = False
    given.more = (b" " * 65536 for _ in range(10_000))


def adds(*lines: str) -> Callable[[Given], None]:
    return lambda given: given.headers.extend(lines)


def stands_first(*lines: str) -> Callable[[Given], None]:
    return lambda given: given.headers.__setitem__(slice(0, 0), lines)


def answers(status: str, *lines: str) -> Callable[[Given], None]:
    def change(given: Given) -> None:
        given.status = status
        given.headers += lines

    return change


def where(asked: str, change: Callable[[Given], None]) -> Callable[[Given], None]:
    """Only for those whose request has this in its head."""
    return lambda given: change(given) if asked in given.asked else None


def all_of(*changes: Callable[[Given], None]) -> Callable[[Given], None]:
    def change(given: Given) -> None:
        for one in changes:
            one(given)

    return change


def drops_ending(to: str) -> Callable[[Given], None]:
    return where("get /404.html ", answers("308 Permanent Redirect", f"Location: {to}"))


STATIC: dict[str, Callable[[Given], None]] = {
    "Netlify": adds('Cache-Status: "Netlify Edge"; fwd=miss', "X-NF-Request-ID: 1"),
    "Cloudflare Pages": all_of(adds("Access-Control-Allow-Origin: *"), drops_ending("/404")),
    "a host that names itself": drops_ending("{url}/404"),
    "S3 behind CloudFront": adds("x-amz-server-side-encryption: AES256", "x-amz-version-id: 1", "X-Cache: Miss"),
    "S3 that lists nothing": lambda given: answers("403 Forbidden")(given) if given.status[:3] == "404" else None,
}
"""Hosts of static files, as they are."""
HOSTILE: dict[str, Callable[[Given], None]] = {
    "a hint before the answer": shows_early,
    "two interim answers": goes_on_and_shows_early,
    "a hint for one browser": where("firefox", shows_early),
    "a second policy": adds("Content-Security-Policy: default-src *"),
    "a first policy": stands_first("Content-Security-Policy: default-src *"),
    "the policy twice": adds(f"Content-Security-Policy: {POLICY}"),
    "a second type": adds("Content-Type: text/javascript"),
    "a first type": stands_first("Content-Type: text/html; charset=iso-2022-jp"),
    "two cookies": adds("Set-Cookie: a=1", "Set-Cookie: b=2"),
    "an old copy, not asked for": where("/en/", answers("304 Not Modified")),
    "a part": where("/en/", answers("206 Partial Content", "Content-Range: bytes 0-22/23")),
    "no content": where("/en/", answers("204 No Content")),
    "to itself": where("/en/", answers("302 Found", "Location: /en/")),
    "an address of its own": adds("Content-Location: /other"),
    "a preload": adds("Link: </x.js>; rel=preload; as=script"),
    "a refresh": adds("Refresh: 0; url=/x"),
    "a wider service worker": adds("Service-Worker-Allowed: /"),
    "a source map": adds("SourceMap: /x.map"),
    "an old source map": adds("X-SourceMap: /x.map"),
    "an upgrade": adds("Upgrade: h2c"),
    "another host's service": adds('Alt-Svc: h3=":443"', 'Alt-Svc: h3="x.example:443"'),
    "reports": adds('Report-To: {"group":"x"}', "NEL: {}", 'Reporting-Endpoints: x="https://x.example"'),
    "trailers": has_trailers,
    "a body without end": where("/en/", never_ends),
    "another language": where("accept-language: bg", lambda given: setattr(given, "body", b"<p>x")),
    "another phone": where("iphone", lambda given: setattr(given, "body", b"<p>x")),
    "navigation": where("sec-fetch-mode: navigate", adds("Link: </x>; rel=preconnect")),
    "the missing page elsewhere": drops_ending("https://x.example/404"),
    "the missing page at no address": drops_ending("http://[/404"),
    "the missing page under another name": drops_ending("/other"),
    "the missing page in a circle": drops_ending("/404.html"),
    "another missing page": all_of(
        drops_ending("/404"), where("get /404 ", lambda given: setattr(given, "body", b"<p>x"))
    ),
    "the missing page with more": all_of(drops_ending("/404"), where("get /404 ", adds("Refresh: 0; url=/x"))),
    "a page that drops its ending": where("/en/", answers("308 Permanent Redirect", "Location: /en")),
    "one other page may read": adds("Access-Control-Allow-Origin: https://x.example"),
    "it is told who reads": adds("Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true"),
    "a worker": where("get /sw.js ", answers("200 OK")),
    "no page says that nothing is there": where(
        "nothing-is-here", all_of(answers("403 Forbidden"), lambda given: setattr(given, "body", b"<p>x"))
    ),
}


def test_an_honest_host_is_good() -> None:
    assert findings(lambda given: None) == []


@pytest.mark.parametrize("name", STATIC)
def test_what_hosts_of_static_files_do_is_good(name: str) -> None:
    assert findings(STATIC[name]) == []


@pytest.mark.parametrize("way", HOSTILE)
def test_each_lie_is_found(way: str) -> None:
    found = findings(HOSTILE[way])
    assert found
    assert len(set(found)) == len(found)


def test_a_manifest_without_end_is_not_believed() -> None:
    found = findings(where("/manifest.json", never_ends))
    assert found == ["manifest.json is not signed with this key: nothing that it says can be trusted."]


@pytest.mark.parametrize(
    "head",
    ["Content-Length: 1\r\nContent-Length: 2", "Transfer-Encoding: gzip, chunked", "Content-Security-Policy : x", "\0"],
)
def test_what_is_no_answer_is_called_that(head: str) -> None:
    with pytest.raises(UnreachableError):
        findings(where("/en/", adds(head)))


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("max-age=63072000; includeSubDomains; preload", True),
        ('Max-Age="63072000"', True),
        ("includeSubDomains ; max-age = 63072000", True),
        ("x-max-age=63072000; max-age=0", False),
        ('x="max-age=63072000"', False),
        ("max-age=0; max-age=63072000", False),
        ("max-age=63072000; max-age=0", False),
        ("max-age=0, max-age=63072000", False),
        ("max-age=63072000x", False),
        ("max-age=٦٣٠٧٢٠٠٠", False),
    ],
)
def test_https_lasts_as_browsers_read_it(value: str, good: bool) -> None:
    """RFC 6797, section 6.1: names are whole, none stands twice."""
    assert comparison.lasts(value) is good
