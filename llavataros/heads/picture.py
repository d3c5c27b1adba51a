"""A picture of the table: how much hands move, against jitter, likeness and listening."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llavataros.ablation.measurement import REAL
from llavataros.heads.measures import ALIGNMENT, FGD, JERK_RATIO, STRANGER
from llavataros.heads.table import HeadTable
from llavataros_jax.evaluation.catalogue.movement import HAND_SPEED_RATIO
from llavataros_jax.evaluation.tally import Cell
from llavataros_jax.rendering.plots import FAINT, INK, save_picture, subplots

_COLOURS = ("#46969a", "#d88a60", "#5c6a8a", "#9a5a7e", "#8a8f9c", "#b8a13c", "#6d8f4e", "#b5544b")
_MARKS = "osD^vP"
_WIDE = 8
_FIELDS = (JERK_RATIO.key, FGD, ALIGNMENT)


def draw_heads(path: Path, table: HeadTable) -> None:
    """Draws a field for jerk, FGD and the matched score, each over the speed of hands.

    Each row is a mark with its intervals; dashed lines are the recorded motion. Hollow marks are
    the matched score of motion made of speech of another time.

    Args:
        path: Picture to write.
        table: What came out.
    """
    columns = {one.key: one for one in table.columns}
    fields = [key for key in _FIELDS if key in columns]
    height = max(4.6, 1.4 + 0.24 * len(table.rows))
    figure, axes = subplots(1, len(fields), size=(4.2 * len(fields) + 2.4, height))
    for axis, key in zip(axes, fields, strict=True):
        for number, row in enumerate(table.rows):
            cells = table.cells[row.name]
            look = {
                "color": _COLOURS[number % len(_COLOURS)],
                "marker": _MARKS[number // len(_COLOURS) % len(_MARKS)],
            }
            _mark(axis, cells.get(HAND_SPEED_RATIO.key), cells.get(key), look, label=row.name)
            if key == ALIGNMENT:
                hollow = {**look, "markerfacecolor": "none"}
                _mark(axis, cells.get(HAND_SPEED_RATIO.key), cells.get(STRANGER), hollow)
        axis.axvline(1.0, color=FAINT, linewidth=1, linestyle="--")
        real = table.cells[REAL].get(key)
        if real and math.isfinite(real.value):
            axis.axhline(real.value, color=FAINT, linewidth=1, linestyle="--")
        if key == ALIGNMENT:
            axis.axhline(0.5, color=FAINT, linewidth=1, linestyle=":")
        axis.set_xlabel(columns[HAND_SPEED_RATIO.key].title, fontsize=8, color=INK)
        axis.set_title(columns[key].title, fontsize=9, color=INK, parse_math=False)
        axis.grid(color=FAINT, alpha=0.25, linewidth=0.6)
        axis.margins(0.08)
        across = [cells.get(HAND_SPEED_RATIO.key) for cells in table.cells.values()]
        if _are_wide(across):
            _scale_by_factors(axis.set_xscale, axis.xaxis)
        if key != ALIGNMENT and _are_wide([cells.get(key) for cells in table.cells.values()]):
            _scale_by_factors(axis.set_yscale, axis.yaxis)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    hollow = "; hollow: made of speech of another time" if ALIGNMENT in fields else ""
    figure.suptitle(
        f"95 % intervals over clips; dashed: recorded motion{hollow}", fontsize=9, color=INK
    )
    save_picture(figure, path)


def _mark(
    axis: Any, across: Cell | None, up: Cell | None, look: dict[str, Any], label: str | None = None
) -> None:
    if across is None or up is None or not math.isfinite(across.value + up.value):
        return
    colour = look["color"]
    if math.isfinite(across.low):
        ends = [across.low, across.high]
        axis.plot(ends, [up.value] * 2, color=colour, linewidth=1.2, alpha=0.5)
    if math.isfinite(up.low):
        axis.plot([across.value] * 2, [up.low, up.high], color=colour, linewidth=1.2, alpha=0.5)
    axis.plot(across.value, up.value, linestyle="none", markersize=6, label=label, **look)


def _are_wide(cells: Sequence[Cell | None]) -> bool:
    """Says whether one value is so many times another that the others would fall together."""
    values = [cell.value for cell in cells if cell is not None and math.isfinite(cell.value)]
    return bool(values) and min(values) > 0 and max(values) > _WIDE * min(values)


def _scale_by_factors(scale: Callable[[str], Any], axis: Any) -> None:
    scale("log")
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
