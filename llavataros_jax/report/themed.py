"""Pictures of matplotlib as SVG within the page, in the page's own font and colours.

Colours become CSS variables, so that a dark page has light lines; the paper becomes transparent.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llavataros_jax.rendering.plots import FAINT, HANDS, INK
from llavataros_jax.report.markup import text

TEAL, COPPER = HANDS["left"], HANDS["right"]
_VARIABLES = {
    "fill: #ffffff": "fill: none",
    INK: "var(--soft)",
    FAINT: "var(--faint)",
    TEAL: "var(--teal)",
    COPPER: "var(--copper)",
    "#000000": "var(--soft)",
}
_DROPPED = (
    r"<metadata>.*?</metadata>",
    r"<!--.*?-->",
    r'<style type="text/css">.*?</style>',
)


def themed(draw: Callable[[Path], None], *, label: str) -> str:
    """Returns what `draw` writes to an SVG file, ready to stand in the page.

    Args:
        draw: Writes a picture to a path.
        label: What the picture shows, for those who do not see it; it also keeps the picture's
            names apart from those of others on the page, so each has its own.
    """
    import matplotlib

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": label, "savefig.transparent": False}
    with tempfile.TemporaryDirectory() as folder, matplotlib.rc_context(settings):
        path = Path(folder) / "picture.svg"
        draw(path)
        svg = path.read_text(encoding="utf-8")
    svg = svg[svg.index("<svg") :]
    for pattern in _DROPPED:
        svg = re.sub(pattern, "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r'style="[^"]*"', _restyled, svg)
    width = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    natural = f"--natural:{width.group(1)}px" if width else ""
    start = f'<svg class="chart" style="{natural}" role="img" aria-label="{text(label)}"'
    return svg.replace("<svg", start, 1)


def _restyled(found: re.Match[str]) -> str:
    style = found.group()
    for colour, variable in _VARIABLES.items():
        style = style.replace(colour, variable)
    return re.sub(r"font-family: [^;\"]*", "font-family: inherit", style)
