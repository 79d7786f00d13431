"""How other web servers deliver the built pages: the same headers as ours, in the words of each."""

import re

from taina.web.site_headers import WEBCAT_FILES, WEBCAT_VERSION, Headers

_TYPES = "text/html html; text/css css; text/javascript js; application/json json; image/svg+xml svg; text/plain txt;"
_HSTS = "max-age=63072000"
"""Of Strict-Transport-Security, by which browsers stay with https; they ignore it over http (RFC 6797, section 8.1).

Hosts that read `_headers` terminate TLS by themselves, and many send it already.
"""


def files(headers: Headers, site: list[str]) -> dict[str, bytes]:
    """What is written beside the site's own files, for who hosts it elsewhere.

    Args:
        site: the paths of the site's files, as the manifest names them.
    """
    site = [*site, "manifest.json", "manifest.sig", *(WEBCAT_FILES if WEBCAT_VERSION in headers.of("/") else [])]
    return {
        "_headers": _static_hosts(headers, site).encode(),
        "caddy.conf": _caddy(headers).encode(),
        "nginx.conf": _nginx(headers).encode(),
    }


def _static_hosts(headers: Headers, site: list[str]) -> str:
    """As Netlify, Cloudflare Pages and others read it: they add up all rules that match, so none may say it twice."""
    inner = {path for path, rule in headers.paths.items() if rule != "link"}
    places = {_place(path, inner) for path in site}
    # Cloudflare Pages drops the ending of a page, and goes by the address that is left.
    places |= {place.removesuffix(".html") for place in places}
    written = {place: headers.of(place.removesuffix("*")) for place in sorted(places)}
    more = {name: value for name, value in headers.rules["link"].items() if name not in headers.rules["page"]}
    links = [path for path, rule in headers.paths.items() if rule == "link"]
    written |= {f"/:language{path}*": more for path in links if path.count("/") == 2}
    lines = []
    for place, found in written.items():
        lines += [place, *(f"  {name}: {value}" for name, value in found.items()), ""]
    return "\n".join(lines)


def _place(path: str, inner: set[str]) -> str:
    """The largest folder with this file whose files all have the same headers, but for those of links; or the file."""
    path = "/" + path.removesuffix("index.html")
    for end in (match.end() for match in re.finditer("(?<!^)/", path)):
        folder = path[:end]
        if not any(place != folder and place.startswith(folder) for place in inner):
            return f"{folder}*"
    return path


def _inner_rules(headers: Headers) -> list[tuple[str, list[str]]]:
    """Each rule but the one for all, with its paths, those within others first."""
    found: dict[str, list[str]] = {}
    for path, rule in sorted(headers.paths.items()):
        if path != "/":
            found.setdefault(rule, []).append(path)
    return sorted(found.items(), key=lambda it: -max(map(len, it[1])))


def _caddy(headers: Headers) -> str:
    lines = ["# In a site block, after `root * /this/folder`: import /this/folder/caddy.conf", "route {"]
    for rule, paths in _inner_rules(headers):
        lines += [f"\t@{rule} path {' '.join(f'{path}*' for path in paths)}", f"\thandle @{rule} {{"]
        lines += _caddy_answer(headers.rules[rule])
    lines += ["\thandle {", *_caddy_answer(headers.of("/")), "}"]
    # What `header` sets above is lost with an error.
    lines += ["handle_errors {", *_caddy_headers(headers.of("/404.html"), "\t"), "\trewrite * /404.html"]
    lines += ["\tfile_server", "}"]
    return "\n".join(lines) + "\n"


def _caddy_answer(found: dict[str, str]) -> list[str]:
    serve = ["\t\tfile_server {", "\t\t\tprecompressed br gzip", "\t\t}", "\t}"]
    return [*_caddy_headers(found, "\t\t"), *serve]


def _caddy_headers(found: dict[str, str], indent: str) -> list[str]:
    said = [f"{indent}\t{name} `{value}`" for name, value in found.items()]
    said += [f"{indent}\t?Strict-Transport-Security `{_HSTS}`"]  # unless the site block has another
    return [f"{indent}header {{", *said, f"{indent}\t-Server", f"{indent}}}"]


def _nginx(headers: Headers) -> str:
    lines = ["# In a server block, after `root /this/folder;`: include /this/folder/nginx.conf;"]
    lines += [f"types {{ {_TYPES} }}", "charset utf-8;", "charset_types text/css text/javascript text/plain;"]
    lines += ["index index.html;", "absolute_redirect off;", "gzip_static on;", "gzip_vary on;", "server_tokens off;"]
    lines += ["error_page 404 /404.html;"]
    for rule, paths in _inner_rules(headers):
        alike = "|".join(map(re.escape, paths))
        place = f"^~ {paths[0]}" if len(paths) == 1 else f'~ "^(?:{alike})"'
        lines += [f"location {place} {{", *_nginx_answer(headers.rules[rule])]
    lines += ["location / {", *_nginx_answer(headers.of("/"))]
    return "\n".join(lines) + "\n"


def _nginx_answer(found: dict[str, str]) -> list[str]:
    # A location with headers of its own inherits none, so that of the server block would be lost.
    every = {**found, "Strict-Transport-Security": _HSTS}
    said = [f'\tadd_header {name} "{value}" always;' for name, value in every.items()]
    return [*said, "\ttry_files $uri $uri/ =404;", "}"]
