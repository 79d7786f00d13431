"""The headers of a built site, as its manifest has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of every answer."""

    rules: dict[str, dict[str, str]]
    """The headers themselves, by the name of a rule."""
    paths: dict[str, str]
    """Which rule holds for which path; one that ends in `/` holds for all below it, the longest wins."""

    def of(self, path: str) -> dict[str, str]:
        """The headers of one path, which begins with a slash."""
        return self.rules[self.paths[max((prefix for prefix in self.paths if path.startswith(prefix)), key=len)]]
