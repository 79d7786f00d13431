"""The headers of a built site, as its manifest has them."""

from dataclasses import dataclass
from typing import Any

API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""The Content-Security-Policy of the API's answers, which are not pages."""
WEBCAT_VERSION = "X-Webcat-Version"
"""By a higher one, a browser with WEBCAT learns that the pages changed, and fetches its list of them again."""

WEBCAT_BUNDLE, WEBCAT_PREVIOUS, WEBCAT_MANIFEST, WEBCAT_ENROLLMENT = (
    f".well-known/webcat/{name}.json" for name in ("bundle", "bundle-prev", "manifest", "enrollment")
)
"""What WEBCAT asks a host for; the second is there only while keys change."""
WEBCAT_FILES = (WEBCAT_BUNDLE, WEBCAT_PREVIOUS, WEBCAT_MANIFEST, WEBCAT_ENROLLMENT)


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of every answer."""

    rules: dict[str, dict[str, str]]
    """The headers themselves, by the name of a rule."""
    paths: dict[str, str]
    """Which rule holds for which path; one that ends in `/` holds for all below it, the longest wins."""

    def __post_init__(self) -> None:
        """Raises: ValueError: it is of another shape, or has no rule for some path."""
        rules: Any = self.rules
        paths: Any = self.paths
        try:
            texts = [*paths.values(), *(value for rule in rules.values() for value in rule.values())]
            whole = all(isinstance(text, str) for text in texts) and "/" in paths and rules.keys() >= {*paths.values()}
        except (AttributeError, TypeError):
            whole = False
        if not whole:
            raise ValueError("its headers are of another version")

    def of(self, path: str) -> dict[str, str]:
        """The headers of one path, which begins with a slash."""
        return self.rules[self.paths[max((prefix for prefix in self.paths if path.startswith(prefix)), key=len)]]
