"""Colours made from an operator's accent, so that all text stays readable (WCAG 2.2, contrast of 4.5 to 1)."""

import re

from taina.site.sources import SOURCE

ENOUGH = 4.5
_STEPS = 20
_SHEET = SOURCE / "css" / "site.css"
_SURFACES = ("paper", "card", "sunken")


def contrast(one: str, other: str) -> float:
    """Between two colours `#rrggbb`: 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """A colour with a share (0 to 1) of another."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def darken(accent: str) -> str:
    """The accent, or the first of its darker shades that can be read on every surface of the light pages."""
    return _first_readable(accent, "#000000", _tokens("light"))


def style(accent: str) -> bytes:
    """Rules that set the accent and all that goes with it, in both themes."""
    light, dark = _tokens("light"), _tokens("dark")
    pale = _first_readable(accent, "#ffffff", dark)
    ink = mix(pale, "#000000", 0.88)
    while contrast(pale, ink) < ENOUGH:
        pale = mix(pale, "#ffffff", 1 / _STEPS)
    both = {
        "accent": (accent, pale),
        "accent-strong": (mix(accent, "#000000", 0.25), mix(pale, "#ffffff", 0.3)),
        "on-accent": (light["on-accent"], ink),
        "note-paper": (mix(light["paper"], accent, 0.06), mix(dark["paper"], pale, 0.06)),
        "note-line": (mix(light["paper"], accent, 0.25), mix(dark["paper"], pale, 0.25)),
    }
    colours = "".join(f" --{name}: light-dark({one}, {other});" for name, (one, other) in both.items())
    return f"\n/* The operator's colour. */\n@media screen {{\n  :root {{{colours} }}\n}}\n".encode()


def _first_readable(accent: str, towards: str, tokens: dict[str, str]) -> str:
    shades = (mix(accent, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(shade for shade in shades if all(contrast(shade, tokens[name]) >= ENOUGH for name in _SURFACES))


def _tokens(theme: str) -> dict[str, str]:
    """The colours of a theme, from the style sheet itself."""
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", _SHEET.read_text("utf-8"))
    return {name: light if theme == "light" else dark for name, light, dark in found}


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _luminance(colour: str) -> float:
    parts = (value / 255 for value in _channels(colour))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
