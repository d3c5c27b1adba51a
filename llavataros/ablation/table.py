"""The table of an ablation: measures by variants, answers to claims, in words and as numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llavataros.ablation.bootstrap import BySeed, draw, mean_cell
from llavataros.ablation.built_in import built_in_measures, reference_of
from llavataros.ablation.claims import ENOUGH_SEEDS, Answer, Table, answer, claims
from llavataros.ablation.measurement import MOTION, PREDICTED, REAL, Measured
from llavataros_jax.evaluation.measure import Measure, Sums

# What those of a corpus are called does not depend on it.
MEASURES: dict[str, Measure] = {
    measure.key: measure for measure in (*built_in_measures(reference_of([]), {}), *MOTION)
}
_FEW = (
    f" Of fewer than {ENOUGH_SEEDS} seeds the intervals are too narrow, because they hardly know "
    "how much networks differ."
)
_ARROWS = {"low": " ↓", "high": " ↑", "one": " → 1", "zero": " → 0", "real": " → real"}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came out.

    Attributes:
        columns: `real`, then the variants.
        cells: By measure and column.
        answers: To the claims that could be asked.
        held_out: Clips that each seed held out.
        settings: What repeats it.
    """

    columns: tuple[str, ...]
    cells: Table
    answers: tuple[Answer, ...]
    held_out: Mapping[int, tuple[str, ...]]
    settings: Mapping[str, Any]


def compare(
    measured: Mapping[str, Mapping[int, Measured]],
    held_out: Mapping[int, tuple[str, ...]],
    *,
    speakers: int,
    settings: Mapping[str, Any],
) -> Comparison:
    """Averages what was measured and asks the claims.

    Args:
        measured: By variant and seed; every variant has the same seeds.
        held_out: Names of the clips that each seed held out.
        speakers: Among how many a habit is told.
        settings: What repeats it.
    """
    draws = draw(held_out)
    first = next(iter(measured.values()))
    of_column = {REAL: (REAL, first), **{name: (PREDICTED, by) for name, by in measured.items()}}
    cells: dict[str, dict[str, Any]] = {}
    for key, measure in MEASURES.items():
        for column, (kind, by_seed) in of_column.items():
            sums: BySeed = {seed: _clips(one, kind, key) for seed, one in by_seed.items()}
            if any(sums.values()):
                cell = mean_cell(sums, measure.finish, draws, resamples=measure.resamples)
                cells.setdefault(key, {})[column] = cell
    asked = (answer(claim, cells, seeds=len(held_out)) for claim in claims(speakers))
    answers = tuple(one for one in asked if one is not None)
    return Comparison(tuple(of_column), cells, answers, held_out, settings)


def markdown(comparison: Comparison) -> str:
    """Returns heading, table, answers and how to read them."""
    seeds, clips = len(comparison.held_out), set().union(*comparison.held_out.values())
    rows = [["measure", *comparison.columns]]
    for key, cells in comparison.cells.items():
        title = MEASURES[key].title + _ARROWS.get(MEASURES[key].towards, "")
        rows.append([title, *(_told(cells.get(column)) for column in comparison.columns)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [_padded(row, widths) for row in rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
    answers = "\n".join(f"- {one.line()}" for one in comparison.answers)
    few = _FEW if seeds < ENOUGH_SEEDS else ""
    notes = "\n".join(f"- {MEASURES[key].title}: {MEASURES[key].says}" for key in comparison.cells)
    return (
        f"# Ablation: {', '.join(comparison.columns[1:])}\n\n"
        f"{seeds} seed{'s' * (seeds > 1)}, {len(clips)} held-out clips, "
        f"{comparison.settings['steps']} steps each. Means over seeds; in brackets 95 % by "
        f"bootstrap over seeds and clips, paired between variants.{few}\n\n"
        f"{table}\n\n{answers}\n\n{notes}\n\n"
        f"Again: `{comparison.settings['command']}`\n"
    )


def plain(comparison: Comparison) -> dict[str, Any]:
    """Returns everything as plain values; None stands for what could not be measured."""
    return {
        "settings": dict(comparison.settings),
        "held_out": {str(seed): list(clips) for seed, clips in comparison.held_out.items()},
        "table": {
            key: {
                "title": MEASURES[key].title,
                "says": MEASURES[key].says,
                "towards": MEASURES[key].towards,
                "columns": {
                    column: {
                        name: _finite(getattr(cell, name)) for name in ("value", "low", "high")
                    }
                    for column, cell in cells.items()
                },
            }
            for key, cells in comparison.cells.items()
        },
        "claims": [
            {
                "claim": one.text,
                "measure": one.measure,
                "value": _finite(one.value),
                "low": _finite(one.low),
                "high": _finite(one.high),
                "verdict": one.verdict,
            }
            for one in comparison.answers
        ],
    }


def _clips(measured: Measured, kind: str, key: str) -> dict[str, Sums]:
    return measured.get((kind, key), {})


def _told(cell: Any) -> str:
    if cell is None:
        return ""
    if not math.isfinite(cell.value):
        return "–"
    interval = f" [{cell.low:.3g}, {cell.high:.3g}]" if math.isfinite(cell.low) else ""
    return f"{cell.value:.3g}{interval}"


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        row[0].ljust(widths[0]),
        *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)),
    ]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
