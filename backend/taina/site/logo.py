"""Whether an operator's logo is a drawing and nothing else: SVG with shapes and colours, no script, no address.

Pages show it as a picture, which runs no script and fetches nothing: what it had beyond shapes would be missing there
without a word. Opened by its own address it is a document of the pages' origin, and unlike them it has no policy in
itself: on a host that sends none, its scripts would run.
"""

import re
import xml.etree.ElementTree as ElementTree  # a document type, which could expand for ever, is refused before

LARGEST = 16_384
"""Bytes: it is part of every page's first load."""

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENT = re.compile(
    r"svg|g|path|rect|circle|ellipse|line|polyline|polygon|title|desc|defs|linearGradient|radialGradient|stop|"
    r"clipPath|mask"
)
_ATTRIBUTE = re.compile(
    r"viewBox|width|height|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|fx|fy|d|points|transform|id|version|preserveAspectRatio|"
    r"fill|fill-opacity|fill-rule|clip-rule|clip-path|mask|stroke|stroke-width|stroke-linecap|stroke-linejoin|"
    r"stroke-miterlimit|stroke-dasharray|stroke-dashoffset|stroke-opacity|opacity|offset|stop-color|stop-opacity|"
    r"color|gradientUnits|gradientTransform|spreadMethod|clipPathUnits|maskUnits|role"
)


def check(data: bytes) -> None:
    """Raises:
    ValueError: it is not such a drawing; the message goes on from the file's name.
    """
    if len(data) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes. Simplify it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8. Save it again as UTF-8.") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("has a document type. Remove the line <!DOCTYPE>.")
    if re.search(r"<\?(?!xml\s)", text):
        raise ValueError("has processing instructions, <?…?>. Remove them.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no document type, and bounded
    except ElementTree.ParseError as error:
        raise ValueError(f"is not XML: {error}.") from None
    if root.tag != f"{_SVG}svg" or "viewBox" not in root.attrib:
        raise ValueError(
            'is not SVG with a viewBox: it begins with <svg xmlns="http://www.w3.org/2000/svg" viewBox=…>.'
        )
    for element in root.iter():
        name = element.tag.removeprefix(_SVG)
        if not _ELEMENT.fullmatch(name):
            raise ValueError(f"holds <{name}>, which a logo may not. Export it as plain shapes.")
        for attribute, value in element.attrib.items():
            if not _ATTRIBUTE.fullmatch(attribute):
                raise ValueError(f"holds the attribute {attribute}, which a logo may not. Remove it.")
            if re.search(r"url\((?!#[\w-]+\))|[:;\\]", value, re.IGNORECASE):
                raise ValueError(f"holds an address or a style in {attribute}. Remove it.")
