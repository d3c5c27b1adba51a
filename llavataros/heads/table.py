"""The table: measures by heads, with intervals, and how much better each is than the gain."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llavataros.ablation.bootstrap import combined, draw, mean_cell
from llavataros.ablation.measurement import PREDICTED, REAL, Measured
from llavataros.heads.gain import MOST
from llavataros.heads.measurement import ANOTHER_TIME, SIZE
from llavataros.heads.measures import ALIGNMENT, FD_G, FD_K, FGD, STRANGER, mean_of_each
from llavataros.heads.rows import Row
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.tally import HIGH, LOW, Cell

GAIN = "gain"
# Of these a gain cannot make up; the speed of hands it has by construction.
_AGAINST_GAIN = (FGD, FD_K.key, FD_G.key, ALIGNMENT)
_ARROWS = {"low": " ↓", "high": " ↑", "one": " → 1", "zero": " → 0", "real": " → real"}


@dataclass(frozen=True, eq=False)
class HeadTable:
    """What came out.

    Attributes:
        rows: In the order of the table, without the recorded motion.
        columns: Measures, and `STRANGER` where the matched score is measured.
        cells: By row, `real` among them, and column.
        against: By row and column, how much more than the gain it has, paired over clips.
        sizes: By row, the `film.size` that was searched for, the mean over seeds.
        settings: What repeats it.
        notes: What must be known to read it.
    """

    rows: tuple[Row, ...]
    columns: tuple[Measure, ...]
    cells: Mapping[str, Mapping[str, Cell]]
    against: Mapping[str, Mapping[str, Cell]]
    sizes: Mapping[str, float]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]


def tabulate(
    rows: Sequence[Row],
    measured: Mapping[str, Mapping[int, Measured]],
    measures: Sequence[Measure],
    held_out: Sequence[str],
    *,
    samples: int,
    settings: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> HeadTable:
    """Averages what was measured over samples and seeds, with intervals over clips.

    Args:
        rows: Rows of the table.
        measured: By row and seed; all rows have the same seeds.
        measures: What was measured.
        held_out: Names of the clips.
        samples: Motions of each clip of a sampled head.
        settings: What repeats it.
        notes: What must be known to read it.
    """
    draws = draw({seed: tuple(held_out) for seed in next(iter(measured.values()))})

    def cell(by_seed: Mapping[int, Measured], kind: str, one: Measure, count: int) -> Cell | None:
        sums = {seed: found.get((kind, one.key), {}) for seed, found in by_seed.items()}
        if not any(sums.values()):
            return None
        finish = mean_of_each(one.finish, count)
        found = mean_cell(sums, finish, draws, resamples=one.resamples)
        return centred(found) if one.distribution else found

    def cells_of(by_seed: Mapping[int, Measured], kind: str, count: int) -> dict[str, Cell]:
        wanted = [(one.key, kind, one) for one in measures]
        if kind == PREDICTED:
            wanted += [(STRANGER, ANOTHER_TIME, one) for one in measures if one.key == ALIGNMENT]
        found = {key: cell(by_seed, which, one, count) for key, which, one in wanted}
        return {key: one for key, one in found.items() if one is not None}

    cells = {REAL: cells_of(next(iter(measured.values())), REAL, 1)}
    for row in rows:
        cells[row.name] = cells_of(measured[row.name], PREDICTED, samples if row.is_sampled else 1)
    columns = [one for one in measures if any(one.key in found for found in cells.values())]
    for one in [one for one in columns if one.key == ALIGNMENT]:
        columns.append(
            dataclasses.replace(
                one,
                key=STRANGER,
                title="the same of speech of another time",
                says="Motion that was made of speech of another clip of the speaker, or of another "
                "time, asked the same of the clip's own speech: 0.5 where the head listens; what "
                "stays above it moves alike whatever is said.",
                towards="none",
            )
        )
    sizes = {
        row.name: float(np.mean([found[SIZE]["all"] for found in measured[row.name].values()]))
        for row in rows
        if row.is_enlarged
    }
    against = _against(cells, [row.name for row in rows])
    return HeadTable(tuple(rows), tuple(columns), cells, against, sizes, settings, tuple(notes))


def centred(cell: Cell) -> Cell:
    """Moves the draws of a distance between clouds so that their median is the value.

    A draw repeats some clips and lacks others, which drives clouds apart (`evaluation.tally`).
    """
    draws = cell.draws
    if not len(draws) or not math.isfinite(cell.low):
        return cell
    moved = draws + (cell.value - np.nanmedian(draws))
    low, high = np.nanpercentile(moved, [LOW, HIGH])
    return Cell(cell.value, max(float(low), 0.0), float(high), moved)


def markdown(table: HeadTable) -> str:
    """Returns heading, table, what is better than the gain, and how to read it."""
    settings = table.settings
    head = ["", *(one.title + _ARROWS.get(one.towards, "") for one in table.columns)]
    body = [
        [name, *(_told(table.cells[name].get(one.key)) for one in table.columns)]
        for name in table.cells
    ]
    parts = [
        "# Heads",
        f"{settings['seeds']} network{'s' * (settings['seeds'] > 1)} of each training, "
        f"{settings['steps']} steps, {settings['clips']} held-out clips of "
        f"{settings['minutes']:.1f} minutes, {settings['samples']} motions of each by the sampled "
        "heads, whose values are averaged. In brackets 95 % by bootstrap over clips, paired "
        "between rows.",
        aligned([head, *body]),
    ]
    if table.against:
        columns = [one for one in table.columns if one.key in _AGAINST_GAIN]
        rows = [
            [name, *(_told(found.get(one.key), signed=True) for one in columns)]
            for name, found in table.against.items()
        ]
        parts += [
            "More than the gain has (an interval without 0 tells them apart):",
            aligned([["", *(one.title for one in columns)], *rows]),
        ]
    lines = [f"{row.name}: {row.says}{_sized(table.sizes.get(row.name))}" for row in table.rows]
    lines += [f"{one.title}: {one.says}" for one in table.columns]
    parts += ["\n".join(f"- {line}" for line in (*lines, *table.notes))]
    return "\n\n".join([*parts, f"Again: `{settings['command']}`\n"])


def plain(table: HeadTable) -> dict[str, Any]:
    """Returns everything as plain values; None stands for what could not be measured."""
    told = {row.name: row for row in table.rows}
    return {
        "settings": dict(table.settings),
        "notes": list(table.notes),
        "columns": {
            one.key: {"title": one.title, "says": one.says, "towards": one.towards}
            for one in table.columns
        },
        "rows": {
            name: {
                **_described(told.get(name), table.sizes.get(name)),
                "cells": {key: _plain(cell) for key, cell in cells.items()},
                "more_than_gain": {
                    key: _plain(cell) for key, cell in table.against.get(name, {}).items()
                },
            }
            for name, cells in table.cells.items()
        },
    }


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Returns a table in Markdown whose columns are under each other, the first row its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in (*rows, rule)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], lines[-1], *lines[1:-1]))


def _against(
    cells: Mapping[str, Mapping[str, Cell]], names: Sequence[str]
) -> dict[str, dict[str, Cell]]:
    if GAIN not in names:
        return {}
    gain = cells[GAIN]
    return {
        name: {
            key: combined([(1.0, cells[name][key]), (-1.0, gain[key])])
            for key in _AGAINST_GAIN
            if key in cells[name] and key in gain
        }
        for name in names
        if name != GAIN
    }


def _told(cell: Cell | None, *, signed: bool = False) -> str:
    if cell is None:
        return ""
    if not math.isfinite(cell.value):
        return "–"
    form = "+.3g" if signed else ".3g"
    interval = f" [{cell.low:{form}}, {cell.high:{form}}]" if math.isfinite(cell.low) else ""
    return f"{cell.value:{form}}{interval}"


def _sized(size: float | None) -> str:
    if size is None:
        return ""
    most = ", the most that it takes, which is too little" if size == MOST else ""
    return f" (film.size={size:.2f}{most})"


def _described(row: Row | None, size: float | None) -> dict[str, Any]:
    if row is None:
        return {"says": "the recorded motion"}
    described = {"says": row.says, "training": row.training, "overrides": list(row.overrides)}
    described["dials"] = list(row.dials)
    return described if size is None else {**described, "film_size": size}


def _plain(cell: Cell) -> dict[str, float | None]:
    return {
        name: float(value) if math.isfinite(value := getattr(cell, name)) else None
        for name in ("value", "low", "high")
    }
