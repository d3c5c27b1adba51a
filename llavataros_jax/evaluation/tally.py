"""Measures added up over a split, clip by clip, and their values with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.columns import Column
from llavataros_jax.evaluation.measure import Measure, Sums
from llavataros_jax.evaluation.take import Performance

# So many groups of clips are drawn from; of more clips, every 40th shares a group.
GROUPS = 40
_BYTES_AT_ONCE = 1 << 26
LOW, HIGH = 2.5, 97.5


# An interval of draws most of which have no value would be that of the lucky ones.
_LEAST_FINITE = 0.9


@dataclass(frozen=True, eq=False)
class Interval:
    """A value with its interval of 95 %, by bootstrap over clips.

    Attributes:
        value: Over all clips; NaN where there is nothing to measure.
        low: Lower end; NaN where too few clips or draws have a value.
        high: Upper end, likewise.
    """

    value: float
    low: float
    high: float

    def holds(self, number: float) -> bool:
        """Says whether a number is in the interval; without one, nothing is."""
        return self.low <= number <= self.high


@dataclass(frozen=True, eq=False)
class Cell(Interval):
    """An interval with what it was made of.

    Attributes:
        draws: The bootstrap's values. The same draws of clips serve all columns and measures of
            as many resamples, so differences of draws are paired. Of distances between clouds
            they are moved so that their median is the value: a draw repeats some clips and lacks
            others, which drives clouds apart, and two that are alike would lie below all draws.
    """

    draws: Float[np.ndarray, " R"]


def difference(cell: Cell, other: Cell) -> Interval:
    """Returns how much more one cell of a measure has than another, by paired draws of clips."""
    value = cell.value - other.value
    if len(cell.draws) != len(other.draws):
        return Interval(value, math.nan, math.nan)
    return Interval(value, *_ends(cell.draws - other.draws))


class Tally:
    """Sums of measures by column and group of clips."""

    def __init__(self, measures: Sequence[Measure], columns: Sequence[Column]) -> None:
        """Begins with nothing."""
        self.measures, self.columns = tuple(measures), tuple(columns)
        self.clips = 0
        self.seconds = 0.0
        self._sums: dict[tuple[str, str], dict[int, Sums]] = {}

    def add(self, performance: Performance) -> dict[str, dict[str, float]]:
        """Adds a clip, whose motions are `matched`.

        Returns:
            The clip's own values, by measure and column.
        """
        group = self.clips % GROUPS
        self.clips += 1
        self.seconds += performance.real.seconds
        values: dict[str, dict[str, float]] = {}
        for column in self.columns:
            takes = column.takes(performance)
            for measure in self.measures:
                if not takes or not column.suits(measure):
                    continue
                found = [sums for take in takes if (sums := measure.gather(take)) is not None]
                if not found:
                    continue
                total = np.sum(found, axis=0)
                groups = self._sums.setdefault((measure.key, column.key), {})
                groups[group] = groups[group] + total if group in groups else total
                values.setdefault(measure.key, {})[column.key] = measure.finish(total)
        return values

    def cells(self, *, seed: int = 0, resamples: int | None = None) -> dict[str, dict[str, Cell]]:
        """Returns the values by measure and column; measures and columns without any are left out.

        Args:
            seed: Of the bootstrap.
            resamples: Draws of each, when not the measure's own number.
        """
        table: dict[str, dict[str, Cell]] = {}
        for measure in self.measures:
            for column in self.columns:
                groups = self._sums.get((measure.key, column.key))
                if groups:
                    count = measure.resamples if resamples is None else resamples
                    cell = self._cell(measure, groups, count, seed)
                    table.setdefault(measure.key, {})[column.key] = cell
        return table

    def _cell(self, measure: Measure, groups: dict[int, Sums], count: int, seed: int) -> Cell:
        sums = np.stack(list(groups.values()))
        value = measure.finish(sums.sum(axis=0))
        if len(groups) < 2 or not count or not math.isfinite(value):
            return Cell(value, math.nan, math.nan, np.zeros(0))
        # Draws are of all groups, so that a column that lacks some is drawn with the others.
        size = min(self.clips, GROUPS)
        drawn = np.random.default_rng(seed).multinomial(size, [1 / size] * size, count)
        weights = drawn[:, list(groups)].astype(np.float64)
        draws = np.full(count, math.nan)
        # Of a column that few clips have, a draw may have none.
        full = np.flatnonzero(weights.any(axis=1))
        at_once = max(1, _BYTES_AT_ONCE // max(1, sums[0].nbytes))
        for first in range(0, len(full), at_once):
            some = full[first : first + at_once]
            draws[some] = [measure.finish(row) for row in weights[some] @ sums]
        if not measure.distribution or not np.isfinite(draws).any():
            return Cell(value, *_ends(draws), draws)
        floor = 0.0 if value >= 0 and np.nanmin(draws) >= 0 else -math.inf
        draws = draws + (value - np.nanmedian(draws))
        low, high = _ends(draws)
        return Cell(value, max(low, floor) if math.isfinite(low) else low, high, draws)


def _ends(draws: Float[np.ndarray, " R"]) -> tuple[float, float]:
    """Returns the ends of 95 % of the draws (percentiles, Efron and Tibshirani 1993)."""
    finite = draws[np.isfinite(draws)]
    if not len(draws) or len(finite) < _LEAST_FINITE * len(draws):
        return math.nan, math.nan
    low, high = np.percentile(finite, [LOW, HIGH])
    return float(low), float(high)
