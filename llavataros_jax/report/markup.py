"""Pieces of HTML that every part of the page is made of; what strangers wrote is escaped here."""

import base64
import html
import math
import re
from typing import Any

_DIGITS = 3
# What lies below this is rounding of zero.
_ZERO = 1e-9
_MINUS = str.maketrans({"-": "−"})


def text(value: Any) -> str:
    """Returns a value as text that cannot become markup, in content or in an attribute."""
    return html.escape(str(value), quote=True)


def prose(value: str) -> str:
    """Returns a sentence as HTML; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(value))


def data_uri(content: bytes, kind: str) -> str:
    """Returns an address that holds the content itself; `kind` is its MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def number(value: float, *, like: float | None = None) -> str:
    """Writes three digits of a number, or as many decimals as those of `like` have.

    A dash stands for what is not finite.
    """
    if not math.isfinite(value):
        return "–"
    value = value if abs(value) > _ZERO else 0.0
    scale = abs(value if like is None or not math.isfinite(like) else like)
    scale = scale if scale > _ZERO else abs(value)
    if value and (scale < 1e-3 or scale >= 1e6):
        mantissa, exponent = f"{value:.{_DIGITS - 1}e}".split("e")
        return f"{mantissa}·10<sup>{int(exponent)}</sup>".translate(_MINUS)
    decimals = _DIGITS - 1 - (math.floor(math.log10(scale)) if scale else 0)
    written = f"{value:,.{min(max(decimals, 0), 6)}f}".replace(",", "\u202f")
    return written.translate(_MINUS)


def section(name: str, title: str, *parts: str, says: str = "") -> str:
    """Returns a part of the page under a heading; empty parts are left out."""
    lead = f'<p class="lead">{says}</p>' if says else ""
    body = "\n".join(part for part in parts if part)
    return f'<section id="{name}"><h2>{text(title)}</h2>{lead}\n{body}\n</section>'


def figure(content: str, caption: str, *, wide: bool = False) -> str:
    """Returns a picture with what it shows below it, both as markup."""
    kind = "figure wide" if wide else "figure"
    inner = f'<div class="scroll">{content}</div>' if wide else content
    return f'<figure class="{kind}">{inner}<figcaption>{caption}</figcaption></figure>'


def absent(what: str, why: object) -> str:
    """Returns a line that says what is not shown and why."""
    return f'<p class="absent">{text(what)}: {text(why)}</p>'
