"""A plot as small as a cell: the system's value beside the recorded motion's, with intervals."""

import math
from collections.abc import Sequence

from llavataros_jax.evaluation.measure import Towards
from llavataros_jax.evaluation.tally import Cell

WIDTH, HEIGHT = 132.0, 26.0
SYSTEM_ROW, REAL_ROW = 8.0, 18.0
_MARGIN = 7.0
_IDEAL = {"one": 1.0, "zero": 0.0}


def interval_plot(
    system: Cell | None, real: Cell | None, anchors: Sequence[Cell], *, towards: Towards
) -> str:
    """Draws a row's values as SVG on one axis, or nothing when there is no value.

    The axis spans the system's and the recorded values; anchors that lie outside are not seen.
    """
    shown = [cell for cell in (system, real) if cell and math.isfinite(cell.value)]
    if not shown:
        return ""
    ends = [end for cell in shown for end in (cell.low, cell.value, cell.high)]
    ideal = _IDEAL.get(towards, math.nan)
    low, high = _span([*ends, ideal])

    def place(value: float) -> float:
        share = (value - low) / (high - low)
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 1)

    parts = [f'<path class="axis" d="M0 {HEIGHT - 0.5}H{WIDTH:g}"/>']
    parts += [
        f'<path class="anchor" d="M{place(cell.value)} {HEIGHT - 5:g}V{HEIGHT:g}"/>'
        for cell in anchors
        if math.isfinite(cell.value) and low <= cell.value <= high
    ]
    if math.isfinite(ideal):
        parts.append(f'<path class="ideal" d="M{place(ideal)} 1V{HEIGHT:g}"/>')
    for cell, kind, row in ((system, "system", SYSTEM_ROW), (real, "real", REAL_ROW)):
        if cell and math.isfinite(cell.value):
            parts.append(_mark(cell, kind, row, place))
    return (
        f'<svg class="interval" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" '
        f'height="{HEIGHT:g}" aria-hidden="true">{"".join(parts)}</svg>'
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = 0.25 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _mark(cell: Cell, kind: str, row: float, place) -> str:
    x = place(cell.value)
    whisker = ""
    if math.isfinite(cell.low) and math.isfinite(cell.high):
        whisker = (
            f'<path class="{kind} whisker" d="M{place(cell.low)} {row:g}H{place(cell.high)}"/>'
        )
    if kind == "system":
        return f'{whisker}<circle class="{kind}" cx="{x}" cy="{row:g}" r="3.6"/>'
    return f'{whisker}<path class="{kind}" d="M{x} {row - 4.6:g}l4.6 4.6l-4.6 4.6l-4.6 -4.6z"/>'
