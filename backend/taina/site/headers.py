"""What every answer says of itself: the policy of the pages, the headers by path, robots.txt and security.txt."""

import datetime

from taina.site.assets import digest
from taina.web.site_headers import WEBCAT_VERSION

_PERMISSIONS = (
    "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), clipboard-read=(), "
    "clipboard-write=(self), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), "
    "gyroscope=(), hid=(), identity-credentials-get=(), idle-detection=(), local-fonts=(), magnetometer=(), "
    "microphone=(), midi=(), otp-credentials=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), usb=(), "
    "window-management=(), xr-spatial-tracking=()"
)


def _connect(api: str | None) -> str:
    return f"connect-src 'self'{f' {api}' if api else ''}; "


def policy(import_map: str, api: str | None) -> str:
    """The Content-Security-Policy of pages.

    Args:
        import_map: the one inline script that may run, by its digest.
        api: the origin of the API where it is not that of the pages.
    """
    return (
        f"default-src 'none'; script-src 'self' '{digest(import_map.encode(), 'sha256')}'; style-src 'self'; "
        f"img-src 'self'; {_connect(api)}worker-src 'self'; base-uri 'none'; form-action 'none'; "
        # They pass the address of our worker (js/client/transfer.js) and those of our modules (js/ui/page.js).
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default taina-modules"
    )


def rules(policy: str, api: str | None, webcat: str | None = None) -> dict[str, dict[str, str]]:
    """The headers themselves, by the name of a rule; `webcat`: the version that WEBCAT is told."""
    everywhere = {
        **({WEBCAT_VERSION: webcat} if webcat else {}),
        # On scripts too: WebKit asks it of whatever a worker imports.
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    page = {
        **everywhere,
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Integrity-Policy": "blocked-destinations=(script)",
        "Origin-Agent-Cluster": "?1",
        "Permissions-Policy": _PERMISSIONS,
        "X-DNS-Prefetch-Control": "off",
        "X-Frame-Options": "DENY",
    }
    asset = {
        **everywhere,
        "Cache-Control": "max-age=31536000, immutable",
        # For a drawing that is opened by its own address.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    # It has the policies of its own answer, not those of the page.
    worker = {
        **asset,
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; {_connect(api)}"
        "require-trusted-types-for 'script'; trusted-types 'none'",
    }
    found = {
        "asset": asset,
        "link": {**page, "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet"},
        "page": page,
        "worker": worker,
    }
    return {name: dict(sorted(rule.items())) for name, rule in found.items()}


def paths(base: str, links: list[str]) -> dict[str, str]:
    """Which rule holds for which path; one that ends in `/` holds for all below it, the longest wins.

    Args:
        base: the folder of the assets, such as `/assets/0123456789abcdef`.
        links: the addresses of pages that links lead to.
    """
    found = {"/": "page", f"{base}/": "asset", f"{base}/js/worker/": "worker", **dict.fromkeys(links, "link")}
    return dict(sorted(found.items()))


def robots(links: list[str]) -> bytes:
    """Links lead nowhere without what follows the `#`, so no crawler needs their pages."""
    return "".join(["User-agent: *\n", *(f"Disallow: {link}\n" for link in links)]).encode()


def security_txt(url: str, until: datetime.date) -> bytes:
    """Whom to tell of a weakness, and until when that holds (RFC 9116)."""
    lines = [f"Contact: {url}/contact/", f"Expires: {until.isoformat()}T00:00:00Z"]
    lines += [f"Canonical: {url}/.well-known/security.txt", "Preferred-Languages: en, bg"]
    return "\n".join([*lines, ""]).encode()
