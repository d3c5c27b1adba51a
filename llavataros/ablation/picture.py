"""A picture of an ablation: a dot with its interval for each variant, a field for each measure."""

import math
from pathlib import Path

import numpy as np

from llavataros.ablation.table import MEASURES, Comparison
from llavataros.ablation.variants import VARIANTS
from llavataros_jax.evaluation.tally import Cell
from llavataros_jax.rendering.plots import FAINT, INK, save_picture, subplots

_COLUMNS = 4
_COLOURS = dict(zip(VARIANTS, ("#8a8f9c", "#46969a", "#d88a60", "#5c6a8a", "#9a5a7e"), strict=True))
_REAL = "real"


def draw_comparison(path: Path, comparison: Comparison) -> None:
    """Draws all measures; a line stands for the recorded motion.

    Args:
        path: Picture to write.
        comparison: What came out.
    """
    keys = list(comparison.cells)
    columns = min(_COLUMNS, len(keys))
    rows = -(-len(keys) // columns)
    names = [name for name in comparison.columns if name != _REAL]
    figure, axes = subplots(
        rows, columns, size=(3.1 * columns, 0.9 + (0.9 + 0.22 * len(names)) * rows)
    )
    for axis in axes[len(keys) :]:
        axis.set_visible(False)
    for axis, key in zip(axes, keys, strict=False):
        cells = comparison.cells[key]
        if _REAL in cells and math.isfinite(cells[_REAL].value):
            axis.axvline(cells[_REAL].value, color=FAINT, linewidth=1, linestyle="--")
        for place, name in enumerate(names):
            if name in cells:
                _dot(axis, cells[name], place, _COLOURS[name])
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_title(MEASURES[key].title, fontsize=8, color=INK, parse_math=False)
        axis.grid(axis="x", color=FAINT, alpha=0.3, linewidth=0.6)
        axis.margins(x=0.12)
    figure.suptitle(
        "95 % intervals over seeds and clips; dashed: recorded motion", fontsize=9, color=INK
    )
    save_picture(figure, path)


def _dot(axis, cell: Cell, place: int, colour: str) -> None:
    if math.isfinite(cell.low) and math.isfinite(cell.high):
        ends = np.array([cell.low, cell.high])
        axis.plot(ends, [place, place], color=colour, linewidth=2, solid_capstyle="round")
    if math.isfinite(cell.value):
        axis.plot(cell.value, place, "o", color=colour, markersize=5)
