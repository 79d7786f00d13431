"""Built pages, as a browser would read them."""

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"img", "input", "link", "meta", "path", "wbr"}
"""Elements without an end tag in our pages; paths are written as `<path/>`."""


class Document(HTMLParser):
    """Tags with their attributes, in order; fails where start and end tags do not nest."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.hidden: list[bool] = []
        """For each tag, whether it or something around it is hidden before any script ran."""
        self.text = ""
        self.buttons: list[tuple[dict[str, str | None], str]] = []
        """Attributes and words of each button, and of links and labels that look like one."""
        self._open: list[tuple[str, bool]] = []
        self._button = 0
        self.feed(html.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        around = bool(self._open) and self._open[-1][1]
        hidden = around or "hidden" in dict(attrs) or tag in ("noscript", "template")
        self.tags.append((tag, dict(attrs)))
        self.hidden.append(hidden)
        assert len(attrs) == len(dict(attrs)), f"an attribute stands twice in <{tag}>"
        if tag not in VOID:
            self._open.append((tag, hidden))
        classes = (dict(attrs).get("class") or "").split()
        if not self._button and (tag == "button" or {"button", "quiet-button"} & set(classes)):
            self._button = len(self._open)
            self.buttons.append((dict(attrs), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.hidden.append(True)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag
        if len(self._open) < self._button:
            self._button = 0

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._button:
            attributes, words = self.buttons[-1]
            self.buttons[-1] = (attributes, words + data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def addresses(self) -> Iterator[str]:
        for _, attributes in self.tags:
            yield from (str(attributes[name]) for name in ("href", "src", "action", "srcset") if name in attributes)
